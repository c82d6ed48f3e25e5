//! Pairing a chat with the owner: by a code that is shown on the node's own command line, once.

use std::time::Duration;

use hearth_domain::{Actor, Timestamp};
use sha2::{Digest, Sha256};

use super::{Bot, TelegramState};
use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::{AppError, UnavailableCause};

/// How long a code may be used.
const VALID_FOR: Duration = Duration::from_mins(10);
/// Characters of a code: ten of 32, so 2^50 codes. Guesses are not counted, or strangers could spoil the owner's
/// code by guessing; a thousand a second hit it within its ten minutes once in two thousand million times.
const CODE_CHARS: usize = 10;
/// What codes are made of: nothing that looks like another. 32 of them, so that each takes five bits.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// How long the bridge may take to look for the token.
const LOOK: Duration = Duration::from_secs(20);

/// A code that pairs the chat which says it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pairing {
    /// The code, to be shown to the owner and to nobody else.
    pub code: String,
    /// Until when it may be used.
    pub expires_at: Timestamp,
    /// The bot to say it to.
    pub bot: Bot,
}

impl std::fmt::Debug for Pairing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pairing")
            .field("expires_at", &self.expires_at)
            .field("bot", &self.bot)
            .finish_non_exhaustive()
    }
}

/// A code that is open.
#[derive(Debug, Clone)]
pub(super) struct Open {
    hash: [u8; 32],
    expires_at: Timestamp,
}

impl App {
    /// Makes a code that pairs the private chat which says it to the bot, in the place of an earlier
    /// one.
    ///
    /// # Errors
    /// There is no bot, or it cannot be reached; the caller is not the owner.
    pub async fn pair_telegram(&self, actor: &Actor) -> Result<Pairing, AppError> {
        must_be_owner(actor, "pair a chat of Telegram's")?;
        let bot = self.find_telegram_bot().await?;
        let mut random = [0; CODE_CHARS];
        getrandom::fill(&mut random).map_err(|_| AppError::Unavailable {
            cause: UnavailableCause::Busy,
            detail: "the system gives no random numbers; try again".into(),
        })?;
        let code: String = random
            .iter()
            .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
            .collect();
        let expires_at = self.now().after(VALID_FOR);
        *self.telegram().pairing() = Some(Open {
            hash: hash(&code),
            expires_at,
        });
        Ok(Pairing {
            code,
            expires_at,
            bot,
        })
    }

    /// Has the bot's token looked for where the node is no bot yet; returns how things stand then.
    ///
    /// # Errors
    /// The caller is not the owner.
    pub async fn connect_telegram(&self, actor: &Actor) -> Result<TelegramState, AppError> {
        must_be_owner(actor, "have the bot's token looked for")?;
        // Why there is none is part of how things stand.
        let _ = self.find_telegram_bot().await;
        self.telegram_state(actor).await
    }

    /// Returns the bot; has its token looked for where there is none yet.
    async fn find_telegram_bot(&self) -> Result<Bot, AppError> {
        let mut told = self.telegram().told.subscribe();
        let before = told.borrow_and_update().clone();
        if let Some(bot) = before.0 {
            return Ok(bot);
        }
        self.telegram().look.notify_one();
        let looked = told.wait_for(|(_, looks)| *looks != before.1);
        let found = match tokio::time::timeout(LOOK, looked).await {
            Ok(Ok(told)) => told.0.clone(),
            Ok(Err(_)) | Err(_) => None,
        };
        found.ok_or_else(|| match &self.facilities().telegram {
            None => AppError::conflict(
                "no_telegram_bot",
                "there is no bot to talk to: have @BotFather make one in Telegram, keep its token with \
                 `hearth config set-secret telegram_token`, and pair again",
            ),
            Some(facility) => AppError::conflict(
                "telegram_unavailable",
                format!("the bot cannot be used now: {}", facility.reason_in_detail()),
            ),
        })
    }

    /// Whether a text is the code that is open.
    pub(super) fn is_pairing_code(&self, text: &str) -> bool {
        let Some(said) = read(text) else {
            return false;
        };
        let pairing = self.telegram().pairing();
        pairing
            .as_ref()
            .is_some_and(|open| open.expires_at > self.now() && open.hash == hash(&said))
    }

    /// The code was used.
    pub(super) fn close_pairing(&self) {
        *self.telegram().pairing() = None;
    }
}

/// Reads a code as a person or a link says it; `None` where it cannot be one.
fn read(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("/start").unwrap_or(text).trim();
    let code: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .take(CODE_CHARS + 1)
        .collect();
    let is_code = code.len() == CODE_CHARS && code.bytes().all(|byte| ALPHABET.contains(&byte));
    is_code.then_some(code)
}

fn hash(code: &str) -> [u8; 32] {
    Sha256::digest(code).into()
}
