//! Errors as clients see them: RFC 9457, with a stable code.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use hearth_app::{AppError, Unaccepted, UnavailableCause};
use hearth_domain::InvalidField;
use http::header::{self, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::wire::task::Evidence;

/// Why a request was not done.
///
/// As a response it is empty at first: the edge of the router writes the body, since only there
/// the request's identifier is known.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    field: Option<String>,
    unaccepted: Option<Box<Unaccepted>>,
    header: Option<(HeaderName, HeaderValue)>,
    /// What is told to the log and to nobody else.
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// Why a request was not done, by RFC 9457.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
struct Body<'a> {
    /// `urn:hearth:` and the code.
    r#type: &'a str,
    /// What sort of problem this is.
    title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is the matter, and what would help.
    detail: &'a str,
    /// A stable word for the problem.
    code: &'a str,
    /// The field that was given what it does not take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    field: Option<&'a str>,
    /// With `acceptance_failed`: the checks that did not hold, and what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Evidence>, required = false)]
    evidence: Option<Vec<Evidence>>,
    /// With `acceptance_failed`: how many completions failed since somebody last looked at the
    /// task, this one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 1)]
    failures: Option<usize>,
    /// With `acceptance_failed`: whether the task is blocked for its owner, as it is after the
    /// third failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    blocked: Option<bool>,
    /// The name of this request in the log.
    request_id: &'a str,
}

/// How an error is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// By RFC 9457.
    Problem,
    /// As OpenAI writes them, for programs that know those.
    OpenAi,
}

impl Shape {
    /// The shape of the errors below a path.
    pub(crate) fn of_path(path: &str) -> Self {
        if path.starts_with("/v1/") {
            Self::OpenAi
        } else {
            Self::Problem
        }
    }
}

/// Why a request was not done, as OpenAI writes it.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiError)]
pub(crate) struct OpenAiError<'a> {
    error: OpenAiErrorBody<'a>,
}

/// What is the matter.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiErrorBody)]
struct OpenAiErrorBody<'a> {
    /// What is the matter, and what would help.
    message: &'a str,
    /// `invalid_request_error`, or `server_error` where the node cannot at the moment.
    r#type: &'static str,
    /// The field that was given what it does not take.
    #[schema(required = true)]
    param: Option<&'a str>,
    /// A stable word for the problem.
    code: &'a str,
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Body::schema()
    }
}

impl ToSchema for Problem {}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Details {
            status,
            code,
            detail: detail.into(),
            field: None,
            unaccepted: None,
            header: None,
            cause: None,
        }))
    }

    /// Says that `field` has `problem`, which reads on from the field's name.
    pub(crate) fn invalid(field: impl Into<String>, problem: &str) -> Self {
        let field = field.into();
        let mut this = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_input",
            format!("{field} {problem}"),
        );
        this.0.field = Some(field);
        this
    }

    pub(crate) fn too_large(limit: u64, advice: &str) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("the body is larger than {limit} bytes{advice}"),
        )
    }

    pub(crate) fn unauthenticated(detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    pub(crate) fn busy(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// Says only that something broke; the cause goes to the log.
    pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut this = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the node failed at this; its log has the story under the request_id",
        );
        this.0.cause = Some(Arc::from(cause.into()));
        this
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// Returns what an answer that has begun can still say, and writes a failure of the node into the
    /// log.
    pub(crate) fn into_event(self) -> serde_json::Value {
        let details = *self.0;
        if let Some(cause) = details.cause {
            let code = details.code;
            tracing::error!(code, error = chain(&*cause), "an answer broke off");
        }
        serde_json::json!({
            "status": details.status.as_u16(), "code": details.code, "detail": details.detail,
        })
    }

    /// Writes the body into `response`, and a failure of the node into the log.
    pub(crate) fn write(self, response: &mut Response, request_id: &str, shape: Shape) {
        let Details {
            status,
            code,
            detail,
            field,
            unaccepted,
            header,
            cause,
        } = *self.0;
        if let Some(cause) = cause {
            tracing::error!(request_id, code, error = chain(&*cause), "a request failed");
        }
        if shape == Shape::OpenAi {
            let body = OpenAiError {
                error: OpenAiErrorBody {
                    message: &detail,
                    r#type: if status.is_server_error() {
                        "server_error"
                    } else {
                        "invalid_request_error"
                    },
                    param: field.as_deref(),
                    code: if code == "unauthenticated" {
                        "invalid_api_key"
                    } else {
                        code
                    },
                },
            };
            if status == StatusCode::UNPROCESSABLE_ENTITY {
                // What they say of a field that was given what it does not take.
                *response.status_mut() = StatusCode::BAD_REQUEST;
            }
            fill(response, "application/json", &body, header);
            return;
        }
        let body = Body {
            r#type: &format!("urn:hearth:{code}"),
            title: title(status),
            status: status.as_u16(),
            detail: &detail,
            code,
            field: field.as_deref(),
            evidence: unaccepted
                .as_ref()
                .map(|unaccepted| unaccepted.unmet.iter().map(Evidence::from).collect()),
            failures: unaccepted.as_ref().map(|unaccepted| unaccepted.failures),
            blocked: unaccepted.as_ref().map(|unaccepted| unaccepted.is_blocked),
            request_id,
        };
        fill(response, "application/problem+json", &body, header);
    }
}

