//! `POST /api/v1/artifacts`: bytes in JSON, or streamed as a form.

use std::time::Duration;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearth_app::App;
use hearth_app::artifacts::StoreArtifact;
use hearth_app::blobs::{BlobWriter, StoredBlob};
use hearth_domain::artifact::MediaType;
use hearth_domain::field::{AgentName, JSON_MAX_BYTES, Word};
use hearth_domain::policy::Labels;
use hearth_domain::{Actor, JsonObject};
use http::StatusCode;

use crate::body::{RawJson, announced_length, cut_short, media_type, too_slow, unsupported};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::respond;
use crate::router::Api;
use crate::wire::artifact::{Artifact, ArtifactForm, CreateArtifact, file_name};
use crate::wire::field::{agent, exact, parse};

/// The largest artifact as JSON: it is in memory whole, several times over.
const JSON_MAX: usize = 16 * 1024 * 1024;
/// How much larger than its file a form may be.
const FORM_OVERHEAD: u64 = 1024 * 1024;
/// How long the next piece of a form may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// How much is hashed and written at a time; other requests get their turn in between.
const PIECE_BYTES: usize = 256 * 1024;
/// What is said where JSON is too large.
const USE_A_FORM: &str =
    ", the most that JSON may have here; send larger artifacts as multipart/form-data";

/// Upload artifact
///
/// Equal bytes are stored once. In a form, the file comes after every other part. Text in `content`
/// is the caller's own; the bytes of a form or of `content_base64` are a file's, and untrusted.
#[utoipa::path(
    post, path = "/api/v1/artifacts", tag = "artifacts",
    request_body(content((CreateArtifact = "application/json"), (ArtifactForm = "multipart/form-data"))),
    responses(
        (status = 201, description = "The artifact, stored.", body = Artifact<'_>),
        (status = 404, description = "There is no such task.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn create_artifact(
    State(api): State<Api>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let actor = caller.actor();
    // Asked first, so that nobody sends bytes who may not.
    let writer = api.app.begin_artifact(actor).await?;
    let (new, blob) = match media_type(request.headers()).as_deref() {
        None | Some("application/json") => from_json(writer, request).await?,
        Some("multipart/form-data") => {
            from_form(writer, request, api.app.config().artifact_max_bytes).await?
        }
        Some(_) => {
            return Err(unsupported(
                "the body must be application/json or multipart/form-data",
            ));
        }
    };
    store(&api.app, actor, new, blob).await
}

async fn store(
    app: &App,
    actor: &Actor,
    new: StoreArtifact,
    blob: StoredBlob,
) -> Result<Response, Problem> {
    let artifact = app.create_artifact(actor, new, blob).await?;
    let location = format!("/api/v1/artifacts/{}", artifact.id);
    Ok(respond::created(
        &location,
        None,
        &Artifact::from(&artifact),
    ))
}

async fn from_json(
    mut writer: BlobWriter,
    request: Request,
) -> Result<(StoreArtifact, StoredBlob), Problem> {
    let raw = RawJson::read(request, JSON_MAX, USE_A_FORM).await?;
    let mut body: CreateArtifact = raw.parse()?;
    drop(raw);
    // Text is the caller's own; bytes are a file's, whoever wrote it.
    let (bytes, kind, labels) = match (body.content.take(), body.content_base64.take()) {
        (Some(text), None) => (
            text.into_bytes(),
            MediaType::plain_text(),
            Labels::default(),
        ),
        (None, Some(text)) => {
            let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| {
                Problem::invalid("content_base64", "is not base64 with its padding")
            })?;
            (bytes, MediaType::octet_stream(), Labels::UNTRUSTED)
        }
        (None, None) => {
            let problem = "is missing; send the bytes as content or content_base64";
            return Err(Problem::invalid("content", problem));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("content", "goes without content_base64"));
        }
    };
    let new = StoreArtifact {
        labels,
        ..body.read(kind)?
    };
    for piece in bytes.chunks(PIECE_BYTES) {
        writer.write(piece).await?;
    }
    Ok((new, writer.finish().await?))
}

/// The text parts of a form.
#[derive(Default)]
struct Form {
    kind: Option<String>,
    name: Option<String>,
    task_id: Option<String>,
    media_type: Option<String>,
    agent: Option<String>,
    fence: Option<String>,
    metadata: Option<String>,
}

