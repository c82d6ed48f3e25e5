//! Talks to the running node over its HTTP interface.
//!
//! It translates nothing: what the node answers is handed on as it came, and a refusal becomes an
//! error that says in one line what the node said.

pub mod hearing;
pub mod locate;
pub mod problem;
pub mod stream;
pub mod upload;
mod voice;
pub mod wire;

use std::fmt;
use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use locate::{Key, Target};

/// The node is on this machine or near: if it has not taken the call by then, it is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The node answers everything but bytes at once; this is for a disk that hangs.
pub const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// What the node answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The object, as it came.
    pub text: String,
}

impl Answer {
    /// Reads the object.
    ///
    /// # Errors
    /// It is not what this program expects, as when the node is of another version.
    pub fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_str(&self.text)
            .context("the node answered in a way that this program does not understand")
    }
}

/// No node answered: it may not run, or not be reachable from here.
#[derive(Debug)]
pub struct Unreachable(String);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

/// A connection to one node, with a key.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Key,
}

impl Client {
    /// Prepares to talk to a node; connects with the first call.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new(target: Target) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A proxy for the web has no business between this machine and its node.
            .no_proxy()
            // The key is for the node that was named, not for another that it points to.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("cannot set up the HTTP client")?;
        Ok(Self {
            http,
            base: target.url,
            key: target.key,
        })
    }

    /// Reads something.
    ///
    /// # Errors
    /// What the node said, or that it cannot be reached.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Answer> {
        let request = self.request(Method::GET, path).query(query);
        self.answer(request.timeout(ANSWER_TIMEOUT)).await
    }

    /// Makes something, or tells the node to do something.
    ///
    /// # Errors
    /// See [`Self::get`].
    pub async fn post(&self, path: &[&str], body: &impl Serialize) -> anyhow::Result<Answer> {
        self.post_within(ANSWER_TIMEOUT, path, body).await
    }

    /// As [`Self::post`], where it does not matter that somebody else was first.
    ///
    /// # Errors
    /// See [`Self::get`]; a conflict is none.
    pub async fn post_unless_conflict(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> anyhow::Result<()> {
        let request = self.request(Method::POST, path).json(body);
        let response = request
            .timeout(ANSWER_TIMEOUT)
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::CONFLICT {
            return Ok(());
        }
        let body = response.bytes().await.unwrap_or_default();
        Err(problem::error(status, &body))
    }

    /// As [`Self::post`], for what the node takes its time for.
    ///
    /// # Errors
    /// See [`Self::get`].
    pub async fn post_within(
        &self,
        limit: Duration,
        path: &[&str],
        body: &impl Serialize,
    ) -> anyhow::Result<Answer> {
        let request = self.request(Method::POST, path).json(body);
        self.answer(request.timeout(limit)).await
    }

    /// Changes something.
    ///
    /// # Errors
    /// See [`Self::get`].
    pub async fn patch(&self, path: &[&str], body: &impl Serialize) -> anyhow::Result<Answer> {
        let request = self.request(Method::PATCH, path).json(body);
        self.answer(request.timeout(ANSWER_TIMEOUT)).await
    }

    /// Says how something is to be.
    ///
    /// # Errors
    /// See [`Self::get`].
    pub async fn put(&self, path: &[&str], body: &impl Serialize) -> anyhow::Result<Answer> {
        let request = self.request(Method::PUT, path).json(body);
        self.answer(request.timeout(ANSWER_TIMEOUT)).await
    }

    /// Ends something.
    ///
    /// # Errors
    /// See [`Self::get`].
    pub async fn delete(&self, path: &[&str]) -> anyhow::Result<Answer> {
        let request = self.request(Method::DELETE, path);
        self.answer(request.timeout(ANSWER_TIMEOUT)).await
    }

    /// Asks for bytes, and hands over the answer before they came.
    ///
    /// # Errors
    /// See [`Self::get`].
    pub async fn download(&self, path: &[&str]) -> anyhow::Result<Response> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Returns the number of the last event.
    ///
    /// # Errors
    /// See [`Self::get`].
    pub async fn last_seq(&self) -> anyhow::Result<i64> {
        let query = [("order", "desc".into()), ("limit", "1".into())];
        let page: wire::Page<wire::Event> = self.get(&["events"], &query).await?.read()?;
        Ok(page.items.first().map_or(0, |event| event.seq))
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http
            .request(method, self.url(path))
            .header(AUTHORIZATION, self.authorization())
    }

    fn authorization(&self) -> HeaderValue {
        self.key.authorization()
    }

    /// Returns the address of something; its name cannot lead elsewhere.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    async fn answer(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let response = self.send(request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Answer {
                text: String::new(),
            });
        }
        let text = response
            .text()
            .await
            .map_err(|_| anyhow!("the node at {} broke off its answer", self.shown()))?;
        Ok(Answer { text })
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.unwrap_or_default();
        Err(problem::error(status, &body))
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        let url = self.shown();
        if error.is_timeout() {
            anyhow!(Unreachable(format!("the node at {url} does not answer")))
        } else if error.is_connect() {
            let said = format!("no node answers at {url}; start one with `hearth up`");
            anyhow!(Unreachable(said))
        } else {
            // The address is in the text already; the innermost cause says what happened.
            let mut cause: &dyn std::error::Error = error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            anyhow!("cannot talk to the node at {url}: {cause}")
        }
    }

    fn shown(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }
}

/// Reads a JSON object from text.
///
/// # Errors
/// Says that it is none.
pub fn json_object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("must be a JSON object, such as {\"words\": 12}".into()),
        Err(error) => Err(format!("is not valid JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_path_stays_within_its_place() {
        let client = Client::new(Target {
            url: "http://127.0.0.1:4747".parse().unwrap(),
            key: Key::new("hearth_key").unwrap(),
        })
        .unwrap();

        assert_eq!(
            client.url(&["tasks", "../keys?x#y"]).as_str(),
            "http://127.0.0.1:4747/api/v1/tasks/..%2Fkeys%3Fx%23y"
        );
    }

    #[test]
    fn a_result_must_be_an_object() {
        assert!(json_object(r#"{"words": 12}"#).is_ok());
        assert!(
            json_object("[1]")
                .unwrap_err()
                .starts_with("must be a JSON object")
        );
        assert!(
            json_object("{")
                .unwrap_err()
                .starts_with("is not valid JSON")
        );
    }
}
