//! A name for each request, to find it in the log by.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest identifier taken from a caller.
const MAX_CHARS: usize = 64;

/// Tells this start of the program from others; no secret.
static START: LazyLock<u32> = LazyLock::new(|| {
    let random = RandomState::new().hash_one(0_u8);
    u32::try_from(random >> 32).unwrap_or_default()
});

/// Counts the requests that brought no identifier.
static COUNT: AtomicU64 = AtomicU64::new(1);

/// Returns the caller's identifier where it has the form of one, else a fresh one.
pub(crate) fn of(headers: &HeaderMap) -> HeaderValue {
    if let Some(given) = headers.get(HEADER)
        && (1..=MAX_CHARS).contains(&given.len())
        && given
            .as_bytes()
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    {
        return given.clone();
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    HeaderValue::try_from(format!("{:08x}-{count:x}", *START))
        .unwrap_or(HeaderValue::from_static("none"))
}
