//! The language models of the node: chosen by the settings and the secrets, and told of as a part of
//! the node.

use hearth_app::{App, Facility};
use hearth_runtime::model::{Choice, Config, Key, KeyNeed, ModelDesk, Models, Preset};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::secrets;
use crate::settings::{Environment, ModelSettings};

/// How many wait at most to have the keys read again; more are turned away, and use what there is.
const REFRESHES: usize = 8;

/// Keeps the models as the settings want them.
pub(crate) struct ModelKeeper {
    models: Models,
    settings: watch::Receiver<ModelSettings>,
    environment: Environment,
    refreshes: mpsc::Receiver<oneshot::Sender<()>>,
}

impl ModelKeeper {
    /// Makes one, and the way in for those who show and try the models.
    pub(crate) fn new(
        models: Models,
        settings: watch::Receiver<ModelSettings>,
        environment: Environment,
    ) -> (Self, ModelDesk) {
        let (sender, refreshes) = mpsc::channel(REFRESHES);
        let refresh = move || {
            let (done, is_done) = oneshot::channel();
            let asked = sender.try_send(done);
            Box::pin(async move {
                if asked.is_ok() {
                    // Where the keeper is gone, the node stops.
                    let _ = is_done.await;
                }
            }) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>
        };
        let desk = ModelDesk::new(models.clone(), std::sync::Arc::new(refresh));
        let keeper = Self {
            models,
            settings,
            environment,
            refreshes,
        };
        (keeper, desk)
    }

    /// Follows the settings until `shutdown`.
    pub(crate) async fn run(mut self, app: App, shutdown: CancellationToken) {
        let mut told = None;
        let mut waiting: Vec<oneshot::Sender<()>> = Vec::new();
        let mut changes = self.models.changed();
        loop {
            let chosen = async {
                self.choose().await;
                self.models.look().await;
            };
            // A keyring may take longer than the node has to stop.
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = chosen => (),
            }
            for done in waiting.drain(..) {
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            loop {
                changes.borrow_and_update();
                tell(&app, self.models.facility(), &mut told);
                // Where none would be asked, it is news that one may be tried again.
                let next = self
                    .models
                    .current()
                    .is_none()
                    .then(|| self.models.next_try());
                tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return,
                    // Its sender lives as long as the node.
                    Ok(()) = self.settings.changed() => break,
                    Some(done) = self.refreshes.recv() => {
                        waiting.push(done);
                        break;
                    }
                    Ok(()) = changes.changed() => (),
                    () = at(next.flatten()) => self.models.announce(),
                }
            }
        }
    }

    /// Reads the settings and the secrets that they need, and chooses.
    async fn choose(&mut self) {
        let settings = self.settings.borrow_and_update().clone();
        let environment = self.environment.clone();
        let models = self.models.clone();
        // A keyring takes its time, and so do the machine's certificates.
        let chosen = tokio::task::spawn_blocking(move || {
            models.reconfigure(config(&settings, &environment));
        });
        if let Err(error) = chosen.await {
            tracing::error!(%error, "the language models stay as they were");
        }
    }
}

async fn at(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn tell(app: &App, facility: Facility, told: &mut Option<Facility>) {
    if told.as_ref() == Some(&facility) {
        return;
    }
    if facility.is_available {
        info!("a language model answers");
    } else {
        info!(
            reason = facility.reason_in_detail(),
            remedy = facility.remedy,
            "no language model answers"
        );
    }
    *told = Some(facility.clone());
    app.change_facilities(|facilities| facilities.model = facility);
}

/// Returns the models that the settings name, with their keys.
fn config(settings: &ModelSettings, environment: &Environment) -> Config {
    let first = settings.provider.map(|preset| Choice {
        model: some(&settings.name),
        url: some(&settings.url),
        context_tokens: (settings.context_tokens > 0).then_some(settings.context_tokens),
        input_price: settings.input_price,
        output_price: settings.output_price,
        ..Choice::of(preset)
    });
    let others = settings.fallback.iter().map(|fallback| Choice {
        model: fallback.name.clone(),
        ..Choice::of(fallback.provider)
    });
    let chain = first.into_iter().chain(others);
    Config {
        chain: chain.map(|choice| with_key(choice, environment)).collect(),
        find_local: settings.find_local,
        max_output_tokens: u32::try_from(settings.max_output_tokens).unwrap_or(u32::MAX),
        ..Config::default()
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn with_key(choice: Choice, environment: &Environment) -> Choice {
    match key(choice.preset, environment) {
        Ok(key) => Choice { key, ..choice },
        // Where a key is not needed, a machine without a keyring is no trouble.
        Err(_) if choice.preset.key() != KeyNeed::Needed => choice,
        Err(error) => Choice {
            key_trouble: Some(format!("{error:#}")),
            ..choice
        },
    }
}

fn key(preset: Preset, environment: &Environment) -> anyhow::Result<Option<Key>> {
    let Some(secret) = preset.secret() else {
        return Ok(None);
    };
    let name = secret.parse().map_err(anyhow::Error::msg)?;
    let found = secrets::find(environment, &name)?;
    Ok(found.map(|(secret, _)| Key::new(secret.reveal())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Fallback;

    #[test]
    fn each_server_is_shown_its_own_key_and_no_other() {
        let variables = [
            ("HEARTH_SECRET_GROQ_KEY", "of-groq"),
            ("HEARTH_SECRET_OPENAI_KEY", "of-openai"),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::from_variables(variables).unwrap();
        let fallback = |provider| Fallback {
            provider,
            name: None,
        };
        let settings = ModelSettings {
            provider: Some(Preset::OpenAi),
            context_tokens: 9000,
            input_price: Some(7),
            fallback: vec![fallback(Preset::Groq), fallback(Preset::Ollama)],
            ..ModelSettings::default()
        };

        let chain = config(&settings, &environment).chain;

        let keys: Vec<_> = chain.iter().map(|choice| choice.key.clone()).collect();
        let expected = [Some(Key::new("of-openai")), Some(Key::new("of-groq")), None];
        assert_eq!(keys, expected);
        // What is said of the first is not said of the others.
        assert_eq!(chain[0].context_tokens, Some(9000));
        assert_eq!(
            (chain[1].context_tokens, chain[1].input_price),
            (None, None)
        );
        assert!(!format!("{chain:?}").contains("of-"));
    }
}
