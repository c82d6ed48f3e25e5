//! Hands what was said to the node, and has texts spoken.

use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::client::{Answer, Client};

/// How long the node may take to hear a recording and answer it: a slow machine needs about as long as it
/// sounds, and then a model thinks.
const HEARD_WITHIN: Duration = Duration::from_mins(20);
/// How long it may take to speak an answer.
const SPOKEN_WITHIN: Duration = Duration::from_mins(5);

impl Client {
    /// Says a recording, as a WAV file, to the chief of staff; once for each `key`, however often it is sent.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn utter(
        &self,
        wav: Vec<u8>,
        conversation: Option<&str>,
        key: &str,
    ) -> anyhow::Result<Answer> {
        let part = Part::bytes(wav)
            .file_name("said.wav")
            .mime_str("audio/wav")?;
        let mut form = Form::new();
        if let Some(id) = conversation {
            form = form.text("conversation_id", id.to_owned());
        }
        let request = self.request(Method::POST, &["voice", "utterance"]);
        let request = request
            .header("Idempotency-Key", key)
            .multipart(form.part("file", part));
        self.answer(request.timeout(HEARD_WITHIN)).await
    }

    /// Has a text spoken; returns a WAV file.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn speech(&self, text: &str) -> anyhow::Result<Vec<u8>> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["v1", "audio", "speech"]);
        }
        let request = self
            .http
            .post(url)
            .header(AUTHORIZATION, self.authorization())
            .json(&json!({ "input": text }))
            .timeout(SPOKEN_WITHIN);
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            let body: serde_json::Value = response.json().await.unwrap_or_default();
            let said = body["error"]["message"]
                .as_str()
                .unwrap_or("the node did not speak it");
            return Err(anyhow!("{said}"));
        }
        let bytes = response
            .bytes()
            .await
            .context("the node broke off its answer")?;
        Ok(bytes.to_vec())
    }
}
