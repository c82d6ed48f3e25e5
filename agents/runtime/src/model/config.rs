//! Which models there are to be, and how patiently they are asked.

use std::fmt;
use std::time::Duration;

use super::preset::Preset;

/// A key for a server. It is shown to nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Takes a key.
    pub fn new(key: &str) -> Self {
        Self(key.to_owned())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// One model that the owner chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Who serves it.
    pub preset: Preset,
    /// Its name there; none for the usual one, or whichever a server of one's own has.
    pub model: Option<String>,
    /// Where the server answers, where not at the usual place.
    pub url: Option<String>,
    /// What to show the server.
    pub key: Option<Key>,
    /// Why the key could not be read, where it could not.
    pub key_trouble: Option<String>,
    /// Whether its calls of tools come in a stream as well, where that is known better than by its
    /// name.
    pub has_streamed_tools: Option<bool>,
    /// How many tokens it reads and writes in one call, where the owner said so.
    pub context_tokens: Option<u64>,
    /// What a million tokens read cost, in millionths of a dollar, where the owner said so.
    pub input_price: Option<u64>,
    /// What a million tokens written cost.
    pub output_price: Option<u64>,
}

impl Choice {
    /// Chooses a server with nothing else said.
    pub fn of(preset: Preset) -> Self {
        Self {
            preset,
            model: None,
            url: None,
            key: None,
            key_trouble: None,
            has_streamed_tools: None,
            context_tokens: None,
            input_price: None,
            output_price: None,
        }
    }
}

/// How models are chosen and asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What the owner chose, first to last.
    pub chain: Vec<Choice>,
    /// Whether servers on this machine are looked for, to be asked where no other answers.
    pub find_local: bool,
    /// How many tokens an answer may have, unless a request says otherwise.
    pub max_output_tokens: u32,
    /// Where servers on this machine are looked for.
    pub ports: Ports,
    /// How patiently they are asked.
    pub patience: Patience,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            chain: Vec::new(),
            find_local: false,
            max_output_tokens: 2048,
            ports: Ports::default(),
            patience: Patience::default(),
        }
    }
}

/// The ports of loopback at which servers are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Ollama's.
    pub ollama: u16,
    /// That of the server of llama.cpp.
    pub llama_server: u16,
    /// LM Studio's.
    pub lm_studio: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            ollama: 11_434,
            llama_server: 8080,
            lm_studio: 1234,
        }
    }
}

/// How long is waited, and how often is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until a server begins to answer.
    pub first_byte: Duration,
    /// The same for a server of one's own: without a graphics card it may read a long text for
    /// minutes, and load the model before.
    pub first_byte_own: Duration,
    /// Between two pieces of an answer.
    pub between_bytes: Duration,
    /// For one answer as a whole.
    pub whole: Duration,
    /// How often one server is asked the same.
    pub tries: u32,
    /// From the first try on, no other begins after this.
    pub retry_window: Duration,
    /// The longest pause before the second try; it doubles. The pause is a random part of it.
    pub retry_pause: Duration,
    /// For each question at loopback whether a server is there.
    pub look: Duration,
    /// Between two looks around.
    pub look_again: Duration,
    /// How many requests one server has at once.
    pub at_once: usize,
    /// After how many failures in a row a server is left alone.
    pub failures: u32,
    /// For how long at first; it doubles.
    pub rest: Duration,
    /// For how long at most.
    pub rest_most: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_mins(2),
            first_byte_own: Duration::from_mins(5),
            between_bytes: Duration::from_mins(1),
            whole: Duration::from_mins(10),
            tries: 3,
            retry_window: Duration::from_mins(1),
            retry_pause: Duration::from_secs(1),
            look: Duration::from_millis(300),
            look_again: Duration::from_mins(1),
            at_once: 4,
            failures: 5,
            rest: Duration::from_secs(30),
            rest_most: Duration::from_mins(10),
        }
    }
}
