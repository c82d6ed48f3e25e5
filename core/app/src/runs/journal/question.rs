//! What the owner is asked when a run rests.

use hearth_domain::approval::{Approval, ApprovalStatus};
use hearth_domain::field::LABEL_MAX;
use hearth_domain::run::{Run, Step, StepState, WaitingFor};
use hearth_domain::task::Task;
use hearth_store::{Tx, approvals, steps};
use serde_json::Value;

use super::{DOUBT_OPTIONS, bounded};
use crate::error::AppError;
use crate::money::{self, Purse};
use crate::runs::follow::asking;

/// What a task that waits is blocked with.
pub(super) struct Question {
    /// For the run.
    pub(super) short: String,
    pub(super) reason: String,
    pub(super) options: Vec<String>,
}

/// Puts together what the owner is asked; `None` where everything is answered.
pub(super) fn question(
    tx: &impl Tx,
    purse: &Purse,
    run: &Run,
    task: &Task,
) -> Result<Option<Question>, AppError> {
    let pending: Vec<Approval> = approvals::of_run(tx, run.id)?
        .into_iter()
        .filter(|approval| approval.status == ApprovalStatus::Pending)
        .collect();
    let all = steps::of_run(tx, run.id)?;
    let mut asked: Vec<String> = pending.iter().map(asked_of).collect();
    let short = match pending.as_slice() {
        [] => "the owner's answer".to_owned(),
        [one] => format!("approval {}", one.number),
        more => {
            let numbers: Vec<String> = more.iter().map(|one| one.number.to_string()).collect();
            format!("approvals {}", numbers.join(", "))
        }
    };
    let mut step = asking(&all);
    let mut budget = None;
    if step.is_some_and(|step| step.state == StepState::Waiting(WaitingFor::Budget)) {
        budget = money::ask::question(tx, purse, run, task, &all)?;
        if budget.is_none() {
            step = None;
        }
    }
    let Some(step) = step else {
        let options = match pending.as_slice() {
            [] => return Ok(None),
            [_] => vec!["approve".into(), "deny".into()],
            [_, _, ..] => Vec::new(),
        };
        return Ok(Some(Question {
            short,
            reason: bounded(&asked.join("\n")),
            options,
        }));
    };
    let mut short = "the owner's answer";
    let (text, options) = if let Some(budget) = budget {
        short = "a higher budget";
        (budget.text, budget.options)
    } else if step.state == StepState::Waiting(WaitingFor::Doubt) {
        let text = format!(
            "Step {}, {}, was cut off, and nobody knows whether it happened. Shall it be repeated?",
            step.place, step.name
        );
        (text, DOUBT_OPTIONS.map(String::from).to_vec())
    } else {
        asked_by(step)
    };
    asked.insert(0, text);
    Ok(Some(Question {
        short: short.into(),
        reason: bounded(&asked.join("\n")),
        options,
    }))
}

fn asked_of(approval: &Approval) -> String {
    format!(
        "May I {}? I ask because {}. All of it: hearth approvals show {}",
        approval.what, approval.why, approval.number
    )
}

/// What a step asks the owner for, from its arguments.
fn asked_by(step: &Step) -> (String, Vec<String>) {
    let args = &step.action.args;
    let text = args.get("question").and_then(Value::as_str).unwrap_or("?");
    let options = args.get("options").and_then(Value::as_array);
    let options = options.into_iter().flatten().filter_map(Value::as_str);
    let options = options.map(|option| option.chars().take(LABEL_MAX * 4).collect());
    (text.to_owned(), options.collect())
}