async fn from_form(
    writer: BlobWriter,
    mut request: Request,
    max_upload_bytes: u64,
) -> Result<(StoreArtifact, StoredBlob), Problem> {
    let limit = max_upload_bytes.saturating_add(FORM_OVERHEAD);
    if announced_length(request.headers()).is_some_and(|length| length > limit) {
        return Err(Problem::too_large(max_upload_bytes, ""));
    }
    DefaultBodyLimit::max(usize::try_from(limit).unwrap_or(usize::MAX)).apply(&mut request);
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| Problem::invalid("Content-Type", "has no boundary of a form"))?;
    let mut form = Form::default();
    while let Some(part) = in_time(parts.next_field()).await? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            form.take(&name, part).await?;
            continue;
        }
        let (new, blob) = from_file(writer, form, part).await?;
        if in_time(parts.next_field()).await?.is_some() {
            return Err(Problem::invalid(
                "file",
                "must be the last part of the form",
            ));
        }
        return Ok((new, blob));
    }
    Err(Problem::invalid(
        "file",
        "is missing; it is the last part of the form",
    ))
}

async fn from_file(
    mut writer: BlobWriter,
    form: Form,
    mut part: Field<'_>,
) -> Result<(StoreArtifact, StoredBlob), Problem> {
    let new = form.read(part.file_name(), part.content_type())?;
    while let Some(bytes) = in_time(part.chunk()).await? {
        writer.write(&bytes).await?;
    }
    Ok((new, writer.finish().await?))
}

impl Form {
    async fn take(&mut self, name: &str, part: Field<'_>) -> Result<(), Problem> {
        let slot = match name {
            "type" => &mut self.kind,
            "name" => &mut self.name,
            "task_id" => &mut self.task_id,
            "media_type" => &mut self.media_type,
            "agent" => &mut self.agent,
            "fence" => &mut self.fence,
            "metadata" => &mut self.metadata,
            other => {
                let shown: String = other.chars().take(80).collect();
                let problem = "is not a part of this form; those are type, name, task_id, media_type, agent, fence, metadata, file";
                return Err(Problem::invalid(shown, problem));
            }
        };
        let text = text(name, part).await?;
        if slot.replace(text).is_some() {
            return Err(Problem::invalid(name, "is given twice"));
        }
        Ok(())
    }

    /// Reads the text parts; what the file says of itself fills the gaps.
    fn read(self, file: Option<&str>, kind: Option<&str>) -> Result<StoreArtifact, Problem> {
        let Some(word) = self.kind else {
            return Err(Problem::invalid(
                "type",
                "is missing; it goes before the file",
            ));
        };
        let name = self
            .name
            .as_deref()
            .or(file.filter(|name| !name.is_empty()));
        let media_type = match self.media_type.as_deref().or(kind) {
            Some(text) => parse("media_type", text)?,
            None => MediaType::octet_stream(),
        };
        let metadata: Option<JsonObject> = self
            .metadata
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|_| Problem::invalid("metadata", "must be a JSON object"))?;
        let fence = self
            .fence
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| Problem::invalid("fence", "must be a whole number, 0 or more"))?;
        let task = self.task_id.map(|text| parse("task_id", &text));
        let agent: Option<AgentName> = agent("agent", self.agent.as_deref())?;
        Ok(StoreArtifact {
            task: task.transpose()?,
            agent,
            fence: fence.map(|fence| exact("fence", fence)).transpose()?,
            kind: Word::parse("type", &word)?,
            name: name.map(file_name).transpose()?,
            media_type,
            metadata: metadata.unwrap_or_default(),
            // A file, whoever wrote it.
            labels: Labels::UNTRUSTED,
            within: None,
        })
    }
}

/// Reads a text part, which is at most as long as the longest field.
async fn text(name: &str, mut part: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = in_time(part.chunk()).await? {
        if bytes.len() + chunk.len() > JSON_MAX_BYTES {
            let problem = format!("must be at most {JSON_MAX_BYTES} bytes");
            return Err(Problem::invalid(name, &problem));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid(name, "is not UTF-8"))
}

async fn in_time<T>(next: impl Future<Output = Result<T, MultipartError>>) -> Result<T, Problem> {
    match tokio::time::timeout(ARRIVES_WITHIN, next).await {
        Ok(Ok(next)) => Ok(next),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the form is larger than an artifact may be",
        )),
        Ok(Err(error)) if error.status() == StatusCode::BAD_REQUEST => {
            tracing::debug!(%error, "a form could not be read");
            Err(Problem::invalid(
                "body",
                "is not a form with the boundary that Content-Type names, or ends too early",
            ))
        }
        Ok(Err(_)) => Err(cut_short()),
        Err(_) => Err(too_slow()),
    }
}
