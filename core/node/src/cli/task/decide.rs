//! What the owner says of a task: answer, cancel, reopen.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::Invocation;
use crate::cli::task::show;
use crate::cli::words::task_ref;
use crate::client::wire::Task;

/// Answers a blocked task.
#[derive(Debug, Args)]
pub struct Answer {
    /// The task's number or UUID
    #[arg(value_name = "N", value_parser = task_ref)]
    task: String,
    /// The answer; left out, the task just goes on
    text: Option<String>,
}

/// Says that a task is no longer wanted.
#[derive(Debug, Args)]
pub struct Cancel {
    /// The task's number or UUID
    #[arg(value_name = "N", value_parser = task_ref)]
    task: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// Wants an ended task again.
#[derive(Debug, Args)]
pub struct Reopen {
    /// The task's number or UUID
    #[arg(value_name = "N", value_parser = task_ref)]
    task: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

pub(super) async fn answer(invocation: &Invocation, answer: Answer) -> anyhow::Result<()> {
    let body = one_field("answer", answer.text);
    say(invocation, &answer.task, "answer", &body).await
}

pub(super) async fn cancel(invocation: &Invocation, cancel: Cancel) -> anyhow::Result<()> {
    let body = one_field("reason", cancel.reason);
    say(invocation, &cancel.task, "cancel", &body).await
}

pub(super) async fn reopen(invocation: &Invocation, reopen: Reopen) -> anyhow::Result<()> {
    let body = one_field("reason", reopen.reason);
    say(invocation, &reopen.task, "reopen", &body).await
}

fn one_field(name: &str, text: Option<String>) -> Value {
    text.map_or_else(|| json!({}), |text| json!({ name: text }))
}

async fn say(invocation: &Invocation, task: &str, verb: &str, body: &Value) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let answer = client.post(&["tasks", task, verb], body).await?;
    let task: Task = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || show::status_line(&task))
}
