//! `hearth run follow`: prints what a run does until it ends or waits for the owner.

use anyhow::bail;

use crate::cli::run::line;
use crate::cli::{Invocation, events};
use crate::client::Client;
use crate::client::wire::{RunRecord, Task};
use crate::output::text::gist;

/// The events after which a run may be over, or wait.
const MAY_STOP: [&str; 5] = [
    "run.completed",
    "run.cancelled",
    "run.failed",
    "run.waiting",
    "project.deleted",
];

pub(super) async fn run(invocation: &Invocation, run: &str) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let output = invocation.output;
    // Before the run is read, so that nothing can happen to it in between unseen.
    let after = client.last_seq().await?;
    let (mut run, mut task) = read(&client, run).await?;
    let mut filter = vec![("entity_id", run.id.clone())];
    // A project that is deleted takes its tasks and their runs along without a word about each.
    filter.extend(task.project_id.clone().map(|id| ("entity_id", id)));
    let mut stream = client.events(after, filter);
    while !has_stopped(&run, &task) {
        let received = stream.next().await?;
        if received.event.entity_id == run.id {
            events::print(output, &received)?;
        }
        if MAY_STOP.contains(&received.event.kind.as_str()) {
            (run, task) = read(&client, &run.id).await?;
        }
    }
    must_be_completed(&run)?;
    output.line(&line(&run))
}

async fn read(client: &Client, run: &str) -> anyhow::Result<(RunRecord, Task)> {
    let run: RunRecord = client.get(&["runs", run], &[]).await?.read()?;
    let task = client.get(&["tasks", &run.task_id], &[]).await?.read()?;
    Ok((run, task))
}

/// Whether nothing more comes of a run unless the owner does something. One that waits for its task
/// to be taken up again goes on by itself.
fn has_stopped(run: &RunRecord, task: &Task) -> bool {
    match run.status.as_str() {
        "running" => false,
        "waiting" | "failed" => task.status == "blocked",
        _ => true,
    }
}

fn must_be_completed(run: &RunRecord) -> anyhow::Result<()> {
    let reason = run.reason.as_deref().map(gist).unwrap_or_default();
    let (number, task) = (run.number, run.task_number);
    match run.status.as_str() {
        "completed" => Ok(()),
        "waiting" => bail!("run {number} waits for {reason}: hearth run show {number}"),
        "failed" => {
            bail!("run {number} of #{task} failed: {reason}; again: hearth run retry {number}")
        }
        status => bail!("run {number} of #{task} is {status}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(status: &str) -> RunRecord {
        RunRecord {
            number: 3,
            task_number: 12,
            status: status.into(),
            reason: Some("approval 4".into()),
            ..RunRecord::default()
        }
    }

    #[test]
    fn a_run_has_stopped_when_only_the_owner_can_help_it_on() {
        let stopped = |status: &str, task: &str| {
            let task = Task {
                status: task.into(),
                ..Task::default()
            };
            has_stopped(&run(status), &task)
        };

        assert!(stopped("waiting", "blocked") && stopped("failed", "blocked"));
        assert!(stopped("completed", "completed") && stopped("cancelled", "cancelled"));
        assert!(!stopped("running", "in_progress"));
        // Given back, or answered and not taken up yet.
        assert!(!stopped("waiting", "pending") && !stopped("failed", "pending"));
    }

    #[test]
    fn only_a_completed_run_is_told_as_done() {
        let told = |status| must_be_completed(&run(status)).unwrap_err().to_string();

        assert!(must_be_completed(&run("completed")).is_ok());
        assert_eq!(
            told("waiting"),
            "run 3 waits for approval 4: hearth run show 3"
        );
        assert!(told("failed").ends_with("again: hearth run retry 3"));
        assert_eq!(told("cancelled"), "run 3 of #12 is cancelled: approval 4");
    }
}