fn fill(
    response: &mut Response,
    kind: &'static str,
    body: &impl Serialize,
    header: Option<(HeaderName, HeaderValue)>,
) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.remove(header::CONTENT_LENGTH);
    if let Some((name, value)) = header {
        headers.insert(name, value);
    }
    *response.body_mut() = serde_json::to_vec(body).unwrap_or_default().into();
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            AppError::InvalidInput {
                code,
                field,
                unaccepted,
                ..
            } => {
                let status = if code == "too_large" {
                    StatusCode::PAYLOAD_TOO_LARGE
                } else {
                    StatusCode::UNPROCESSABLE_ENTITY
                };
                let mut this = Self::new(status, code, detail);
                this.0.field = Some(field);
                this.0.unaccepted = unaccepted;
                this
            }
            AppError::InvalidTransition { code, .. } | AppError::Conflict { code, .. } => {
                Self::new(StatusCode::CONFLICT, code, detail)
            }
            AppError::Denied(_) => Self::new(StatusCode::FORBIDDEN, "denied", detail),
            AppError::Unavailable { cause, .. } => match cause {
                UnavailableCause::Busy => Self::busy(detail),
                UnavailableCause::NoRoom => {
                    Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_room", detail)
                }
                UnavailableCause::Stopping => {
                    Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail)
                        .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
                }
                // It takes a person to mend that.
                UnavailableCause::NoSandbox => {
                    Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_sandbox", detail)
                        .with_header(header::RETRY_AFTER, HeaderValue::from_static("60"))
                }
                UnavailableCause::NoModel => {
                    Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_model", detail)
                        .with_header(header::RETRY_AFTER, HeaderValue::from_static("60"))
                }
                UnavailableCause::NoVoice => {
                    Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_voice", detail)
                        .with_header(header::RETRY_AFTER, HeaderValue::from_static("60"))
                }
                UnavailableCause::VoiceFailed => {
                    Self::new(StatusCode::SERVICE_UNAVAILABLE, "voice_failed", detail)
                        .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
                }
            },
            AppError::Store(_) => Self::internal(error),
        }
    }
}

impl From<InvalidField> for Problem {
    fn from(error: InvalidField) -> Self {
        Self::invalid(error.field, &error.problem)
    }
}

/// What sort of problem a status stands for, in a few words.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Who is asking is not known",
        StatusCode::FORBIDDEN => "This is not allowed",
        StatusCode::NOT_FOUND => "There is no such thing",
        StatusCode::METHOD_NOT_ALLOWED => "This path does not take that method",
        StatusCode::REQUEST_TIMEOUT => "The request took too long to arrive",
        StatusCode::CONFLICT => "The state of things does not allow it",
        StatusCode::PAYLOAD_TOO_LARGE => "This is too large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "This kind of body is not taken",
        StatusCode::RANGE_NOT_SATISFIABLE => "There are no such bytes",
        StatusCode::UNPROCESSABLE_ENTITY => "A field was given what it does not take",
        StatusCode::UPGRADE_REQUIRED => "This path speaks WebSocket",
        StatusCode::INTERNAL_SERVER_ERROR => "The node failed",
        StatusCode::SERVICE_UNAVAILABLE => "Not at the moment",
        StatusCode::INSUFFICIENT_STORAGE => "The disk is full",
        other => other.canonical_reason().unwrap_or("The request failed"),
    }
}

/// Writes an error and everything that caused it in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
