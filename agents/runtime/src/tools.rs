//! The tools that a plan may call, and what each call leaves behind.

use std::path::Path;
use std::time::Duration;

use hearth_app::artifacts::StoreArtifact as Store;
use hearth_app::{App, AppError};
use hearth_domain::artifact::MediaType;
use hearth_domain::field::{Name, Word};
use hearth_domain::{Actor, ArtifactId, JsonObject};
use hearth_sandbox::{
    End, Job, Limits, Outcome, Program, SandboxError, Unavailable, Workspace, open_beneath,
};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::sync::CancellationToken;

use crate::facility::SandboxFacility;
use crate::plan::{Call, StoreArtifact};

/// How much of a failed call's error output is told.
const TAIL_BYTES: usize = 4000;
/// The largest text that becomes a result as it stands.
const TEXT_MAX: u64 = 64 * 1024;

/// Why a call failed.
#[derive(Debug, Error)]
pub(crate) enum ToolError {
    /// There is no sandbox, and nothing runs without one.
    #[error("no sandbox: {}. To mend it: {}", .0.reason, .0.remedy)]
    NoSandbox(#[source] Unavailable),
    /// The sandbox did not run it.
    #[error("the sandbox did not run it: {0}")]
    Sandbox(#[source] SandboxError),
    /// The program ran and failed.
    #[error("{0}")]
    Failed(String),
    /// The run is to stop.
    #[error("stopped")]
    Stopped,
    /// A file of the workspace could not be read.
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

/// What a call brought.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    /// What becomes the task's result, if no later call brings another.
    pub(crate) result: Option<JsonObject>,
    /// Artifacts that wait to be given to the task.
    pub(crate) artifacts: Vec<ArtifactId>,
    /// How it went, in a few words.
    pub(crate) note: String,
}

/// What a call works with.
pub(crate) struct Toolbox<'a> {
    pub(crate) app: &'a App,
    pub(crate) actor: &'a Actor,
    pub(crate) sandbox: &'a SandboxFacility,
    pub(crate) limits: &'a Limits,
    pub(crate) folder: &'a Path,
    pub(crate) stop: &'a CancellationToken,
}

impl Toolbox<'_> {
    /// Makes one call.
    pub(crate) async fn call(&self, call: &Call) -> Result<Brought, ToolError> {
        match call {
            Call::Python(python) => {
                let program = Program::Python {
                    code: python.code.clone(),
                };
                self.run(program, python.stdin.as_deref()).await
            }
            Call::Command(command) => {
                let program = Program::Command {
                    argv: command.argv.clone(),
                };
                self.run(program, command.stdin.as_deref()).await
            }
            Call::ReadFile(read) => self.read_file(&read.path).await,
            Call::WriteFile(write) => self.write_file(&write.path, &write.content).await,
            Call::StoreArtifact(store) => self.store(store).await,
        }
    }

    /// Stores a file of the workspace as an artifact.
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

    async fn run(&self, program: Program, stdin: Option<&str>) -> Result<Brought, ToolError> {
        let outcome = self.sandboxed(program, stdin).await?;
        let note = format!("finished in {} ms", outcome.wall.as_millis());
        let (result, artifacts) = self.result_of(&outcome).await?;
        Ok(Brought {
            result,
            artifacts,
            note,
        })
    }

    async fn sandboxed(&self, program: Program, stdin: Option<&str>) -> Result<Outcome, ToolError> {
        let sandbox = self.sandbox.get().await.map_err(ToolError::NoSandbox)?;
        let mut job = Job::new(program, Workspace::Folder(self.folder.to_owned()));
        job.limits = self.limits.clone();
        job.stdin = stdin.map(|text| text.as_bytes().to_vec());
        let outcome = sandbox
            .run(job, self.stop.cancelled())
            .await
            .map_err(ToolError::Sandbox)?;
        match outcome.end {
            End::Exited(0) => Ok(outcome),
            End::Cancelled => Err(ToolError::Stopped),
            End::Exited(_) | End::Signalled(_) | End::TimedOut | End::OverLimit(_) => {
                Err(ToolError::Failed(story(&outcome, self.limits.time)))
            }
        }
    }

