//! The language models.

use hearth_app::language_model::{self, ModelState, ProviderState};
use hearth_domain::money::usd;
use serde::Serialize;
use utoipa::ToSchema;

/// The language models.
#[derive(Serialize, ToSchema)]
pub(crate) struct LanguageModels {
    /// In the order in which they are tried.
    providers: Vec<LanguageModel>,
    /// How many tokens an answer may have.
    max_output_tokens: u32,
}

/// One model, and how it does.
#[derive(Serialize, ToSchema)]
pub(crate) struct LanguageModel {
    /// Who serves it, such as `groq`.
    provider: String,
    /// Its name there; empty where that is not known yet.
    model: String,
    /// How it came into the chain: `chosen`, `fallback` or `found`.
    origin: &'static str,
    /// Whether it would be asked now.
    is_current: bool,
    /// Whether it is asked: `ready`, `resting` after failures, `trying` again with the next call, or
    /// `unusable` until something is mended.
    standing: &'static str,
    /// Why it is not asked; empty where it is.
    reason: String,
    /// What exactly happened, told to an admin.
    detail: String,
    /// What mends that, told to an admin.
    remedy: String,
    /// How long it is left alone yet.
    #[schema(required = true)]
    retry_in_seconds: Option<u64>,
    /// How many tokens it reads and writes in one call.
    context_tokens: u64,
    /// Whether it calls tools.
    has_tools: bool,
    /// What a million tokens read cost, in dollars.
    input_price: f64,
    /// What a million tokens written cost, in dollars.
    output_price: f64,
    /// Whether the prices are not known, and are the most that any costs.
    is_price_assumed: bool,
}

/// What came of trying a model out.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelTest {
    /// Who served it.
    provider: String,
    /// Which one.
    model: String,
    /// What it said.
    answer: String,
    /// How long that took.
    elapsed_ms: u64,
    /// Tokens that it read.
    input_tokens: u64,
    /// Tokens that it wrote.
    output_tokens: u64,
    /// What it cost, in dollars.
    cost: f64,
    /// Whether use and cost are counted from the texts, because the server does not say.
    is_estimated: bool,
}

impl From<ModelState> for LanguageModels {
    fn from(state: ModelState) -> Self {
        Self {
            providers: state
                .providers
                .into_iter()
                .map(LanguageModel::from)
                .collect(),
            max_output_tokens: state.max_output_tokens,
        }
    }
}

impl From<ProviderState> for LanguageModel {
    fn from(state: ProviderState) -> Self {
        Self {
            provider: state.provider,
            model: state.model,
            origin: state.origin.as_str(),
            is_current: state.is_current,
            standing: state.standing.as_str(),
            reason: state.reason,
            detail: state.detail,
            remedy: state.remedy,
            // The last second is not zero.
            retry_in_seconds: state.retry_in.map(|wait| wait.as_secs() + 1),
            context_tokens: state.context_tokens,
            has_tools: state.has_tools,
            input_price: usd(state.input_price),
            output_price: usd(state.output_price),
            is_price_assumed: state.is_price_assumed,
        }
    }
}

impl From<language_model::ModelTest> for ModelTest {
    fn from(test: language_model::ModelTest) -> Self {
        Self {
            provider: test.provider,
            model: test.model,
            answer: test.answer,
            elapsed_ms: u64::try_from(test.elapsed.as_millis()).unwrap_or(u64::MAX),
            input_tokens: test.usage.input_tokens,
            output_tokens: test.usage.output_tokens,
            cost: usd(test.usage.usd_micros),
            is_estimated: test.is_estimated,
        }
    }
}
