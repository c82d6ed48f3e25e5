//! Settings of talking over Telegram, and how they are read.

use hearth_telegram::{DEFAULT_API_URL, api_url};
use url::Url;

use crate::settings::value::Given;

/// The most people who may talk without pairing.
const USERS_MAX: usize = 50;

/// Settings of talking over Telegram. The bot's token is a secret: `telegram_token`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelegramSettings {
    /// Where the Bot API answers.
    pub api_url: Url,
    /// People, by their numbers, who may talk without pairing.
    pub users: Vec<i64>,
    /// Whether those who paired may talk in groups, too.
    pub groups: bool,
    /// Whether the person is told things without asking.
    pub notices: bool,
    /// Whether a voice note is answered by one as well.
    pub answer_by_voice: bool,
    /// The largest voice note that is taken.
    pub max_voice_bytes: u64,
}

impl Default for TelegramSettings {
    fn default() -> Self {
        Self {
            // It is an address, as a test shows.
            api_url: api_url(DEFAULT_API_URL).unwrap_or_else(|_| unreachable!("it is an address")),
            users: Vec::new(),
            groups: false,
            notices: true,
            answer_by_voice: false,
            max_voice_bytes: 10 * 1024 * 1024,
        }
    }
}

pub(super) fn url(given: Given<'_>) -> Result<Url, String> {
    api_url(&given.text()?)
}

pub(super) fn users(given: Given<'_>) -> Result<Vec<i64>, String> {
    let words = given.list()?;
    if words.len() > USERS_MAX {
        return Err(format!("must name at most {USERS_MAX} people"));
    }
    let read = words.iter().map(|word| {
        let number = word.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| {
            format!(
                "must hold people's numbers at Telegram, such as 123456789, and {word:?} is none"
            )
        })
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_address_is_one() {
        let usual = TelegramSettings::default().api_url;

        assert_eq!(usual.as_str(), "https://api.telegram.org/");
    }

    #[test]
    fn people_are_numbers() {
        assert_eq!(users(Given::Word("5, 6")), Ok(vec![5, 6]));
        assert_eq!(users(Given::Word("")), Ok(Vec::new()));
        for wrong in ["ada", "-5", "0", "5,@ada"] {
            assert!(users(Given::Word(wrong)).is_err(), "{wrong}");
        }
        assert!(url(Given::Word("api.telegram.org")).is_err());
        assert!(url(Given::Word("https://user@host")).is_err());
    }
}
