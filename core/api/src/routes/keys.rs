//! `/api/v1/keys`

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_domain::KeyId;
use http::StatusCode;

use crate::body::Json;
use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::respond;
use crate::wire::key::{CreateKey, CreatedKey, Key, KeyPage};

/// Create key
///
/// The answer shows the key, this once.
#[utoipa::path(
    post, path = "/api/v1/keys", tag = "keys", request_body = CreateKey,
    responses((status = 201, description = "The key.", body = CreatedKey<'_>)),
)]
pub(super) async fn create_key(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateKey>,
) -> Result<Response, Problem> {
    let (name, grant) = body.read()?;
    let (key, secret) = app.create_key(caller.actor(), name, grant).await?;
    Ok(respond::json(
        StatusCode::CREATED,
        &CreatedKey::new(&key, &secret),
    ))
}

/// List keys
///
/// All of them, oldest first, without the keys themselves.
#[utoipa::path(
    get, path = "/api/v1/keys", tag = "keys",
    responses((status = 200, description = "The keys.", body = KeyPage<'_>)),
)]
pub(super) async fn list_keys(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let keys = app.list_keys(caller.actor()).await?;
    let body = KeyPage {
        items: keys.iter().map(Key::from).collect(),
        next_cursor: None,
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Revoke key
///
/// At once, streams of events included. Revoking it again changes nothing.
#[utoipa::path(
    delete, path = "/api/v1/keys/{id}", tag = "keys", params(Named<KeyId>),
    responses((status = 204, description = "It is not valid any more.")),
)]
pub(super) async fn revoke_key(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<KeyId>,
) -> Result<StatusCode, Problem> {
    app.revoke_key(caller.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
