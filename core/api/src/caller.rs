//! Who is asking. Every handler but those of health takes a [`Caller`], before all else that it
//! takes, so that nothing is told to somebody unknown.

use axum::extract::FromRequestParts;
use hearth_domain::Actor;
use http::HeaderMap;
use http::header::{self, HeaderName};
use http::request::Parts;

use crate::problem::Problem;
use crate::router::Api;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// A caller with a valid key.
pub(crate) struct Caller(pub(crate) hearth_app::keys::Caller);

impl Caller {
    pub(crate) fn actor(&self) -> &Actor {
        &self.0.actor
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Some(key) = shown_key(&parts.headers)? else {
            return Err(Problem::unauthenticated(
                "a key is needed: Authorization: Bearer <key>, or X-API-Key; hearth keys create makes one",
            ));
        };
        match api.app.authenticate(key)? {
            Some(caller) => Ok(Self(caller)),
            None => Err(Problem::unauthenticated("this key is not valid")),
        }
    }
}

/// Returns the key that a request shows, whichever way.
pub(crate) fn shown_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut shown = None;
    let bearers = headers.get_all(header::AUTHORIZATION).iter().map(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let others = headers
        .get_all(X_API_KEY)
        .iter()
        .map(|value| value.to_str().ok().map(str::trim));
    for key in bearers.chain(others) {
        let Some(key) = key else {
            return Err(Problem::unauthenticated(
                "the key cannot be read; write Authorization: Bearer <key>",
            ));
        };
        if shown.replace(key).is_some_and(|earlier| earlier != key) {
            return Err(Problem::unauthenticated(
                "the request shows two different keys",
            ));
        }
    }
    Ok(shown)
}
