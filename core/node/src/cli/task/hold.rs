//! What the holder of a task says: claim, complete, block, release.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::Invocation;
use crate::cli::task::show;
use crate::cli::words::task_ref;
use crate::client::wire::Task;
use crate::client::{ANSWER_TIMEOUT, Client, json_object};
use crate::output::text::moment;

/// How long a claim by hand lasts, in seconds: a person sends no heartbeats.
const LEASE_BY_HAND: u32 = 3600;

/// How long the checks of a completion may take: each has a minute, and waits its turn.
const CHECKS_TIMEOUT: Duration = Duration::from_hours(1);

/// Takes a task.
#[derive(Debug, Args)]
pub struct Claim {
    /// The task's number or UUID; the best pending one if it is left out
    #[arg(value_name = "N", value_parser = task_ref)]
    task: Option<String>,
    /// Who takes it
    #[arg(long)]
    agent: String,
    /// How long it is held without a sign of life [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    lease_seconds: Option<u32>,
}

/// Who says something of a task it holds.
#[derive(Debug, Args)]
struct Holder {
    /// The task's number or UUID
    #[arg(value_name = "N", value_parser = task_ref)]
    task: String,
    /// Who holds it
    #[arg(long)]
    agent: String,
    /// The fence it is held with; read from the task if it is left out
    #[arg(long, value_name = "F")]
    fence: Option<u64>,
}

/// Says that a task is done.
#[derive(Debug, Args)]
pub struct Complete {
    #[command(flatten)]
    holder: Holder,
    /// What came of it, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    result: Option<Value>,
    /// An artifact that came of it; may be repeated
    #[arg(long = "artifact", value_name = "ID")]
    artifacts: Vec<String>,
}

/// Says that a task needs somebody.
#[derive(Debug, Args)]
pub struct Block {
    #[command(flatten)]
    holder: Holder,
    /// Why, or the question
    #[arg(long)]
    reason: String,
    /// An answer to choose from; may be repeated
    #[arg(long = "option", value_name = "ANSWER")]
    options: Vec<String>,
}

/// Gives a task back.
#[derive(Debug, Args)]
pub struct Release {
    #[command(flatten)]
    holder: Holder,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

pub(super) async fn claim(invocation: &Invocation, claim: Claim) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let mut body = json!({ "agent": claim.agent });
    body["lease_seconds"] = json!(claim.lease_seconds.unwrap_or(LEASE_BY_HAND));
    let answer = match &claim.task {
        Some(task) => client.post(&["tasks", task, "claim"], &body).await?,
        None => client.post(&["tasks", "claim"], &body).await?,
    };
    if answer.text.is_empty() {
        bail!("there is no pending task for {} to claim", claim.agent);
    }
    let task: Task = answer.read()?;
    invocation.output.answer(&answer.text, || {
        let until = task.lease_expires_at.as_deref().map(moment);
        let until = until.unwrap_or_default();
        format!(
            "{}\nfence {}, lease until {until}",
            show::line(&task),
            task.fence
        )
    })
}

pub(super) async fn complete(invocation: &Invocation, complete: Complete) -> anyhow::Result<()> {
    let mut said = Map::new();
    if let Some(result) = complete.result {
        said.insert("result".into(), result);
    }
    if !complete.artifacts.is_empty() {
        said.insert("artifacts".into(), json!(complete.artifacts));
    }
    say(
        invocation,
        &complete.holder,
        "complete",
        said,
        CHECKS_TIMEOUT,
    )
    .await
}

pub(super) async fn block(invocation: &Invocation, block: Block) -> anyhow::Result<()> {
    let mut said = Map::from_iter([("reason".into(), json!(block.reason))]);
    if !block.options.is_empty() {
        said.insert("options".into(), json!(block.options));
    }
    say(invocation, &block.holder, "block", said, ANSWER_TIMEOUT).await
}

pub(super) async fn release(invocation: &Invocation, release: Release) -> anyhow::Result<()> {
    let reason = release
        .reason
        .map(|reason| ("reason".into(), json!(reason)));
    say(
        invocation,
        &release.holder,
        "release",
        reason.into_iter().collect(),
        ANSWER_TIMEOUT,
    )
    .await
}

/// Says `verb` of a task in its holder's name.
async fn say(
    invocation: &Invocation,
    holder: &Holder,
    verb: &str,
    mut said: Map<String, Value>,
    limit: Duration,
) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let fence = match holder.fence {
        Some(fence) => fence,
        None => present_fence(&client, holder).await?,
    };
    said.insert("agent".into(), json!(holder.agent));
    said.insert("fence".into(), json!(fence));
    let answer = client
        .post_within(limit, &["tasks", &holder.task, verb], &said)
        .await?;
    let task: Task = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || show::status_line(&task))
}

/// Returns the fence that the named agent holds the task with, and nobody else's.
async fn present_fence(client: &Client, holder: &Holder) -> anyhow::Result<u64> {
    let task: Task = client.get(&["tasks", &holder.task], &[]).await?.read()?;
    if task.status == "in_progress" && task.assigned_to.as_deref() == Some(&holder.agent) {
        return Ok(task.fence);
    }
    let (number, agent) = (task.number, &holder.agent);
    match task.status.as_str() {
        "pending" => bail!(
            "{agent} does not hold #{number}; take it with `hearth task claim {number} --agent {agent}`"
        ),
        "in_progress" => bail!(
            "{agent} does not hold #{number}; it is with {}",
            task.assigned_to.unwrap_or_default()
        ),
        status => bail!("{agent} does not hold #{number}; it is {status}"),
    }
}
