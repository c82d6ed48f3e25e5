//! `/api/v1/tasks/...`: what the owner does with a task, whoever holds it.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_app::tasks::TaskRef;

use super::tasks::answer;
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::path::Named;
use crate::precondition::IfMatch;
use crate::problem::Problem;
use crate::wire::holding::{AnswerTask, Reason};
use crate::wire::task::Task;

/// Answer a blocked task
///
/// It becomes pending; the answer is kept in its context. Without an answer it is only unblocked.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/answer", tag = "tasks", params(Named<TaskRef>, IfMatch),
    request_body = Option<AnswerTask>,
    responses((status = 200, description = "The task, pending.", body = Task<'_>)),
)]
pub(super) async fn answer_task(
    State(app): State<App>,
    caller: Caller,
    Named(task): Named<TaskRef>,
    IfMatch(expected): IfMatch,
    OptionalJson(body): OptionalJson<AnswerTask>,
) -> Result<Response, Problem> {
    let view = app
        .answer_task(caller.actor(), task, body.answer, expected)
        .await?;
    Ok(answer(&view))
}

/// Cancel task
///
/// Work on it is stopped.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/cancel", tag = "tasks", params(Named<TaskRef>, IfMatch),
    request_body = Option<Reason>,
    responses((status = 200, description = "The task, cancelled.", body = Task<'_>)),
)]
pub(super) async fn cancel_task(
    State(app): State<App>,
    caller: Caller,
    Named(task): Named<TaskRef>,
    IfMatch(expected): IfMatch,
    OptionalJson(body): OptionalJson<Reason>,
) -> Result<Response, Problem> {
    let view = app
        .cancel_task(caller.actor(), task, body.reason, expected)
        .await?;
    Ok(answer(&view))
}

/// Reopen a task that ended
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/reopen", tag = "tasks", params(Named<TaskRef>, IfMatch),
    request_body = Option<Reason>,
    responses((status = 200, description = "The task, pending.", body = Task<'_>)),
)]
pub(super) async fn reopen_task(
    State(app): State<App>,
    caller: Caller,
    Named(task): Named<TaskRef>,
    IfMatch(expected): IfMatch,
    OptionalJson(body): OptionalJson<Reason>,
) -> Result<Response, Problem> {
    let view = app
        .reopen_task(caller.actor(), task, body.reason, expected)
        .await?;
    Ok(answer(&view))
}
