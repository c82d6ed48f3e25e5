//! Which language models there are, and trying them out.
//!
//! Who asks them is handed in, as the chief of staff is: the operations know no server of models.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hearth_domain::Actor;
use hearth_domain::field::AgentName;
use hearth_domain::money::{CallEnd, Purpose, Usage};

use crate::app::{App, apart};
use crate::authority::must_be_owner;
use crate::chat::CHIEF_OF_STAFF;
use crate::error::{AppError, UnavailableCause};
use crate::money::ForWhom;

/// Knows the language models.
pub trait LanguageModels: Send + Sync + 'static {
    /// Returns how each does.
    fn state(&self) -> ModelState;

    /// Reads again what they depend on, such as keys, and returns what a try may use up at most then;
    /// none where there is no model.
    fn prepare_test(&self) -> PrepareFuture<'_>;

    /// Asks one something small, for its owner, who pays for it. Returns what that used up, too.
    fn test(&self) -> TestFuture<'_>;
}

/// What a try may use up at most.
pub type PrepareFuture<'a> = Pin<Box<dyn Future<Output = Option<Usage>> + Send + 'a>>;

/// What comes of a try.
pub type TestFuture<'a> =
    Pin<Box<dyn Future<Output = (Result<ModelTest, AppError>, CallEnd)> + Send + 'a>>;

/// The language models.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelState {
    /// In the order in which they are tried.
    pub providers: Vec<ProviderState>,
    /// How many tokens an answer may have.
    pub max_output_tokens: u32,
}

/// One model, and how it does. It names no key and no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderState {
    /// Who serves it, such as `groq`.
    pub provider: String,
    /// Its name there; empty where that is not known yet.
    pub model: String,
    /// How it came into the chain.
    pub origin: Origin,
    /// Whether it would be asked now.
    pub is_current: bool,
    /// Whether it is asked at all.
    pub standing: Standing,
    /// Why it is not, where it is not; for everybody's eyes.
    pub reason: String,
    /// What exactly happened, with what the server said of it, for the owner alone.
    pub detail: String,
    /// What mends that, for the owner alone.
    pub remedy: String,
    /// How long it is left alone, where it is.
    pub retry_in: Option<Duration>,
    /// How many tokens it reads and writes in one call.
    pub context_tokens: u64,
    /// Whether it calls tools.
    pub has_tools: bool,
    /// What a million tokens read cost, in millionths of a dollar.
    pub input_price: u64,
    /// What a million tokens written cost, in millionths of a dollar.
    pub output_price: u64,
    /// Whether those prices are not known, and are the most that any costs.
    pub is_price_assumed: bool,
}

/// How a model came into the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `model.provider` names it.
    Chosen,
    /// `model.fallback` does.
    Fallback,
    /// It was found on this machine.
    Found,
}

impl Origin {
    /// Returns that of a place in the chain that the owner chose, counted from zero.
    pub fn of_place(place: usize) -> Self {
        if place == 0 {
            Self::Chosen
        } else {
            Self::Fallback
        }
    }

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::Fallback => "fallback",
            Self::Found => "found",
        }
    }
}

/// Whether a model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Ready,
    /// It failed, and is left alone for a while.
    Resting,
    /// It failed, and the next call tries it again.
    Trying,
    /// Something has to be mended first.
    Unusable,
}

impl Standing {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Resting => "resting",
            Self::Trying => "trying",
            Self::Unusable => "unusable",
        }
    }
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelTest {
    /// What the model said.
    pub answer: String,
    /// Who served it.
    pub provider: String,
    /// Which one.
    pub model: String,
    /// How long it took.
    pub elapsed: Duration,
    /// What it used.
    pub usage: Usage,
    /// Whether that was counted from the texts, because the server does not say.
    pub is_estimated: bool,
}

/// The models of a node.
#[derive(Default)]
pub(crate) struct ModelSlot(OnceLock<Arc<dyn LanguageModels>>);

impl App {
    /// Says who knows the language models. Once; a later call changes nothing.
    pub fn set_language_models(&self, models: Arc<dyn LanguageModels>) {
        // Set already: the first one stays.
        let _ = self.models().0.set(models);
    }

    /// Returns which language models there are and how they do; what mends them is for the owner.
    pub fn model_state(&self, actor: &Actor) -> ModelState {
        let models = self.models().0.get();
        let mut state = models.map_or_else(ModelState::default, |models| models.state());
        if must_be_owner(actor, "see what mends them").is_err() {
            for provider in &mut state.providers {
                provider.remedy.clear();
                provider.detail.clear();
            }
        }
        state
    }

