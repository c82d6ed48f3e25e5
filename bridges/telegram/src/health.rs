//! Whether talking works, told as a part of the node: each change once.

use std::sync::Mutex;

use hearth_app::{App, Facility};
use tracing::{info, warn};

use crate::fault::CallError;

/// What mends a token that is not taken.
const TOKEN_REMEDY: &str = "hearth config set-secret telegram_token, with the token that @BotFather shows for \
                            /mybots, then: hearth telegram status";

/// What was told last.
#[derive(Default, PartialEq)]
enum Told {
    /// Nothing yet.
    #[default]
    Nothing,
    /// That there is no bot.
    NoBot,
    /// How the bot does.
    Bot(Facility),
}

/// Tells the node how the bridge does.
pub(crate) struct Health {
    app: App,
    /// A lock of the standard library: it is held for a comparison.
    told: Mutex<Told>,
}

impl Health {
    pub(crate) fn new(app: App) -> Self {
        Self {
            app,
            told: Mutex::default(),
        }
    }

    /// There is no token: nothing is wrong, and nothing is told.
    pub(crate) fn none(&self) {
        self.tell(None);
    }

    pub(crate) fn works(&self) {
        self.tell(Some(Facility::works()));
    }

    /// The token cannot be had.
    pub(crate) fn no_token(&self, problem: &str) {
        let facility = Facility::missing("the bot's token cannot be read", TOKEN_REMEDY);
        self.tell(Some(facility.with_detail(problem)));
    }

    /// A call failed that matters to all.
    pub(crate) fn failed(&self, error: &CallError) {
        let facility = match error {
            CallError::Token => Facility::missing(
                "Telegram does not take the bot's token: it is wrong, or was revoked",
                TOKEN_REMEDY,
            ),
            CallError::Elsewhere(said) if said.contains("webhook") => Facility::missing(
                "another service receives this bot's messages, by a webhook",
                "take the webhook away where it was set, or have @BotFather make a bot for Hearth alone",
            ),
            CallError::Elsewhere(_) => Facility::missing(
                "another program receives this bot's messages",
                "stop the other program, or have @BotFather make a bot for Hearth alone",
            ),
            CallError::TooMany { .. } | CallError::Refused { .. } | CallError::Passing { .. } => {
                Facility::missing("Telegram cannot be reached", "").with_detail(error.to_string())
            }
        };
        self.tell(Some(facility));
    }

    /// Whether messages go both ways.
    pub(crate) fn is_well(&self) -> bool {
        let facilities = self.app.facilities();
        facilities
            .telegram
            .as_ref()
            .is_some_and(|facility| facility.is_available)
    }

    fn tell(&self, facility: Option<Facility>) {
        let mut told = self
            .told
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let fresh = facility.clone().map_or(Told::NoBot, Told::Bot);
        if *told == fresh {
            return;
        }
        match &facility {
            Some(facility) if facility.is_available => info!("Telegram is connected"),
            Some(facility) => warn!(
                reason = facility.reason_in_detail(),
                remedy = facility.remedy,
                "Telegram is not connected: {}",
                facility.reason_in_detail()
            ),
            // Those who never set it up are told nothing of it.
            None if matches!(*told, Told::Bot(_)) => {
                info!("no bot token is set any more; Telegram rests");
            }
            None => (),
        }
        *told = fresh;
        self.app
            .change_facilities(|facilities| facilities.telegram = facility);
    }
}
