//! `/api/v1/approvals`: exact actions that wait for the owner's word.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_app::approvals::ApprovalRef;
use http::StatusCode;

use crate::body::Json;
use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::approval::{
    AnswerApproval, Approval, ApprovalPage, DecidedApproval, ListApprovals,
};

/// List approvals
///
/// Newest first; those that wait with `status=pending`.
#[utoipa::path(
    get, path = "/api/v1/approvals", tag = "approvals", params(ListApprovals),
    responses((status = 200, description = "A page of approvals.", body = ApprovalPage<'_>)),
)]
pub(super) async fn list_approvals(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<ListApprovals>,
) -> Result<Response, Problem> {
    let page = app
        .list_approvals(query.status, query.cursor, query.limit)
        .await?;
    let body = ApprovalPage {
        items: page.items.iter().map(Approval::from).collect(),
        next_cursor: page.next.map(ListApprovals::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Get approval
#[utoipa::path(
    get, path = "/api/v1/approvals/{id}", tag = "approvals", params(Named<ApprovalRef>),
    responses((status = 200, description = "The approval.", body = Approval<'_>)),
)]
pub(super) async fn get_approval(
    State(app): State<App>,
    _caller: Caller,
    Named(approval): Named<ApprovalRef>,
) -> Result<Response, Problem> {
    let approval = app.get_approval(approval)?;
    Ok(respond::json(StatusCode::OK, &Approval::from(&approval)))
}

/// Answer an approval
///
/// Once, and for this exact action. Once nothing else waits for the owner, its task is taken up
/// again: with a yes to act, with a no to go on without it.
#[utoipa::path(
    post, path = "/api/v1/approvals/{id}", tag = "approvals", params(Named<ApprovalRef>),
    request_body = AnswerApproval,
    responses((status = 200, description = "The approval, and the permission given with it.",
        body = DecidedApproval<'_>)),
)]
pub(super) async fn answer_approval(
    State(app): State<App>,
    caller: Caller,
    Named(approval): Named<ApprovalRef>,
    Json(body): Json<AnswerApproval>,
) -> Result<Response, Problem> {
    let answered = app
        .answer_approval(caller.actor(), approval, body.read()?)
        .await?;
    Ok(respond::json(
        StatusCode::OK,
        &DecidedApproval::from(&answered),
    ))
}
