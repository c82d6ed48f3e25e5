//! The bridge as a whole: finds the token, becomes the bot, runs its parts, begins anew when something
//! about it changes.

use std::sync::Arc;
use std::time::Duration;

use hearth_app::App;
use hearth_app::telegram::{Bot, Rules};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use url::Url;

use crate::client::Client;
use crate::command;
use crate::fault::{CallError, pause};
use crate::handle::{self, Hands};
use crate::health::Health;
use crate::notices;
use crate::poll::{self, Ended};
use crate::send::Sender;
use crate::token::{NoToken, Token, TokenSource};
use crate::voice::Voice;

/// Where Telegram answers.
pub const DEFAULT_API_URL: &str = "https://api.telegram.org";
/// How long a token that is refused, or cannot be read, is left alone.
const TOKEN_REST: Duration = Duration::from_mins(5);
/// How long is waited where whom the settings let talk cannot be kept.
const RULES_REST: Duration = Duration::from_secs(5);
/// How often what is old is forgotten.
const TIDY: Duration = Duration::from_hours(1);

/// How the bridge is set up.
#[derive(Clone)]
pub struct Config {
    /// Where the Bot API answers.
    pub api_url: Url,
    /// Whom it lets talk besides those who paired.
    pub rules: Rules,
    /// Whether the owner is told things without asking.
    pub tells_notices: bool,
    /// Whether a voice note is answered by one, beside the text.
    pub answer_by_voice: bool,
    /// The largest voice note, in bytes; Telegram hands out no more than 20 MB.
    pub max_voice_bytes: u64,
    /// Who hears and speaks.
    pub voice: Option<Arc<dyn Voice>>,
}

/// Reads an address of the Bot API.
///
/// # Errors
/// It is none; reads on from the setting's name.
pub fn api_url(text: &str) -> Result<Url, String> {
    let wrong = "must be an address such as https://api.telegram.org, without a user, ? and #";
    let url: Url = text.trim().parse().map_err(|_| wrong)?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_plain { Ok(url) } else { Err(wrong.into()) }
}

/// Talks over Telegram.
pub struct Bridge {
    app: App,
    config: watch::Receiver<Config>,
    token: TokenSource,
}

/// Who the bot is, as Telegram tells it.
#[derive(Deserialize)]
struct Me {
    id: i64,
    #[serde(default)]
    username: String,
}

impl Bridge {
    /// Makes one that follows `config` and finds its token by `token`.
    pub fn new(app: App, config: watch::Receiver<Config>, token: TokenSource) -> Self {
        Self { app, config, token }
    }

