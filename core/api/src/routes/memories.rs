//! `/api/v1/memories`: what agents and the owner want known later.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use http::StatusCode;

use crate::body::Json;
use crate::caller::Caller;
use crate::path::{MemoryNumber, Named};
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::memory::{CreateMemory, ListMemories, Memory, MemoryPage};

/// List memories
///
/// Newest first. With `q`, those that hold the words, the best match first: those of the project
/// before those for all tasks, and at most 20 on the one page.
#[utoipa::path(
    get, path = "/api/v1/memories", tag = "memories", params(ListMemories),
    responses((status = 200, description = "A page of memories.", body = MemoryPage<'_>)),
)]
pub(super) async fn list_memories(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<ListMemories>,
) -> Result<Response, Problem> {
    let page = app
        .list_memories(query.words, query.filter, query.cursor, query.limit)
        .await?;
    let body = MemoryPage {
        items: page.items.iter().map(Memory::from).collect(),
        next_cursor: page.next.map(ListMemories::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Remember something
///
/// As the owner says.
#[utoipa::path(
    post, path = "/api/v1/memories", tag = "memories", request_body = CreateMemory,
    responses((status = 201, description = "The memory.", body = Memory<'_>)),
)]
pub(super) async fn create_memory(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateMemory>,
) -> Result<Response, Problem> {
    let memory = app.remember(caller.actor(), body.read()?).await?;
    Ok(respond::json(StatusCode::CREATED, &Memory::from(&memory)))
}

/// Get memory
#[utoipa::path(
    get, path = "/api/v1/memories/{number}", tag = "memories", params(Named<MemoryNumber>),
    responses((status = 200, description = "The memory.", body = Memory<'_>)),
)]
pub(super) async fn get_memory(
    State(app): State<App>,
    _caller: Caller,
    Named(MemoryNumber(number)): Named<MemoryNumber>,
) -> Result<Response, Problem> {
    let memory = app.get_memory(number)?;
    Ok(respond::json(StatusCode::OK, &Memory::from(&memory)))
}

/// Forget a memory
///
/// Its words are gone; its number and where it came from stay.
#[utoipa::path(
    delete, path = "/api/v1/memories/{number}", tag = "memories", params(Named<MemoryNumber>),
    responses((status = 204, description = "Nobody recalls it any more.")),
)]
pub(super) async fn forget_memory(
    State(app): State<App>,
    caller: Caller,
    Named(MemoryNumber(number)): Named<MemoryNumber>,
) -> Result<StatusCode, Problem> {
    app.forget_memory(caller.actor(), number).await?;
    Ok(StatusCode::NO_CONTENT)
}
