//! `/api/v1/artifacts`, without their bytes.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_app::tasks::TaskRef;
use hearth_domain::ArtifactId;
use http::StatusCode;

use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::artifact::{Artifact, ArtifactPage, ListArtifacts};

/// Get artifact metadata
#[utoipa::path(
    get, path = "/api/v1/artifacts/{id}", tag = "artifacts", params(Named<ArtifactId>),
    responses((status = 200, description = "The artifact, without its bytes.", body = Artifact<'_>)),
)]
pub(super) async fn get_artifact(
    State(app): State<App>,
    _caller: Caller,
    Named(id): Named<ArtifactId>,
) -> Result<Response, Problem> {
    let artifact = app.get_artifact(id)?;
    Ok(respond::json(StatusCode::OK, &Artifact::from(&artifact)))
}

/// List a task's artifacts
///
/// Oldest first.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/artifacts", tag = "artifacts", params(Named<TaskRef>, ListArtifacts),
    responses((status = 200, description = "A page of artifacts.", body = ArtifactPage<'_>)),
)]
pub(super) async fn list_task_artifacts(
    State(app): State<App>,
    _caller: Caller,
    Named(task): Named<TaskRef>,
    Query(query): Query<ListArtifacts>,
) -> Result<Response, Problem> {
    let page = app.list_artifacts(task, query.cursor, query.limit).await?;
    let body = ArtifactPage {
        items: page.items.iter().map(Artifact::from).collect(),
        next_cursor: page.next.map(ListArtifacts::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}
