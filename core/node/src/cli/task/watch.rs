//! `hearth task watch`: follows a task until it ends, or every task.

use anyhow::bail;
use clap::Args;

use crate::cli::task::show;
use crate::cli::words::task_ref;
use crate::cli::{Invocation, events};
use crate::client::stream::Received;
use crate::client::wire::Task;
use crate::client::{Answer, Client};
use crate::output::text::gist;
use crate::output::{Output, print_line};

/// The events after which a task may be over.
const MAY_END: [&str; 4] = [
    "task.completed",
    "task.cancelled",
    "task.blocked",
    "project.deleted",
];

/// Follows a task until it ends, or every task.
#[derive(Debug, Args)]
pub struct Watch {
    /// The task's number or UUID; every task if it is left out
    #[arg(value_name = "N", value_parser = task_ref)]
    task: Option<String>,
}

pub(super) async fn run(invocation: &Invocation, watch: Watch) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let output = invocation.output;
    let Some(task) = watch.task else {
        let after = client.last_seq().await?;
        let mut stream = client.events(after, vec![("type", "task.*".into())]);
        loop {
            events::print(output, &stream.next().await?)?;
        }
    };
    let print = |received: &Received| events::print(output, received);
    let (_, task) = follow(&client, &task, print, has_ended).await?;
    if output == Output::Human {
        print_line(&show::result(&task))?;
    }
    must_be_completed(&task)
}

/// Waits until a task is completed.
///
/// # Errors
/// It was cancelled, or needs somebody.
pub(super) async fn until_done(client: &Client, task: &str) -> anyhow::Result<Answer> {
    let is_over = |task: &Task| has_ended(task) || task.status == "blocked";
    let (answer, task) = follow(client, task, |_| Ok(()), is_over).await?;
    must_be_completed(&task)?;
    Ok(answer)
}

fn has_ended(task: &Task) -> bool {
    matches!(task.status.as_str(), "completed" | "cancelled")
}

fn must_be_completed(task: &Task) -> anyhow::Result<()> {
    let line = show::line(task);
    let reason = |text: &Option<String>| text.as_deref().map(gist).unwrap_or_default();
    match task.status.as_str() {
        "completed" => Ok(()),
        "blocked" => bail!(
            "{line} is blocked: {}; go on with `hearth task answer {}`",
            reason(&task.blocked_reason),
            task.number
        ),
        "cancelled" if task.cancelled_reason.is_some() => {
            bail!("{line} was cancelled: {}", reason(&task.cancelled_reason))
        }
        status => bail!("{line} is {status}"),
    }
}

/// Hands every event about a task to `each`, from now until `is_over`, and returns the task as it
/// is then.
async fn follow(
    client: &Client,
    task: &str,
    mut each: impl FnMut(&Received) -> anyhow::Result<()>,
    is_over: impl Fn(&Task) -> bool,
) -> anyhow::Result<(Answer, Task)> {
    // Before the task is read, so that nothing can happen to it in between unseen.
    let after = client.last_seq().await?;
    let (mut answer, mut task) = read(client, task).await?;
    let mut filter = vec![("entity_id", task.id.clone())];
    // A project that is deleted takes its tasks along without a word about each.
    filter.extend(task.project_id.clone().map(|id| ("entity_id", id)));
    let mut stream = client.events(after, filter);
    while !is_over(&task) {
        let received = stream.next().await?;
        let event = &received.event;
        if event.entity_id == task.id {
            each(&received)?;
        }
        // The event says what happened; only the task says what it has come to by now.
        if MAY_END.contains(&event.kind.as_str()) {
            (answer, task) = read(client, &task.id).await?;
        }
    }
    Ok((answer, task))
}

async fn read(client: &Client, task: &str) -> anyhow::Result<(Answer, Task)> {
    let answer = client.get(&["tasks", task], &[]).await?;
    let task = answer.read()?;
    Ok((answer, task))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_done_is_told_in_one_line() {
        let task = |status: &str, reason: Option<&str>| Task {
            number: 12,
            title: "Count".into(),
            status: status.into(),
            blocked_reason: reason.map(str::to_owned),
            cancelled_reason: reason.map(str::to_owned),
            ..Task::default()
        };
        let told = |status, reason| {
            must_be_completed(&task(status, reason))
                .unwrap_err()
                .to_string()
        };

        assert_eq!(
            told("blocked", Some("which\nfile?")),
            "#12 Count is blocked: which file?; go on with `hearth task answer 12`"
        );
        assert_eq!(
            told("cancelled", Some("no need")),
            "#12 Count was cancelled: no need"
        );
        assert_eq!(told("cancelled", None), "#12 Count is cancelled");
        assert!(must_be_completed(&task("completed", None)).is_ok());
    }
}
