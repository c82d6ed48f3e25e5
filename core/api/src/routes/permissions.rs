//! `/api/v1/permissions`: what the owner allows without being asked.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use http::StatusCode;

use crate::body::Json;
use crate::caller::Caller;
use crate::path::{Named, PermissionNumber};
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::permission::{CreatePermission, Permission, PermissionPage};
use crate::wire::revoked::WithRevoked;

/// List standing permissions
///
/// Oldest first.
#[utoipa::path(
    get, path = "/api/v1/permissions", tag = "approvals", params(WithRevoked),
    responses((status = 200, description = "The permissions.", body = PermissionPage<'_>)),
)]
pub(super) async fn list_permissions(
    State(app): State<App>,
    _caller: Caller,
    Query(WithRevoked(all)): Query<WithRevoked>,
) -> Result<Response, Problem> {
    let permissions = app.list_permissions(all).await?;
    let body = PermissionPage {
        items: permissions.iter().map(Permission::from).collect(),
        next_cursor: None,
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Give a standing permission
///
/// Calls of this tool whose arguments have this shape are made without asking, for the tasks of one
/// project.
#[utoipa::path(
    post, path = "/api/v1/permissions", tag = "approvals", request_body = CreatePermission,
    responses((status = 201, description = "The permission.", body = Permission<'_>)),
)]
pub(super) async fn create_permission(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreatePermission>,
) -> Result<Response, Problem> {
    let permission = app.grant_permission(caller.actor(), body.read()?).await?;
    Ok(respond::json(
        StatusCode::CREATED,
        &Permission::from(&permission),
    ))
}

/// Take a standing permission back
///
/// Like calls are put to the owner again, from the next one on.
#[utoipa::path(
    delete, path = "/api/v1/permissions/{number}", tag = "approvals",
    params(Named<PermissionNumber>),
    responses((status = 204, description = "It allows nothing any more.")),
)]
pub(super) async fn revoke_permission(
    State(app): State<App>,
    caller: Caller,
    Named(PermissionNumber(number)): Named<PermissionNumber>,
) -> Result<StatusCode, Problem> {
    app.revoke_permission(caller.actor(), number).await?;
    Ok(StatusCode::NO_CONTENT)
}
