//! Reading a page of the web: fetched as a guest, its readable part taken out, kept for searches.

use hearth_app::local_search::JustRead;
use hearth_domain::run::StepEnd;
use hearth_sandbox::Limits;
use hearth_sandbox::network::AllowList;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::args::WebScrape;
use super::registry::host_of;
use super::{ToolError, Toolbox};
use crate::web::readable::Readable;
use crate::web::{Fetch, Fetched};

/// The most bytes of a page that are fetched.
const PAGE_MAX: usize = 4 * 1024 * 1024;
/// How many redirects are followed.
const REDIRECTS_MAX: usize = 10;
/// How much of a page's text becomes a result, and is kept for searches, in bytes.
const TEXT_MAX: usize = 48 * 1024;

impl Toolbox<'_> {
    pub(super) async fn web_scrape(
        &self,
        scrape: &WebScrape,
        limits: &Limits,
    ) -> Result<Value, ToolError> {
        let read = timeout(limits.time, self.read_page(&scrape.url, limits));
        let (fetched, page) = tokio::select! {
            read = read => read.map_err(|_| {
                let seconds = limits.time.as_secs();
                ToolError::Failed(format!("the page was not read within {seconds} s"))
            })??,
            () = self.stop.cancelled() => return Err(ToolError::Stopped),
        };
        let head = head_of(&page.text);
        let kept = JustRead {
            url: fetched.final_url.clone(),
            title: page.title.clone(),
            text: head.to_owned(),
        };
        let mut outcome = json!({
            "url": fetched.final_url,
            "title": page.title,
            "truncated": fetched.truncated || scrape.save_as.is_none() && head.len() < page.text.len(),
        });
        if let Some(byline) = &page.byline {
            outcome["byline"] = byline.as_str().into();
        }
        if let Some(note) = note(&fetched, &page, scrape.save_as.is_none()) {
            outcome["note"] = note.into();
        }
        match &scrape.save_as {
            Some(path) => {
                outcome["bytes"] = page.text.len().into();
                outcome["saved_as"] = path.as_str().into();
                let text = page.text.into_bytes();
                self.write_bytes(path, None, text, limits).await?;
            }
            None => outcome["text"] = head.into(),
        }
        self.app
            .keep_page(self.actor, self.hold(), self.task.id, kept)
            .await?;
        Ok(outcome)
    }

    async fn read_page(
        &self,
        url: &str,
        limits: &Limits,
    ) -> Result<(Fetched, Readable), ToolError> {
        let host = host_of(url).map_err(ToolError::Failed)?;
        let allow =
            AllowList::parse([&host]).map_err(|error| ToolError::Failed(error.to_string()))?;
        let mut fetch = Fetch::new(url.to_owned(), allow);
        fetch.byte_limit = PAGE_MAX;
        fetch.time_limit = limits.time;
        fetch.max_redirects = REDIRECTS_MAX;
        let fetched = self.web.visit(&host, fetch).await;
        let fetched = fetched.map_err(|error| ToolError::Failed(error.to_string()))?;
        if !(200..300).contains(&fetched.status) {
            return Err(ToolError::Failed(refusal(&host, &fetched)));
        }
        let page = self.web.readable(&fetched).await;
        let page = page
            .map_err(|problem| ToolError::Failed(format!("the page cannot be read: {problem}")))?;
        Ok((fetched, page))
    }
}

/// Says what a status means that brings no page.
fn refusal(host: &str, fetched: &Fetched) -> String {
    let status = fetched.status;
    let mut headers = fetched.headers.iter();
    let after = headers.find(|(name, _)| name == "retry-after");
    match after {
        Some((_, after)) if matches!(status, 429 | 503) => {
            format!("{host} answered {status} and asks to wait {after} s")
        }
        _ => format!("{host} answered {status}"),
    }
}

/// Returns the beginning of a text, as much as becomes a result.
fn head_of(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_MAX))
        .unwrap_or_default()
}

/// Says what is missing.
fn note(fetched: &Fetched, page: &Readable, is_result: bool) -> Option<String> {
    let mut said = Vec::new();
    if fetched.truncated {
        said.push(format!(
            "the page is longer than {PAGE_MAX} bytes, and was read no further"
        ));
    }
    if is_result && page.text.len() > TEXT_MAX {
        said.push(format!(
            "these are the first {TEXT_MAX} of {} bytes; save_as keeps all",
            page.text.len()
        ));
    }
    if page.text.is_empty() {
        said.push(
            "the page holds no text; it may be made by programs that run in a browser".into(),
        );
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// Makes the step's result.
pub(super) fn end(outcome: &Value) -> StepEnd {
    let text = outcome.get("text").and_then(Value::as_str).map(str::len);
    let bytes = outcome.get("bytes").and_then(Value::as_u64);
    let length = text.map_or(bytes.unwrap_or_default(), |length| length as u64);
    StepEnd {
        // Not the page's own words: a note is read by those whom its labels do not reach.
        note: format!("read {length} bytes"),
        result: outcome.as_object().cloned(),
        ..StepEnd::default()
    }
}
