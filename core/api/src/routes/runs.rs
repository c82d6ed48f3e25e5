//! `/api/v1/runs`: the work on tasks, step by step.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_app::runs::RunRef;
use http::StatusCode;

use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::run::{ListRuns, RetryRun, Run, RunPage};
use crate::wire::step::StepPage;

/// List runs
///
/// Newest first.
#[utoipa::path(
    get, path = "/api/v1/runs", tag = "runs", params(ListRuns),
    responses((status = 200, description = "A page of runs.", body = RunPage<'_>)),
)]
pub(super) async fn list_runs(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<ListRuns>,
) -> Result<Response, Problem> {
    let page = app
        .list_runs(query.which, query.cursor, query.limit)
        .await?;
    let body = RunPage {
        items: page.items.iter().map(Run::from).collect(),
        next_cursor: page.next.map(ListRuns::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Get run
#[utoipa::path(
    get, path = "/api/v1/runs/{id}", tag = "runs", params(Named<RunRef>),
    responses((status = 200, description = "The run.", body = Run<'_>)),
)]
pub(super) async fn get_run(
    State(app): State<App>,
    _caller: Caller,
    Named(run): Named<RunRef>,
) -> Result<Response, Problem> {
    let view = app.get_run(run).await?;
    Ok(respond::json(StatusCode::OK, &Run::from(&view)))
}

/// List the steps of a run
///
/// Its whole journal: every attempt at every step, those too that count no more.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/steps", tag = "runs", params(Named<RunRef>),
    responses((status = 200, description = "The steps.", body = StepPage<'_>)),
)]
pub(super) async fn list_steps(
    State(app): State<App>,
    _caller: Caller,
    Named(run): Named<RunRef>,
) -> Result<Response, Problem> {
    let view = app.get_run(run).await?;
    Ok(respond::json(StatusCode::OK, &StepPage::from(&view)))
}

/// Have a run tried again
///
/// The step that `from` names and all that wait for it are done anew, the rest stays done. Its task,
/// if it is blocked, waits to be taken up again.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/retry", tag = "runs", params(Named<RunRef>),
    request_body = Option<RetryRun>,
    responses((status = 200, description = "The run.", body = Run<'_>)),
)]
pub(super) async fn retry_run(
    State(app): State<App>,
    caller: Caller,
    Named(run): Named<RunRef>,
    OptionalJson(body): OptionalJson<RetryRun>,
) -> Result<Response, Problem> {
    let view = app.retry_run(caller.actor(), run, body.read()?).await?;
    Ok(respond::json(StatusCode::OK, &Run::from(&view)))
}
