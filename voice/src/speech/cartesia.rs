//! Cartesia, a company that speaks for a key. The text leaves the device.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde_json::json;

use super::espeak::shortened;
use super::{Saying, Speaker, SpeechError};
use crate::audio::Sound;

const NAME: &str = "cartesia";

/// Where it is.
const ADDRESS: &str = "https://api.cartesia.ai";

/// The version of its interface that this was written for.
const VERSION: &str = "2025-04-16";

/// Samples in a second that are asked for.
const RATE: u32 = 24_000;

/// How long one sentence may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The most that one sentence sounds: two minutes of 16 bits.
const SOUND_LIMIT: usize = 120 * RATE as usize * 2;

/// Speaks by Cartesia. Only for an owner who gave a key and said that text may leave the device.
pub struct Cartesia {
    client: Client,
    address: String,
    key: String,
    voice: String,
    model: String,
    language: String,
}

impl Cartesia {
    /// With a client that can do TLS, a key, the identifier of one of its voices, a model such as `sonic-2` and
    /// a language such as `en`. Nothing is sent yet.
    pub fn new(client: Client, key: &str, voice: &str, model: &str, language: &str) -> Self {
        Self {
            client,
            address: ADDRESS.to_owned(),
            key: key.to_owned(),
            voice: voice.to_owned(),
            model: model.to_owned(),
            language: language.to_owned(),
        }
    }

    /// The same at another address, such as a gateway of the owner's company.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        address.trim_end_matches('/').clone_into(&mut self.address);
        self
    }

    async fn speak(&self, sentence: &str) -> Result<Sound, SpeechError> {
        let body = json!({
            "model_id": self.model,
            "transcript": shortened(sentence),
            "voice": {"mode": "id", "id": self.voice},
            "language": self.language,
            "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": RATE},
        });
        let request = self
            .client
            .post(format!("{}/tts/bytes", self.address))
            .header("Cartesia-Version", VERSION)
            .bearer_auth(&self.key)
            .timeout(TIME_LIMIT)
            .json(&body);
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        match response.status() {
            StatusCode::OK => read_sound(response).await,
            status => Err(refused(status)),
        }
    }
}

async fn read_sound(mut response: Response) -> Result<Sound, SpeechError> {
    let mut bytes = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error))?
    {
        bytes.extend_from_slice(&piece);
        if bytes.len() > SOUND_LIMIT {
            return Err(failed("it sent more sound than one sentence has"));
        }
    }
    if bytes.len() < 2 {
        return Err(failed("it sent no sound"));
    }
    let samples = bytes
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    Ok(Sound {
        rate: RATE,
        samples,
    })
}

/// What the company said is not repeated: it may hold the text, or part of the key.
fn refused(status: StatusCode) -> SpeechError {
    failed(match status.as_u16() {
        401 | 403 => "it does not accept the key; give it another",
        402 => "the account has no credit left",
        400 | 404 | 422 => "it does not know the voice, the model or the language; check the three",
        429 => "it is asked too often; try again in a minute",
        _ => return failed(&format!("it answered with status {}", status.as_u16())),
    })
}

fn unreachable(error: &reqwest::Error) -> SpeechError {
    failed(if error.is_timeout() {
        "it took longer than 30 seconds"
    } else if error.is_connect() {
        "it cannot be reached; check the network"
    } else {
        "the connection broke"
    })
}

fn failed(reason: &str) -> SpeechError {
    SpeechError::Failed {
        voice: NAME,
        reason: reason.to_owned(),
    }
}

impl Speaker for Cartesia {
    fn name(&self) -> &str {
        NAME
    }

    fn is_local(&self) -> bool {
        false
    }

    fn say<'a>(&'a self, sentence: &'a str) -> Saying<'a> {
        Box::pin(self.speak(sentence))
    }
}
