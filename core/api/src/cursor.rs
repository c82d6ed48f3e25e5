//! Where a list goes on, as an opaque word.

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::problem::Problem;

/// The form of what is inside; another form of another release is refused, not misread.
const VERSION: &str = "1";
/// Longer than any cursor that was handed out.
const MAX_CHARS: usize = 512;

/// Writes a cursor of the list `list`.
pub(crate) fn write(list: &str, position: impl Display) -> String {
    URL_SAFE_NO_PAD.encode(format!("{VERSION} {list} {position}"))
}

/// Reads a cursor of the list `list`; whatever follows the list's name is the position.
pub(crate) fn read<T>(
    list: &str,
    cursor: &str,
    position: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Problem> {
    let malformed = || {
        Problem::invalid(
            "cursor",
            "is not a cursor of this list; pass on next_cursor as it came, with the same filters and order",
        )
    };
    if cursor.len() > MAX_CHARS {
        return Err(malformed());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    text.strip_prefix(VERSION)
        .and_then(|rest| rest.strip_prefix(' '))
        .and_then(|rest| rest.strip_prefix(list))
        .and_then(|rest| rest.strip_prefix(' '))
        .and_then(position)
        .ok_or_else(malformed)
}
