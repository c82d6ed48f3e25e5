//! What becomes of tasks that a run handed to others: their end is told to the step that waits for it,
//! and the end of the run is theirs.

use hearth_domain::field::{AgentName, JSON_MAX_BYTES, REASON_MAX, json_within};
use hearth_domain::run::{Run, Step, StepEnd};
use hearth_domain::task::{Task, TaskState};
use hearth_domain::{Actor, JsonObject, TaskId, Timestamp};
use hearth_store::{Tx, WriteTx, artifacts, runs, steps, tasks};
use serde_json::{Value, json};

use crate::error::AppError;
use crate::notices::save_task;
use crate::trust;

/// The most artifacts of a task that its result names.
const ARTIFACTS_TOLD: usize = 100;
/// The largest result that is told as it stands: with what stands around it, it must fit where results
/// are kept.
const RESULT_MAX_BYTES: usize = JSON_MAX_BYTES - 64 * 1024;

/// Tells the step that waits for a task how that ended, and lets the run's own task go on when it
/// waits for no other.
pub(super) fn tell(tx: &mut WriteTx<'_>, child: &Task) -> Result<(), AppError> {
    let Some(step) = steps::waiting_for_child(tx, child.id)? else {
        return Ok(());
    };
    let Some(run) = runs::get(tx, step.run_id)? else {
        return Ok(());
    };
    let (by, now) = (child.updated_by.clone(), child.updated_at);
    let change = match &child.state {
        TaskState::Completed { result, .. } => {
            let end = delivered(tx, child, result.as_ref())?;
            step.deliver(end, trust::of_task(tx, child)?, &run, now)
        }
        TaskState::Cancelled { reason, .. } => {
            step.fail(cancelled(child, reason.as_deref()), &run, now)
        }
        TaskState::Pending | TaskState::InProgress { .. } | TaskState::Blocked { .. } => {
            return Ok(());
        }
    };
    steps::save(tx, change, &run, &by, now)?;
    wait_no_more(tx, run.task_id, child.id, &by, now)
}

/// Cancels a task that was handed on and is not waited for any more: the work of its run is no longer
/// wanted, or is done anew. The step that waited for it has been ended or set aside already.
pub(super) fn call_off(
    tx: &mut WriteTx<'_>,
    run: &Run,
    child: TaskId,
    why: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    if let Some(task) = tasks::get(tx, child)?
        && !task.status().is_terminal()
    {
        let reason = format!("task #{} handed it on, and {why}", run.task_number);
        save_task(tx, task.cancel(Some(reason), &Actor::System, now)?)?;
    }
    wait_no_more(tx, run.task_id, child, by, now)
}

/// Has a task that was reopened wait no more for what it handed on the last time, which was called off
/// with it.
pub(crate) fn forget_called_off(
    tx: &mut WriteTx<'_>,
    mut task: Task,
    by: &str,
    now: Timestamp,
) -> Result<Task, AppError> {
    for needed in task.depends_on.clone() {
        let is_called_off = tasks::get(tx, needed)?.is_some_and(|child| {
            child.parent_id == Some(task.id)
                && child.updated_by == Actor::System.name()
                && matches!(child.state, TaskState::Cancelled { .. })
        });
        if is_called_off && let Some(change) = task.clone().wait_no_more_for(needed, by, now) {
            task = save_task(tx, change)?;
        }
    }
    Ok(task)
}

/// Returns the tasks that the run waits for.
pub(super) fn open_of(all: &[Step]) -> Vec<TaskId> {
    all.iter().filter_map(Step::child).collect()
}

/// Names tasks by their numbers, for people.
pub(super) fn named(tx: &impl Tx, children: &[TaskId]) -> Result<String, AppError> {
    let mut numbers = Vec::with_capacity(children.len());
    for id in children {
        if let Some(task) = tasks::get(tx, *id)? {
            numbers.push(format!("#{}", task.number));
        }
    }
    let word = if numbers.len() == 1 { "task" } else { "tasks" };
    Ok(format!("{word} {}", numbers.join(", ")))
}

/// What the step brings: the task's number, its result, and its artifacts.
fn delivered(tx: &impl Tx, child: &Task, result: Option<&JsonObject>) -> Result<StepEnd, AppError> {
    let number = child.number;
    let page = artifacts::list_by_task(tx, child.id, None, ARTIFACTS_TOLD)?;
    let artifacts: Vec<Value> = page
        .items
        .iter()
        .map(|artifact| {
            json!({
                "artifact_id": artifact.id, "type": artifact.kind, "name": artifact.name,
                "size_bytes": artifact.size_bytes,
            })
        })
        .collect();
    let mut told = JsonObject::from_iter([
        ("task".to_owned(), number.into()),
        ("artifacts".to_owned(), artifacts.into()),
    ]);
    let is_told = result.is_none_or(is_short);
    told.insert(
        "result".into(),
        if is_told { json!(result) } else { Value::Null },
    );
    if !is_told {
        let note = format!("the result is too large to be told here; task #{number} has it");
        told.insert("left_out".into(), note.into());
    }
    let worker = child.worker.as_ref().map_or("nobody", AgentName::as_str);
    Ok(StepEnd {
        result: Some(told),
        note: format!("task #{number} was done by {worker}"),
        ..StepEnd::default()
    })
}

fn is_short(result: &JsonObject) -> bool {
    json_within("result", result).is_ok()
        && serde_json::to_string(result).is_ok_and(|text| text.len() <= RESULT_MAX_BYTES)
}

fn cancelled(child: &Task, reason: Option<&str>) -> String {
    let number = child.number;
    let story = match reason {
        Some(reason) => format!("task #{number} was cancelled: {reason}"),
        None => format!("task #{number} was cancelled"),
    };
    story.chars().take(REASON_MAX).collect()
}

fn wait_no_more(
    tx: &mut WriteTx<'_>,
    task: TaskId,
    child: TaskId,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    let Some(task) = tasks::get(tx, task)? else {
        return Ok(());
    };
    if let Some(change) = task.wait_no_more_for(child, by, now) {
        save_task(tx, change)?;
    }
    Ok(())
}
