//! Successful answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::precondition::etag;
use crate::problem::Problem;

/// Room for a usual task, so that writing one does not grow the buffer step by step.
const USUAL_BYTES: usize = 1024;

/// Writes `body` as JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    if let Err(error) = serde_json::to_writer(&mut bytes, body) {
        return Problem::internal(error).into_response();
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// Writes `body` as JSON, with its version as the ETag.
pub(crate) fn versioned(status: StatusCode, version: u64, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    response.headers_mut().insert(header::ETAG, etag(version));
    response
}

/// Writes `body` as JSON, as made under `location`.
pub(crate) fn created(location: &str, version: Option<u64>, body: &impl Serialize) -> Response {
    let mut response = json(StatusCode::CREATED, body);
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(location) {
        headers.insert(header::LOCATION, location);
    }
    if let Some(version) = version {
        headers.insert(header::ETAG, etag(version));
    }
    response
}
