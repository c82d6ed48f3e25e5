//! An answer as it comes together, piece by piece, whoever sends it.

use std::hash::{BuildHasher, RandomState};

use hearth_domain::money::Usage;
use serde_json::Value;

use super::request::{price, tokens_at_most};
use super::{Answer, AskError, Profile, Request, ToolCall};

/// How much an answer may hold, its calls included: more than any model in use writes.
pub(super) const ANSWER_BYTES: usize = 256 * 1024;
/// How many calls one answer may make.
const CALLS_MAX: usize = 128;

/// What came of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) calls: Vec<DraftCall>,
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) stop: Option<Stop>,
    /// Whether the server said that there is no more.
    pub(super) is_over: bool,
    /// Whether something came that was billed, reasoning included.
    pub(super) has_begun: bool,
}

/// A call as it comes together.
#[derive(Debug, Default)]
pub(super) struct DraftCall {
    /// Which one of the answer; whatever number the server gives it.
    pub(super) index: u64,
    pub(super) id: String,
    pub(super) name: String,
    /// JSON, once it is whole.
    pub(super) args: String,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// It was finished.
    Done,
    /// It may not be longer.
    Length,
    /// Its maker does not want it said.
    Filtered,
}

/// A piece of a call.
#[derive(Debug, Default)]
pub(super) struct Piece<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) args: &'a str,
}

impl Draft {
    /// Adds a piece of a call. Its number, identifier and name may come late, or with every piece.
    pub(super) fn add_piece(&mut self, piece: &Piece<'_>) {
        self.has_begun = true;
        let place = match piece.index {
            Some(index) => self.calls.iter().position(|call| call.index == index),
            // Without a number it goes on with the last call, unless it begins another.
            None => self.calls.last().and_then(|last| {
                let is_same = piece.id.is_empty() || piece.id == last.id;
                is_same.then(|| self.calls.len() - 1)
            }),
        };
        let place = place.unwrap_or_else(|| {
            let index = piece.index.unwrap_or(self.calls.len() as u64);
            self.calls.push(DraftCall {
                index,
                ..DraftCall::default()
            });
            self.calls.len() - 1
        });
        let Some(call) = self.calls.get_mut(place) else {
            return;
        };
        if call.id.is_empty() {
            piece.id.clone_into(&mut call.id);
        }
        if call.name.is_empty() {
            piece.name.clone_into(&mut call.name);
        }
        call.args.push_str(piece.args);
    }

    /// Checks that the answer is not without end.
    ///
    /// # Errors
    /// It holds more than is taken.
    pub(super) fn check_size(&self) -> Result<(), AskError> {
        let calls = self.calls.iter();
        let of_calls: usize = calls
            .map(|call| call.id.len() + call.name.len() + call.args.len())
            .sum();
        if self.text.len() + of_calls > ANSWER_BYTES || self.calls.len() > CALLS_MAX {
            return Err(too_much());
        }
        Ok(())
    }

    /// Returns what it used, where the server said all of that itself.
    pub(super) fn reported(self, request: &Request, profile: &Profile) -> Option<Usage> {
        // What was written and held back is in no text, so that a missing number is not nothing.
        self.output_tokens?;
        let answer = self.finish(request, profile);
        (!answer.is_estimated).then_some(answer.usage)
    }

    /// Returns the finished answer. What the server does not say of the use is counted from the texts.
    pub(super) fn finish(self, request: &Request, profile: &Profile) -> Answer {
        let calls: Vec<ToolCall> = self.calls.into_iter().map(DraftCall::finish).collect();
        // Nothing is answered without reading or writing: a zero is no count.
        let counted = |tokens: Option<u64>| tokens.filter(|tokens| *tokens > 0);
        let is_silent = self.text.is_empty() && calls.is_empty();
        let reported = (counted(self.input_tokens), counted(self.output_tokens));
        let reported = (reported.0, reported.1.or(is_silent.then_some(0)));
        let is_estimated = reported.0.is_none() || reported.1.is_none();
        let input_tokens = reported.0.unwrap_or_else(|| request.input_tokens_at_most());
        let written = || {
            let calls = calls
                .iter()
                .map(|call| tokens_at_most(&call.name) + tokens_at_most(&call.args.to_string()));
            tokens_at_most(&self.text) + calls.sum::<u64>()
        };
        let output_tokens = reported.1.unwrap_or_else(written);
        Answer {
            usage: Usage {
                usd_micros: price(input_tokens, profile.input_price)
                    .saturating_add(price(output_tokens, profile.output_price)),
                input_tokens,
                output_tokens,
            },
            is_estimated,
            is_cut: self.stop == Some(Stop::Length),
            provider: profile.provider.clone(),
            model: profile.model.clone(),
            text: self.text,
            calls,
        }
    }
}

impl DraftCall {
    fn finish(self) -> ToolCall {
        let args = if self.args.trim().is_empty() {
            // Of a tool without arguments some models write none.
            Value::Object(serde_json::Map::new())
        } else {
            match serde_json::from_str(&self.args) {
                Ok(args @ Value::Object(_)) => args,
                Ok(_) | Err(_) => Value::String(self.args),
            }
        };
        ToolCall {
            id: if self.id.is_empty() {
                format!("call_{:016x}", random())
            } else {
                self.id
            },
            name: self.name,
            args,
        }
    }
}

/// Says that an answer is longer than is taken.
pub(super) fn too_much() -> AskError {
    AskError::Refused(format!(
        "it answered with more than {} KiB",
        ANSWER_BYTES / 1024
    ))
}

/// Returns a number that nobody guesses twice, for names and pauses and not for secrets.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}

/// Returns the arguments of an earlier call as an object, which every server takes: what was no JSON is
/// told as the text it was.
pub(super) fn object_of(args: &Value) -> Value {
    match args {
        Value::Object(_) => args.clone(),
        Value::String(text) => serde_json::json!({ "not_json": text }),
        other => serde_json::json!({ "not_an_object": other }),
    }
}
