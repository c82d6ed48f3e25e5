//! Pages of the web, fetched by the node through its guard.

use std::time::Duration;

use hearth_sandbox::Limits;
use hearth_sandbox::network::AllowList;
use serde_json::{Value, json};

use super::args::HttpGet;
use super::registry::host_of;
use super::{TEXT_MAX, ToolError, Toolbox, is_short_as_json};
use crate::web::{Fetch, Fetched};

/// The most bytes that are kept as a file.
const FILE_MAX: usize = 16 * 1024 * 1024;

impl Toolbox<'_> {
    pub(super) async fn http_get(
        &self,
        get: &HttpGet,
        limits: &Limits,
    ) -> Result<Value, ToolError> {
        let host = host_of(&get.url).map_err(ToolError::Failed)?;
        let allow =
            AllowList::parse([host]).map_err(|error| ToolError::Failed(error.to_string()))?;
        let fetched = self.fetch(&get.url, allow, limits.time).await?;
        let mut outcome = json!({
            "url": fetched.final_url,
            "status": fetched.status,
            "content_type": content_type(&fetched),
            "bytes": fetched.body.len(),
        });
        if fetched.truncated {
            outcome["truncated"] = true.into();
        }
        match &get.save_as {
            Some(path) if (200..300).contains(&fetched.status) => {
                self.write_bytes(path, None, fetched.body, limits).await?;
                outcome["saved_as"] = path.as_str().into();
            }
            Some(_) => (),
            None => outcome["body"] = text_of(&fetched)?.into(),
        }
        Ok(outcome)
    }

    pub(super) async fn fetch(
        &self,
        url: &str,
        allow: AllowList,
        time: Duration,
    ) -> Result<Fetched, ToolError> {
        let mut fetch = Fetch::new(url.to_owned(), allow);
        fetch.byte_limit = FILE_MAX;
        fetch.time_limit = time;
        tokio::select! {
            fetched = self.web.fetch(fetch) => {
                fetched.map_err(|error| ToolError::Failed(error.to_string()))
            }
            () = self.stop.cancelled() => Err(ToolError::Stopped),
        }
    }
}

/// Returns a body that is short text.
fn text_of(fetched: &Fetched) -> Result<String, ToolError> {
    if fetched.body.len() as u64 > TEXT_MAX {
        return Err(ToolError::Failed(format!(
            "the answer is longer than {TEXT_MAX} bytes; say where to keep it: \"save_as\": \"page.html\""
        )));
    }
    let text = String::from_utf8(fetched.body.clone()).map_err(|_| {
        ToolError::Failed(
            "the answer is no text; say where to keep it: \"save_as\": \"file.bin\"".into(),
        )
    })?;
    if !is_short_as_json(&text) {
        return Err(ToolError::Failed(
            "the answer is full of control characters; say where to keep it: \"save_as\": \"file.bin\"".into(),
        ));
    }
    Ok(text.replace('\0', "\u{fffd}"))
}

fn content_type(fetched: &Fetched) -> Option<&str> {
    let mut headers = fetched.headers.iter();
    headers
        .find(|(name, _)| name == "content-type")
        .map(|(_, value)| value.as_str())
}
