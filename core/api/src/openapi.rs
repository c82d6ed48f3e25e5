//! The OpenAPI document: what the handlers say of themselves, and what is true of all of them.

use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, Info, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
    ResponseBuilder, Schema, SecurityRequirement,
};

use crate::problem::{OpenAiError, Problem, Shape};
use crate::routes;
use crate::wire::event::Event;
use crate::wire::event_payload::EventPayloads;

/// Returns the OpenAPI document, as it is served but for the version of the program.
pub fn openapi() -> OpenApi {
    complete(routes::all().into_openapi())
}

/// What the routes are added to.
pub(crate) fn base() -> OpenApi {
    let mut info = Info::new("Hearth", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Projects, tasks, agents, events and artifacts of one node. Errors are \
         application/problem+json with a stable code."
            .into(),
    );
    let components = ComponentsBuilder::new()
        .security_scheme(
            "bearer",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        )
        .security_scheme(
            "api_key",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))),
        )
        .schemas_from_iter(with_parts::<Problem>())
        .schemas_from_iter(with_parts::<OpenAiError<'_>>())
        .schemas_from_iter(with_parts::<Event<'_>>())
        .schemas_from_iter(with_parts::<EventPayloads>());
    let any_key =
        ["bearer", "api_key"].map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()));
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components.build()))
        .security(Some(any_key))
        .build()
}

/// Returns a schema and those that it refers to.
fn with_parts<T: ToSchema>() -> Vec<(String, RefOr<Schema>)> {
    let mut all = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut all);
    all
}

/// Adds to each operation the errors that it can answer with, going by what it takes.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let has_name = path.contains('{');
        let shape = Shape::of_path(path);
        let reads = [&mut item.get].into_iter().flatten();
        for operation in reads {
            add_errors(operation, has_name, false, shape);
        }
        for operation in [
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ]
        .into_iter()
        .flatten()
        {
            add_errors(operation, has_name, true, shape);
        }
    }
    document
}

fn add_errors(operation: &mut Operation, has_name: bool, writes: bool, shape: Shape) {
    let is_open = operation.security.is_some();
    let has_body = operation.request_body.is_some();
    let takes_input = has_name || has_body || operation.parameters.is_some();
    let has_range = operation.responses.responses.contains_key("206");
    let cases = [
        (
            true,
            400,
            "The request names no Host, or its body was cut short.",
        ),
        (!is_open, 401, "No key, or not a valid one."),
        (
            true,
            403,
            "The caller may not, or the Host or Origin is not this node's.",
        ),
        (has_name, 404, "There is no such thing."),
        (has_body, 408, "The body did not arrive in time."),
        (writes, 409, "The state of things does not allow it."),
        (has_body, 413, "The body is too large."),
        (
            has_body,
            415,
            "The body is of another kind than this path takes.",
        ),
        (has_range, 416, "There are no such bytes."),
        (
            takes_input,
            422,
            "A field was given what it does not take; `field` names it.",
        ),
        (
            true,
            500,
            "The node failed; its log has the story under `request_id`.",
        ),
        (
            true,
            503,
            "Not at the moment; `Retry-After` says when to try again.",
        ),
        (writes, 507, "The disk is full; nothing was changed."),
    ];
    for (applies, status, description) in cases {
        if applies {
            let known = &mut operation.responses.responses;
            known
                .entry(status.to_string())
                .or_insert_with(|| RefOr::T(problem(description, shape)));
        }
    }
}

fn problem(description: &str, shape: Shape) -> Response {
    let (kind, name) = match shape {
        Shape::Problem => ("application/problem+json", "Problem"),
        Shape::OpenAi => ("application/json", "OpenAiError"),
    };
    let content = Content::new(Some(Ref::from_schema_name(name)));
    ResponseBuilder::new()
        .description(description)
        .content(kind, content)
        .build()
}
