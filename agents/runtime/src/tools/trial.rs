//! Trying code on its examples, with no rights at all: before it becomes a tool, and by the owner's order
//! later.

use std::sync::Arc;

use hearth_app::made_tools::{TestFuture, ToolTester, Tried};
use hearth_app::{AppError, UnavailableCause};
use hearth_domain::tool::{Definition, Example, MadeTool};
use hearth_sandbox::{End, Job, Limits, Outcome, Sandbox, SandboxError};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::made::{Answered, FAIR_TIME, answered, job};
use crate::facility::SandboxFacility;
use crate::live_limits::LiveLimits;

/// How much of a value is told, in characters.
const VALUE_CHARS: usize = 500;

/// Returns what an example may use, within `limits`: whoever makes or tests a tool waits for ten.
pub(super) fn of_an_example(limits: &Limits) -> Limits {
    Limits {
        time: limits.time.min(FAIR_TIME),
        cpu: limits.cpu.min(FAIR_TIME),
        ..limits.clone()
    }
}

/// Returns the job that looks whether the code compiles and defines `run`.
pub(super) fn compiling(definition: &Definition, limits: &Limits) -> Job {
    job(&definition.name, &definition.code, None, limits)
}

/// Returns the job that tries an example.
pub(super) fn trying(definition: &Definition, example: &Example, limits: &Limits) -> Job {
    let Definition { name, code, .. } = definition;
    job(name, code, Some(&example.args), limits)
}

/// Says what was wrong with looking at the code.
pub(super) fn compiled(outcome: &Outcome, limits: &Limits) -> Result<(), String> {
    match answered(outcome, limits) {
        Answered::Result { .. } => Ok(()),
        Answered::Failure { story, .. } => Err(story),
    }
}

/// Holds what an example returned against what it should.
pub(super) fn compare(example: &Example, outcome: &Outcome, limits: &Limits) -> Result<(), String> {
    match answered(outcome, limits) {
        Answered::Failure { story, .. } => Err(story),
        Answered::Result { .. } if example.needs_grants && example.result.is_null() => Ok(()),
        Answered::Result { value, .. } if is_same(&value, &example.result) => Ok(()),
        Answered::Result { value, .. } => Err(format!(
            "it returned {}, and should return {}",
            shown(&value),
            shown(&example.result)
        )),
    }
}

/// Whether two values are the same JSON; a number is its value, however it is written.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || (one.as_f64() == other.as_f64() && (one.is_f64() || other.is_f64()))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        _ => one == other,
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= VALUE_CHARS {
        return text;
    }
    let head: String = text.chars().take(VALUE_CHARS).collect();
    format!("{head}…")
}

/// Tests tools by the owner's order.
pub struct SandboxToolTester {
    sandbox: SandboxFacility,
    limits: LiveLimits,
    /// One program at a time: a test is not urgent.
    turn: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl SandboxToolTester {
    /// Puts it together. At `shutdown`, what runs is stopped.
    pub fn new(sandbox: SandboxFacility, limits: LiveLimits, shutdown: CancellationToken) -> Self {
        Self {
            sandbox,
            limits,
            turn: Arc::new(Semaphore::new(1)),
            shutdown,
        }
    }
}

impl ToolTester for SandboxToolTester {
    fn test<'a>(&'a self, tool: &'a MadeTool) -> TestFuture<'a> {
        let (facility, turn) = (self.sandbox.clone(), Arc::clone(&self.turn));
        let limits = of_an_example(&self.limits.get());
        let definition = tool.definition.clone();
        let stop = self.shutdown.child_token();
        Box::pin(async move {
            // A task of its own: it sees its program end even where the caller goes away, which stops
            // it.
            let _guard = stop.clone().drop_guard();
            let tested = tokio::spawn(async move {
                let sandbox = facility.get().await.map_err(|missing| {
                    no_sandbox(&format!(
                        "{}. To mend it: {}",
                        missing.reason, missing.remedy
                    ))
                })?;
                let test = Test {
                    sandbox,
                    turn,
                    limits,
                    definition,
                    stop,
                };
                test.all().await
            });
            tested
                .await
                .unwrap_or_else(|panic| Err(AppError::Store(Box::new(panic))))
        })
    }
}

struct Test {
    sandbox: Sandbox,
    turn: Arc<Semaphore>,
    limits: Limits,
    definition: Definition,
    stop: CancellationToken,
}

impl Test {
    async fn all(&self) -> Result<Vec<Tried>, AppError> {
        let mut tried = Vec::with_capacity(self.definition.examples.len());
        for example in &self.definition.examples {
            if example.needs_grants {
                tried.push(Tried::NotTried);
                continue;
            }
            let outcome = self
                .run(trying(&self.definition, example, &self.limits))
                .await?;
            tried.push(match compare(example, &outcome, &self.limits) {
                Ok(()) => Tried::Passed,
                Err(story) => Tried::Failed(story),
            });
        }
        Ok(tried)
    }

    async fn run(&self, job: Job) -> Result<Outcome, AppError> {
        let stopping = || AppError::Unavailable {
            cause: UnavailableCause::Stopping,
            detail: "the test was stopped".into(),
        };
        let _turn = tokio::select! {
            turn = self.turn.acquire() => turn.map_err(|_| stopping())?,
            () = self.stop.cancelled() => return Err(stopping()),
        };
        let ran = self.sandbox.run(job, self.stop.cancelled()).await;
        let outcome =
            ran.map_err(|error: SandboxError| no_sandbox(&format!("it did not run: {error}")))?;
        if outcome.end == End::Cancelled {
            return Err(stopping());
        }
        Ok(outcome)
    }
}

fn no_sandbox(problem: &str) -> AppError {
    AppError::Unavailable {
        cause: UnavailableCause::NoSandbox,
        detail: format!(
            "tools are tested in the sandbox, and there is a problem with it: {problem}"
        ),
    }
}
