//! `hearth task show`, and how a task is put into words.

use anyhow::Context;
use jiff::tz::TimeZone;

use crate::cli::Invocation;
use crate::cli::task::accept;
use crate::cli::words::day_or_moment;
use crate::client::Client;
use crate::client::wire::{Artifact, Event, Evidence, Page, RunRecord, Step, Task};
use crate::output::table::fields;
use crate::output::text::{moment, one_line, paragraphs, size};

pub(super) async fn run(invocation: &Invocation, task: &str) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let answer = client.get(&["tasks", task], &[]).await?;
    let task: Task = answer.read()?;
    let artifacts = client.get(&["tasks", &task.id, "artifacts"], &[]).await?;
    let artifacts: Page<Artifact> = artifacts.read()?;
    let evidence = evidence(&client, &task).await?;
    let run = last_run(&client, &task).await?;
    invocation.output.answer(&answer.text, || {
        page(&task, &artifacts.items, &evidence, &run, &invocation.zone())
    })
}

/// Returns number and title: `#12 Count the words`.
pub(super) fn line(task: &Task) -> String {
    format!("#{} {}", task.number, one_line(&task.title))
}

/// Returns number, title and status: `#12 Count the words: completed`.
pub(super) fn status_line(task: &Task) -> String {
    format!("{}: {}", line(task), task.status.replace('_', " "))
}

/// Returns what came of a task.
pub(super) fn result(task: &Task) -> String {
    let line = status_line(task);
    match result_text(task) {
        text if text.is_empty() => line,
        text => format!("{line}\n{text}"),
    }
}

fn result_text(task: &Task) -> String {
    task.result
        .as_ref()
        .and_then(|result| serde_json::to_string_pretty(result).ok())
        .map(|text| paragraphs(&text))
        .unwrap_or_default()
}

/// Returns what showed that a task is done, which the event of its completion keeps.
async fn evidence(client: &Client, task: &Task) -> anyhow::Result<Vec<Evidence>> {
    if task.status != "completed" || task.acceptance.is_empty() {
        return Ok(Vec::new());
    }
    let query = [
        ("entity_id", task.id.clone()),
        ("type", "task.completed".into()),
        ("order", "desc".into()),
        ("limit", "1".into()),
    ];
    let events: Page<Event> = client.get(&["events"], &query).await?.read()?;
    let found = events
        .items
        .into_iter()
        .next()
        .and_then(|mut event| event.payload.remove("evidence"));
    Ok(found
        .map(serde_json::from_value)
        .transpose()
        .context("the node tells of its evidence in a way that this program does not understand")?
        .unwrap_or_default())
}

/// Returns where the last run of a task stands, what it waits for, and how both are seen.
async fn last_run(client: &Client, task: &Task) -> anyhow::Result<String> {
    let query = [("task", task.id.clone()), ("limit", "1".into())];
    let runs: Page<RunRecord> = client.get(&["runs"], &query).await?.read()?;
    let Some(run) = runs.items.first() else {
        return Ok(String::new());
    };
    let steps = if run.status == "waiting" {
        let steps = client.get(&["runs", &run.id, "steps"], &[]).await?;
        steps.read::<Page<Step>>()?.items
    } else {
        Vec::new()
    };
    Ok(run_lines(run, &steps))
}

fn run_lines(run: &RunRecord, steps: &[Step]) -> String {
    let mut lines = vec![format!(
        "run {} {}: hearth run show {}",
        run.number,
        one_line(&run.status),
        run.number
    )];
    let waiting = steps.iter().filter(|step| step.is_live());
    lines.extend(
        waiting.filter_map(Step::approval).map(|number| {
            format!("approval {number} waits for you: hearth approvals show {number}")
        }),
    );
    lines.join("\n")
}

