//! `hearth run`: the work on tasks, step by step.

mod follow;
mod show;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::Invocation;
use crate::cli::words::{number_or_id, run_statuses, task_ref};
use crate::client::wire::{Page, RunRecord, Task};
use crate::output::Output;
use crate::output::table::table;
use crate::output::text::{gist, moment, one_line, shortened};

/// So that a row fits 100 columns.
const REASON_WIDTH: usize = 44;

/// What can be done with runs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List runs, newest first
    List(List),
    /// Show one run with its steps
    Show(show::Show),
    /// Follow a run until it ends or waits for you
    Follow(Named),
    /// Cancel a run with its task
    Cancel(Cancel),
    /// Do a run's steps anew, from one that failed or is named
    Retry(Retry),
}

/// Lists runs.
#[derive(Debug, Args)]
pub struct List {
    /// With this status
    #[arg(long, value_name = "S", value_parser = run_statuses())]
    status: Option<String>,
    /// Of this task: its number or UUID
    #[arg(long, value_name = "N", value_parser = task_ref)]
    task: Option<String>,
    /// At most so many, 1 to 500
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
    /// Go on where another list ended
    #[arg(long)]
    cursor: Option<String>,
}

/// One run.
#[derive(Debug, Args)]
pub struct Named {
    /// The run's number or UUID
    #[arg(value_name = "N", value_parser = number_or_id)]
    run: String,
}

/// Cancels a run's task.
#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    named: Named,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// Does steps anew.
#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    named: Named,
    /// From this step on: its name or number; from the first one that did not succeed unless told
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(list) => self::list(invocation, list).await,
        Command::Show(show) => show::run(invocation, show).await,
        Command::Follow(named) => follow::run(invocation, &named.run).await,
        Command::Cancel(cancel) => self::cancel(invocation, cancel).await,
        Command::Retry(retry) => self::retry(invocation, retry).await,
    }
}

/// Returns a run, its task and where it stands: `run 3 of #12: waiting, approval 4`.
fn line(run: &RunRecord) -> String {
    let mut line = format!("run {} of #{}: {}", run.number, run.task_number, run.status);
    if let Some(reason) = &run.reason {
        line = format!("{line}, {}", gist(reason));
    }
    line
}

async fn list(invocation: &Invocation, list: List) -> anyhow::Result<()> {
    let given = [
        ("status", list.status),
        ("task", list.task),
        ("limit", list.limit.map(|limit| limit.to_string())),
        ("cursor", list.cursor),
    ];
    let query: Vec<_> = given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let answer = invocation.client()?.get(&["runs"], &query).await?;
    let page: Page<RunRecord> = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || rows(&page.items))?;
    if invocation.output == Output::Human {
        page.note_rest("hearth run list");
    }
    Ok(())
}

async fn cancel(invocation: &Invocation, cancel: Cancel) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let run: RunRecord = client
        .get(&["runs", &cancel.named.run], &[])
        .await?
        .read()?;
    let body = match cancel.reason {
        Some(reason) => json!({ "reason": reason }),
        None => json!({}),
    };
    let path = ["tasks", run.task_id.as_str(), "cancel"];
    let answer = client.post(&path, &body).await?;
    let task: Task = answer.read()?;
    invocation.output.answer(&answer.text, || {
        format!(
            "cancelled #{} {}, and run {} with it",
            task.number,
            one_line(&task.title),
            run.number
        )
    })
}

async fn retry(invocation: &Invocation, retry: Retry) -> anyhow::Result<()> {
    let body = match retry.from {
        Some(step) => json!({ "from": step }),
        None => json!({}),
    };
    let path = ["runs", retry.named.run.as_str(), "retry"];
    let answer = invocation.client()?.post(&path, &body).await?;
    let run: RunRecord = answer.read()?;
    invocation.output.answer(&answer.text, || line(&run))
}

fn rows(runs: &[RunRecord]) -> String {
    let rows: Vec<[String; 6]> = runs
        .iter()
        .map(|run| {
            let reason = run.reason.as_deref().unwrap_or_default();
            [
                run.number.to_string(),
                format!("#{}", run.task_number),
                run.status.clone(),
                run.agent.clone(),
                moment(&run.updated_at),
                shortened(reason, REASON_WIDTH),
            ]
        })
        .collect();
    table(["run", "task", "status", "agent", "changed", "why"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_one_row_with_what_it_waits_for() {
        let run = RunRecord {
            number: 3,
            task_number: 12,
            status: "waiting".into(),
            agent: "seed".into(),
            reason: Some("approval\n4".into()),
            updated_at: "2026-11-23T09:00:00.000Z".into(),
            ..RunRecord::default()
        };

        assert_eq!(
            rows(std::slice::from_ref(&run)),
            "RUN  TASK  STATUS   AGENT  CHANGED               WHY\n\
             3    #12   waiting  seed   2026-11-23T09:00:00Z  approval 4"
        );
        assert_eq!(line(&run), "run 3 of #12: waiting, approval 4");
    }
}
