//! What a model is asked, and what it answers, whoever serves it.

use hearth_domain::money::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Profile;

/// What a model is asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// Who it is, and how it works.
    pub system: String,
    /// What was said so far.
    pub messages: Vec<Message>,
    /// What it may call.
    pub tools: Vec<ToolSpec>,
    /// How many tokens it may write.
    pub max_output_tokens: u32,
}

/// One entry of what was said.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// By a person, or the node in its place.
    User(String),
    /// By the model.
    Model {
        /// What it said; may be empty beside calls.
        text: String,
        /// What it called.
        calls: Vec<ToolCall>,
    },
    /// What came of a call.
    Tool {
        /// Of which one.
        call_id: String,
        /// What it brought, or why nothing.
        content: String,
    },
}

/// A tool as a model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub schema: Value,
}

/// A call that a model asks for. Nothing about it has been checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What its result names it by.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// With what: an object where the model wrote JSON, else the text that it wrote.
    pub args: Value,
}

/// What a model answered. A stored format: it lies in the journal of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// What it said; may be empty beside calls.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What it calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// Whether it stopped because it may not write more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// Who answered.
    pub provider: String,
    /// Which model.
    pub model: String,
    /// What it used.
    pub usage: Usage,
    /// Whether that is counted from the texts, because the server does not say: rather too much.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_estimated: bool,
}

impl Request {
    /// Returns the most that asking a model this may use up.
    pub fn worst_case(&self, profile: &Profile) -> Usage {
        let input_tokens = self.input_tokens_at_most();
        let output_tokens = u64::from(self.max_output_tokens);
        Usage {
            usd_micros: price(input_tokens, profile.input_price)
                .saturating_add(price(output_tokens, profile.output_price)),
            input_tokens,
            output_tokens,
        }
    }

    /// Returns more tokens than any model makes of what it is to read.
    pub fn input_tokens_at_most(&self) -> u64 {
        let messages = self.messages.iter().map(|message| match message {
            Message::User(text) => tokens_at_most(text),
            Message::Model { text, calls } => {
                let calls = calls.iter().map(|call| {
                    tokens_at_most(&call.name) + tokens_at_most(&call.args.to_string()) + 16
                });
                tokens_at_most(text) + calls.sum::<u64>()
            }
            Message::Tool { content, .. } => tokens_at_most(content) + 16,
        });
        let tools = self.tools.iter().map(|tool| {
            tokens_at_most(&tool.name)
                + tokens_at_most(&tool.description)
                + tokens_at_most(&tool.schema.to_string())
                + 16
        });
        let said: u64 = messages.map(|tokens| tokens + 8).sum();
        tokens_at_most(&self.system) + said + tools.sum::<u64>() + 32
    }
}

impl Request {
    /// Returns fewer tokens than any model makes of what it is to read.
    pub(crate) fn input_tokens_at_least(&self) -> u64 {
        let said = self.messages.iter().map(|message| match message {
            Message::User(text) | Message::Tool { content: text, .. } => letters(text),
            Message::Model { text, calls } => {
                let calls = calls.iter().map(|call| letters(&call.args.to_string()));
                letters(text) + calls.sum::<u64>()
            }
        });
        let tools = self.tools.iter();
        let tools =
            tools.map(|tool| letters(&tool.description) + letters(&tool.schema.to_string()));
        // A token is hardly ever longer than eight letters, and on average half as long.
        (letters(&self.system) + said.sum::<u64>() + tools.sum::<u64>()) / 8
    }
}

fn letters(text: &str) -> u64 {
    text.chars().filter(|c| c.is_alphanumeric()).count() as u64
}

/// Returns the price of some tokens, rounded up; `per_million` and the price are in millionths of a
/// US dollar.
pub(crate) fn price(tokens: u64, per_million: u64) -> u64 {
    let micros = u128::from(tokens) * u128::from(per_million);
    u64::try_from(micros.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Returns more tokens than the tokenizers in use make of a text: they take words and runs of letters
/// together, digits and signs in small groups, and other scripts at worst byte by byte.
pub(crate) fn tokens_at_most(text: &str) -> u64 {
    let mut thirds = 0_u64;
    for c in text.chars() {
        thirds += match c {
            c if c.is_ascii_lowercase() => 2,
            ' ' => 1,
            c if c.is_ascii() => 3,
            c => 3 * c.len_utf8() as u64,
        };
    }
    thirds.div_ceil(3)
}