    /// Talks until `shutdown`. Without a token it rests, and costs nothing.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let health = Health::new(self.app.clone());
        loop {
            let config = self.config.borrow_and_update().clone();
            if let Err(error) = self.app.set_telegram_rules(config.rules.clone()).await {
                warn!(%error, "whom the settings let talk over Telegram is not known yet");
                tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(RULES_REST) => continue,
                }
            }
            let rest = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                found = self.find_token() => match found {
                    Ok(Some(token)) => match Client::new(config.api_url.clone(), token) {
                        Ok(client) => self.talk(client, &config, &health, &shutdown).await,
                        Err(problem) => {
                            health.failed(&CallError::passing(problem, false));
                            Some(TOKEN_REST)
                        }
                    },
                    Ok(None) => {
                        health.none();
                        None
                    }
                    // Those who never talked over Telegram are not told of a keyring.
                    Err(no) if !no.is_set && !self.is_paired() => {
                        health.none();
                        None
                    }
                    Err(no) => {
                        health.no_token(&no.problem);
                        Some(TOKEN_REST)
                    }
                },
            };
            if rest.is_none_or(|rest| !rest.is_zero()) {
                self.note(None).await;
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.app.telegram_token_wanted() => (),
                Ok(()) = self.config.changed() => (),
                () = after(rest) => (),
            }
        }
    }

    fn is_paired(&self) -> bool {
        self.app.has_private_telegram_chat().unwrap_or(true)
    }

    async fn find_token(&self) -> Result<Option<Token>, NoToken> {
        let token = Arc::clone(&self.token);
        // A keyring takes its time.
        let found = tokio::task::spawn_blocking(move || token()).await;
        found.unwrap_or_else(|_| {
            Err(NoToken {
                problem: "looking for it failed".into(),
                is_set: true,
            })
        })
    }

    async fn note(&self, bot: Option<Bot>) {
        if let Err(error) = self.app.note_telegram_bot(bot).await {
            warn!(%error, "which bot this node is was not noted");
        }
    }

    /// Is the bot until something changes; returns how long to rest then, none for until it is woken.
    async fn talk(
        &mut self,
        client: Client,
        config: &Config,
        health: &Health,
        shutdown: &CancellationToken,
    ) -> Option<Duration> {
        let me = match self.become_bot(&client, health, shutdown).await {
            Ok(me) => me,
            Err(rest) => return rest,
        };
        health.works();
        let bot = Bot {
            id: client.bot(),
            name: me.username.clone(),
        };
        self.note(Some(bot.clone())).await;
        set_menu(&client).await;
        let stop = shutdown.child_token();
        let hands = Hands {
            app: self.app.clone(),
            client: client.clone(),
            bot_name: me.username.into(),
            stop: stop.clone(),
            config: config.clone(),
        };
        let sender = Sender {
            app: self.app.clone(),
            client: client.clone(),
            voice: config.voice.clone(),
        };
        let polling = async {
            let ended = poll::run(&self.app, &client, health, &bot, &stop).await;
            // The others end with it, each after what it is at.
            stop.cancel();
            ended
        };
        let changes = &mut self.config;
        let following = async {
            tokio::select! {
                biased;
                () = stop.cancelled() => (),
                Ok(()) = changes.changed() => stop.cancel(),
            }
        };
        let telling = async {
            if config.tells_notices {
                notices::run(&self.app, health, &stop).await;
            }
        };
        let (ended, (), (), (), (), ()) = tokio::join!(
            polling,
            following,
            handle::run(&hands),
            sender.run(&stop),
            telling,
            tidy(&self.app, &stop),
        );
        match ended {
            Ended::Stopped => Some(Duration::ZERO),
            Ended::Token => {
                health.failed(&CallError::Token);
                Some(TOKEN_REST)
            }
        }
    }

    /// Asks Telegram who the bot is, until it says so; an error is how long to rest.
    async fn become_bot(
        &mut self,
        client: &Client,
        health: &Health,
        shutdown: &CancellationToken,
    ) -> Result<Me, Option<Duration>> {
        let (mut tries, nothing) = (0, json!({}));
        loop {
            let asked = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Err(Some(Duration::ZERO)),
                asked = client.call::<Me>("getMe", &nothing) => asked,
            };
            let error = match asked {
                Ok(me) if me.id == client.bot() => return Ok(me),
                Ok(_) => CallError::passing("what answers there is another bot", false),
                Err(error) => error,
            };
            health.failed(&error);
            // Whoever waits to pair is told what is the matter.
            self.note(None).await;
            if error == CallError::Token {
                return Err(Some(TOKEN_REST));
            }
            tries += 1;
            let rest = match error {
                CallError::TooMany { after } => after,
                _ => pause(tries),
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Err(Some(Duration::ZERO)),
                Ok(()) = self.config.changed() => return Err(Some(Duration::ZERO)),
                () = self.app.telegram_token_wanted() => return Err(Some(Duration::ZERO)),
                () = tokio::time::sleep(rest) => (),
            }
        }
    }
}

async fn after(rest: Option<Duration>) {
    match rest {
        Some(rest) => tokio::time::sleep(rest).await,
        None => std::future::pending().await,
    }
}

/// Has Telegram show the commands. Without it they work all the same.
async fn set_menu(client: &Client) {
    let menu = command::menu();
    if let Err(error) = client.call::<Value>("setMyCommands", &menu).await {
        warn!(%error, "Telegram does not show the commands");
    }
}

/// Forgets what is old until `stop`.
async fn tidy(app: &App, stop: &CancellationToken) {
    loop {
        if let Err(error) = app.forget_old_telegram().await {
            warn!(%error, "what went over Telegram long ago is not forgotten yet");
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TIDY) => (),
        }
    }
}
