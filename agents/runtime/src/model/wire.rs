//! The forms in which servers are asked and answer: one file for each way of speaking.

pub(super) mod anthropic;
pub(super) mod ollama;
pub(super) mod openai;

use serde_json::Value;

use super::fault::Fault;
use super::{AskError, Request};

/// What is asked of a server.
pub(super) struct Asked<'a> {
    pub(super) model: &'a str,
    pub(super) request: &'a Request,
    pub(super) is_streamed: bool,
    /// How many tokens the model is to hold; only Ollama has to be told.
    pub(super) context_tokens: u64,
    /// Whether the longest answer goes by the name that OpenAI's newer models take alone.
    pub(super) has_new_limit: bool,
}

/// Why a piece of an answer is none.
pub(super) fn error_in_stream(who: &str, error: &Value) -> AskError {
    let message = match error {
        Value::String(text) => text.as_str(),
        other => other["message"].as_str().unwrap_or("without a reason"),
    };
    let message = one_line(message);
    AskError::Faulty(Fault::passing(format!("{who} broke off: {message}")))
}

/// Returns a server's words on one line, and not too many of them.
pub(super) fn one_line(text: &str) -> String {
    const SHOWN: usize = 300;
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let shown: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(SHOWN)
        .collect();
    if shown.len() < text.len() {
        return format!("{shown} ...");
    }
    shown
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
