//! What can go wrong with a call of the Bot API.

use std::time::Duration;

use thiserror::Error;

/// A call was not answered as it should be. No text of it holds the token or an address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum CallError {
    /// The token is not, or not any more, that of a bot.
    #[error("Telegram does not take the bot's token")]
    Token,
    /// Somebody else receives this bot's updates.
    #[error("{0}")]
    Elsewhere(String),
    /// Too much at once.
    #[error("Telegram asks to wait {} s", after.as_secs())]
    TooMany {
        /// How long it says to wait.
        after: Duration,
    },
    /// It is not done, and will not be.
    #[error("Telegram refuses: {description}")]
    Refused {
        /// The status.
        code: u16,
        /// What it says of that.
        description: String,
    },
    /// It may well work a moment later.
    #[error("{what}")]
    Passing {
        /// What happened.
        what: String,
        /// Whether it may have been done all the same.
        is_unsure: bool,
    },
}

impl CallError {
    /// Whether asking again may help.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::TooMany { .. } | Self::Passing { .. })
    }

    /// Whether nothing reaches this chat, whatever it is: the person blocked the bot or is gone, or the bot was
    /// taken out of the group.
    pub(crate) fn is_closed(&self) -> bool {
        let Self::Refused { code, description } = self else {
            return false;
        };
        *code == 403
            || ["chat not found", "upgraded to a supergroup"]
                .iter()
                .any(|gone| description.contains(gone))
    }

    pub(crate) fn passing(what: impl Into<String>, is_unsure: bool) -> Self {
        Self::Passing {
            what: what.into(),
            is_unsure,
        }
    }
}

/// Returns the pause before attempt `attempts + 1`: doubled each time, at most a minute.
pub(crate) fn pause(attempts: u32) -> Duration {
    let seconds = 1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(60);
    Duration::from_secs(seconds.clamp(1, 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        let seconds = [0, 1, 2, 3, 6, 7, 63, 64, u32::MAX].map(|n| pause(n).as_secs());

        assert_eq!(seconds, [1, 1, 2, 4, 32, 60, 60, 60, 60]);
    }
}