    /// Asks a model something small. It costs what it costs.
    ///
    /// # Errors
    /// The caller may not; there is no money for it; no model answers.
    pub async fn test_model(&self, actor: &Actor) -> Result<ModelTest, AppError> {
        must_be_owner(actor, "try out the language model, which costs money")?;
        let Some(models) = self.models().0.get().cloned() else {
            return Err(AppError::Unavailable {
                cause: UnavailableCause::NoModel,
                detail: "the language models are not there yet; try again in a moment".into(),
            });
        };
        let app = self.clone();
        // Whoever asked may go away, and what was reserved is settled all the same.
        apart(async move {
            let whom = ForWhom {
                agent: AgentName::from_stored(CHIEF_OF_STAFF.into()),
                task: None,
                conversation: None,
            };
            let worst_case = models.prepare_test().await.unwrap_or_default();
            let call = app
                .reserve_call(&Actor::System, whom, Purpose::Chat, worst_case)
                .await?;
            let (tried, end) = models.test().await;
            app.settle_call(call, end).await?;
            tried
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use hearth_domain::money::{Charge, Scope};
    use hearth_store::money as ledger;
    use tokio::sync::Notify;

    use super::*;
    use crate::test_support::TestApp;

    /// A model that has no key before the keys are read again, and answers when it is told to.
    struct Slow {
        app: App,
        end: CallEnd,
        /// What was set aside when it was asked.
        reserved: Mutex<Option<u64>>,
        begun: Notify,
        go: Notify,
    }

    impl Slow {
        fn of(app: &App, end: CallEnd) -> Arc<Self> {
            let slow = Arc::new(Self {
                app: app.clone(),
                end,
                reserved: Mutex::default(),
                begun: Notify::new(),
                go: Notify::new(),
            });
            app.set_language_models(Arc::clone(&slow) as Arc<dyn LanguageModels>);
            slow
        }
    }

    impl LanguageModels for Slow {
        fn state(&self) -> ModelState {
            ModelState::default()
        }

        fn prepare_test(&self) -> PrepareFuture<'_> {
            Box::pin(async {
                assert_eq!(money(&self.app), (0, 0), "it is set aside afterwards");
                Some(usage(500))
            })
        }

        fn test(&self) -> TestFuture<'_> {
            Box::pin(async {
                *self.reserved.lock().unwrap() = Some(money(&self.app).0);
                self.begun.notify_one();
                self.go.notified().await;
                let failed = AppError::Unavailable {
                    cause: UnavailableCause::NoModel,
                    detail: "it failed".into(),
                };
                (Err(failed), self.end.clone())
            })
        }
    }

    fn usage(usd_micros: u64) -> Usage {
        Usage {
            usd_micros,
            input_tokens: 100,
            output_tokens: 20,
        }
    }

    /// What is set aside, and what was spent.
    fn money(app: &App) -> (u64, u64) {
        let spent = app
            .store()
            .read_now(|tx| Ok::<_, AppError>(ledger::spent(tx, &Scope::Everything)?))
            .unwrap();
        let dollars = |charge: Charge| charge.usd_micros;
        (dollars(spent.reserved), dollars(spent.spent))
    }

    #[tokio::test]
    async fn what_a_try_may_use_is_set_aside_with_new_keys_and_settled_as_it_ended() {
        let used = CallEnd::Used {
            provider: "groq".into(),
            model: "big".into(),
            usage: usage(30),
        };
        for (end, spent) in [(CallEnd::NotSent, 0), (CallEnd::Unknown, 500), (used, 30)] {
            let test = TestApp::new();
            let model = Slow::of(&test.app, end);
            model.go.notify_one();

            let tried = test.app.test_model(&Actor::Owner).await;

            assert!(tried.is_err());
            assert_eq!(*model.reserved.lock().unwrap(), Some(500));
            assert_eq!(money(&test.app), (0, spent));
        }
    }

    #[tokio::test]
    async fn a_try_is_settled_though_whoever_asked_goes_away() {
        let test = TestApp::new();
        let model = Slow::of(&test.app, CallEnd::Unknown);
        let mut trying = Box::pin(test.app.test_model(&Actor::Owner));
        tokio::select! {
            _ = &mut trying => panic!("nobody let it answer"),
            () = model.begun.notified() => (),
        }

        drop(trying);
        model.go.notify_one();

        let settled = async {
            while money(&test.app) != (0, 500) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), settled)
            .await
            .unwrap();
    }
}
