//! `GET /api/v1/artifacts/{id}/content`: bytes out, whole or in part.

use std::io::SeekFrom;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hearth_app::App;
use hearth_domain::ArtifactId;
use hearth_domain::artifact::Artifact;
use hearth_domain::field::Name;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::caller::Caller;
use crate::path::Named;
use crate::precondition::names;
use crate::problem::Problem;

/// How much of a file is read at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// What RFC 8187 leaves as it is, besides letters and digits.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Get an artifact's bytes
///
/// One range of bytes may be asked for. A browser saves them and never runs them.
#[utoipa::path(
    get, path = "/api/v1/artifacts/{id}/content", tag = "artifacts",
    params(
        Named<ArtifactId>,
        ("Range" = Option<String>, Header, description = "One range of bytes, such as bytes=0-99."),
        ("If-None-Match" = Option<String>, Header, description = "An ETag; with the present one the answer is 304."),
    ),
    responses(
        (status = 200, description = "The bytes.", content_type = "application/octet-stream", body = [u8]),
        (status = 206, description = "The bytes that were asked for.", content_type = "application/octet-stream", body = [u8]),
        (status = 304, description = "The caller has them."),
    ),
)]
pub(super) async fn get_artifact_content(
    State(app): State<App>,
    _caller: Caller,
    Named(id): Named<ArtifactId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (artifact, mut file) = app.open_artifact(id).await?;
    let etag = format!("\"{}\"", artifact.hash);
    if names(headers.get(header::IF_NONE_MATCH), &etag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        describe(response.headers_mut(), &artifact, &etag);
        return Ok(response);
    }
    let size = artifact.size_bytes;
    let range = match headers.get(header::IF_RANGE) {
        Some(known) if !names(Some(known), &etag) => Range::Whole,
        _ => Range::read(headers.get(header::RANGE), size),
    };
    let (status, start, len) = match range {
        Range::Whole => (StatusCode::OK, 0, size),
        Range::Part { start, len } => (StatusCode::PARTIAL_CONTENT, start, len),
        Range::Outside => return Err(outside(size)),
    };
    if start > 0 {
        file.seek(SeekFrom::Start(start))
            .await
            .map_err(Problem::internal)?;
    }
    let bytes = ReaderStream::with_capacity(file.take(len), PIECE_BYTES);
    let mut response = Response::new(Body::from_stream(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    if status == StatusCode::PARTIAL_CONTENT {
        let last = start + len - 1;
        insert(
            headers,
            header::CONTENT_RANGE,
            &format!("bytes {start}-{last}/{size}"),
        );
    }
    describe(headers, &artifact, &etag);
    Ok(response)
}

/// What part of a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    Whole,
    Part { start: u64, len: u64 },
    Outside,
}

impl Range {
    /// Reads a Range header. What is no single range of bytes is taken for none, as RFC 9110 has it.
    fn read(value: Option<&HeaderValue>, size: u64) -> Self {
        let Some((first, last)) = value
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.strip_prefix("bytes="))
            .and_then(|text| text.trim().split_once('-'))
        else {
            return Self::Whole;
        };
        let number = |text: &str| match text {
            "" => Ok(None),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                // More digits than fit name a place beyond every end.
                Ok(Some(digits.parse().unwrap_or(u64::MAX)))
            }
            _ => Err(()),
        };
        let (start, end) = match (number(first), number(last)) {
            (Ok(Some(first)), Ok(Some(last))) if first > last => return Self::Whole,
            (Ok(Some(first)), Ok(last)) => {
                (first, last.map_or(size, |last: u64| last.saturating_add(1)))
            }
            (Ok(None), Ok(Some(count))) => (size.saturating_sub(count), size),
            _ => return Self::Whole,
        };
        let end = end.min(size);
        if start >= end {
            return Self::Outside;
        }
        Self::Part {
            start,
            len: end - start,
        }
    }
}

fn outside(size: u64) -> Problem {
    let problem = Problem::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "range_not_satisfiable",
        format!("the artifact has {size} bytes"),
    );
    match HeaderValue::try_from(format!("bytes */{size}")) {
        Ok(value) => problem.with_header(header::CONTENT_RANGE, value),
        Err(_) => problem,
    }
}

fn describe(headers: &mut HeaderMap, artifact: &Artifact, etag: &str) {
    insert(headers, header::CONTENT_TYPE, artifact.media_type.as_str());
    insert(headers, header::ETAG, etag);
    let disposition = disposition(artifact.name.as_ref().map(Name::as_str));
    insert(headers, header::CONTENT_DISPOSITION, &disposition);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'"),
    );
    // Bytes under one identifier never change, but whether the caller may see them can.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
}

/// Writes the name for saving: plain for old readers, and whole, as RFC 6266 has it.
fn disposition(name: Option<&str>) -> String {
    let Some(name) = name else {
        return "attachment".into();
    };
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' | '/' => '_',
            c if c == ' ' || c.is_ascii_graphic() => c,
            _ => '_',
        })
        .collect();
    let whole = utf8_percent_encode(name, ENCODED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Range) {
        let value = HeaderValue::from_str(header).unwrap();

        assert_eq!(Range::read(Some(&value), 10), expected, "{header}");
    }

    #[test]
    fn one_range_of_bytes_is_read_and_anything_else_is_no_range() {
        check("bytes=0-0", Range::Part { start: 0, len: 1 });
        check("bytes=2-5", Range::Part { start: 2, len: 4 });
        check("bytes=5-", Range::Part { start: 5, len: 5 });
        check("bytes=-3", Range::Part { start: 7, len: 3 });
        check("bytes=-30", Range::Part { start: 0, len: 10 });
        check("bytes=8-99", Range::Part { start: 8, len: 2 });
        check(
            "bytes=0-99999999999999999999999",
            Range::Part { start: 0, len: 10 },
        );
        check("bytes=10-", Range::Outside);
        check("bytes=99999999999999999999999-", Range::Outside);
        check("bytes=-0", Range::Outside);
        for none in [
            "bytes=5-2",
            "bytes=-",
            "bytes=a-b",
            "bytes=1-2,4-5",
            "lines=1-2",
            "bytes=+1-2",
            "",
        ] {
            check(none, Range::Whole);
        }
    }

    #[test]
    fn a_name_for_saving_cannot_end_its_quotes() {
        insta::assert_snapshot!(
            disposition(Some("b\"ad\\ näme.txt")),
            @r#"attachment; filename="b_ad_ n_me.txt"; filename*=UTF-8''b%22ad%5C%20n%C3%A4me.txt"#
        );
    }
}
