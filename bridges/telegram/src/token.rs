//! The bot's token: who the bot is, and the right to be it.

use std::fmt;
use std::sync::Arc;

/// A bot's token. Shown to Telegram alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: String,
    bot: i64,
}

/// Looks the token up; none where none is set. It may ask a keyring, so it is called where it keeps nobody
/// waiting.
pub type TokenSource = Arc<dyn Fn() -> Result<Option<Token>, NoToken> + Send + Sync>;

/// Why the token cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoToken {
    /// What is the matter.
    pub problem: String,
    /// Whether one is known to be set. A keyring that cannot be asked may hold none.
    pub is_set: bool,
}

impl Token {
    /// Takes a token, such as BotFather gives: a number, a colon, and some 35 letters.
    ///
    /// # Errors
    /// It has not that form. The error does not repeat it.
    pub fn new(text: &str) -> Result<Self, String> {
        let wrong = || {
            "the bot's token must look like 123456:ABC-DEF, as @BotFather gives it; keep it with: \
             hearth config set-secret telegram_token"
                .to_owned()
        };
        let text = text.trim();
        let (number, secret) = text.split_once(':').ok_or_else(wrong)?;
        let is_secret = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let is_fit = (1..=128).contains(&secret.len()) && secret.chars().all(is_secret);
        let bot = number.parse().ok().filter(|bot| *bot > 0);
        match bot {
            Some(bot) if is_fit => Ok(Self {
                text: text.to_owned(),
                bot,
            }),
            _ => Err(wrong()),
        }
    }

    /// Returns the bot's number.
    pub fn bot(&self) -> i64 {
        self.bot
    }

    /// Returns the part of an address that holds it, for a request and nothing else.
    pub(crate) fn segment(&self) -> String {
        format!("bot{}", self.text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_which_bot_it_is_and_shows_nothing() {
        let token = Token::new(" 123456:ABC-def_9 \n").unwrap();

        assert_eq!(token.bot(), 123_456);
        assert_eq!(format!("{token:?}"), "[redacted]");
        assert_eq!(token.segment(), "bot123456:ABC-def_9");
    }

    #[test]
    fn what_is_no_token_is_refused_without_repeating_it() {
        for wrong in [
            "", "secret", "12:", ":abc", "x:abc", "1:a/b", "1:a b", "-1:abc",
        ] {
            let error = Token::new(wrong).unwrap_err();
            assert!(error.contains("set-secret telegram_token"), "{error}");
            assert!(!error.contains("secret:"), "{error}");
        }
    }
}
