//! The state of the node, its measures, and what it offers.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hearth_app::App;
use http::{StatusCode, header};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::respond;
use crate::router::Api;
use crate::wire::status::Status;

/// The state of the node
#[utoipa::path(
    get, path = "/api/v1/status", tag = "node",
    responses((status = 200, description = "The state of every part.", body = Status)),
)]
pub(super) async fn get_status(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Response, Problem> {
    let status = api.app.status().await?;
    let body = Status::new(api.config.version, status, caller.actor().role());
    Ok(respond::json(StatusCode::OK, &body))
}

/// This document
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "node",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
pub(super) async fn get_openapi(State(api): State<Api>, _caller: Caller) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, Body::from(api.document.clone())).into_response()
}

/// What is measured
#[utoipa::path(
    get, path = "/metrics", tag = "node",
    responses((status = 200, description = "Prometheus text.", body = String, content_type = "text/plain")),
)]
pub(super) async fn get_metrics(
    State(app): State<App>,
    State(api): State<Api>,
    _caller: Caller,
) -> Result<Response, Problem> {
    crate::metrics::note(&app.gauges()?);
    crate::metrics::note_runs(&app.count_runs().await?);
    crate::metrics::note_money(&app.spent_today()?);
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Ok((kind, api.metrics.render()).into_response())
}
