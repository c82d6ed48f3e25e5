//! Brave Search, by key.

use reqwest::header::HeaderName;
use serde::Deserialize;
use url::Url;

use super::{Asked, Hit, Key, Search};

/// Where Brave answers.
const ADDRESS: &str = "https://api.search.brave.com/";

/// Brave Search.
#[derive(Debug, Clone)]
pub struct Brave {
    base: Url,
    key: Key,
}

impl Brave {
    /// Brave's own, with a key; nothing where its address cannot be read, which a test rules out.
    pub fn new(key: Key) -> Option<Self> {
        Some(Self::at(ADDRESS.parse().ok()?, key))
    }

    /// One that answers as Brave does, at another address.
    pub fn at(base: Url, key: Key) -> Self {
        Self { base, key }
    }
}

#[derive(Deserialize)]
struct Answer {
    /// Left out where there is nothing.
    #[serde(default)]
    web: Web,
}

#[derive(Deserialize, Default)]
struct Web {
    #[serde(default)]
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    url: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
}

impl Search for Brave {
    fn name(&self) -> &'static str {
        "brave"
    }

    fn base(&self) -> &Url {
        &self.base
    }

    fn ask(&self, query: &str, count: usize) -> Asked {
        let path = self.base.join("res/v1/web/search");
        let mut url = path.unwrap_or(self.base.clone());
        url.query_pairs_mut()
            .append_pair("q", query)
            .append_pair("count", &count.to_string());
        let name = HeaderName::from_static("x-subscription-token");
        Asked {
            url,
            header: self.key.header("").map(|key| (name, key)),
            post: None,
        }
    }

    fn read(&self, body: &[u8]) -> Result<Vec<Hit>, serde_json::Error> {
        let answer: Answer = serde_json::from_slice(body)?;
        let hits = answer.web.results.into_iter().map(|found| Hit {
            title: found.title,
            url: found.url,
            snippet: found.description,
        });
        Ok(hits.collect())
    }

    fn explain(&self, status: u16) -> Option<String> {
        matches!(status, 401 | 403 | 422).then(|| {
            "it does not take the key; to keep another: hearth config set-secret search_key".into()
        })
    }
}
