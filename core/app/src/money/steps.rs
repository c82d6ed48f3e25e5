//! How steps of runs pay: before they are made, and when they have ended.

use hearth_domain::money::{
    CallEnd, Charge, Limits, ModelCall, NewCall, Purpose, Resource, Scope, StepKey, Usage,
};
use hearth_domain::run::{Run, Step};
use hearth_domain::task::{Budget, Task};
use hearth_domain::{CallId, Timestamp};
use hearth_store::{WriteTx, money};

use super::{EXTRACT_ARG, MODEL_TOOL, Purse};
use crate::error::AppError;

/// Sets a step's worst case aside, or counts its call.
pub(crate) fn pay_for_step(
    tx: &mut WriteTx<'_>,
    purse: &Purse,
    run: &Run,
    task: &Task,
    step: &Step,
    worst_case: Option<Usage>,
    now: Timestamp,
) -> Result<(), AppError> {
    if step.action.tool.as_str() != MODEL_TOOL {
        return purse.charge(tx, &run.agent, Some(task), &Charge::tool_call(), now);
    }
    let call = NewCall {
        purpose: if step.action.args.contains_key(EXTRACT_ARG) {
            Purpose::Extract
        } else {
            Purpose::Task
        },
        step: Some(key_of(step)),
        conversation: None,
        task: Some(task.id),
        project: task.project_id,
        agent: run.agent.clone(),
        worst_case: worst_case.unwrap_or_default(),
        day: purse.today,
    };
    let id = CallId(tx.fresh_uuid());
    money::reserve(tx, &ModelCall::reserve(id, call, now))?;
    purse.note_low(tx, &run.agent, Some(task), now)
}

/// Takes the limits of a task that another one makes out of that one's; returns them, and what the
/// task's own budget is from then on, where that changed.
pub(crate) fn carve(
    tx: &mut WriteTx<'_>,
    purse: &Purse,
    task: &Task,
    wanted: Limits,
    by: &str,
    now: Timestamp,
) -> Result<(Limits, Option<Budget>), AppError> {
    let scope = Scope::Task(task.id);
    let account = purse.account(tx, scope.clone(), Some(task))?;
    let (part, left) = account.carve(wanted)?;
    // What the owner said of the task counts before what the task says itself.
    let said = money::limits(tx, &scope)?.unwrap_or_default();
    for what in [Resource::Usd, Resource::Tokens] {
        if said.get(what).is_some() {
            let (was, is) = (account.limits.get(what), left.get(what));
            money::set_limit(tx, &scope, what, is, (was, is), by, now)?;
        }
    }
    Ok((part, (left != account.limits).then(|| left.into())))
}

/// Settles what was set aside for an attempt at a step, once; returns whether there was something.
pub(crate) fn settle_step(
    tx: &mut WriteTx<'_>,
    step: &Step,
    end: CallEnd,
    now: Timestamp,
) -> Result<bool, AppError> {
    match money::find_open_of_step(tx, key_of(step))? {
        None => Ok(false),
        Some(call) => settle(tx, call, end, now),
    }
}

/// Settles a call, once; returns whether it was open.
pub(super) fn settle(
    tx: &WriteTx<'_>,
    call: ModelCall,
    end: CallEnd,
    now: Timestamp,
) -> Result<bool, AppError> {
    let Some(call) = call.end(end, now) else {
        return Ok(false);
    };
    money::settle(tx, &call)?;
    // Counted here, where every way to an end comes by; a transaction that is given up afterwards is
    // so rare that the measure may be off by it.
    let used = call.used.unwrap_or_default();
    let status = call.status.as_str();
    metrics::counter!("hearth_model_calls_total", "status" => status).increment(1);
    for (direction, tokens) in [("input", used.input_tokens), ("output", used.output_tokens)] {
        metrics::counter!("hearth_model_tokens_total", "direction" => direction).increment(tokens);
    }
    Ok(true)
}

fn key_of(step: &Step) -> StepKey {
    StepKey {
        run: step.run_id,
        place: step.place,
        attempt: step.attempt,
    }
}
