//! What calls of models use up: money and tokens.

use serde::{Deserialize, Serialize};

/// What one call of a model used, or may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// In millionths of a US dollar.
    pub usd_micros: u64,
    /// Tokens that the model read.
    pub input_tokens: u64,
    /// Tokens that the model wrote, its reasoning included.
    pub output_tokens: u64,
}

impl Usage {
    /// Returns the tokens in and out together.
    pub fn tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}
