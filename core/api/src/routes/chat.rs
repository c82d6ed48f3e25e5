//! `/chat`: the chief of staff; `/api/v1/conversations`: what was said.

mod answer_stream;

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_app::chat::Saying;
use hearth_domain::ConversationId;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::tasks::{IDEMPOTENT_REPLAYED, once};
use crate::body::RawJson;
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
/// With `Accept: text/event-stream` the answer comes as events while it is made: `delta` with
/// `{"text"}` for each further piece; `reset` where what came so far is no part of the answer after
/// all; then `done` with the whole, or `error` with `{"status", "code", "detail"}`. The answer is
/// stored whether or not somebody waits for it. With an `Idempotency-Key`, the same request sent again
/// within a week gets the same answer, and nothing is said or done twice.
#[utoipa::path(
    post, path = "/api/v1/chat", tag = "chat", request_body = AnswerChat,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200,
        pattern = "^[\\x21-\\x7e]+$", description = "A name for this request, such as a UUID.")),
    responses((status = 200, description = "The answer.", content(
        (ChatAnswer<'_> = "application/json"), (String = "text/event-stream"),
    ), headers(("Idempotent-Replayed" = String, description = "true, where an earlier request with this key had it")))),
)]
pub(super) async fn chat(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    raw: RawJson,
) -> Result<Response, Problem> {
    let body: AnswerChat = raw.parse()?;
    let saying = Saying {
        conversation: body.conversation()?,
        text: body.message,
        once: once(&headers, &raw)?,
        listener: None,
    };
    if wants_events(&headers) {
        return answer_stream::answer(app, caller.actor().clone(), saying).await;
    }
    let answered = app.say(caller.actor(), saying).await?;
    let mut response = respond::json(StatusCode::OK, &ChatAnswer::from(&answered.message));
    if answered.is_repeat {
        let headers = response.headers_mut();
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Talk to the chief of staff
///
/// The same under the path that voice and other callers know.
#[utoipa::path(
    post, path = "/chat", tag = "chat", operation_id = "chat_at_root", request_body = AnswerChat,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200,
        pattern = "^[\\x21-\\x7e]+$", description = "A name for this request, such as a UUID.")),
    responses((status = 200, description = "The answer.", content(
        (ChatAnswer<'_> = "application/json"), (String = "text/event-stream"),
    ), headers(("Idempotent-Replayed" = String, description = "true, where an earlier request with this key had it")))),
)]
pub(super) async fn chat_at_root(
    state: State<App>,
    caller: Caller,
    headers: HeaderMap,
    raw: RawJson,
) -> Result<Response, Problem> {
    chat(state, caller, headers, raw).await
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
