//! Who serves language models: the servers that are known by name, and any other by its address.

use std::fmt;
use std::str::FromStr;

/// A server of language models, by the word for it in `model.provider`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// Groq's cloud.
    Groq,
    /// OpenAI's own.
    OpenAi,
    /// Anthropic's own.
    Anthropic,
    /// OpenRouter, which hands on to many others.
    OpenRouter,
    /// Ollama, on this machine unless an address says otherwise.
    Ollama,
    /// The server of llama.cpp, on this machine unless an address says otherwise.
    LlamaServer,
    /// LM Studio, on this machine unless an address says otherwise.
    LmStudio,
    /// Whatever answers as OpenAI does, at an address of the owner's.
    Compatible,
}

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// `POST {url}/chat/completions`.
    OpenAi,
    /// `POST {url}/messages`.
    Anthropic,
    /// `POST {url}/api/chat`.
    Ollama,
}

/// Whether a server wants a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyNeed {
    /// It answers nobody without one.
    Needed,
    /// Some do.
    Optional,
    /// It takes none.
    None,
}

impl Preset {
    /// Every preset, in the order in which they are listed.
    pub const ALL: [Self; 8] = [
        Self::Groq,
        Self::OpenAi,
        Self::Anthropic,
        Self::OpenRouter,
        Self::Ollama,
        Self::LlamaServer,
        Self::LmStudio,
        Self::Compatible,
    ];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Groq => "groq",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::OpenRouter => "openrouter",
            Self::Ollama => "ollama",
            Self::LlamaServer => "llama-server",
            Self::LmStudio => "lmstudio",
            Self::Compatible => "openai-compatible",
        }
    }

    /// Returns where it answers; `None` where only its owner knows.
    pub fn url(self) -> Option<&'static str> {
        Some(match self {
            Self::Groq => "https://api.groq.com/openai/v1",
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com/v1",
            Self::OpenRouter => "https://openrouter.ai/api/v1",
            Self::Ollama => "http://127.0.0.1:11434",
            Self::LlamaServer => "http://127.0.0.1:8080",
            Self::LmStudio => "http://127.0.0.1:1234",
            Self::Compatible => return None,
        })
    }

    /// Returns the model that is asked where none is named: one that calls tools and costs little.
    /// Of the servers of one's own it is whichever they have.
    pub fn default_model(self) -> Option<&'static str> {
        match self {
            Self::Groq => Some("llama-3.3-70b-versatile"),
            Self::OpenAi => Some("gpt-4.1-mini"),
            Self::Anthropic => Some("claude-haiku-4-5"),
            Self::OpenRouter
            | Self::Ollama
            | Self::LlamaServer
            | Self::LmStudio
            | Self::Compatible => None,
        }
    }

    /// Returns whether it wants a key.
    pub fn key(self) -> KeyNeed {
        match self {
            Self::Groq | Self::OpenAi | Self::Anthropic | Self::OpenRouter => KeyNeed::Needed,
            Self::Compatible => KeyNeed::Optional,
            Self::Ollama | Self::LlamaServer | Self::LmStudio => KeyNeed::None,
        }
    }

    /// Returns what the secret is called that holds its key. Each has its own, so that a key is shown
    /// to nobody but the one it is for.
    pub fn secret(self) -> Option<&'static str> {
        match self {
            Self::Groq => Some("groq_key"),
            Self::OpenAi => Some("openai_key"),
            Self::Anthropic => Some("anthropic_key"),
            Self::OpenRouter => Some("openrouter_key"),
            Self::Compatible => Some("model_key"),
            Self::Ollama | Self::LlamaServer | Self::LmStudio => None,
        }
    }

    /// Whether it is a server that people run themselves: it costs nothing, and says what it has.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Ollama | Self::LlamaServer | Self::LmStudio)
    }

    pub(super) fn speech(self) -> Speech {
        match self {
            Self::Anthropic => Speech::Anthropic,
            Self::Ollama => Speech::Ollama,
            _ => Speech::OpenAi,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let all = Self::ALL.map(Self::as_str);
        Self::ALL
            .into_iter()
            .find(|preset| preset.as_str() == word)
            .ok_or_else(|| format!("must be one of {}", all.join(", ")))
    }
}
