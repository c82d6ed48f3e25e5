//! `/api/v1/tools`: the tools that agents made, and which of them are called.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use http::StatusCode;

use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::path::{Named, ToolName};
use crate::problem::Problem;
use crate::respond;
use crate::wire::tool::{
    ChooseVersion, DisableTool, Tool, ToolHistory, ToolPage, ToolStanding, ToolTest,
};

/// List tools
///
/// Those that agents made, each in its current version, by name. The built-in ones come with the
/// program.
#[utoipa::path(
    get, path = "/api/v1/tools", tag = "tools",
    responses((status = 200, description = "The tools.", body = ToolPage<'_>)),
)]
pub(super) async fn list_tools(
    State(app): State<App>,
    _caller: Caller,
) -> Result<Response, Problem> {
    let tools = app.list_made_tools().await?;
    let body = ToolPage {
        items: tools.iter().map(Tool::from).collect(),
        next_cursor: None,
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Get tool
///
/// Every version of it, with code, arguments, examples and counts.
#[utoipa::path(
    get, path = "/api/v1/tools/{name}", tag = "tools", params(Named<ToolName>),
    responses((status = 200, description = "The tool.", body = ToolHistory<'_>)),
)]
pub(super) async fn get_tool(
    State(app): State<App>,
    _caller: Caller,
    Named(ToolName(name)): Named<ToolName>,
) -> Result<Response, Problem> {
    let versions = app.get_made_tool(name).await?;
    Ok(respond::json(
        StatusCode::OK,
        &ToolHistory::from(versions.as_slice()),
    ))
}

/// Let a tool be called again
///
/// The version that is named, or the current one. How often it failed in a row is forgotten.
#[utoipa::path(
    post, path = "/api/v1/tools/{name}/enable", tag = "tools", params(Named<ToolName>),
    request_body = Option<ChooseVersion>,
    responses((status = 200, description = "Where its versions stand.", body = ToolStanding<'_>)),
)]
pub(super) async fn enable_tool(
    State(app): State<App>,
    caller: Caller,
    Named(ToolName(name)): Named<ToolName>,
    OptionalJson(body): OptionalJson<ChooseVersion>,
) -> Result<Response, Problem> {
    let versions = app
        .enable_made_tool(caller.actor(), name, body.version)
        .await?;
    Ok(standing(&versions))
}

/// Let a tool be called no more
///
/// The version that is named, or all of them; agents do not make it anew meanwhile.
#[utoipa::path(
    post, path = "/api/v1/tools/{name}/disable", tag = "tools", params(Named<ToolName>),
    request_body = Option<DisableTool>,
    responses((status = 200, description = "Where its versions stand.", body = ToolStanding<'_>)),
)]
pub(super) async fn disable_tool(
    State(app): State<App>,
    caller: Caller,
    Named(ToolName(name)): Named<ToolName>,
    OptionalJson(body): OptionalJson<DisableTool>,
) -> Result<Response, Problem> {
    let versions = app
        .disable_made_tool(caller.actor(), name, body.version, body.reason)
        .await?;
    Ok(standing(&versions))
}

/// Go back to an earlier version of a tool
///
/// The version that is named, or the one before the current. It is what the name means from then on.
#[utoipa::path(
    post, path = "/api/v1/tools/{name}/rollback", tag = "tools", params(Named<ToolName>),
    request_body = Option<ChooseVersion>,
    responses((status = 200, description = "Where its versions stand.", body = ToolStanding<'_>)),
)]
pub(super) async fn roll_back_tool(
    State(app): State<App>,
    caller: Caller,
    Named(ToolName(name)): Named<ToolName>,
    OptionalJson(body): OptionalJson<ChooseVersion>,
) -> Result<Response, Problem> {
    let versions = app
        .roll_back_made_tool(caller.actor(), name, body.version)
        .await?;
    Ok(standing(&versions))
}

/// Test a tool
///
/// Runs those of its examples that need none of its rights in the sandbox, and waits for them. Nothing
/// is counted.
#[utoipa::path(
    post, path = "/api/v1/tools/{name}/test", tag = "tools", params(Named<ToolName>),
    request_body = Option<ChooseVersion>,
    responses((status = 200, description = "What came of each example.", body = ToolTest<'_>)),
)]
pub(super) async fn test_tool(
    State(app): State<App>,
    caller: Caller,
    Named(ToolName(name)): Named<ToolName>,
    OptionalJson(body): OptionalJson<ChooseVersion>,
) -> Result<Response, Problem> {
    let tested = app
        .test_made_tool(caller.actor(), name, body.version)
        .await?;
    Ok(respond::json(StatusCode::OK, &ToolTest::from(&tested)))
}

fn standing(versions: &[hearth_domain::tool::MadeTool]) -> Response {
    respond::json(StatusCode::OK, &ToolStanding::from(versions))
}
