//! What is said to the chief of staff, once for each update, and what comes back.

use hearth_app::chat::Saying;
use hearth_app::tasks::{Among, Once};
use hearth_app::telegram::TelegramUpdate;
use hearth_app::{App, AppError};
use hearth_domain::conversation::Message;
use hearth_domain::{Actor, ConversationId};
use sha2::{Digest, Sha256};

/// Says a text in the chat's conversation; a repeated update gets the answer that it had.
///
/// # Errors
/// The text is too long, too much is being answered, or the store failed.
pub(crate) async fn say(
    app: &App,
    update: &TelegramUpdate,
    text: String,
) -> Result<Message, AppError> {
    let saying = Saying {
        conversation: conversation(app, update)?,
        text,
        once: Some(once(update, "said")),
        listener: None,
    };
    Ok(app.say(&Actor::Owner, saying).await?.message)
}

/// Returns under which name something is done once for an update. The update alone says what: a voice
/// note that is heard again may be heard differently.
pub(crate) fn once(update: &TelegramUpdate, act: &str) -> Once {
    let key = format!("telegram:{}:{}:{act}", update.bot, update.update_id);
    Once {
        request: Sha256::digest(&key).into(),
        key,
        among: Among::Callers,
    }
}

fn conversation(app: &App, update: &TelegramUpdate) -> Result<Option<ConversationId>, AppError> {
    let chat = app.telegram_chat(update.chat)?;
    Ok(chat.and_then(|chat| chat.conversation_id))
}
