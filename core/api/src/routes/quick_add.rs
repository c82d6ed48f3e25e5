//! `/api/v1/tasks/quick-add`: a task from a line of text.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::tasks::{IDEMPOTENT_REPLAYED, once};
use crate::body::RawJson;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::respond;
use crate::wire::project::Project;
use crate::wire::quick_add::{CreateFromLine, FromLine, Understood};
use crate::wire::task::Task;

/// Create a task from a line
///
/// `Build landing page @web #design !high due friday every month after #12 for seed ~30m`. With
/// `preview` it is only said how the line is understood. Where something in it is in doubt, nothing
/// is made.
#[utoipa::path(
    post, path = "/api/v1/tasks/quick-add", tag = "tasks", request_body = CreateFromLine,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200,
        pattern = "^[\\x21-\\x7e]+$", description = "A name for this request, such as a UUID.")),
    responses(
        (status = 201, description = "The task, and how the line was understood.", body = FromLine<'_>),
        (status = 200, description = "How the line is understood; or the task that an earlier request \
            with this key made.", body = FromLine<'_>),
    ),
)]
pub(super) async fn create_from_line(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    raw: RawJson,
) -> Result<Response, Problem> {
    let body: CreateFromLine = raw.parse()?;
    if body.preview == Some(true) {
        let understood = app.understand(body.text()).await?;
        let body = FromLine {
            task: None,
            made_project: None,
            understood: Understood::from(&understood),
        };
        return Ok(respond::json(StatusCode::OK, &body));
    }
    let once = once(&headers, &raw)?;
    let added = app.quick_add(caller.actor(), body.read(), once).await?;
    let view = &added.created.view;
    let body = FromLine {
        task: Some(Task::from(view)),
        made_project: added.made_project.as_ref().map(Project::from),
        understood: Understood::from(&added.understood),
    };
    if added.created.is_repeat {
        let mut response = respond::json(StatusCode::OK, &body);
        response
            .headers_mut()
            .insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        return Ok(response);
    }
    let location = format!("/api/v1/tasks/{}", view.task.id);
    Ok(respond::created(&location, None, &body))
}
