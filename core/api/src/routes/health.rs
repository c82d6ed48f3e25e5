//! Whether the node is there, for whoever starts and watches it. Open without a key.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::respond;

/// That the node is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`
    status: &'static str,
}

/// Whether the program runs
#[utoipa::path(
    get, path = "/healthz", tag = "node", security(()),
    responses((status = 200, description = "It runs.", body = Health)),
)]
pub(super) async fn get_health() -> Response {
    respond::json(StatusCode::OK, &Health { status: "ok" })
}

/// Whether the node can work
#[utoipa::path(
    get, path = "/readyz", tag = "node", security(()),
    responses((status = 200, description = "Its database answers.", body = Health)),
)]
pub(super) async fn get_readiness(State(app): State<App>) -> Result<Response, Problem> {
    if let Err(error) = app.check_ready() {
        tracing::warn!(%error, "the node is not ready");
        return Err(Problem::busy("the database does not answer"));
    }
    Ok(respond::json(StatusCode::OK, &Health { status: "ok" }))
}
