//! The text of a page, whichever way its characters are written.

use encoding_rs::{Encoding, UTF_8};

use super::super::Fetched;
use super::kind::{Kind, header};

/// How far into a page it says how it is written.
const PRESCAN: usize = 1024;

/// Returns a page's text: by its mark at the beginning, by its server's word, by its own, or as UTF-8.
/// What cannot be read that way is shown as a replacement.
///
/// # Errors
/// It is no text: bytes, or packed.
pub(super) fn text_of(fetched: &Fetched, kind: Kind) -> Result<String, String> {
    let body = &fetched.body;
    let said = header(fetched, "content-type")
        .and_then(charset)
        .or_else(|| own_word(body, kind));
    // A mark at the beginning goes over both.
    let (text, _, _) = said.unwrap_or(UTF_8).decode(body);
    let (mut odd, mut all) = (0, 0);
    for c in text.chars() {
        all += 1;
        let is_odd =
            c == '\u{fffd}' || (c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'));
        odd += usize::from(is_odd);
    }
    if text.contains('\0') || odd * 10 > all {
        return Err("it is no text; to keep it as a file, use http_get with save_as".to_owned());
    }
    Ok(text.into_owned())
}

/// Reads `text/html; charset="..."`.
fn charset(media_type: &str) -> Option<&'static Encoding> {
    let lower = media_type.to_ascii_lowercase();
    let (_, after) = lower.split_once("charset")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let value = value.trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| c.is_whitespace() || "\"';/>".contains(c));
    Encoding::for_label(value.get(..end.unwrap_or(value.len()))?.as_bytes())
}

/// Reads `<meta charset="...">`, and the longer form of it.
fn own_word(body: &[u8], kind: Kind) -> Option<&'static Encoding> {
    if kind != Kind::Html {
        return None;
    }
    let start = body.get(..PRESCAN.min(body.len()))?;
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    let mut metas = start.split("<meta").skip(1);
    let said = metas.find_map(|meta| charset(meta.split('>').next()?));
    // One that could be read so far is not written in pairs of bytes, whatever it says.
    said.map(Encoding::output_encoding)
}