    /// What a program printed last as JSON is its result; other text is, as text. What is too long
    /// for a result becomes an artifact.
    async fn result_of(
        &self,
        outcome: &Outcome,
    ) -> Result<(Option<JsonObject>, Vec<ArtifactId>), ToolError> {
        let text = String::from_utf8_lossy(&outcome.stdout);
        let text = text.trim();
        if text.is_empty() {
            return Ok((None, Vec::new()));
        }
        let is_short = text.len() as u64 <= TEXT_MAX && !outcome.stdout_truncated;
        if let Some(result) = last_json(text)
            && hearth_domain::field::json_within("result", &result).is_ok()
        {
            return Ok((Some(result), Vec::new()));
        }
        if is_short {
            return Ok((Some(object("output", text.into())), Vec::new()));
        }
        let kind = Word::from_stored("output".into());
        let name = Some(Name::from_stored("stdout.txt".into()));
        let id = self
            .store_bytes(&*outcome.stdout, kind, name, MediaType::plain_text())
            .await?;
        let mut result = object("output_artifact", id.to_string().into());
        result.insert("output_truncated".into(), outcome.stdout_truncated.into());
        Ok((Some(result), vec![id]))
    }

    async fn read_file(&self, path: &str) -> Result<Brought, ToolError> {
        let failed = |problem: String| ToolError::File {
            path: path.to_owned(),
            problem,
        };
        let file = open_beneath(self.folder, Path::new(path))
            .map_err(|error| failed(error.to_string()))?;
        let mut text = String::new();
        let mut bounded = tokio::fs::File::from_std(file).take(TEXT_MAX + 1);
        bounded
            .read_to_string(&mut text)
            .await
            .map_err(|error| failed(error.to_string()))?;
        if text.len() as u64 > TEXT_MAX {
            return Err(failed(format!(
                "it is longer than {TEXT_MAX} bytes; store it as an artifact"
            )));
        }
        let note = format!("read {} bytes", text.len());
        Ok(Brought {
            result: Some(object("content", text.into())),
            note,
            ..Brought::default()
        })
    }

    /// Writes by the sandbox's hand: an earlier call may have left links where the node, with its
    /// greater rights, must not write.
    async fn write_file(&self, path: &str, content: &str) -> Result<Brought, ToolError> {
        // A JSON string is a Python string.
        let code = format!(
            "import os, sys\npath = {}\nos.makedirs(os.path.dirname(path) or '.', exist_ok=True)\n\
             with open(path, 'wb') as file:\n    file.write(sys.stdin.buffer.read())\n",
            Value::from(path)
        );
        self.sandboxed(Program::Python { code }, Some(content))
            .await?;
        Ok(Brought {
            note: format!("wrote {} bytes", content.len()),
            ..Brought::default()
        })
    }

    async fn store(&self, store: &StoreArtifact) -> Result<Brought, ToolError> {
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
        Ok(Brought {
            artifacts: vec![id],
            note: format!("stored artifact {id}"),
            ..Brought::default()
        })
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
        };
        Ok(self.app.create_artifact(self.actor, row, blob).await?.id)
    }
}

/// The last line that is JSON, or the whole text if that is.
fn last_json(text: &str) -> Option<JsonObject> {
    let whole = serde_json::from_str::<Value>(text).ok();
    let value = whole.or_else(|| {
        let last = text.lines().rev().find(|line| !line.trim().is_empty())?;
        serde_json::from_str(last).ok()
    })?;
    match value {
        Value::Object(object) => Some(object),
        other => Some(object("value", other)),
    }
}

fn object(key: &str, value: Value) -> JsonObject {
    JsonObject::from_iter([(key.to_owned(), value)])
}

fn story(outcome: &Outcome, time: Duration) -> String {
    let end = match outcome.end {
        End::Exited(code) => format!("it exited with {code}"),
        End::Signalled(signal) => format!("signal {signal} ended it"),
        End::TimedOut => format!("it took longer than {} s", time.as_secs()),
        End::Cancelled => "it was stopped".into(),
        End::OverLimit(limit) => format!("it used too much: {limit}"),
    };
    let said = if outcome.stderr.is_empty() {
        &outcome.stdout
    } else {
        &outcome.stderr
    };
    let said = String::from_utf8_lossy(
        said.get(said.len().saturating_sub(TAIL_BYTES)..)
            .unwrap_or_default(),
    );
    // The reason is stored as text, which holds no NUL.
    let said = said.trim().replace('\0', "\u{fffd}");
    if said.is_empty() {
        end
    } else {
        format!("{end}\n{said}")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_last_as_json_is_the_result() {
        assert_eq!(
            last_json("reading\n{\"words\": 3}\n"),
            Some(object("words", 3.into()))
        );
        assert_eq!(
            last_json("{\n \"words\": 3\n}"),
            Some(object("words", 3.into()))
        );
        assert_eq!(last_json("one\n42"), Some(object("value", 42.into())));
        assert_eq!(last_json("{\"words\": 3}\ndone"), None);
    }
}
