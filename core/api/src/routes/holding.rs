//! `/api/v1/tasks/...`: claiming a task, and what its holder does with it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hearth_app::App;
use hearth_app::tasks::TaskRef;
use hearth_domain::event::ReleaseCause;
use http::StatusCode;

use super::tasks::answer;
use crate::body::Json;
use crate::caller::Caller;
use crate::path::Named;
use crate::precondition::IfMatch;
use crate::problem::Problem;
use crate::wire::holding::{
    BlockTask, ClaimNextTask, ClaimTask, CompleteTask, HeartbeatTask, ReleaseTask,
};
use crate::wire::task::Task;

/// Claim the best pending task
///
/// The most urgent that fits, then the oldest.
#[utoipa::path(
    post, path = "/api/v1/tasks/claim", tag = "tasks", request_body = ClaimNextTask,
    responses(
        (status = 200, description = "The task, held by the agent under its fence.", body = Task<'_>),
        (status = 204, description = "No pending task fits."),
    ),
)]
pub(super) async fn claim_next_task(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ClaimNextTask>,
) -> Result<Response, Problem> {
    let (claim, work) = body.read()?;
    let view = app.claim_next_task(caller.actor(), claim, work).await?;
    Ok(view.map_or_else(
        || StatusCode::NO_CONTENT.into_response(),
        |view| answer(&view),
    ))
}

/// Claim task (atomic)
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/claim", tag = "tasks", params(Named<TaskRef>, IfMatch),
    request_body = ClaimTask,
    responses((status = 200, description = "The task, held by the agent under its fence.", body = Task<'_>)),
)]
pub(super) async fn claim_task(
    State(app): State<App>,
    caller: Caller,
    Named(task): Named<TaskRef>,
    IfMatch(expected): IfMatch,
    Json(body): Json<ClaimTask>,
) -> Result<Response, Problem> {
    let view = app
        .claim_task(caller.actor(), task, body.read()?, expected)
        .await?;
    Ok(answer(&view))
}

/// Renew a claim
///
/// With a message it is an event as well.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/heartbeat", tag = "tasks", params(Named<TaskRef>),
    request_body = HeartbeatTask,
    responses((status = 200, description = "The task, its claim renewed.", body = Task<'_>)),
)]
pub(super) async fn heartbeat_task(
    State(app): State<App>,
    caller: Caller,
    Named(task): Named<TaskRef>,
    Json(body): Json<HeartbeatTask>,
) -> Result<Response, Problem> {
    let (hold, progress) = body.read()?;
    let view = app
        .heartbeat_task(caller.actor(), task, hold, progress)
        .await?;
    Ok(answer(&view))
}

/// Complete task
///
/// Its acceptance checks are run first, one after the other, which may take a minute each; the claim
/// is renewed meanwhile. Where one does not hold, the completion is refused with `acceptance_failed`
/// and the evidence, and the task stays with its holder, who may complete it again; after the third
/// such refusal it is blocked for its owner.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/complete", tag = "tasks", params(Named<TaskRef>, IfMatch),
    request_body = CompleteTask,
    responses((status = 200, description = "The task, completed.", body = Task<'_>)),
)]
pub(super) async fn complete_task(
    State(app): State<App>,
    caller: Caller,
    Named(task): Named<TaskRef>,
    IfMatch(expected): IfMatch,
    Json(body): Json<CompleteTask>,
) -> Result<Response, Problem> {
    let (hold, done) = body.read()?;
    let view = app
        .complete_task(caller.actor(), task, hold, done, expected)
        .await?;
    Ok(answer(&view))
}

/// Block task (needs input)
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/block", tag = "tasks", params(Named<TaskRef>, IfMatch),
    request_body = BlockTask,
    responses((status = 200, description = "The task, blocked.", body = Task<'_>)),
)]
pub(super) async fn block_task(
    State(app): State<App>,
    caller: Caller,
    Named(task): Named<TaskRef>,
    IfMatch(expected): IfMatch,
    Json(body): Json<BlockTask>,
) -> Result<Response, Problem> {
    let (hold, reason, options) = body.read()?;
    let view = app
        .block_task(caller.actor(), task, hold, &reason, options, expected)
        .await?;
    Ok(answer(&view))
}

/// Give a task back
///
/// It counts an attempt; after the last one the task is blocked.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/release", tag = "tasks", params(Named<TaskRef>, IfMatch),
    request_body = ReleaseTask,
    responses((status = 200, description = "The task, held by nobody.", body = Task<'_>)),
)]
pub(super) async fn release_task(
    State(app): State<App>,
    caller: Caller,
    Named(task): Named<TaskRef>,
    IfMatch(expected): IfMatch,
    Json(body): Json<ReleaseTask>,
) -> Result<Response, Problem> {
    let (hold, reason) = body.read()?;
    let cause = ReleaseCause::GivenBack;
    let view = app
        .release_task(caller.actor(), task, hold, cause, reason, expected)
        .await?;
    Ok(answer(&view))
}
