//! SearXNG: a server of the owner's own, or one that they trust.

use serde::Deserialize;
use url::Url;

use super::{Asked, Hit, Search};

/// A SearXNG server.
#[derive(Debug, Clone)]
pub struct Searxng {
    base: Url,
}

impl Searxng {
    /// One at this address: that of its page, such as `http://localhost:8888/`.
    pub fn at(mut base: Url) -> Self {
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.set_query(None);
        base.set_fragment(None);
        Self { base }
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    url: Option<String>,
    title: Option<String>,
    content: Option<String>,
}

impl Search for Searxng {
    fn name(&self) -> &'static str {
        "searxng"
    }

    fn base(&self) -> &Url {
        &self.base
    }

    fn ask(&self, query: &str, _: usize) -> Asked {
        let mut url = self.base.join("search").unwrap_or(self.base.clone());
        url.query_pairs_mut()
            .append_pair("q", query)
            .append_pair("format", "json");
        Asked {
            url,
            header: None,
            post: None,
        }
    }

    fn read(&self, body: &[u8]) -> Result<Vec<Hit>, serde_json::Error> {
        let answer: Answer = serde_json::from_slice(body)?;
        let hits = answer.results.into_iter().map(|result| Hit {
            title: result.title.unwrap_or_default(),
            url: result.url.unwrap_or_default(),
            snippet: result.content.unwrap_or_default(),
        });
        Ok(hits.collect())
    }

    fn explain(&self, status: u16) -> Option<String> {
        (status == 403).then(|| {
            "it gives no JSON; on that server, add json to search.formats in settings.yml".into()
        })
    }
}
