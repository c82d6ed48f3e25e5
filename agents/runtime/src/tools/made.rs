//! Tools that agents made: what is known of one, a call of it, and what comes of that.
//!
//! The tool's code is not trusted. It runs in the sandbox with the rights that its version was granted,
//! and by default with none, in an empty folder. What it says through the harness is a claim of its own
//! about its own result, and counts as no more.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hearth_app::made_tools::{Use, exact_name, parameters_validator};
use hearth_domain::field::Word;
use hearth_domain::run::StepEnd;
use hearth_domain::tool::{Grants, MadeTool, ToolHead, ToolState};
use hearth_domain::{InvalidField, JsonObject};
use hearth_sandbox::{Job, Limits, Outcome, Program, Workspace};
use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::args::{FolderName, HostFunctions};
use super::outcome::{Ended, Ran, object};
use super::program::Granted;
use super::{ToolError, Toolbox};

/// What runs the code of a tool.
const HARNESS: &str = include_str!("made/harness.py");
/// Who is given less time than this and takes longer is not to blame: its caller wanted it faster. What
/// an example gets when a tool is made.
pub(super) const FAIR_TIME: Duration = Duration::from_secs(10);
/// The longest result, in bytes of JSON; the harness holds to it too.
const RESULT_MAX_BYTES: usize = 64 * 1024;

/// What is known of a version of a tool.
#[derive(Debug)]
pub struct MadeSpec {
    /// The version.
    pub head: ToolHead,
    /// Compiled when it is first needed, of a schema that was bounded when the tool was made.
    validator: OnceLock<Result<Validator, InvalidField>>,
}

impl MadeSpec {
    pub(super) fn new(head: ToolHead) -> Self {
        Self {
            head,
            validator: OnceLock::new(),
        }
    }

    /// Returns what holds arguments against its schema.
    pub(super) fn validator(&self) -> Result<&Validator, &InvalidField> {
        self.validator
            .get_or_init(|| parameters_validator(&self.head.parameters))
            .as_ref()
    }
}

/// A call of one version of a tool.
#[derive(Debug, Clone)]
pub struct MadeCall {
    /// The version.
    pub spec: Arc<MadeSpec>,
    /// With what.
    pub args: JsonObject,
}

impl PartialEq for MadeCall {
    fn eq(&self, other: &Self) -> bool {
        self.spec.head.id == other.spec.head.id && self.args == other.args
    }
}

impl Eq for MadeCall {}

impl MadeCall {
    /// Returns the word by which the journal means this version.
    pub fn exact_name(&self) -> Word {
        exact_name(&self.spec.head.name, self.spec.head.version)
    }

    pub(super) fn grants(&self) -> &Grants {
        &self.spec.head.grants
    }
}

/// What came of running a tool's code. A stored format: it lies in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answered {
    /// It returned this.
    Result { value: Value, milliseconds: u64 },
    /// It brought nothing: why, and whether that is its own fault.
    Failure { story: String, is_own: bool },
}

/// What the harness answers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Problem {
        problem: String,
        #[serde(default)]
        story: String,
    },
    Result {
        result: Value,
    },
}

/// Puts the job together that runs a tool's code once, with no rights and in an empty folder; without
/// arguments it is only looked whether there is a `run`.
pub(crate) fn job(name: &Word, code: &str, args: Option<&JsonObject>, limits: &Limits) -> Job {
    let program = Program::Python {
        code: HARNESS.to_owned(),
    };
    let mut job = Job::new(program, Workspace::Scratch);
    job.limits = limits.clone();
    let work = json!({ "name": name.as_str(), "code": code, "args": args });
    job.stdin = Some(work.to_string().into_bytes());
    job
}

/// Reads what came of such a job.
pub(crate) fn answered(outcome: &Outcome, limits: &Limits) -> Answered {
    let own = |story: String| Answered::Failure {
        story,
        is_own: true,
    };
    let ran = Ran::of(outcome, limits.time.as_secs());
    if matches!(ran.end, Ended::TimedOut(_)) && limits.time < FAIR_TIME {
        let story = format!("it took longer than {} s", limits.time.as_secs_f32());
        return Answered::Failure {
            story,
            is_own: false,
        };
    }
    if ran.end != Ended::Exited(0) {
        return own(ran.result().err().unwrap_or_default());
    }
    let text = String::from_utf8_lossy(&outcome.stdout);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    let too_long = |length: &str| {
        own(format!(
            "its result has {length} bytes of JSON, and {RESULT_MAX_BYTES} is the most"
        ))
    };
    let answer = last.and_then(|line| serde_json::from_str(line).ok());
    match answer {
        // It was ended from within, or has half a character in a text.
        None => own("it ended without a result that is JSON".into()),
        Some(Answer::Result { result }) if result.to_string().len() > RESULT_MAX_BYTES => {
            too_long(&result.to_string().len().to_string())
        }
        Some(Answer::Result { result }) => Answered::Result {
            value: result,
            milliseconds: ran.milliseconds,
        },
        Some(Answer::Problem { problem, story }) => {
            let story = story.replace('\0', "\u{fffd}");
            match problem.as_str() {
                "compile" => own(format!("its code does not compile\n{story}")),
                "no_run" => own("its code defines no function run".into()),
                "not_json" => own(format!("its result is no JSON: {story}")),
                "too_long" => too_long(&story),
                "host" => Answered::Failure {
                    story: format!("the node did not do what it asked for\n{story}"),
                    is_own: false,
                },
                _ => own(format!("it raised\n{story}")),
            }
        }
    }
}

