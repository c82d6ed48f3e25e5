//! Whether there is a language model, as the node tells it; and the way in for those who ask about it.

use std::sync::Arc;
use std::time::Duration;

use hearth_app::language_model::{
    LanguageModels, ModelState, ModelTest, PrepareFuture, TestFuture,
};
use hearth_app::{AppError, Facility, UnavailableCause};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{AskError, Message, Models, Request, end_of};

/// What makes a model usable where there is none.
const NO_MODEL: &str = "hearth model use groq (or another: hearth model use --help), or start Ollama \
                        with a model that calls tools";
/// How long the answer to a test may be: those that reason need some before the first word.
const TEST_TOKENS: u32 = 512;

impl Models {
    /// Returns whether a model answers, and if not, why and what mends it.
    pub fn facility(&self) -> Facility {
        let states = self.state();
        let Some(current) = states.iter().find(|state| state.is_current) else {
            let Some(first) = states.first() else {
                return Facility::missing(
                    "no language model is configured, and none was found",
                    NO_MODEL,
                );
            };
            let remedy = if first.remedy.is_empty() {
                NO_MODEL
            } else {
                &first.remedy
            };
            return Facility::missing(first.reason.clone(), remedy)
                .with_detail(first.detail.clone());
        };
        let name = format!("{}/{}", current.provider, current.model);
        if !current.has_tools {
            return Facility::missing(
                format!("{name} cannot call tools, so that it can talk and not work"),
                "name a model that can: hearth model use --help",
            );
        }
        let first = states.first().filter(|first| !first.is_current);
        if let Some(first) = first {
            let reason = format!(
                "{} answers in the place of {}: {}",
                name, first.provider, first.reason
            );
            return Facility::hampered(reason, first.remedy.clone())
                .with_detail(first.detail.clone());
        }
        if current.is_price_assumed {
            let reason = format!(
                "the price of {name} is not known and counted as $15/$75 per million tokens"
            );
            return Facility::hampered(
                reason,
                "hearth config set model.input_price DOLLARS, and model.output_price",
            );
        }
        Facility::works()
    }
}

/// Reads again what the models depend on, such as keys; by the node, which alone knows where they are.
pub type Refresh =
    Arc<dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The models, for those who show and try them.
#[derive(Clone)]
pub struct ModelDesk {
    models: Models,
    refresh: Refresh,
}

/// What a model is asked to be tried out.
fn small() -> Request {
    Request {
        system: "You are being tried out.".into(),
        messages: vec![Message::User("Answer with the one word: ready".into())],
        tools: Vec::new(),
        max_output_tokens: TEST_TOKENS,
    }
}

impl ModelDesk {
    /// Shows and tries these models; `refresh` reads the keys again before a try.
    pub fn new(models: Models, refresh: Refresh) -> Self {
        Self { models, refresh }
    }
}

impl LanguageModels for ModelDesk {
    fn state(&self) -> ModelState {
        ModelState {
            providers: self.models.state(),
            max_output_tokens: self.models.max_output_tokens(),
        }
    }

    fn prepare_test(&self) -> PrepareFuture<'_> {
        Box::pin(async {
            (self.refresh)().await;
            self.models.worst_case(&small())
        })
    }

    fn test(&self) -> TestFuture<'_> {
        Box::pin(async {
            let begun = Instant::now();
            let stop = CancellationToken::new();
            let asked = self.models.ask(&small(), None, &stop).await;
            let end = end_of(&asked);
            let tried = match asked {
                Ok(answer) => Ok(ModelTest {
                    answer: answer.text.chars().take(2000).collect(),
                    provider: answer.provider,
                    model: answer.model,
                    elapsed: begun.elapsed().max(Duration::from_millis(1)),
                    usage: answer.usage,
                    is_estimated: answer.is_estimated,
                }),
                Err(error @ (AskError::None(_) | AskError::BrokenOff(_) | AskError::Faulty(_))) => {
                    Err(self.none(&error))
                }
                Err(error) => Err(AppError::Unavailable {
                    cause: UnavailableCause::NoModel,
                    detail: error.to_string(),
                }),
            };
            (tried, end)
        })
    }
}

impl ModelDesk {
    fn none(&self, error: &AskError) -> AppError {
        let remedy = self.models.facility().remedy;
        let detail = if remedy.is_empty() {
            error.to_string()
        } else {
            format!("{error}; do this: {remedy}")
        };
        AppError::Unavailable {
            cause: UnavailableCause::NoModel,
            detail,
        }
    }
}
