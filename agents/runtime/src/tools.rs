//! The tools: what each call does, and what it answers.
//!
//! A call is made in two parts. `Toolbox::act` does it and returns what the world answered, which
//! goes into the journal as it is; `result_of` makes the step's result of that answer, and of
//! nothing else.

pub mod args;
mod create_tool;
mod files;
mod functions;
mod http;
mod made;
mod memory;
mod others;
mod outcome;
mod program;
pub mod registry;
pub mod task_args;
mod tasks;
mod trial;
mod web_scrape;
mod web_search;

use std::path::Path;
use std::sync::Arc;

use hearth_app::artifacts::StoreArtifact as Store;
use hearth_app::{App, AppError};
use hearth_domain::artifact::MediaType;
use hearth_domain::field::{Name, Word};
use hearth_domain::policy::Labels;
use hearth_domain::run::StepEnd;
use hearth_domain::task::Task;
use hearth_domain::{Actor, ArtifactId, JsonObject, RunId};
use hearth_sandbox::outside::Environment;
use hearth_sandbox::{Limits, SandboxError, Unavailable, open_beneath};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use made::{MadeCall, MadeSpec};
pub use registry::{Call, Registry};
pub use trial::SandboxToolTester;

use self::outcome::{Ran, object};
use crate::facility::SandboxFacility;
use crate::web::Web;

/// The largest text that becomes a result as it stands.
const TEXT_MAX: u64 = 64 * 1024;

