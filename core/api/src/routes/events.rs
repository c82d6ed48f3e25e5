//! `/api/v1/events`

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use http::StatusCode;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::event::{Event, EventPage, ListEvents};

/// Query events
///
/// Oldest first unless told.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events", params(ListEvents),
    responses((status = 200, description = "A page of events.", body = EventPage<'_>)),
)]
pub(super) async fn list_events(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<ListEvents>,
) -> Result<Response, Problem> {
    let ListEvents {
        filter,
        direction,
        cursor,
        limit,
    } = query;
    let page = app.list_events(filter, direction, cursor, limit).await?;
    let body = EventPage {
        items: page.items.iter().map(Event::from).collect(),
        next_cursor: page
            .next
            .map(|next| ListEvents::next_cursor(direction, next)),
    };
    Ok(respond::json(StatusCode::OK, &body))
}