fn page(
    task: &Task,
    artifacts: &[Artifact],
    evidence: &[Evidence],
    run: &str,
    zone: &TimeZone,
) -> String {
    let day = |text: &Option<String>| {
        text.as_deref()
            .map(|text| day_or_moment(text, zone))
            .unwrap_or_default()
    };
    let line = |text: &Option<String>| text.as_deref().map(one_line).unwrap_or_default();
    let time = |text: &Option<String>| text.as_deref().map(moment).unwrap_or_default();
    let attempts = format!(
        "{}; blocks after {} failed",
        task.attempt, task.max_attempts
    );
    let held = task.status == "in_progress";
    let pairs = [
        ("status", task.status.replace('_', " ")),
        ("waits for", line(&task.waiting_for)),
        (
            "blocked",
            task.blocked_reason
                .as_deref()
                .map(paragraphs)
                .unwrap_or_default(),
        ),
        (
            "answers",
            one_line(&task.blocked_options.clone().unwrap_or_default().join(", ")),
        ),
        ("cancelled", line(&task.cancelled_reason)),
        ("work", run.to_owned()),
        ("priority", one_line(&task.priority)),
        ("with", line(&task.assigned_to)),
        ("project", line(&task.project_id)),
        ("part of", line(&task.parent_id)),
        ("after", one_line(&task.depends_on.join(", "))),
        ("labels", one_line(&task.labels.join(", "))),
        ("trust", task.trust.words()),
        ("due", day(&task.due_at)),
        ("comes", line(&task.recurrence)),
        (
            "estimate",
            task.estimate_minutes
                .map(|minutes| format!("{minutes} min"))
                .unwrap_or_default(),
        ),
        ("not before", day(&task.not_before)),
        (
            "attempt",
            if task.attempt > 0 {
                attempts
            } else {
                String::new()
            },
        ),
        (
            "fence",
            if held {
                task.fence.to_string()
            } else {
                String::new()
            },
        ),
        ("lease until", time(&task.lease_expires_at)),
        (
            "made",
            format!(
                "{} by {}",
                moment(&task.created_at),
                one_line(&task.created_by)
            ),
        ),
        ("changed", moment(&task.updated_at)),
        ("completed", time(&task.completed_at)),
        ("id", one_line(&task.id)),
        ("description", paragraphs(&task.description)),
        ("result", result_text(task)),
        ("artifacts", artifact_lines(artifacts)),
        (
            "done when",
            if evidence.is_empty() {
                accept::checks(task)
            } else {
                String::new()
            },
        ),
        ("evidence", accept::evidence(evidence)),
        ("not passed", accept::failures(task)),
    ];
    format!("{}\n\n{}", self::line(task), fields(&pairs))
}

fn artifact_lines(artifacts: &[Artifact]) -> String {
    let lines = artifacts.iter().map(|artifact| {
        let name = artifact.name.as_deref().map(one_line).unwrap_or_default();
        let size = size(artifact.size_bytes);
        let line = format!(
            "{}  {}  {name}  {size}  {}",
            artifact.id,
            one_line(&artifact.kind),
            artifact.trust.words()
        );
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> Task {
        serde_json::from_str(
            r#"{"id":"u1","number":12,"title":"Count\u001b[2J the words","status":"in_progress",
                "priority":"high","fence":1,"attempt":1,"max_attempts":3,"created_by":"owner",
                "created_at":"2026-11-23T09:00:00.000Z","updated_at":"2026-11-23T09:00:01.000Z",
                "description":"one\ntwo","something_newer":1}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_task_is_shown_without_what_it_does_not_have() {
        assert_eq!(
            page(&task(), &[], &[], "", &TimeZone::UTC),
            "#12 Count [2J the words\n\n\
             status       in progress\n\
             priority     high\n\
             attempt      1; blocks after 3 failed\n\
             fence        1\n\
             made         2026-11-23T09:00:00Z by owner\n\
             changed      2026-11-23T09:00:01Z\n\
             id           u1\n\
             description  one\n             \
             two"
        );
    }

    #[test]
    fn checks_stand_with_what_was_found_for_them() {
        let mut task = task();
        let check = serde_json::json!({"kind": "command", "argv": ["make", "test"]});
        task.acceptance = vec![check.clone()];
        let found = |found: &str| Evidence {
            check: check.clone(),
            found: found.into(),
        };
        task.failed_checks = vec![crate::client::wire::FailedCheck {
            agent: "seed".into(),
            attempt: 1,
            at: "2026-11-23T09:00:00.000Z".into(),
            unmet: vec![found("it exited with 2 in 4 ms\nno rule")],
        }];
        let page = |evidence: &[Evidence]| {
            let page = page(&task, &[], evidence, "", &TimeZone::UTC);
            page.split_once("two\n").unwrap().1.to_owned()
        };

        assert_eq!(
            page(&[]),
            "done when    command make test\n\
             not passed   2026-11-23T09:00:00Z by seed, attempt 1\n             \
             - command make test: it exited with 2 in 4 ms\n                 \
             no rule"
        );
        assert!(
            page(&[found("it exited with 0 in 3 ms")])
                .starts_with("evidence     - command make test: it exited with 0 in 3 ms\n")
        );
    }

    #[test]
    fn the_last_run_is_told_with_what_it_waits_for() {
        let run = RunRecord {
            number: 3,
            status: "waiting".into(),
            ..RunRecord::default()
        };
        let step: Step = serde_json::from_str(
            r#"{"waiting_for":{"kind":"approval","approval":4},"status":"waiting"}"#,
        )
        .unwrap();

        assert_eq!(
            run_lines(&run, &[step]),
            "run 3 waiting: hearth run show 3\n\
             approval 4 waits for you: hearth approvals show 4"
        );
    }

    #[test]
    fn a_result_stands_below_its_task() {
        let mut task = task();
        task.status = "completed".into();
        task.result = Some(serde_json::json!({ "words": 12 }));

        assert_eq!(
            result(&task),
            "#12 Count [2J the words: completed\n{\n  \"words\": 12\n}"
        );
    }
}
