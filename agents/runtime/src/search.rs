//! Whom searches are put to: a server that the owner configured, or nobody but this machine.
//!
//! A [`Search`] says what to fetch for a query, and reads what came back; fetching is the business of
//! [`crate::Web`], whose guard lets it to that one host and follows no redirect, so that a key goes
//! nowhere else. Where the server cannot be asked, the machine is searched, with a word about why.

mod brave;
mod searxng;
mod tavily;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hearth_sandbox::network::AllowList;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

pub use brave::Brave;
pub use searxng::Searxng;
pub use tavily::Tavily;

use crate::tools::registry::host_of;
use crate::web::readable::one_line;
use crate::web::{Fetch, Fetched, Web};

/// The most results that one search brings.
pub const RESULTS_MAX: usize = 10;
/// How much of each result is kept, in characters.
const SNIPPET_MAX: usize = 500;
const ADDRESS_MAX: usize = 2000;
/// How much a server may answer, and how long it may take.
const ANSWER_BYTES: usize = 2 * 1024 * 1024;
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A key of a server: shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Takes a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Returns the value of a header with the key in it, marked so that nothing prints it.
    fn header(&self, before: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{before}{}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// One result of a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// What the page calls itself.
    pub title: String,
    /// Where it is.
    pub url: String,
    /// What it says there.
    pub snippet: String,
}

/// What is sent for a query.
#[derive(Debug)]
pub struct Asked {
    /// Where to.
    pub url: Url,
    /// A header with the key.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// What is posted, as JSON; without it the address is fetched.
    pub post: Option<Vec<u8>>,
}

/// A server that searches.
pub trait Search: Send + Sync + fmt::Debug + 'static {
    /// What it is called in the settings.
    fn name(&self) -> &'static str;

    /// Where its answers come from.
    fn base(&self) -> &Url;

    /// Says what is sent for a query.
    fn ask(&self, query: &str, count: usize) -> Asked;

    /// Reads an answer of status 200.
    ///
    /// # Errors
    /// It is not of the form that such servers answer in.
    fn read(&self, body: &[u8]) -> Result<Vec<Hit>, serde_json::Error>;

    /// Says what a status other than 200 means where that is known, and what mends it.
    fn explain(&self, status: u16) -> Option<String>;
}

/// Why a server brought no results; reads on from its name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub(crate) struct SearchError(String);

/// What searches are made with; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Searching {
    server: Option<Arc<dyn Search>>,
    /// Why the server that was configured cannot be asked.
    problem: Option<String>,
}

impl Searching {
    /// Asks a server. It is refused where its address is no destination.
    pub fn with(server: impl Search) -> Self {
        match host_of(server.base().as_str()) {
            Ok(_) => Self {
                server: Some(Arc::new(server)),
                problem: None,
            },
            Err(problem) => Self::broken(format!("the address of {}: {problem}", server.name())),
        }
    }

    /// Asks nobody, although a server was configured: why, and what mends it.
    pub fn broken(problem: impl Into<String>) -> Self {
        Self {
            server: None,
            problem: Some(problem.into()),
        }
    }

    /// Returns the host that a search speaks to, as an allow-list takes it.
    pub(crate) fn host(&self) -> Option<String> {
        let server = self.server.as_ref()?;
        host_of(server.base().as_str()).ok()
    }

    /// Returns what keeps the configured server from being asked.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Puts a query to the server; nothing where there is none. Returns its name with what it found.
    pub(crate) async fn ask(
        &self,
        web: &Web,
        query: &str,
        count: usize,
    ) -> Option<(&'static str, Result<Vec<Hit>, SearchError>)> {
        let server = self.server.as_ref()?;
        let found = self.found_by(server.as_ref(), web, query, count).await;
        Some((server.name(), found))
    }

    async fn found_by(
        &self,
        server: &dyn Search,
        web: &Web,
        query: &str,
        count: usize,
    ) -> Result<Vec<Hit>, SearchError> {
        let host = self.host().unwrap_or_default();
        let allow = AllowList::parse([host]).map_err(|error| SearchError(error.to_string()))?;
        let asked = server.ask(query, count);
        let mut fetch = Fetch::new(asked.url.into(), allow);
        fetch.byte_limit = ANSWER_BYTES;
        fetch.time_limit = ANSWER_WITHIN;
        fetch.max_redirects = 0;
        fetch.headers = HeaderMap::from_iter(asked.header);
        fetch.post = asked.post;
        let fetched = web
            .fetch(fetch)
            .await
            .map_err(|error| SearchError(format!("could not be asked: {error}")))?;
        let hits = read(server, &fetched)?;
        Ok(hits.into_iter().filter_map(tidy).take(count).collect())
    }
}

fn read(server: &dyn Search, fetched: &Fetched) -> Result<Vec<Hit>, SearchError> {
    match fetched.status {
        200 if fetched.truncated => Err(SearchError(format!(
            "answered with more than {ANSWER_BYTES} bytes"
        ))),
        200 => server.read(&fetched.body).map_err(|_| {
            SearchError(format!(
                "answered with something else than results: is {} its address?",
                server.base()
            ))
        }),
        429 => {
            let mut headers = fetched.headers.iter();
            let after = headers.find(|(name, _)| name == "retry-after");
            let after = after.map_or(String::new(), |(_, seconds)| {
                format!("; it says to wait {seconds} s")
            });
            Err(SearchError(format!("was asked too often{after}")))
        }
        status => Err(SearchError(match server.explain(status) {
            Some(known) => format!("answered {status}: {known}"),
            None => format!("answered {status}"),
        })),
    }
}

/// Bounds a result; one without an address of the web is none.
fn tidy(hit: Hit) -> Option<Hit> {
    let is_web = hit.url.starts_with("http://") || hit.url.starts_with("https://");
    let is_short = hit.url.len() <= ADDRESS_MAX;
    (is_web && is_short).then(|| Hit {
        title: one_line(&hit.title),
        snippet: one_line_of(&hit.snippet),
        url: hit.url,
    })
}

/// As a line, as long as a snippet may be. Servers mark the words by elements.
fn one_line_of(text: &str) -> String {
    let plain = ["<strong>", "</strong>", "<b>", "</b>", "<em>", "</em>"]
        .iter()
        .fold(text.to_owned(), |text, mark| text.replace(mark, ""));
    let line: Vec<&str> = plain.split_whitespace().collect();
    line.join(" ").chars().take(SNIPPET_MAX).collect()
}
