//! JSON bodies: read up to a limit, taken whole or refused with the field's name.

mod explain;

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::problem::Problem;
use crate::router::Api;
use crate::wire::field::Object;

/// How long the smallest JSON body may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// How slowly a larger one may: a poor phone line.
const SLOWEST_BYTES_PER_SECOND: u64 = 64 * 1024;

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body that may be left out.
pub(crate) struct OptionalJson<T>(pub(crate) T);

/// The bytes of a JSON body.
pub(crate) struct RawJson(Bytes);

impl RawJson {
    /// Reads a body of at most `limit` bytes; `advice` follows where it is larger.
    pub(crate) async fn read(
        request: Request,
        limit: usize,
        advice: &str,
    ) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read_bytes(&parts.headers, body, limit, advice).await?;
        if !bytes.is_empty() && !is_json(&parts.headers) {
            return Err(unsupported("the body must be application/json"));
        }
        Ok(Self(bytes))
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let Object(body) = self.parse_any()?;
        Ok(body)
    }

    fn parse_any<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        // The path to a mistake is worth a second look only where there is one.
        serde_json::from_slice(&self.0).map_err(|error| explain::explain::<T>(&self.0, &error))
    }

    /// Tells this request from others.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

impl FromRequest<Api> for RawJson {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        Self::read(request, api.config.max_body_bytes.get(), "").await
    }
}

impl<T: DeserializeOwned> FromRequest<Api> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        RawJson::from_request(request, api).await?.parse().map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<Api> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let raw = RawJson::from_request(request, api).await?;
        if raw.0.is_empty() {
            return Ok(Self(T::default()));
        }
        let body: Option<Object<T>> = raw.parse_any()?;
        Ok(Self(body.map(|Object(body)| body).unwrap_or_default()))
    }
}

/// Returns the media type of a body without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    let text = value.to_str().unwrap_or("unreadable");
    let essence = text.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

pub(crate) fn unsupported(detail: &'static str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        detail,
    )
}

/// Returns the length a request says its body has.
pub(crate) fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

pub(crate) fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "timeout",
        "the body did not arrive in time; send it again",
    )
}

pub(crate) fn cut_short() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "body_cut_short",
        "the body ended before it was whole",
    )
}

async fn read_bytes(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    advice: &str,
) -> Result<Bytes, Problem> {
    let too_large = || Problem::too_large(limit as u64, advice);
    if announced_length(headers).is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let time = ARRIVES_WITHIN + Duration::from_secs(limit as u64 / SLOWEST_BYTES_PER_SECOND);
    match timeout(time, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(cut_short()),
        Err(_) => Err(too_slow()),
    }
}

/// Whether a body says that it is JSON, or says nothing.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    value.as_bytes() == b"application/json"
        || media_type(headers).as_deref() == Some("application/json")
}
