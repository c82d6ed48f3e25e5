//! `/api/v1/notices`: what there is to tell the person.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_domain::NoticeId;
use http::StatusCode;

use crate::body::Json;
use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::notice::{
    AnswerNotices, ListNotices, Notice, NoticePage, NoticesTaken, TakeNotices,
};
use crate::wire::time::Time;

/// List notices
///
/// Told ones too, newest first.
#[utoipa::path(
    get, path = "/api/v1/notices", tag = "notices", params(ListNotices),
    responses((status = 200, description = "A page of notices.", body = NoticePage<'_>)),
)]
pub(super) async fn list_notices(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListNotices>,
) -> Result<Response, Problem> {
    let page = app
        .list_notices(caller.actor(), query.cursor, query.limit)
        .await?;
    let body = NoticePage {
        items: page.items.iter().map(Notice::from).collect(),
        next_cursor: page.next.map(ListNotices::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Take the waiting notices, to tell them
///
/// At most 50, oldest first. For a minute no other channel gets them; each that was told is to be
/// reported as delivered, and one that was not waits again afterwards. In the quiet hours (settings
/// `quiet.from` and `quiet.until`) only blocked tasks of critical priority are handed out, unless the
/// person is there.
#[utoipa::path(
    post, path = "/api/v1/notices/take", tag = "notices", request_body = TakeNotices,
    responses((status = 200, description = "The notices.", body = NoticesTaken<'_>)),
)]
pub(super) async fn take_notices(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<TakeNotices>,
) -> Result<Response, Problem> {
    let (channel, presence) = body.read()?;
    let taken = app.take_notices(caller.actor(), channel, presence).await?;
    let body = NoticesTaken {
        items: taken.notices.iter().map(Notice::from).collect(),
        quiet_until: taken.quiet_until.map(Time),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Report a notice as delivered
#[utoipa::path(
    post, path = "/api/v1/notices/{id}/deliver", tag = "notices", params(Named<NoticeId>),
    request_body = AnswerNotices,
    responses((status = 200, description = "The notice.", body = Notice<'_>)),
)]
pub(super) async fn deliver_notice(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<NoticeId>,
    Json(body): Json<AnswerNotices>,
) -> Result<Response, Problem> {
    let notice = app
        .deliver_notice(caller.actor(), id, body.channel()?)
        .await?;
    Ok(respond::json(StatusCode::OK, &Notice::from(&notice)))
}
