//! `/api/v1/model`: the language models, and trying them out.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use http::StatusCode;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::respond;
use crate::wire::language_model::{LanguageModels, ModelTest};

/// The language models
///
/// In the order in which they are tried, with what they cost and how they do. No key and no address
/// is named.
#[utoipa::path(
    get, path = "/api/v1/model", tag = "node",
    responses((status = 200, description = "The models.", body = LanguageModels)),
)]
pub(super) async fn get_model(State(app): State<App>, caller: Caller) -> Response {
    let state = app.model_state(caller.actor());
    respond::json(StatusCode::OK, &LanguageModels::from(state))
}

/// Try the language model out
///
/// Asks it one small thing, which costs what it costs. Answers 503 where none answers.
#[utoipa::path(
    post, path = "/api/v1/model/test", tag = "node",
    responses((status = 200, description = "What it said.", body = ModelTest)),
)]
pub(super) async fn test_model(
    State(app): State<App>,
    caller: Caller,
) -> Result<Response, Problem> {
    let test = app.test_model(caller.actor()).await?;
    Ok(respond::json(StatusCode::OK, &ModelTest::from(test)))
}
