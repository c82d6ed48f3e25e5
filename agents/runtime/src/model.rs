//! Language models: what is asked of one, what it answers, and which one is asked.
//!
//! A [`Provider`] speaks to one model at one address. [`Models`] is the chain of those there are, in
//! the order in which they are tried. What a call may cost is reserved before it, by whoever asks: see
//! [`Models::worst_case`].

//!
//! Reading order: [`Request`] and [`Answer`], [`Preset`], [`Config`], [`Models`] with `link` and
//! `breaker`, `remote` with `http` and `wire`, `local` (servers on this machine), `facility`.

mod breaker;
mod catalogue;
mod chain;
mod config;
mod draft;
mod facility;
mod fault;
mod http;
mod link;
mod local;
mod preset;
mod remote;
mod request;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

use std::future::Future;
use std::pin::Pin;

use hearth_domain::money::{CallEnd, Usage};
use thiserror::Error;

pub use chain::Models;
pub use config::{Choice, Config, Key, Patience, Ports};
pub use facility::{ModelDesk, Refresh};
pub use fault::{Fault, FaultKind};
pub use preset::{KeyNeed, Preset};
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

    /// Whether what it costs is not known, and the profile names the most that any costs.
    fn is_price_assumed(&self) -> bool {
        false
    }

    /// What keeps it from being asked at all, such as a key that is not there.
    fn trouble(&self) -> Option<Fault> {
        None
    }

    /// Asks it once: no retry, no budget. Dropping the future ends the call.
    fn ask<'a>(&'a self, request: &'a Request, heard: Heard<'a>) -> AnswerFuture<'a>;
}

/// Says what a call used: nothing, where no model was heard of; the worst case, where one may have made
/// an answer and nobody knows how much of one.
pub(crate) fn end_of(answer: &Result<Answer, AskError>) -> CallEnd {
    match answer {
        Ok(answer) => CallEnd::Used {
            provider: answer.provider.clone(),
            model: answer.model.clone(),
            usage: answer.usage,
        },
        Err(AskError::None(_) | AskError::Refused(_) | AskError::Faulty(_)) => CallEnd::NotSent,
        Err(AskError::Spoiled {
            usage: Some(usage), ..
        }) => CallEnd::Used {
            // An error does not say who made it.
            provider: String::new(),
            model: String::new(),
            usage: *usage,
        },
        Err(AskError::BrokenOff(_) | AskError::Spoiled { .. } | AskError::Stopped) => {
            CallEnd::Unknown
        }
    }
}

/// Why a model was not asked, or did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AskError {
    /// There is none, or none that works at the moment: why, and what mends it.
    #[error("no language model answers: {0}")]
    None(String),
    /// An answer had begun to come and broke off: it may cost something all the same.
    #[error("the model's answer broke off: {0}")]
    BrokenOff(String),
    /// An answer was made and is of no use, such as one that was stopped for its content: it may cost
    /// something all the same.
    #[error("the model's answer is of no use: {why}")]
    Spoiled {
        /// Why it is of no use.
        why: String,
        /// What it used, where the server said so.
        usage: Option<Usage>,
    },
    /// The request cannot be answered as it stands, and was not.
    #[error("the model refused the request: {0}")]
    Refused(String),
    /// The run is to stop.
    #[error("stopped")]
    Stopped,
    /// One server failed. Said by a [`Provider`] alone: [`Models`] asks again, asks another, or says
    /// that none answers.
    #[error("{}", .0.message)]
    Faulty(Fault),
}
