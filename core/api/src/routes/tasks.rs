//! `/api/v1/tasks`: making, reading and changing tasks.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use hearth_app::tasks::{Among, Once, TaskRef, TaskView};
use hearth_domain::field::NAME_MAX;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::body::{Json, RawJson};
use crate::caller::Caller;
use crate::path::Named;
use crate::precondition::IfMatch;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::new_task::{CreateTask, UpdateTask};
use crate::wire::task::{Task, TaskPage};
use crate::wire::task_list::ListTasks;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Create task
///
/// With an `Idempotency-Key`, the same request sent again within a week makes no second task.
#[utoipa::path(
    post, path = "/api/v1/tasks", tag = "tasks", request_body = CreateTask,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200,
        pattern = "^[\\x21-\\x7e]+$", description = "A name for this request, such as a UUID.")),
    responses(
        (status = 201, description = "The task.", body = Task<'_>),
        (status = 200, description = "The task that an earlier request with this key made.", body = Task<'_>,
            headers(("Idempotent-Replayed" = String, description = "true"))),
    ),
)]
pub(super) async fn create_task(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    raw: RawJson,
) -> Result<Response, Problem> {
    let body: CreateTask = raw.parse()?;
    let once = once(&headers, &raw)?;
    let created = app.create_task(caller.actor(), body.read()?, once).await?;
    let view = &created.view;
    if created.is_repeat {
        let mut response = answer(view);
        response
            .headers_mut()
            .insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        return Ok(response);
    }
    let location = format!("/api/v1/tasks/{}", view.task.id);
    let version = Some(view.task.version);
    Ok(respond::created(&location, version, &Task::from(view)))
}

/// Query tasks
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "tasks", params(ListTasks),
    responses((status = 200, description = "A page of tasks.", body = TaskPage<'_>)),
)]
pub(super) async fn list_tasks(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<ListTasks>,
) -> Result<Response, Problem> {
    let ListTasks {
        filter,
        order,
        cursor,
        limit,
    } = query;
    let page = app.list_tasks(filter, Some(order), cursor, limit).await?;
    let body = TaskPage {
        items: page.items.iter().map(Task::from).collect(),
        next_cursor: page.next.map(|next| ListTasks::next_cursor(order, next)),
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Get task
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", tag = "tasks", params(Named<TaskRef>),
    responses((status = 200, description = "The task.", body = Task<'_>)),
)]
pub(super) async fn get_task(
    State(app): State<App>,
    _caller: Caller,
    Named(task): Named<TaskRef>,
) -> Result<Response, Problem> {
    Ok(answer(&app.get_task(task)?))
}

/// Update task
///
/// An agent changes only what it holds, and names its fence.
#[utoipa::path(
    patch, path = "/api/v1/tasks/{id}", tag = "tasks", params(Named<TaskRef>, IfMatch),
    request_body = UpdateTask,
    responses((status = 200, description = "The task as it is after.", body = Task<'_>)),
)]
pub(super) async fn update_task(
    State(app): State<App>,
    caller: Caller,
    Named(task): Named<TaskRef>,
    IfMatch(expected): IfMatch,
    Json(body): Json<UpdateTask>,
) -> Result<Response, Problem> {
    let view = app
        .update_task(caller.actor(), task, body.read()?, expected)
        .await?;
    Ok(answer(&view))
}

/// Writes a task with its version as ETag.
pub(super) fn answer(view: &TaskView) -> Response {
    respond::versioned(StatusCode::OK, view.task.version, &Task::from(view))
}

pub(super) fn once(headers: &HeaderMap, raw: &RawJson) -> Result<Option<Once>, Problem> {
    once_of(headers, raw.sha256())
}

/// As [`once`], for a request that is told from others by a hash.
pub(super) fn once_of(headers: &HeaderMap, request: [u8; 32]) -> Result<Option<Once>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = given.next() else {
        return Ok(None);
    };
    let key = key.to_str().ok().filter(|key| {
        let is_plain = key.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain && (1..=NAME_MAX).contains(&key.len())
    });
    match (key, given.next()) {
        (Some(key), None) => Ok(Some(Once {
            key: key.to_owned(),
            among: Among::Callers,
            request,
        })),
        _ => Err(Problem::invalid(
            "Idempotency-Key",
            &format!(
                "must be one word of 1 to {NAME_MAX} visible ASCII characters, such as a UUID"
            ),
        )),
    }
}
