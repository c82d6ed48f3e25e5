//! Language models: what is asked of one, what it answers, and which one is asked.
//!
//! A [`Provider`] speaks to one model at one address. [`Models`] is the chain of those there are, in
//! the order in which they are tried. What a call may cost is reserved before it, by whoever asks: see
//! [`Models::worst_case`].

mod request;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hearth_domain::money::Usage;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

pub use request::{Answer, Message, Request, ToolCall, ToolSpec};

/// What a model can do, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who serves it, such as `groq`.
    pub provider: String,
    /// Its name there.
    pub model: String,
    /// How many tokens it can read and write in one call.
    pub context_tokens: u64,
    /// Whether it can call tools.
    pub has_tools: bool,
    /// Whether its calls of tools come in a stream as well.
    pub has_streamed_tools: bool,
    /// What a million tokens read cost, in millionths of a US dollar.
    pub input_price: u64,
    /// What a million tokens written cost, in millionths of a US dollar.
    pub output_price: u64,
}

/// Hears an answer's text as it comes.
pub type Heard<'a> = Option<&'a (dyn Fn(&str) + Sync)>;

/// An answer on its way.
pub type AnswerFuture<'a> = Pin<Box<dyn Future<Output = Result<Answer, AskError>> + Send + 'a>>;

/// One model at one address.
pub trait Provider: Send + Sync + 'static {
    /// What it can do, and what it costs.
    fn profile(&self) -> Profile;

    /// Asks it once: no retry, no budget. Dropping the future ends the call.
    fn ask<'a>(&'a self, request: &'a Request, heard: Heard<'a>) -> AnswerFuture<'a>;
}

/// Why a model was not asked, or did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AskError {
    /// There is none, or none that works at the moment: why, and what mends it.
    #[error("no language model answers: {0}")]
    None(String),
    /// The request cannot be answered as it stands.
    #[error("the model refused the request: {0}")]
    Refused(String),
    /// The run is to stop.
    #[error("stopped")]
    Stopped,
}

/// How many tokens an answer may have, unless it is told otherwise.
pub const MAX_OUTPUT_TOKENS: u32 = 2048;

/// The models there are, in the order in which they are tried. Cheap to clone.
#[derive(Clone, Default)]
pub struct Models {
    chain: Vec<Arc<dyn Provider>>,
}

impl Models {
    /// A chain of models.
    pub fn new(chain: Vec<Arc<dyn Provider>>) -> Self {
        Self { chain }
    }

    /// Returns the model that would be asked now; `None` where there is none.
    pub fn current(&self) -> Option<Profile> {
        self.chain.first().map(|provider| provider.profile())
    }

    /// Returns how many tokens an answer may have.
    pub fn max_output_tokens(&self) -> u32 {
        MAX_OUTPUT_TOKENS
    }

    /// Returns the most that asking may use up, whichever model answers; `None` where there is none.
    pub fn worst_case(&self, request: &Request) -> Option<Usage> {
        let cases = self
            .chain
            .iter()
            .map(|provider| request.worst_case(&provider.profile()));
        cases.reduce(|one, other| Usage {
            usd_micros: one.usd_micros.max(other.usd_micros),
            input_tokens: one.input_tokens.max(other.input_tokens),
            output_tokens: one.output_tokens.max(other.output_tokens),
        })
    }

    /// Asks the first model that answers.
    ///
    /// # Errors
    /// None answers; the request is wrong; `stop` was cancelled.
    pub async fn ask(
        &self,
        request: &Request,
        heard: Heard<'_>,
        stop: &CancellationToken,
    ) -> Result<Answer, AskError> {
        let mut last = AskError::None("none is configured".into());
        for provider in &self.chain {
            let answer = tokio::select! {
                answer = provider.ask(request, heard) => answer,
                () = stop.cancelled() => return Err(AskError::Stopped),
            };
            match answer {
                Err(error @ AskError::None(_)) => last = error,
                other => return other,
            }
        }
        Err(last)
    }
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let chain = self.chain.iter().map(|provider| provider.profile());
        f.debug_list().entries(chain).finish()
    }
}
