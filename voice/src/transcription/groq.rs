//! Groq, a company that transcribes for a key, by the interface of OpenAI. The sound leaves the device.

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;

use super::{
    Options, Segment, SpeechOnly, Transcriber, Transcribing, Transcript, TranscriptionError,
};
use crate::audio::Clip;
use crate::codec::encode_wav;

const NAME: &str = "groq";

/// Where it is.
const ADDRESS: &str = "https://api.groq.com/openai/v1";

/// The model that it is asked for.
const MODEL: &str = "whisper-large-v3-turbo";

/// What is sent at once: 10 MB, below the 25 MB that are taken.
const LONGEST_PART: Duration = Duration::from_mins(5);

/// How long it may take for that, the way there included.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// The most it may answer.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// What is less likely speech than this is dropped, as on the device.
const NO_SPEECH: f32 = 0.6;

/// Transcribes by Groq, or another that speaks the same. Only for an owner who gave a key and said that sound
/// may leave the device.
pub struct Groq {
    client: Client,
    address: String,
    key: String,
}

impl Groq {
    /// With a client that can do TLS, and a key. Nothing is sent yet.
    pub fn new(client: Client, key: &str) -> Self {
        Self {
            client,
            address: ADDRESS.to_owned(),
            key: key.to_owned(),
        }
    }

    /// The same at another address, up to and with `/v1`.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        address.trim_end_matches('/').clone_into(&mut self.address);
        self
    }

    /// The same behind an ear that lets nothing but speech through, and nothing else out of the device.
    pub fn speech_only(self) -> SpeechOnly<Self> {
        SpeechOnly::new(self, LONGEST_PART)
    }

    async fn ask(&self, clip: &Clip, options: &Options) -> Result<Transcript, TranscriptionError> {
        let wav =
            encode_wav(&clip.clone().into()).map_err(|error| failed(&error.to_string(), false))?;
        let file = Part::bytes(wav)
            .file_name("speech.wav")
            .mime_str("audio/wav")
            .map_err(|_| failed("the request could not be made", false))?;
        let mut form = Form::new()
            .part("file", file)
            .text("model", MODEL)
            .text("response_format", "verbose_json")
            .text("temperature", "0");
        if let Some(language) = options.language()? {
            form = form.text("language", language);
        }
        if let Some(prompt) = options.prompt() {
            form = form.text("prompt", prompt);
        }
        let request = self
            .client
            .post(format!("{}/audio/transcriptions", self.address))
            .bearer_auth(&self.key)
            .timeout(TIME_LIMIT)
            .multipart(form);
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        match response.status() {
            StatusCode::OK => read(response, clip.duration()).await,
            status => Err(refused(status)),
        }
    }
}

/// What is used of the answer.
#[derive(Deserialize)]
struct Answer {
    text: String,
    language: Option<String>,
    segments: Option<Vec<Piece>>,
}

#[derive(Deserialize)]
struct Piece {
    start: f64,
    end: f64,
    text: String,
    no_speech_prob: Option<f32>,
}

async fn read(
    mut response: Response,
    duration: Duration,
) -> Result<Transcript, TranscriptionError> {
    let mut bytes = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error))?
    {
        bytes.extend_from_slice(&piece);
        if bytes.len() > ANSWER_LIMIT {
            return Err(failed("it answered with more than a transcript", false));
        }
    }
    let answer: Answer = serde_json::from_slice(&bytes)
        .map_err(|_| failed("it answered with something that is no transcript", false))?;
    let language = answer.language.map(|name| name.to_lowercase());
    let segments = match answer.segments {
        Some(pieces) => pieces.into_iter().filter_map(timed).collect(),
        None => vec![Segment {
            start: Duration::ZERO,
            end: duration,
            text: answer.text,
        }],
    };
    Ok(Transcript::of(segments, language, duration))
}

fn timed(piece: Piece) -> Option<Segment> {
    if piece.no_speech_prob.unwrap_or(0.0) > NO_SPEECH {
        return None;
    }
    let time = |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
    Some(Segment {
        start: time(piece.start),
        end: time(piece.end),
        text: piece.text,
    })
}

/// What the company said is not repeated: it may hold what was spoken, or part of the key.
fn refused(status: StatusCode) -> TranscriptionError {
    let (reason, is_transient) = match status.as_u16() {
        401 | 403 => ("it does not accept the key; give it another", false),
        400 | 404 | 422 => (
            "it does not know the model or the language; check both",
            false,
        ),
        413 => ("the recording is too large for it", false),
        429 => ("it is asked too often; try again in a minute", true),
        code => return failed(&format!("it answered with status {code}"), code >= 500),
    };
    failed(reason, is_transient)
}

fn unreachable(error: &reqwest::Error) -> TranscriptionError {
    let reason = if error.is_timeout() {
        "it took longer than two minutes"
    } else if error.is_connect() {
        "it cannot be reached; check the network"
    } else {
        "the connection broke"
    };
    failed(reason, true)
}

fn failed(reason: &str, is_transient: bool) -> TranscriptionError {
    TranscriptionError::Failed {
        engine: NAME,
        reason: reason.to_owned(),
        is_transient,
    }
}

impl Transcriber for Groq {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_local(&self) -> bool {
        false
    }

    fn transcribe<'a>(&'a self, clip: &'a Clip, options: &'a Options) -> Transcribing<'a> {
        Box::pin(self.ask(clip, options))
    }
}
