//! `/api/v1/folders`: folders of the host that the owner opened to agents.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_domain::field::Word;
use http::StatusCode;

use crate::body::Json;
use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::folder::{CreateFolder, Folder, FolderPage};
use crate::wire::revoked::WithRevoked;

/// List folders
///
/// In the order in which they were opened. With an admin key only: paths are the owner's.
#[utoipa::path(
    get, path = "/api/v1/folders", tag = "folders", params(WithRevoked),
    responses((status = 200, description = "The folders.", body = FolderPage<'_>)),
)]
pub(super) async fn list_folders(
    State(app): State<App>,
    caller: Caller,
    Query(WithRevoked(all)): Query<WithRevoked>,
) -> Result<Response, Problem> {
    let folders = app.list_folders(caller.actor(), all).await?;
    let body = FolderPage {
        items: folders.iter().map(Folder::from).collect(),
        next_cursor: None,
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Open a folder to agents
///
/// Under a name of its own; agents never see where it is.
#[utoipa::path(
    post, path = "/api/v1/folders", tag = "folders", request_body = CreateFolder,
    responses((status = 201, description = "The folder.", body = Folder<'_>)),
)]
pub(super) async fn create_folder(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateFolder>,
) -> Result<Response, Problem> {
    let folder = app.grant_folder(caller.actor(), body.read()?).await?;
    Ok(respond::json(StatusCode::CREATED, &Folder::from(&folder)))
}

/// Close a folder
#[utoipa::path(
    delete, path = "/api/v1/folders/{name}", tag = "folders", params(Named<Word>),
    responses((status = 204, description = "No call reaches it any more.")),
)]
pub(super) async fn revoke_folder(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named<Word>,
) -> Result<StatusCode, Problem> {
    app.revoke_folder(caller.actor(), name).await?;
    Ok(StatusCode::NO_CONTENT)
}
