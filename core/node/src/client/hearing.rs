//! Hears an answer of the chief of staff while it is made.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::client::{ANSWER_TIMEOUT, Answer, Client, Unreachable, problem};

/// The longest line of an answer that is read: above the longest answer as JSON.
const LINE_MAX_BYTES: usize = 4 * 1024 * 1024;
/// How long the node may be silent; it gives a sign more often.
const SILENT_FOR: Duration = ANSWER_TIMEOUT;

/// What is heard of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// It goes on with this.
    Piece(&'a str),
    /// What was heard so far is no part of it.
    Reset,
}

#[derive(Deserialize)]
struct Delta {
    text: String,
}

/// What is said where an answer breaks off.
#[derive(Default, Deserialize)]
struct BrokenOff {
    #[serde(default)]
    status: u16,
}

impl Client {
    /// As [`Client::post`]; `hear` is told of the answer's text as it comes.
    ///
    /// # Errors
    /// See [`Client::get`]; the node breaks off; `hear` fails.
    pub async fn post_heard(
        &self,
        path: &[&str],
        body: &impl Serialize,
        mut hear: impl FnMut(Heard<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Answer> {
        let request = self.request(Method::POST, path).json(body);
        let request = request.header(ACCEPT, "text/event-stream");
        let sent = timeout(SILENT_FOR, self.send(request)).await;
        let response = sent.map_err(|_| self.silent())??;
        let is_stream = response.headers().get(CONTENT_TYPE).is_some_and(|kind| {
            let kind = kind.to_str().unwrap_or_default();
            kind.starts_with("text/event-stream")
        });
        if !is_stream {
            let text = response.text().await.map_err(|_| self.broke_off())?;
            return Ok(Answer { text });
        }
        let mut lines = Lines {
            response,
            waiting: Vec::new(),
        };
        let mut event = String::new();
        loop {
            let line = timeout(SILENT_FOR, lines.next()).await;
            let Some(line) = line.map_err(|_| self.silent())?? else {
                return Err(self.broke_off());
            };
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event);
                continue;
            }
            let Some(data) = line.strip_prefix("data: ") else {
                continue;
            };
            match event.as_str() {
                "delta" => {
                    let delta: Delta = serde_json::from_str(data).context(
                        "the node answered in a way that this program does not understand",
                    )?;
                    hear(Heard::Piece(&delta.text))?;
                }
                "reset" => hear(Heard::Reset)?,
                "done" => {
                    return Ok(Answer {
                        text: data.to_owned(),
                    });
                }
                "error" => {
                    let broken: BrokenOff = serde_json::from_str(data).unwrap_or_default();
                    let status = StatusCode::from_u16(broken.status);
                    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    return Err(problem::error(status, data.as_bytes()));
                }
                // Of a later version.
                _ => (),
            }
        }
    }

    fn silent(&self) -> anyhow::Error {
        anyhow!(Unreachable(format!(
            "the node at {} does not answer",
            self.shown()
        )))
    }

    fn broke_off(&self) -> anyhow::Error {
        anyhow!("the node at {} broke off its answer", self.shown())
    }
}

/// An answer by lines.
struct Lines {
    response: Response,
    waiting: Vec<u8>,
}

impl Lines {
    /// Waits for the next line; `None` at the end.
    async fn next(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            if let Some(end) = self.waiting.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.waiting.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                return Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()));
            }
            if self.waiting.len() > LINE_MAX_BYTES {
                bail!("the node sent a longer line than an answer can be");
            }
            let chunk = self.response.chunk().await;
            match chunk.context("the node broke off its answer")? {
                Some(chunk) => self.waiting.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests;
