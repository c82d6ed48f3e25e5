//! What a page is, by what its server says of it.

use super::super::Fetched;

/// The sorts of pages that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A page of the web.
    Html,
    /// Text that is read as it is: plain, Markdown, JSON, XML.
    Text,
}

impl Kind {
    /// Tells what a page is.
    ///
    /// # Errors
    /// It is something else: what, and how it is kept.
    pub(super) fn of(fetched: &Fetched) -> Result<Self, String> {
        let Some(media_type) = header(fetched, "content-type") else {
            return Ok(by_its_start(&fetched.body));
        };
        let essence = media_type.split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/html" | "application/xhtml+xml" => Ok(Self::Html),
            "text/plain" | "text/markdown" | "text/x-markdown" | "application/json"
            | "application/xml" | "text/xml" => Ok(Self::Text),
            essence
                if essence.starts_with("application/")
                    && (essence.ends_with("+json") || essence.ends_with("+xml")) =>
            {
                Ok(Self::Text)
            }
            "" => Ok(by_its_start(&fetched.body)),
            essence => {
                let shown: String = essence.chars().take(100).collect();
                Err(format!(
                    "it is {shown}, and not a page to read; to keep it as a file, use http_get with save_as"
                ))
            }
        }
    }
}

fn by_its_start(body: &[u8]) -> Kind {
    if body.trim_ascii_start().starts_with(b"<") {
        Kind::Html
    } else {
        Kind::Text
    }
}

pub(super) fn header<'a>(fetched: &'a Fetched, name: &str) -> Option<&'a str> {
    let mut headers = fetched.headers.iter();
    headers
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}
