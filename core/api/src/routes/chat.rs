//! `/chat`: the chief of staff; `/api/v1/conversations`: what was said.

use std::fmt::Write;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hearth_app::App;
use hearth_domain::ConversationId;
use hearth_domain::conversation::Message as DomainMessage;
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::body::Json;
use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::chat::{
    AnswerChat, ChatAnswer, Conversation, ConversationPage, ListConversations, ListMessages,
    Message, MessagePage,
};

const EVENT_STREAM: &str = "text/event-stream";

/// Talk to the chief of staff
///
/// With `Accept: text/event-stream` the answer comes as events: `delta` with `{"text"}` for each
/// piece, then `done` with the whole.
#[utoipa::path(
    post, path = "/api/v1/chat", tag = "chat", request_body = AnswerChat,
    responses((status = 200, description = "The answer.", content(
        (ChatAnswer<'_> = "application/json"), (String = "text/event-stream"),
    ))),
)]
pub(super) async fn chat(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body): Json<AnswerChat>,
) -> Result<Response, Problem> {
    let conversation = body.conversation()?;
    let message = app
        .chat(caller.actor(), conversation, &body.message)
        .await?;
    if wants_events(&headers) {
        return events(&message);
    }
    Ok(respond::json(StatusCode::OK, &ChatAnswer::from(&message)))
}

/// Talk to the chief of staff
///
/// The same under the path that voice and other callers know.
#[utoipa::path(
    post, path = "/chat", tag = "chat", operation_id = "chat_at_root", request_body = AnswerChat,
    responses((status = 200, description = "The answer.", content(
        (ChatAnswer<'_> = "application/json"), (String = "text/event-stream"),
    ))),
)]
pub(super) async fn chat_at_root(
    state: State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Json<AnswerChat>,
) -> Result<Response, Problem> {
    chat(state, caller, headers, body).await
}

/// List conversations
///
/// The caller's own; for an admin all. The last begun first.
#[utoipa::path(
    get, path = "/api/v1/conversations", tag = "chat", params(ListConversations),
    responses((status = 200, description = "A page of conversations.", body = ConversationPage<'_>)),
)]
pub(super) async fn list_conversations(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListConversations>,
) -> Result<Response, Problem> {
    let page = app
        .list_conversations(caller.actor(), query.cursor, query.limit)
        .await?;
    let body = ConversationPage {
        items: page.items.iter().map(Conversation::from).collect(),
        next_cursor: page.next.map(ListConversations::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// List messages
///
/// In the order in which they were said.
#[utoipa::path(
    get, path = "/api/v1/conversations/{id}/messages", tag = "chat",
    params(Named<ConversationId>, ListMessages),
    responses((status = 200, description = "A page of messages.", body = MessagePage<'_>)),
)]
pub(super) async fn list_messages(
    State(app): State<App>,
    caller: Caller,
    Named(conversation): Named<ConversationId>,
    Query(query): Query<ListMessages>,
) -> Result<Response, Problem> {
    let page = app
        .list_messages(caller.actor(), conversation, query.cursor, query.limit)
        .await?;
    let body = MessagePage {
        items: page.items.iter().map(Message::from).collect(),
        next_cursor: page.next.map(ListMessages::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

fn wants_events(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains(EVENT_STREAM))
}

/// Writes an answer as server-sent events, sentence by sentence.
fn events(message: &DomainMessage) -> Result<Response, Problem> {
    let mut text = String::new();
    for piece in message.text.split_inclusive(['.', '?', '!', '\n']) {
        push(&mut text, "delta", &json!({ "text": piece }).to_string());
    }
    let whole = serde_json::to_string(&ChatAnswer::from(message)).map_err(Problem::internal)?;
    push(&mut text, "done", &whole);
    let kind = [
        (header::CONTENT_TYPE, EVENT_STREAM),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((kind, Body::from(text)).into_response())
}

/// Adds one event; JSON has no line breaks of its own.
fn push(text: &mut String, name: &str, data: &str) {
    // Writing to a string does not fail.
    let _ = write!(text, "event: {name}\ndata: {data}\n\n");
}
