//! `/api/v1/telegram`: talking over Telegram, and who may.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_domain::TelegramChatId;
use http::StatusCode;

use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::respond;
use crate::wire::telegram::{TelegramPairing, TelegramState};

/// How talking over Telegram stands
///
/// The bot, the chats that may talk, what waits, and what could not be delivered.
#[utoipa::path(
    get, path = "/api/v1/telegram", tag = "telegram",
    responses((status = 200, description = "How it stands.", body = TelegramState<'_>)),
)]
pub(super) async fn get_telegram(
    State(app): State<App>,
    caller: Caller,
) -> Result<Response, Problem> {
    let state = app.telegram_state(caller.actor()).await?;
    Ok(respond::json(StatusCode::OK, &TelegramState::from(&state)))
}

/// Look for the bot's token again
///
/// Where the node is no bot yet. Answers how it stands then.
#[utoipa::path(
    post, path = "/api/v1/telegram/connect", tag = "telegram",
    responses((status = 200, description = "How it stands.", body = TelegramState<'_>)),
)]
pub(super) async fn connect_telegram(
    State(app): State<App>,
    caller: Caller,
) -> Result<Response, Problem> {
    let state = app.connect_telegram(caller.actor()).await?;
    Ok(respond::json(StatusCode::OK, &TelegramState::from(&state)))
}

/// Make a code that pairs a chat
///
/// The private chat that says it to the bot within ten minutes speaks for the owner from then on. An
/// earlier code counts no more.
#[utoipa::path(
    post, path = "/api/v1/telegram/pairing", tag = "telegram",
    responses((status = 201, description = "The code.", body = TelegramPairing)),
)]
pub(super) async fn pair_telegram(
    State(app): State<App>,
    caller: Caller,
) -> Result<Response, Problem> {
    let pairing = app.pair_telegram(caller.actor()).await?;
    Ok(respond::json(
        StatusCode::CREATED,
        &TelegramPairing::from(pairing),
    ))
}

/// Take a chat's right to talk
///
/// What it said and was not dealt with goes with it. A chat whose person the setting `telegram.users` lists is
/// not removed: take the person out there. A group comes back when somebody who may talk does so in it, while
/// `telegram.groups` is on.
#[utoipa::path(
    delete, path = "/api/v1/telegram/chats/{id}", tag = "telegram", params(Named<TelegramChatId>),
    responses((status = 204, description = "It may not talk any more.")),
)]
pub(super) async fn remove_telegram_chat(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<TelegramChatId>,
) -> Result<StatusCode, Problem> {
    app.remove_telegram_chat(caller.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
