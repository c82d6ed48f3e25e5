//! Settings of listening and speaking, and how they are read.

use std::path::Path;
use std::time::Duration;

use crate::settings::value::Given;

/// Settings of listening and speaking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceSettings {
    /// What turns speech into text.
    pub transcriber: TranscriberChoice,
    /// The name of a model in the catalogue, or the path of one; empty for the best there is.
    pub model: String,
    /// The language spoken, as two letters; empty where it is to be found out.
    pub language: String,
    /// The path of the grammar that PocketSphinx hears; empty for none.
    pub grammar: String,
    /// How long the transcribing process stays when there is nothing to do.
    pub idle: Duration,
    /// How much memory it may have.
    pub memory_bytes: u64,
    /// Where Groq, or another that speaks the same, answers; empty for the usual place.
    pub groq_url: String,
    /// What turns text into speech.
    pub speaker: SpeakerChoice,
    /// The voice: a name in the catalogue, one of espeak-ng's, or the identifier of one of Cartesia's; empty
    /// for the usual one.
    pub voice: String,
    /// The path of the ONNX Runtime; empty for the one that was pulled.
    pub onnxruntime: String,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self {
            transcriber: TranscriberChoice::Auto,
            model: String::new(),
            language: String::new(),
            grammar: String::new(),
            idle: Duration::from_mins(5),
            memory_bytes: 3 * 1024 * 1024 * 1024,
            groq_url: String::new(),
            speaker: SpeakerChoice::Auto,
            voice: String::new(),
            onnxruntime: String::new(),
        }
    }
}

/// What turns speech into text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriberChoice {
    /// Whisper where a model for it is there.
    Auto,
    /// Whisper, on this machine.
    Whisper,
    /// A company, by key: the sound leaves this machine.
    Groq,
    /// The sentences of a grammar, on this machine.
    PocketSphinx,
    /// Nothing.
    Off,
}

impl TranscriberChoice {
    const ALL: [Self; 5] = [
        Self::Auto,
        Self::Whisper,
        Self::Groq,
        Self::PocketSphinx,
        Self::Off,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Whisper => "whisper",
            Self::Groq => "groq",
            Self::PocketSphinx => "pocketsphinx",
            Self::Off => "off",
        }
    }
}

/// What turns text into speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeakerChoice {
    /// The best that is there and stays on this machine.
    Auto,
    /// The program espeak-ng.
    Espeak,
    /// A Piper voice.
    Piper,
    /// A Kokoro voice.
    Kokoro,
    /// A company, by key: the text leaves this machine.
    Cartesia,
    /// Nothing.
    Off,
}

impl SpeakerChoice {
    const ALL: [Self; 6] = [
        Self::Auto,
        Self::Espeak,
        Self::Piper,
        Self::Kokoro,
        Self::Cartesia,
        Self::Off,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Espeak => "espeak",
            Self::Piper => "piper",
            Self::Kokoro => "kokoro",
            Self::Cartesia => "cartesia",
            Self::Off => "off",
        }
    }
}

pub(super) fn transcriber(given: Given<'_>) -> Result<TranscriberChoice, String> {
    let all = TranscriberChoice::ALL;
    let word = given.one_of(&all.map(TranscriberChoice::as_str))?;
    let chosen = all.into_iter().find(|choice| choice.as_str() == word);
    Ok(chosen.unwrap_or(TranscriberChoice::Auto))
}

pub(super) fn speaker(given: Given<'_>) -> Result<SpeakerChoice, String> {
    let all = SpeakerChoice::ALL;
    let word = given.one_of(&all.map(SpeakerChoice::as_str))?;
    let chosen = all.into_iter().find(|choice| choice.as_str() == word);
    Ok(chosen.unwrap_or(SpeakerChoice::Auto))
}

pub(super) fn model(given: Given<'_>) -> Result<String, String> {
    let text = given.text_or_none()?;
    if text.is_empty() || Path::new(&text).is_absolute() || is_name(&text) {
        return Ok(text);
    }
    Err("must be a name that `hearth models list` shows, or the absolute path of a model".into())
}

pub(super) fn language(given: Given<'_>) -> Result<String, String> {
    let text = given.text_or_none()?;
    let is_code = matches!(text.len(), 2 | 3) && text.chars().all(|c| c.is_ascii_lowercase());
    if text.is_empty() || is_code {
        return Ok(text);
    }
    Err("must be the two letters of a language, such as en or de, or empty".into())
}

pub(super) fn voice(given: Given<'_>) -> Result<String, String> {
    let text = given.text_or_none()?;
    if text.is_empty() || is_name(&text) {
        return Ok(text);
    }
    Err("must be the name of a voice, such as kokoro or en-gb".into())
}

/// A file that is named by its path, and may come later.
pub(super) fn file(given: Given<'_>) -> Result<String, String> {
    let text = given.text_or_none()?;
    if text.is_empty() || Path::new(&text).is_absolute() {
        return Ok(text);
    }
    Err("must be an absolute path, written out without ~".into())
}

fn is_name(text: &str) -> bool {
    let is_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    text.len() <= 100 && !text.starts_with(['-', '.']) && text.chars().all(is_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_a_name_or_an_absolute_path() {
        for right in ["", "whisper-base.en", "/models/ggml-base.bin"] {
            assert_eq!(model(Given::Word(right)), Ok(right.to_owned()));
        }
        for wrong in ["../x", "a b", "~/ggml.bin", "-x"] {
            assert!(model(Given::Word(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_language_is_two_letters() {
        assert_eq!(language(Given::Word("de")), Ok("de".to_owned()));
        assert!(language(Given::Word("German")).is_err());
    }
}
