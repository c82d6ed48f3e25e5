//! What of a request and of an answer is passed on.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Uri};
use hyper::body::Incoming;
use url::Url;

/// Headers that concern one connection and not the request (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::UPGRADE,
];

/// Returns the request as the server itself is to see it: its own name, a path, and the end of the
/// connection after it.
pub(super) fn rewritten(request: Request<Incoming>, url: &Url) -> Option<Request<Incoming>> {
    let (mut head, body) = request.into_parts();
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    head.uri = path.parse::<Uri>().ok()?;
    head.version = http::Version::HTTP_11;
    drop_hop_by_hop(&mut head.headers);
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    head.headers
        .insert(header::HOST, HeaderValue::from_str(host).ok()?);
    head.headers
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    Some(Request::from_parts(head, body))
}

/// Drops what was meant for this connection alone.
pub(super) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // How long the body is, is not theirs to take away.
        .filter(|name| {
            !matches!(
                *name,
                header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::HOST
            )
        })
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}
