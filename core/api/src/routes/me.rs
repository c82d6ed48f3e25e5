//! `/api/v1/me`

use axum::response::Response;
use http::StatusCode;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::respond;
use crate::wire::key::Me;

/// Who the caller is
#[utoipa::path(
    get, path = "/api/v1/me", tag = "keys",
    responses((status = 200, description = "The caller, going by its key.", body = Me<'_>)),
)]
pub(super) async fn get_me(Caller(caller): Caller) -> Result<Response, Problem> {
    Ok(respond::json(StatusCode::OK, &Me::from(&caller)))
}
