//! A form with a recording in it, read whole: what transcribes needs it in memory.

use std::time::Duration;

use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use bytes::{Bytes, BytesMut};
use hearth_domain::artifact::MediaType;
use http::StatusCode;

use crate::body::{announced_length, cut_short, media_type, too_slow, unsupported};
use crate::problem::Problem;
use crate::wire::field::parse;

/// How much larger than its file a form may be.
const FORM_OVERHEAD: usize = 256 * 1024;
/// The longest text part.
const TEXT_MAX_BYTES: usize = 16 * 1024;
/// The most text parts.
const PARTS_MAX: usize = 32;
/// How long the next piece of a form may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// How long all of it may take: what is being read holds a place in which others could be heard.
const WHOLE_WITHIN: Duration = Duration::from_mins(5);

/// A form that was read.
#[derive(Debug)]
pub(super) struct RecordingForm {
    /// The bytes of the part `file`.
    pub(super) recording: Bytes,
    /// What they are said to be.
    pub(super) media_type: MediaType,
    /// The text parts, as `(name, text)`, in order.
    pub(super) parts: Vec<(String, String)>,
}

impl RecordingForm {
    /// Reads a form whose file has at most `limit` bytes.
    pub(super) async fn read(request: Request, limit: usize) -> Result<Self, Problem> {
        let whole = tokio::time::timeout(WHOLE_WITHIN, Self::read_all(request, limit));
        whole.await.unwrap_or_else(|_| Err(too_slow()))
    }

    async fn read_all(mut request: Request, limit: usize) -> Result<Self, Problem> {
        if media_type(request.headers()).as_deref() != Some("multipart/form-data") {
            return Err(unsupported(
                "the body must be multipart/form-data, with the recording as the part file",
            ));
        }
        let whole = limit.saturating_add(FORM_OVERHEAD);
        if announced_length(request.headers()).is_some_and(|length| length > whole as u64) {
            return Err(too_large(limit));
        }
        DefaultBodyLimit::max(whole).apply(&mut request);
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|_| Problem::invalid("Content-Type", "has no boundary of a form"))?;
        let mut file = None;
        let mut parts = Vec::new();
        while let Some(mut part) = in_time(form.next_field(), limit).await? {
            let name: String = part.name().unwrap_or_default().chars().take(80).collect();
            let kind = part.content_type().map(str::to_owned);
            let is_file = name == "file";
            let most = if is_file { limit } else { TEXT_MAX_BYTES };
            let mut bytes = BytesMut::new();
            while let Some(piece) = in_time(part.chunk(), limit).await? {
                if bytes.len() + piece.len() > most {
                    return Err(if is_file {
                        too_large(limit)
                    } else {
                        Problem::invalid(name, &format!("must be at most {most} bytes"))
                    });
                }
                bytes.extend_from_slice(&piece);
            }
            if is_file {
                if file.replace((bytes.freeze(), kind)).is_some() {
                    return Err(Problem::invalid("file", "is given twice"));
                }
                continue;
            }
            if parts.len() >= PARTS_MAX {
                return Err(Problem::invalid("body", "has too many parts"));
            }
            let text = String::from_utf8(bytes.to_vec())
                .map_err(|_| Problem::invalid(name.clone(), "is not UTF-8"))?;
            parts.push((name, text));
        }
        let Some((recording, kind)) = file else {
            return Err(Problem::invalid(
                "file",
                "is missing; it is the recording, as a part of the form",
            ));
        };
        Ok(Self {
            recording,
            media_type: readable(kind.as_deref()),
            parts,
        })
    }
}

/// What a part says that it is; what cannot be read is bytes.
fn readable(kind: Option<&str>) -> MediaType {
    kind.and_then(|kind| parse("file", kind).ok())
        .unwrap_or_else(MediaType::octet_stream)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        format!(
            "the recording is larger than {limit} bytes; send it compressed or in parts, or allow more with \
             hearth config set voice.max_upload_mb"
        ),
    )
}

async fn in_time<T>(
    next: impl Future<Output = Result<T, MultipartError>>,
    limit: usize,
) -> Result<T, Problem> {
    match tokio::time::timeout(ARRIVES_WITHIN, next).await {
        Ok(Ok(next)) => Ok(next),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large(limit)),
        Ok(Err(error)) if error.status() == StatusCode::BAD_REQUEST => Err(Problem::invalid(
            "body",
            "is not a form with the boundary that Content-Type names, or ends too early",
        )),
        Ok(Err(_)) => Err(cut_short()),
        Err(_) => Err(too_slow()),
    }
}