/// Why a call brought nothing.
#[derive(Debug, Error)]
pub(crate) enum ToolError {
    /// There is no sandbox, and nothing runs without one.
    #[error("no sandbox: {}. To mend it: {}", .0.reason, .0.remedy)]
    NoSandbox(#[source] Unavailable),
    /// The sandbox did not run it.
    #[error("the sandbox did not run it: {0}")]
    Sandbox(#[source] SandboxError),
    /// It was done and failed.
    #[error("{0}")]
    Failed(String),
    /// The run is to stop.
    #[error("stopped")]
    Stopped,
    /// A file could not be read.
    #[error("cannot read {path}: {problem}")]
    File {
        /// Which.
        path: String,
        /// Why.
        problem: String,
    },
    /// The node refused, or could not.
    #[error(transparent)]
    App(#[from] AppError),
}

/// What a call works with.
pub(crate) struct Toolbox<'a> {
    pub(crate) app: &'a App,
    /// The tools that there are.
    pub(crate) registry: &'a Registry,
    pub(crate) actor: &'a Actor,
    pub(crate) task: &'a Task,
    /// The run whose calls they are: what they make has its labels.
    pub(crate) run: RunId,
    pub(crate) sandbox: &'a SandboxFacility,
    pub(crate) web: &'a Web,
    /// What commands outside the sandbox find in their environment.
    pub(crate) environment: &'a Environment,
    /// How many programs run at once, of all runs.
    pub(crate) programs: &'a Arc<Semaphore>,
    /// The run's folder.
    pub(crate) folder: &'a Path,
    /// Where values are kept for the run.
    pub(crate) values: &'a Path,
    pub(crate) stop: &'a CancellationToken,
}

impl Toolbox<'_> {
    /// Does what is asked at a place of the run, within `limits`; returns what the world answered.
    /// `key` is what the world is to know the call by.
    pub(crate) async fn act(
        &self,
        call: &Call,
        limits: &Limits,
        place: u32,
        key: Option<&str>,
    ) -> Result<Value, ToolError> {
        match call {
            Call::Python(python) => self.python(python, limits, key).await,
            Call::RunCommand(command) => self.run_command(command, limits, key).await,
            Call::ReadFile(read) => self.read_file(read).await,
            Call::WriteFile(write) => self.write_file(write, limits).await,
            Call::ListFiles(list) => self.list_files(list, limits).await,
            Call::StoreArtifact(store) => self.store(store).await,
            Call::HttpGet(get) => self.http_get(get, limits).await,
            Call::CreateTool(create) => self.create_tool(create, limits).await,
            Call::Made(call) => self.made(call, limits, key).await,
            Call::WebSearch(search) => self.web_search(search).await,
            Call::WebScrape(scrape) => self.web_scrape(scrape, limits).await,
            Call::Remember(remember) => self.remember(remember).await,
            Call::Recall(recall) => self.recall(recall).await,
            Call::DescribeTools(describe) => self.describe(describe),
            Call::CreateTask(new, args) => self.create_task(new, args, place).await,
            Call::QueryTasks(query) => self.query_tasks(query).await,
            Call::UpdateTask(update) => self.update_task(update).await,
            Call::GetAgentStatus(_) => self.agent_status().await,
            // It is asked by the run, and answered by the owner.
            Call::AskOwner(_) => Err(ToolError::Failed("a question is not acted on".into())),
            Call::CreateAgent(create) => self.create_agent(create).await,
            // It is handed on by the run, and ended by the task that comes of it.
            Call::Delegate(_) => Err(ToolError::Failed("work is handed on by the run".into())),
        }
    }

    fn describe(&self, describe: &args::DescribeTools) -> Result<Value, ToolError> {
        let tools = self.registry.describe(&describe.names);
        let tools = tools.map_err(ToolError::Failed)?;
        let how = "They are among your tools now, with all their arguments.";
        Ok(json!({ "tools": tools, "note": how }))
    }

    /// Stores a file of the run's folder as an artifact.
    pub(crate) async fn store_file(
        &self,
        path: &str,
        kind: Word,
        name: Option<Name>,
    ) -> Result<ArtifactId, ToolError> {
        let file = open_beneath(self.folder, Path::new(path)).map_err(|error| ToolError::File {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        let name = name.or_else(|| Name::parse("name", path).ok());
        self.store_bytes(
            tokio::fs::File::from_std(file),
            kind,
            name,
            media_type(path),
        )
        .await
    }

    async fn store(&self, store: &args::StoreArtifact) -> Result<Value, ToolError> {
        let id = match (&store.path, &store.content) {
            (Some(path), _) => {
                self.store_file(path, store.kind.clone(), store.name.clone())
                    .await?
            }
            (None, content) => {
                let content = content.as_deref().unwrap_or_default();
                let media_type = store
                    .name
                    .as_ref()
                    .map_or_else(MediaType::plain_text, |name| media_type(name.as_str()));
                self.store_bytes(
                    content.as_bytes(),
                    store.kind.clone(),
                    store.name.clone(),
                    media_type,
                )
                .await?
            }
        };
        Ok(json!({ "artifact_id": id }))
    }

    async fn store_bytes(
        &self,
        mut bytes: impl AsyncRead + Unpin,
        kind: Word,
        name: Option<Name>,
        media_type: MediaType,
    ) -> Result<ArtifactId, ToolError> {
        let mut writer = self.app.begin_artifact(self.actor).await?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = bytes
                .read(&mut buffer)
                .await
                .map_err(|error| ToolError::File {
                    path: name.as_ref().map_or_else(String::new, ToString::to_string),
                    problem: error.to_string(),
                })?;
            let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else {
                break;
            };
            writer.write(chunk).await?;
        }
        let blob = writer.finish().await?;
        let row = Store {
            task: None,
            agent: None,
            fence: None,
            kind,
            name,
            media_type,
            metadata: JsonObject::new(),
            labels: Labels::default(),
            within: Some(self.run),
        };
        Ok(self.app.create_artifact(self.actor, row, blob).await?.id)
    }
}

/// Makes a step's result of what the world answered to its call.
///
/// # Errors
/// The call failed: the story.
pub(crate) fn result_of(call: &Call, outcome: &Value) -> Result<StepEnd, String> {
    let text = |field: &str| {
        outcome
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let number = |field: &str| {
        outcome
            .get(field)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    let whole = || outcome.as_object().cloned();
    match call {
        Call::Python(_) | Call::RunCommand(_) => serde_json::from_value::<Ran>(outcome.clone())
            .map_err(|error| format!("the journal holds no outcome of a program: {error}"))?
            .result(),
        Call::ReadFile(_) => Ok(StepEnd {
            note: format!("read {} bytes", text("content").len()),
            result: whole(),
            ..StepEnd::default()
        }),
        Call::WriteFile(_) => Ok(StepEnd {
            note: format!("wrote {} bytes", number("bytes")),
            ..StepEnd::default()
        }),
        Call::ListFiles(_) => Ok(StepEnd {
            note: format!(
                "listed {} files",
                outcome
                    .get("files")
                    .and_then(Value::as_array)
                    .map_or(0, Vec::len)
            ),
            result: whole(),
            ..StepEnd::default()
        }),
        Call::StoreArtifact(_) => {
            let id: ArtifactId = text("artifact_id")
                .parse()
                .map_err(|_| "the journal holds no artifact".to_owned())?;
            Ok(StepEnd {
                artifacts: vec![id],
                note: format!("stored artifact {id}"),
                ..StepEnd::default()
            })
        }
        Call::HttpGet(_) => {
            let status = number("status");
            if !(200..300).contains(&status) {
                return Err(format!("{} answered {status}", text("url")));
            }
            Ok(StepEnd {
                note: format!("{status}, {} bytes", number("bytes")),
                result: whole(),
                ..StepEnd::default()
            })
        }
        Call::CreateAgent(create) => Ok(StepEnd {
            note: format!("made agent {}", create.name.0),
            result: whole(),
            ..StepEnd::default()
        }),
        Call::Delegate(_) => Err("the journal holds no end of what was handed on".into()),
        Call::CreateTool(_) => Ok(StepEnd {
            note: format!("made {}", text("tool")),
            result: whole(),
            ..StepEnd::default()
        }),
        Call::Made(_) => made::result_of(outcome),
        Call::WebSearch(_) => Ok(web_search::end(outcome)),
        Call::WebScrape(_) => Ok(web_scrape::end(outcome)),
        Call::Remember(_) | Call::Recall(_) => Ok(memory::end(outcome)),
        Call::DescribeTools(describe) => Ok(StepEnd {
            note: format!("looked at {}", describe.names.join(", ")),
            result: whole(),
            ..StepEnd::default()
        }),
        Call::CreateTask(..)
        | Call::QueryTasks(_)
        | Call::UpdateTask(_)
        | Call::GetAgentStatus(_) => Ok(tasks::end(outcome)),
        Call::AskOwner(_) => Ok(StepEnd {
            result: Some(object("answer", outcome.clone())),
            ..StepEnd::default()
        }),
    }
}

/// Whether a text is short enough for the journal as it lies there, where a control character takes
/// six bytes.
fn is_short_as_json(text: &str) -> bool {
    let escaped = text.chars().filter(|c| c.is_control()).count() as u64;
    text.len() as u64 + 5 * escaped <= 2 * TEXT_MAX
}

/// Guesses from the end of a name what the bytes are.
fn media_type(name: &str) -> MediaType {
    let end = name
        .rsplit_once('.')
        .map_or("", |(_, end)| end)
        .to_ascii_lowercase();
    let known = match end.as_str() {
        "txt" | "log" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "json" => "application/json",
        "csv" => "text/csv; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        _ => return MediaType::octet_stream(),
    };
    MediaType::from_stored(known.to_owned())
}

/// What a completed task says of files that were not kept.
pub(crate) fn with_left_out(result: Option<JsonObject>, left_out: &[String]) -> Option<JsonObject> {
    if left_out.is_empty() {
        return result;
    }
    let mut result = result.unwrap_or_default();
    result.insert("left_out".into(), json!(left_out));
    Some(result)
}
