//! Takes out of a page what there is to read, as Markdown without links.
//!
//! The page was written by a stranger. So its size is bounded, it is parsed on a thread of its own
//! with a stack that its depth cannot exhaust, piece by piece until a deadline, and no more than a few
//! pages at once; and what comes out is text and nothing that leads anywhere.

mod charset;
mod kind;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use dom_query::{Document, NodeRef};
use dom_smoothie::{Config, Readability};
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, parse_document};
use tokio::sync::{Semaphore, oneshot};

use self::kind::Kind;
use super::Fetched;

/// How many pages are parsed at once. One that takes too long is given up by whoever waits for it, and
/// takes its place until it ends by itself.
const AT_ONCE: usize = 2;
/// How long a page may take to be parsed.
const PARSE_FOR: Duration = Duration::from_secs(5);
/// How much is parsed between two looks at the clock.
const PIECE: usize = 16 * 1024;
/// How deep elements may lie in each other for more than their text to be taken.
const DEPTH_MAX: usize = 256;
/// How long a page may be, and how many elements it may have, for its readable part to be looked for:
/// that takes time that grows faster than the page.
const ARTICLE_BYTES: usize = 2 * 1024 * 1024;
const ELEMENTS_MAX: usize = 30_000;
/// What the functions that walk a page of that depth need, with room to spare; it is not used before.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// The longest title, in characters.
const TITLE_MAX: usize = 300;

/// Elements in which nothing is to be read.
const SKIPPED: [&str; 12] = [
    "script", "style", "meta", "head", "noscript", "template", "iframe", "object", "svg", "canvas",
    "form", "button",
];

/// Bounds how many pages are parsed at once; clones are the same gate.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// What there is to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Readable {
    /// What the page calls itself; empty where it does not.
    pub(crate) title: String,
    /// Who wrote it, where it says.
    pub(crate) byline: Option<String>,
    /// The readable part.
    pub(crate) text: String,
}

impl super::Web {
    /// Takes out of a page what there is to read.
    ///
    /// # Errors
    /// Says what it is instead, and how to keep that; or that it cannot be read.
    pub(crate) async fn readable(&self, fetched: &Fetched) -> Result<Readable, String> {
        let kind = Kind::of(fetched)?;
        let text = charset::text_of(fetched, kind)?;
        if kind != Kind::Html {
            return Ok(Readable {
                text: clean(&text),
                ..Readable::default()
            });
        }
        let url = fetched.final_url.clone();
        self.gate
            .parse(move || of_html(&text, &url, PARSE_FOR))
            .await
    }
}

impl Gate {
    async fn parse(
        &self,
        work: impl FnOnce() -> Result<Readable, String> + Send + 'static,
    ) -> Result<Readable, String> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        let permit = permit.map_err(|_| "the node is stopping".to_owned())?;
        let (tell, told) = oneshot::channel();
        std::thread::Builder::new()
            .name("page".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let _permit = permit;
                // Nobody may wait for it any more.
                let _ = tell.send(work());
            })
            .map_err(|error| format!("no thread to read it on: {error}"))?;
        // A parser that panics is the end of its thread alone.
        told.await
            .map_err(|_| "it is broken in a way that it cannot be read".to_owned())?
    }
}

fn of_html(html: &str, url: &str, parse_for: Duration) -> Result<Readable, String> {
    let document = parse(html, parse_for)?;
    let title = one_line(&document.select("title").text());
    if depth_of(&document.root()) > DEPTH_MAX {
        return Ok(Readable {
            title,
            byline: None,
            text: clean(&plain_text(&document)),
        });
    }
    let config = Config {
        max_elements_to_parse: ELEMENTS_MAX,
        // Another language to parse, for what the page says as well.
        disable_json_ld: true,
        ..Config::default()
    };
    let is_short = html.len() <= ARTICLE_BYTES;
    let article = is_short
        .then(|| Readability::with_document(document.clone(), Some(url), Some(config)))
        .and_then(|page| page.ok()?.parse().ok());
    let Some(article) = article else {
        // No part of it stands out: all of it, then.
        return Ok(Readable {
            title,
            byline: None,
            text: markdown(&document),
        });
    };
    let found = one_line(&article.title);
    Ok(Readable {
        title: if found.is_empty() { title } else { found },
        byline: article
            .byline
            .map(|byline| one_line(&byline))
            .filter(|byline| !byline.is_empty()),
        text: markdown(&Document::from(article.content)),
    })
}

/// Parses a page piece by piece.
fn parse(html: &str, parse_for: Duration) -> Result<Document, String> {
    let began = Instant::now();
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled: false,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    let mut parser = parse_document(Document::default(), options);
    let mut rest = html;
    while !rest.is_empty() {
        if began.elapsed() > parse_for {
            return Err(format!(
                "it takes longer than {} s to be parsed; fetch it with http_get and save_as",
                parse_for.as_secs_f32()
            ));
        }
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        parser.process(piece.into());
        rest = after;
    }
    Ok(parser.finish())
}

/// Returns how deep elements lie in each other, without going that deep itself.
fn depth_of(root: &NodeRef<'_>) -> usize {
    let mut deepest = 0;
    let mut to_see = vec![(root.first_child(), 1)];
    while let Some((node, depth)) = to_see.pop() {
        let Some(node) = node else {
            continue;
        };
        deepest = deepest.max(depth);
        if deepest > DEPTH_MAX {
            return deepest;
        }
        to_see.push((node.next_sibling(), depth));
        to_see.push((node.first_child(), depth + 1));
    }
    deepest
}

/// Returns the texts of a page one after the other.
fn plain_text(document: &Document) -> String {
    document.select(&SKIPPED.join(",")).remove();
    let mut text = String::new();
    for node in document.root().descendants_it() {
        if node.is_text() {
            text.push_str(&node.text());
            text.push('\n');
        }
    }
    text
}

/// Writes a page as Markdown, links and images as their texts.
fn markdown(document: &Document) -> String {
    document.select("a").rename("span");
    let images = document.select("img");
    images.nodes().iter().for_each(|image| {
        let alt = one_line(&image.attr_or("alt", ""));
        image.replace_with(&document.tree.new_text(alt));
    });
    clean(&document.md(Some(&SKIPPED)))
}

/// Takes out what is not seen, or would turn round what is; and blank lines beyond the first.
fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut breaks = 2;
    for line in text.lines() {
        let line: String = line.chars().filter(|c| is_seen(*c)).collect();
        let line = line.trim_end();
        if line.is_empty() {
            breaks += 1;
            continue;
        }
        if !cleaned.is_empty() {
            cleaned.push_str(if breaks > 0 { "\n\n" } else { "\n" });
        }
        breaks = 0;
        cleaned.push_str(line);
    }
    cleaned
}

fn is_seen(c: char) -> bool {
    let is_hidden = matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{feff}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{e0000}'..='\u{e007f}'
    );
    c == '\t' || !(c.is_control() || is_hidden)
}

pub(crate) fn one_line(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    line.chars()
        .filter(|c| is_seen(*c))
        .take(TITLE_MAX)
        .collect()
}
