//! Talking over Telegram: the bridge's setup from the settings, and the bot's token from the secrets.

use std::sync::Arc;

use hearth_app::App;
use hearth_app::telegram::Rules;
use hearth_telegram::{Bridge, Config, NoToken, Token, TokenSource, Voice};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::secrets::{self, Name};
use crate::settings::{Environment, TelegramSettings};

/// What the bot's token is called.
const TOKEN: &str = "telegram_token";

/// The bridge, following the settings.
pub(crate) struct Telegram {
    settings: watch::Receiver<TelegramSettings>,
    environment: Environment,
    voice: Option<Arc<dyn Voice>>,
}

impl Telegram {
    /// Makes one; `voice` hears and speaks, where there is anybody to.
    pub(crate) fn new(
        settings: watch::Receiver<TelegramSettings>,
        environment: Environment,
        voice: Option<Arc<dyn Voice>>,
    ) -> Self {
        Self {
            settings,
            environment,
            voice,
        }
    }

    /// Talks until `shutdown`.
    pub(crate) async fn run(mut self, app: App, shutdown: CancellationToken) {
        let first = config(&self.settings.borrow_and_update(), self.voice.clone());
        let (sender, configs) = watch::channel(first);
        let bridge = Bridge::new(app, configs, token_source(self.environment));
        let following = async {
            // Its sender lives as long as the node.
            while self.settings.changed().await.is_ok() {
                let changed = config(&self.settings.borrow_and_update(), self.voice.clone());
                sender.send_replace(changed);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = bridge.run(shutdown) => (),
            () = following => (),
        }
    }
}

/// Returns how the bridge is set up. Who hears and speaks is handed in; without it, voice notes are kept
/// as tasks for the owner.
fn config(settings: &TelegramSettings, voice: Option<Arc<dyn Voice>>) -> Config {
    Config {
        api_url: settings.api_url.clone(),
        rules: Rules {
            groups: settings.groups,
            users: settings.users.clone(),
        },
        tells_notices: settings.notices,
        answer_by_voice: settings.answer_by_voice,
        max_voice_bytes: settings.max_voice_bytes,
        voice,
    }
}

/// Returns what looks the bot's token up.
fn token_source(environment: Environment) -> TokenSource {
    Arc::new(move || find(&environment))
}

fn find(environment: &Environment) -> Result<Option<Token>, NoToken> {
    let name: Name = TOKEN.parse().map_err(certain)?;
    match secrets::find(environment, &name) {
        Ok(Some((secret, _))) => Token::new(secret.reveal()).map(Some).map_err(certain),
        Ok(None) => Ok(None),
        Err(error) => Err(NoToken {
            problem: format!("{error:#}"),
            is_set: is_named(environment, &name),
        }),
    }
}

fn certain(problem: String) -> NoToken {
    NoToken {
        problem,
        is_set: true,
    }
}

/// Whether a variable says where the token is.
fn is_named(environment: &Environment, name: &Name) -> bool {
    let variables = [name.variable(), name.file_variable()];
    variables
        .iter()
        .any(|variable| environment.get(variable).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, value: &str) -> Environment {
        Environment::from_variables([(name.into(), value.into())]).unwrap()
    }

    #[test]
    fn the_token_is_found_and_a_wrong_one_is_not_repeated() {
        let right = given("HEARTH_SECRET_TELEGRAM_TOKEN", "77:abc");
        assert_eq!(find(&right).unwrap().unwrap().bot(), 77);

        let wrong = given("HEARTH_SECRET_TELEGRAM_TOKEN", "hunter2");
        let problem = find(&wrong).unwrap_err();
        assert!(problem.is_set);
        assert!(!problem.problem.contains("hunter2"), "{problem:?}");

        let missing = given("HEARTH_SECRET_TELEGRAM_TOKEN_FILE", "/nowhere/token");
        assert!(find(&missing).is_err());
    }
}
