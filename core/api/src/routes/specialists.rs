//! `/api/v1/specialists`: agents that runs made.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_domain::field::AgentName;
use http::StatusCode;

use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::respond;
use crate::wire::specialist::{Specialist, SpecialistPage};

/// List specialists
///
/// All of them, by name.
#[utoipa::path(
    get, path = "/api/v1/specialists", tag = "agents",
    responses((status = 200, description = "The specialists.", body = SpecialistPage<'_>)),
)]
pub(super) async fn list_specialists(
    State(app): State<App>,
    _caller: Caller,
) -> Result<Response, Problem> {
    let specialists = app.list_specialists().await?;
    let body = SpecialistPage {
        items: specialists.iter().map(Specialist::from).collect(),
        next_cursor: None,
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Get specialist
#[utoipa::path(
    get, path = "/api/v1/specialists/{name}", tag = "agents", params(Named<AgentName>),
    responses((status = 200, description = "The specialist.", body = Specialist<'_>)),
)]
pub(super) async fn get_specialist(
    State(app): State<App>,
    _caller: Caller,
    Named(name): Named<AgentName>,
) -> Result<Response, Problem> {
    let specialist = app.get_specialist(&name)?;
    Ok(respond::json(
        StatusCode::OK,
        &Specialist::from(&specialist),
    ))
}

/// Have a specialist take tasks again
#[utoipa::path(
    post, path = "/api/v1/specialists/{name}/enable", tag = "agents", params(Named<AgentName>),
    responses((status = 200, description = "The specialist.", body = Specialist<'_>)),
)]
pub(super) async fn enable_specialist(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named<AgentName>,
) -> Result<Response, Problem> {
    let specialist = app.enable_specialist(caller.actor(), name).await?;
    Ok(respond::json(
        StatusCode::OK,
        &Specialist::from(&specialist),
    ))
}

/// Have a specialist take no tasks any more
///
/// What it holds it finishes.
#[utoipa::path(
    post, path = "/api/v1/specialists/{name}/disable", tag = "agents", params(Named<AgentName>),
    responses((status = 200, description = "The specialist.", body = Specialist<'_>)),
)]
pub(super) async fn disable_specialist(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named<AgentName>,
) -> Result<Response, Problem> {
    let specialist = app.disable_specialist(caller.actor(), name).await?;
    Ok(respond::json(
        StatusCode::OK,
        &Specialist::from(&specialist),
    ))
}

/// Remove a specialist
///
/// And the agent that it is. One with open tasks stays.
#[utoipa::path(
    delete, path = "/api/v1/specialists/{name}", tag = "agents", params(Named<AgentName>),
    responses((status = 204, description = "It is no more.")),
)]
pub(super) async fn remove_specialist(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named<AgentName>,
) -> Result<StatusCode, Problem> {
    app.remove_specialist(caller.actor(), name).await?;
    Ok(StatusCode::NO_CONTENT)
}
