//! Hearing and speaking in the shapes of OpenAI.

use hearth_app::voice::{self, Speech, SpeechFormat, Transcript};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// What OpenAI calls its voices: the voice of the settings speaks.
const THEIR_VOICES: [&str; 13] = [
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage",
    "shimmer", "verse",
];

/// A recording to be transcribed.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "its fields are there for the OpenAPI document; the form is read in parts"
)]
pub(crate) struct TranscriptionForm {
    /// The recording: WAV, FLAC, MP3, M4A or Ogg/Opus.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Taken and not used.
    model: Option<String>,
    /// The language spoken, as two letters such as `en`; found out unless told.
    language: Option<String>,
    /// Words that are likely. The names of projects are, in any case.
    prompt: Option<String>,
    /// `json` unless told; or `text`, `verbose_json`, `srt`, `vtt`.
    response_format: Option<String>,
    /// Taken and not used.
    temperature: Option<String>,
    /// `segment`, with `verbose_json`. The times of single words are not measured here.
    #[schema(rename = "timestamp_granularities[]")]
    timestamp_granularities: Option<Vec<String>>,
}

/// What is asked for in such a form.
#[derive(Debug)]
pub(crate) struct AskedTranscription {
    pub(crate) language: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) format: TranscriptionFormat,
}

/// How a transcript is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TranscriptionFormat {
    Json,
    Text,
    Verbose,
    Srt,
    Vtt,
}

impl TranscriptionFormat {
    fn read(word: &str) -> Result<Self, Problem> {
        Ok(match word {
            "json" => Self::Json,
            "text" => Self::Text,
            "verbose_json" => Self::Verbose,
            "srt" => Self::Srt,
            "vtt" => Self::Vtt,
            _ => {
                let problem = "must be json, text, verbose_json, srt or vtt";
                return Err(Problem::invalid("response_format", problem));
            }
        })
    }

    /// Whether it says when something was said.
    pub(crate) fn has_times(self) -> bool {
        matches!(self, Self::Verbose | Self::Srt | Self::Vtt)
    }
}

impl TranscriptionForm {
    /// Reads the text parts of a form. Those that are not known are left, as a newer client may send them.
    pub(crate) fn read(parts: Vec<(String, String)>) -> Result<AskedTranscription, Problem> {
        let mut asked = AskedTranscription {
            language: None,
            prompt: None,
            format: TranscriptionFormat::Json,
        };
        for (name, text) in parts {
            match name.as_str() {
                "language" => asked.language = language(&text)?,
                "prompt" => asked.prompt = Some(text),
                "response_format" => asked.format = TranscriptionFormat::read(&text)?,
                "stream" if text == "true" => {
                    let problem = "is not offered here; leave it out";
                    return Err(Problem::invalid("stream", problem));
                }
                "timestamp_granularities[]" | "timestamp_granularities" if text != "segment" => {
                    let problem =
                        "must be segment; the times of single words are not measured here";
                    return Err(Problem::invalid("timestamp_granularities", problem));
                }
                _ => (),
            }
        }
        Ok(asked)
    }
}

/// Reads a language; an empty one is to be found out.
pub(crate) fn language(text: &str) -> Result<Option<String>, Problem> {
    let text = text.trim().to_ascii_lowercase();
    let is_code = matches!(text.len(), 2 | 3) && text.bytes().all(|b| b.is_ascii_lowercase());
    match (text.is_empty(), is_code) {
        (true, _) => Ok(None),
        (_, true) => Ok(Some(text)),
        _ => Err(Problem::invalid(
            "language",
            "must be the two letters of a language, such as en or de",
        )),
    }
}

/// What was said.
#[derive(Serialize, ToSchema)]
pub(crate) struct Transcription {
    /// All of it.
    pub(crate) text: String,
}

/// What was said, with times.
#[derive(Serialize, ToSchema)]
pub(crate) struct TranscriptionVerbose<'a> {
    /// `transcribe`.
    task: &'static str,
    /// The language; `unknown` where it is not known.
    language: &'a str,
    /// How long the recording sounds, in seconds.
    duration: f64,
    /// All of it.
    text: &'a str,
    /// The same in timed pieces.
    segments: Vec<TranscriptionSegment<'a>>,
}

/// A timed piece of a transcript. What OpenAI measures and this device does not is null.
#[derive(Serialize, ToSchema)]
pub(crate) struct TranscriptionSegment<'a> {
    id: usize,
    seek: u32,
    /// When it begins, in seconds.
    start: f64,
    /// When it ends, in seconds.
    end: f64,
    /// What was said.
    text: &'a str,
    tokens: [u32; 0],
    temperature: f64,
    #[schema(required = true)]
    avg_logprob: Option<f64>,
    #[schema(required = true)]
    compression_ratio: Option<f64>,
    #[schema(required = true)]
    no_speech_prob: Option<f64>,
}

impl<'a> From<&'a Transcript> for TranscriptionVerbose<'a> {
    fn from(transcript: &'a Transcript) -> Self {
        let segments = transcript.segments.iter().enumerate();
        let segments = segments.map(|(id, segment)| TranscriptionSegment {
            id,
            seek: 0,
            start: segment.start.as_secs_f64(),
            end: segment.end.as_secs_f64(),
            text: &segment.text,
            tokens: [],
            temperature: 0.0,
            avg_logprob: None,
            compression_ratio: None,
            no_speech_prob: None,
        });
        Self {
            task: "transcribe",
            language: transcript.language.as_deref().unwrap_or("unknown"),
            duration: transcript.duration.as_secs_f64(),
            text: &transcript.text,
            segments: segments.collect(),
        }
    }
}

/// A text to be spoken. Fields that are not known are left, as a newer client may send them.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SpeechRequest {
    /// The text, at most 20,000 bytes.
    #[schema(min_length = 1, max_length = 20_000)]
    input: String,
    /// Taken and not used.
    #[serde(default)]
    #[expect(dead_code, reason = "taken and not used")]
    model: Option<String>,
    /// By whom it is spoken; the voice of the settings unless told.
    #[serde(default)]
    voice: Option<String>,
    /// `wav` unless told, or `opus`, which is Ogg with Opus.
    #[serde(default)]
    response_format: Option<String>,
    /// How fast, where 1 is usual.
    #[serde(default)]
    #[schema(minimum = 0.25, maximum = 4)]
    speed: Option<f32>,
}

impl SpeechRequest {
    pub(crate) fn read(self) -> Result<Speech, Problem> {
        let format = match self.response_format.as_deref() {
            None | Some("wav") => SpeechFormat::Wav,
            Some("opus") => SpeechFormat::Opus,
            Some(_) => {
                let problem = "must be wav or opus; others are not made here";
                return Err(Problem::invalid("response_format", problem));
            }
        };
        let voice = self
            .voice
            .filter(|voice| !THEIR_VOICES.contains(&voice.as_str()));
        Ok(voice::Speech {
            text: self.input,
            format,
            voice,
            speed: self.speed.unwrap_or(1.0),
        })
    }
}
