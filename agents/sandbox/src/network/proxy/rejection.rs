//! What the proxy answers by itself.

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::ext::ReasonPhrase;
use url::Url;

use super::Body;

/// An answer of the proxy's own: one line that says why.
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    reason: String,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, reason: String) -> Self {
        Self { status, reason }
    }

    pub(super) fn forbidden(reason: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, reason)
    }

    pub(super) fn no_target() -> Self {
        let reason = "a proxy takes CONNECT HOST:PORT, or a whole http:// URL";
        Self::new(StatusCode::BAD_REQUEST, reason.into())
    }

    pub(super) fn unreachable(url: &Url, error: &dyn std::error::Error) -> Self {
        let host = url.host_str().unwrap_or_default();
        let reason = error
            .source()
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        Self::new(
            StatusCode::BAD_GATEWAY,
            format!("{host} cannot be reached: {reason}"),
        )
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let line = Bytes::from(format!("{}\n", self.reason));
        let mut response = Response::new(Full::new(line).map_err(|never| match never {}).boxed());
        *response.status_mut() = self.status;
        // Many clients show of a refused tunnel this line and nothing else.
        if let Ok(reason) = ReasonPhrase::try_from(self.reason) {
            response.extensions_mut().insert(reason);
        }
        response
    }
}

/// Returns a body with nothing in it.
pub(super) fn empty() -> Body {
    Full::default().map_err(|never| match never {}).boxed()
}
