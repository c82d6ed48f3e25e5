//! `/api/v1/agents`

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_domain::field::AgentName;
use http::StatusCode;

use crate::body::{Json, OptionalJson};
use crate::caller::Caller;
use crate::path::Named;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::agent::{
    Agent, AgentPage, AgentPause, HeartbeatAgent, ListAgents, PauseAgent, RegisterAgent,
};

/// Register agent
///
/// An agent that is known already is registered anew, with what it now says of itself.
#[utoipa::path(
    post, path = "/api/v1/agents/register", tag = "agents", request_body = RegisterAgent,
    responses((status = 200, description = "The agent.", body = Agent<'_>)),
)]
pub(super) async fn register_agent(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RegisterAgent>,
) -> Result<Response, Problem> {
    let agent = app.register_agent(caller.actor(), body.read()?).await?;
    Ok(respond::json(StatusCode::OK, &Agent::from(&agent)))
}

/// Update last_seen
#[utoipa::path(
    post, path = "/api/v1/agents/{name}/heartbeat", tag = "agents", params(Named<AgentName>),
    request_body = Option<HeartbeatAgent>,
    responses((status = 200, description = "The agent.", body = Agent<'_>)),
)]
pub(super) async fn heartbeat_agent(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named<AgentName>,
    OptionalJson(body): OptionalJson<HeartbeatAgent>,
) -> Result<Response, Problem> {
    let agent = app
        .heartbeat_agent(caller.actor(), name, body.read()?)
        .await?;
    Ok(respond::json(StatusCode::OK, &Agent::from(&agent)))
}

/// Pause agent
///
/// It takes no task until it is resumed; a claim in its name is refused with `agent_paused`. What it
/// holds it finishes, unless that is to be handed back at once.
#[utoipa::path(
    post, path = "/api/v1/agents/{name}/pause", tag = "agents", params(Named<AgentName>),
    request_body = Option<PauseAgent>,
    responses((status = 200, description = "The agent, and what was handed back.", body = AgentPause<'_>)),
)]
pub(super) async fn pause_agent(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named<AgentName>,
    OptionalJson(body): OptionalJson<PauseAgent>,
) -> Result<Response, Problem> {
    let paused = app.pause_agent(caller.actor(), name, body.read()).await?;
    Ok(respond::json(StatusCode::OK, &AgentPause::from(&paused)))
}

/// Resume agent
#[utoipa::path(
    post, path = "/api/v1/agents/{name}/resume", tag = "agents", params(Named<AgentName>),
    responses((status = 200, description = "The agent.", body = Agent<'_>)),
)]
pub(super) async fn resume_agent(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named<AgentName>,
) -> Result<Response, Problem> {
    let agent = app.resume_agent(caller.actor(), name).await?;
    Ok(respond::json(StatusCode::OK, &Agent::from(&agent)))
}

/// List agents
///
/// By name.
#[utoipa::path(
    get, path = "/api/v1/agents", tag = "agents", params(ListAgents),
    responses((status = 200, description = "A page of agents.", body = AgentPage<'_>)),
)]
pub(super) async fn list_agents(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<ListAgents>,
) -> Result<Response, Problem> {
    let page = app
        .list_agents(query.statuses, query.cursor, query.limit)
        .await?;
    let body = AgentPage {
        items: page.items.iter().map(Agent::from).collect(),
        next_cursor: page.next.map(ListAgents::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Get agent
#[utoipa::path(
    get, path = "/api/v1/agents/{name}", tag = "agents", params(Named<AgentName>),
    responses((status = 200, description = "The agent.", body = Agent<'_>)),
)]
pub(super) async fn get_agent(
    State(app): State<App>,
    _caller: Caller,
    Named(name): Named<AgentName>,
) -> Result<Response, Problem> {
    let agent = app.get_agent(&name)?;
    Ok(respond::json(StatusCode::OK, &Agent::from(&agent)))
}
