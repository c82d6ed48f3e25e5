//! What the owner is asked when a limit is reached.

use hearth_domain::money::{Charge, Over, Resource, Scope, amount, dollars};
use hearth_domain::run::{Run, Step, StepState, WaitingFor};
use hearth_domain::task::Task;
use hearth_store::money::{self, Spending};
use hearth_store::{Tx, tasks};
use uuid::Uuid;

use super::Purse;
use crate::error::AppError;

/// How many of the things that money was spent on are named.
const NAMED: usize = 3;

/// What the owner is asked.
pub(crate) struct BudgetQuestion {
    pub(crate) text: String,
    pub(crate) options: Vec<String>,
}

/// Returns the steps of a run that wait for a budget.
pub(crate) fn waiting(all: &[Step]) -> impl Iterator<Item = &Step> {
    all.iter().filter(|step| {
        step.discarded_at.is_none() && step.state == StepState::Waiting(WaitingFor::Budget)
    })
}

/// Returns what the steps that wait for a budget need, together.
pub(crate) fn needs(all: &[Step]) -> Charge {
    waiting(all)
        .filter_map(|step| step.decision.needs)
        .fold(Charge::default(), Charge::plus)
}

/// Puts together what the owner is asked; `None` where nothing is in the way any more.
pub(crate) fn question(
    tx: &impl Tx,
    purse: &Purse,
    run: &Run,
    task: &Task,
    all: &[Step],
) -> Result<Option<BudgetQuestion>, AppError> {
    let over = purse.overs(tx, &run.agent, Some(task), &needs(all))?;
    let mut lines = Vec::new();
    for over in &over {
        lines.push(said(tx, purse, over, task)?);
    }
    let options = match over.as_slice() {
        [] => return Ok(None),
        [one] => {
            let to = amount(one.what, one.suggested());
            lines.push(format!("Shall I raise it to {to}?"));
            format!("raise to {to}")
        }
        more => {
            let mut raised = Vec::new();
            for over in more {
                let name = purse.name(tx, &over.scope, Some(task))?;
                raised.push(format!("{name} to {}", amount(over.what, over.suggested())));
            }
            lines.push(format!("Shall I raise {}?", raised.join(", and ")));
            "raise all".into()
        }
    };
    lines.push("Or say another amount, such as $5 or 100 turns.".into());
    Ok(Some(BudgetQuestion {
        text: lines.join("\n"),
        options: vec![options, "stop".into()],
    }))
}

/// Says of one limit how high it is, what was spent of it on what, and what is needed.
fn said(tx: &impl Tx, purse: &Purse, over: &Over, task: &Task) -> Result<String, AppError> {
    let mut text = in_words(&purse.name(tx, &over.scope, Some(task))?, over);
    let on = on_what(tx, purse, over, task)?;
    if !on.is_empty() {
        text.push_str(" Spent so far: ");
        text.push_str(&on.join(", "));
        text.push('.');
    }
    Ok(text)
}

/// Says of one limit how high it is, what was spent of it, and what is needed.
pub(crate) fn in_words(name: &str, over: &Over) -> String {
    let (spent, limit) = (amount(over.what, over.spent), amount(over.what, over.limit));
    let aside = if over.reserved > 0 {
        let reserved = amount(over.what, over.reserved);
        format!(" ({reserved} of it set aside for calls under way)")
    } else {
        String::new()
    };
    let next = match over.what {
        Resource::Usd | Resource::Tokens => {
            format!("; the next call may need {}", amount(over.what, over.asked))
        }
        Resource::Turns | Resource::ToolCalls | Resource::WallTime | Resource::Children => {
            String::new()
        }
    };
    format!("The budget of {name} is used up: {spent} of {limit} spent{aside}{next}.")
}

/// Names what most was spent on.
fn on_what(tx: &impl Tx, purse: &Purse, over: &Over, task: &Task) -> Result<Vec<String>, AppError> {
    match &over.scope {
        Scope::Task(id) => {
            let top = money::top_of_task(tx, *id, NAMED)?;
            let mut named: Vec<String> = top.iter().map(of_model).collect();
            let spent = money::spent(tx, &over.scope)?.spent;
            for what in [Resource::ToolCalls, Resource::WallTime, Resource::Children] {
                if spent.get(what) > 0 {
                    named.push(amount(what, spent.get(what)));
                }
            }
            Ok(named)
        }
        Scope::Day(day) => {
            let top = money::top_of_day(tx, day, NAMED)?;
            top.iter().map(|row| of_task(tx, row)).collect()
        }
        // What a wider scope was spent on is told by `hearth budget spent`; the day is what matters
        // for an answer now.
        Scope::Everything | Scope::EachDay | Scope::Project(_) | Scope::Agent(_) => {
            let top = money::top_of_task(tx, task.id, NAMED)?;
            let here: u64 = top.iter().map(|row| row.usd_micros).sum();
            let name = purse.name(tx, &Scope::Task(task.id), Some(task))?;
            Ok(vec![format!("{} on {name}", dollars(here))])
        }
    }
}

fn of_model(row: &Spending) -> String {
    let model = if row.key.is_empty() {
        "a model that did not answer"
    } else {
        row.key.as_str()
    };
    let turns = amount(Resource::Turns, row.calls);
    format!("{turns} of {model} ({})", dollars(row.usd_micros))
}

fn of_task(tx: &impl Tx, row: &Spending) -> Result<String, AppError> {
    let money = dollars(row.usd_micros);
    let Ok(id) = Uuid::try_parse(&row.key) else {
        return Ok(format!("{money} on talking"));
    };
    Ok(match tasks::get(tx, hearth_domain::TaskId(id))? {
        Some(task) => format!("{money} on task #{}", task.number),
        None => format!("{money} on a task that was deleted"),
    })
}
