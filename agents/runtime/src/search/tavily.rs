//! Tavily, by key.

use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{Asked, Hit, Key, Search};

/// Where Tavily answers.
const ADDRESS: &str = "https://api.tavily.com/";

/// Tavily.
#[derive(Debug, Clone)]
pub struct Tavily {
    base: Url,
    key: Key,
}

impl Tavily {
    /// Tavily's own, with a key; nothing where its address cannot be read, which a test rules out.
    pub fn new(key: Key) -> Option<Self> {
        Some(Self::at(ADDRESS.parse().ok()?, key))
    }

    /// One that answers as Tavily does, at another address.
    pub fn at(base: Url, key: Key) -> Self {
        Self { base, key }
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    url: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    content: String,
}

impl Search for Tavily {
    fn name(&self) -> &'static str {
        "tavily"
    }

    fn base(&self) -> &Url {
        &self.base
    }

    fn ask(&self, query: &str, count: usize) -> Asked {
        let body = json!({ "query": query, "max_results": count, "search_depth": "basic" });
        Asked {
            url: self.base.join("search").unwrap_or(self.base.clone()),
            header: self.key.header("Bearer ").map(|key| (AUTHORIZATION, key)),
            post: Some(body.to_string().into_bytes()),
        }
    }

    fn read(&self, body: &[u8]) -> Result<Vec<Hit>, serde_json::Error> {
        let answer: Answer = serde_json::from_slice(body)?;
        let hits = answer.results.into_iter().map(|found| Hit {
            title: found.title,
            url: found.url,
            snippet: found.content,
        });
        Ok(hits.collect())
    }

    fn explain(&self, status: u16) -> Option<String> {
        match status {
            401 | 403 => Some(
                "it does not take the key; to keep another: hearth config set-secret search_key"
                    .into(),
            ),
            432 | 433 => Some("the plan of the key is used up".into()),
            _ => None,
        }
    }
}
