//! One call of the Bot API, bounded in time and bytes.
//!
//! The token is part of every address, as the Bot API wants it. So no address ever gets into an error or a
//! log: of a request's failure only the last cause is told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

use crate::fault::CallError;
use crate::token::Token;

const USER_AGENT: &str = concat!("hearth/", env!("CARGO_PKG_VERSION"));
/// A server that has not taken the connection by then is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a call may take; `getUpdates` has as long as it polls on top.
pub(crate) const CALL: Duration = Duration::from_secs(30);
/// How long a voice note may take: it is as long as the line is slow, and nothing else goes out meanwhile.
const UPLOAD: Duration = Duration::from_mins(2);
/// How long a file may take in all: 20 MB over a slow line.
const DOWNLOAD: Duration = Duration::from_mins(5);
/// How much an answer may come to: a hundred updates with all that they quote.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// How much of Telegram's words is told.
const WORDS: usize = 200;

/// Speaks to the Bot API as one bot.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Token,
}

/// What the Bot API answers with.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error_code: Option<u16>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    retry_after: Option<u64>,
}

impl Client {
    /// Makes one; it reads the machine's certificates.
    ///
    /// # Errors
    /// TLS cannot be had.
    pub(crate) fn new(base: Url, token: Token) -> Result<Self, String> {
        Ok(Self {
            http: http()?,
            base,
            token,
        })
    }

    /// Returns the bot's number.
    pub(crate) fn bot(&self) -> i64 {
        self.token.bot()
    }

    /// Calls a method.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        body: &Value,
    ) -> Result<T, CallError> {
        self.call_within(CALL, method, body).await
    }

    /// As [`Self::call`], with as long as it may take.
    pub(crate) async fn call_within<T: DeserializeOwned>(
        &self,
        limit: Duration,
        method: &str,
        body: &Value,
    ) -> Result<T, CallError> {
        let request = self.http.post(self.address(&[method])).json(body);
        self.answer(limit, request).await
    }

    /// Sends a voice note.
    pub(crate) async fn send_voice(&self, chat: i64, note: Bytes) -> Result<Value, CallError> {
        let length = note.len() as u64;
        let part = reqwest::multipart::Part::stream_with_length(note, length)
            .file_name("answer.ogg")
            .mime_str("audio/ogg")
            .map_err(|_| CallError::passing("a voice note could not be put together", false))?;
        let form = reqwest::multipart::Form::new()
            .text("chat_id", chat.to_string())
            .part("voice", part);
        let request = self.http.post(self.address(&["sendVoice"])).multipart(form);
        self.answer(UPLOAD, request).await
    }

    /// Fetches a file of at most `most` bytes; `None` where it is larger.
    pub(crate) async fn download(
        &self,
        file: &str,
        most: usize,
    ) -> Result<Option<Bytes>, CallError> {
        #[derive(Deserialize)]
        struct File {
            file_path: Option<String>,
        }
        let file: File = self.call("getFile", &json!({ "file_id": file })).await?;
        let gone = || CallError::Refused {
            code: 404,
            description: "the file is not there any more".into(),
        };
        let path = file.file_path.ok_or_else(gone)?;
        // It becomes part of an address beside the token.
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(gone());
        }
        let mut address = self.base.clone();
        if let Ok(mut parts) = address.path_segments_mut() {
            parts
                .pop_if_empty()
                .extend(["file", &self.token.segment()])
                .extend(path.split('/'));
        }
        let fetched = async {
            let response = self.http.get(address).send().await.map_err(broken)?;
            if !response.status().is_success() {
                return Err(match response.status().as_u16() {
                    404 => gone(),
                    code => CallError::passing(format!("Telegram answered {code}"), false),
                });
            }
            read(response, most).await
        };
        timeout(DOWNLOAD, fetched)
            .await
            .map_err(|_| CallError::passing("Telegram took too long over a file", false))?
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        limit: Duration,
        request: RequestBuilder,
    ) -> Result<T, CallError> {
        let asked = async {
            let response = request.send().await.map_err(broken)?;
            let status = response.status().as_u16();
            let bytes = read(response, ANSWER_BYTES).await?;
            let bytes =
                bytes.ok_or_else(|| CallError::passing("Telegram's answer is too long", true))?;
            Ok((status, bytes))
        };
        let (status, bytes) = timeout(limit, asked).await.map_err(|_| {
            CallError::passing(
                format!("Telegram did not answer in {} s", limit.as_secs()),
                true,
            )
        })??;
        let answer: Answer = match serde_json::from_slice(&bytes) {
            Ok(answer) => answer,
            // A proxy's page, say. A gateway that gave up may have handed the call on.
            Err(_) if status >= 500 => return Err(by_status(status, "", None)),
            Err(_) => {
                let what = format!("what answers there ({status}) does not speak the Bot API");
                return Err(CallError::passing(what, false));
            }
        };
        if !answer.ok {
            let description = answer.description.unwrap_or_default();
            let code = answer.error_code.unwrap_or(status);
            let retry_after = answer.parameters.and_then(|more| more.retry_after);
            return Err(by_status(code, &description, retry_after));
        }
        serde_json::from_value(answer.result)
            .map_err(|_| CallError::passing("Telegram's answer is not as it should be", true))
    }

    fn address(&self, parts: &[&str]) -> Url {
        let mut address = self.base.clone();
        // A base that cannot have a path was refused by `api_url`.
        if let Ok(mut segments) = address.path_segments_mut() {
            segments
                .pop_if_empty()
                .push(&self.token.segment())
                .extend(parts);
        }
        address
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("bot", &self.bot())
            .finish_non_exhaustive()
    }
}

fn http() -> Result<reqwest::Client, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .use_preconfigured_tls(tls)
        .no_proxy()
        // The token is for the server that was named.
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT)
        .user_agent(USER_AGENT)
        .build()
        .map_err(|error| error.without_url().to_string())
}

/// Reads an answer; `None` where it is longer than `most`.
async fn read(mut response: Response, most: usize) -> Result<Option<Bytes>, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes.into()))
}

/// Says what went wrong, down to the cause, and without the address.
#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn broken(error: reqwest::Error) -> CallError {
    let is_unsure = !error.is_connect();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let what = if error.is_connect() {
        "Telegram cannot be reached"
    } else {
        "the connection to Telegram broke off"
    };
    if std::ptr::addr_eq(cause, std::ptr::from_ref(&error)) {
        return CallError::passing(what, is_unsure);
    }
    CallError::passing(format!("{what}: {cause}"), is_unsure)
}

fn by_status(code: u16, description: &str, retry_after: Option<u64>) -> CallError {
    let mut description: String = description.chars().take(WORDS).collect();
    description.retain(|c| !c.is_control());
    match code {
        // A token that never was one has no address at all.
        401 | 404 => CallError::Token,
        409 => CallError::Elsewhere(description),
        429 => CallError::TooMany {
            // A day is longer than anything is tried.
            after: Duration::from_secs(retry_after.unwrap_or(1).clamp(1, 86_400)),
        },
        400..=499 => CallError::Refused { code, description },
        _ => CallError::passing(
            format!("Telegram answered {code}"),
            matches!(code, 502 | 504),
        ),
    }
}

#[cfg(test)]
mod tests;
