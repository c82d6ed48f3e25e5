//! `/api/v1/projects`

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_domain::ProjectId;
use http::StatusCode;

use crate::body::Json;
use crate::caller::Caller;
use crate::path::Named;
use crate::precondition::IfMatch;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::project::{CreateProject, ListProjects, Project, ProjectPage, UpdateProject};

/// Create project
#[utoipa::path(
    post, path = "/api/v1/projects", tag = "projects", request_body = CreateProject,
    responses((status = 201, description = "The project.", body = Project<'_>)),
)]
pub(super) async fn create_project(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateProject>,
) -> Result<Response, Problem> {
    let project = app.create_project(caller.actor(), body.read()?).await?;
    let location = format!("/api/v1/projects/{}", project.id);
    let version = Some(project.version);
    Ok(respond::created(
        &location,
        version,
        &Project::from(&project),
    ))
}

/// List projects
///
/// Oldest first.
#[utoipa::path(
    get, path = "/api/v1/projects", tag = "projects", params(ListProjects),
    responses((status = 200, description = "A page of projects.", body = ProjectPage<'_>)),
)]
pub(super) async fn list_projects(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<ListProjects>,
) -> Result<Response, Problem> {
    let page = app
        .list_projects(query.filter, query.cursor, query.limit)
        .await?;
    let body = ProjectPage {
        items: page.items.iter().map(Project::from).collect(),
        next_cursor: page.next.map(ListProjects::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Get project
#[utoipa::path(
    get, path = "/api/v1/projects/{id}", tag = "projects", params(Named<ProjectId>),
    responses((status = 200, description = "The project.", body = Project<'_>)),
)]
pub(super) async fn get_project(
    State(app): State<App>,
    _caller: Caller,
    Named(id): Named<ProjectId>,
) -> Result<Response, Problem> {
    let project = app.get_project(id)?;
    Ok(answer(&project))
}

/// Update project
#[utoipa::path(
    patch, path = "/api/v1/projects/{id}", tag = "projects", params(Named<ProjectId>, IfMatch),
    request_body = UpdateProject,
    responses((status = 200, description = "The project as it is after.", body = Project<'_>)),
)]
pub(super) async fn update_project(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<ProjectId>,
    IfMatch(expected): IfMatch,
    Json(body): Json<UpdateProject>,
) -> Result<Response, Problem> {
    let project = app
        .update_project(caller.actor(), id, body.read()?, expected)
        .await?;
    Ok(answer(&project))
}

/// Delete project
///
/// Its tasks go with it. Refused while one of them is in progress.
#[utoipa::path(
    delete, path = "/api/v1/projects/{id}", tag = "projects", params(Named<ProjectId>, IfMatch),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn delete_project(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<ProjectId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    app.delete_project(caller.actor(), id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(project: &hearth_domain::project::Project) -> Response {
    respond::versioned(StatusCode::OK, project.version, &Project::from(project))
}