/// Makes a step's result of what came of a call.
///
/// # Errors
/// It failed: the story.
pub(super) fn result_of(outcome: &Value) -> Result<StepEnd, String> {
    let answered = Answered::deserialize(outcome)
        .map_err(|error| format!("the journal holds no outcome of a tool: {error}"))?;
    match answered {
        Answered::Failure { story, .. } => Err(story),
        Answered::Result {
            value,
            milliseconds,
        } => Ok(StepEnd {
            result: match value {
                Value::Null => None,
                Value::Object(fields) => Some(fields),
                other => Some(object("value", other)),
            },
            note: format!("finished in {milliseconds} ms"),
            ..StepEnd::default()
        }),
    }
}

impl Toolbox<'_> {
    /// Calls a version of a tool, and counts how that went.
    pub(super) async fn made(
        &self,
        call: &MadeCall,
        limits: &Limits,
        key: Option<&str>,
    ) -> Result<Value, ToolError> {
        let tool = self.callable(call).await?;
        let answered = self
            .run_with_grants(
                &tool.definition.name,
                &tool.definition.code,
                call,
                limits,
                key,
            )
            .await?;
        let how = match &answered {
            Answered::Result { .. } => Use::Worked,
            Answered::Failure { is_own: false, .. } => Use::Excused,
            Answered::Failure { story, .. } => Use::Failed(story.clone()),
        };
        let counted = self
            .app
            .count_made_tool_use(self.actor, tool.id, how)
            .await?;
        if counted.state != ToolState::Enabled {
            self.registry.refresh(self.app).await?;
        }
        serde_json::to_value(&answered).map_err(|error| ToolError::Failed(error.to_string()))
    }

    /// Returns the version if it may be called. Asked when it is called, and not only when that was
    /// decided: its owner may have disabled it in between.
    async fn callable(&self, call: &MadeCall) -> Result<MadeTool, ToolError> {
        let head = &call.spec.head;
        let tool = self.app.get_made_tool_version(&head.name, head.version)?;
        if tool.state != ToolState::Enabled {
            self.registry.refresh(self.app).await?;
            let story = format!("{} may not be called any more", call.exact_name());
            return Err(ToolError::Failed(story));
        }
        Ok(tool)
    }

    /// Runs code with the rights of a call.
    async fn run_with_grants(
        &self,
        name: &Word,
        code: &str,
        call: &MadeCall,
        limits: &Limits,
        key: Option<&str>,
    ) -> Result<Answered, ToolError> {
        let grants = call.grants();
        let mut job = job(name, code, Some(&call.args), limits);
        self.grant(&mut job, grants, limits)?;
        job.idempotency_key = key.map(str::to_owned);
        let outcome = self.run(job).await?;
        Ok(answered(&outcome, limits))
    }

    /// Gives a job the rights of a tool.
    pub(super) fn grant(
        &self,
        job: &mut Job,
        grants: &Grants,
        limits: &Limits,
    ) -> Result<(), ToolError> {
        let (reads, writes) = (folders(&grants.reads), folders(&grants.writes));
        let granted = Granted {
            reads: &reads,
            writes: &writes,
            network: &grants.network,
        };
        let rights = self.job(job.program.clone(), &granted, limits)?;
        job.folders = rights.folders;
        job.network = rights.network;
        if grants.workspace {
            job.workspace = rights.workspace;
        }
        let functions = HostFunctions {
            http_get: grants.host.http_get.clone(),
            fs_read: folders(&grants.host.fs_read),
            fs_write: folders(&grants.host.fs_write),
            kv: grants.host.kv,
            task: grants.host.task,
        };
        job.host = self.host_functions(&functions, limits);
        Ok(())
    }
}

fn folders(names: &[Word]) -> Vec<FolderName> {
    names.iter().cloned().map(FolderName).collect()
}
