//! The ledger: one row for each call of a model.

use hearth_domain::field::AgentName;
use hearth_domain::money::{CallStatus, Charge, ModelCall, NewCall, StepKey, Usage};
use hearth_domain::{CallId, ConversationId, ProjectId, RunId, TaskId, Timestamp};
use rusqlite::params;

use super::{add, give_back};
use crate::columns::{Columns, read_all, read_one};
use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "call of a model";
const COLUMNS: &str =
    "id, purpose, run_id, place, attempt, conversation_id, task_id, project_id, agent,
    provider, model, status, reserved_usd_micros, reserved_input_tokens, reserved_output_tokens,
    used_usd_micros, used_input_tokens, used_output_tokens, day, created_at, ended_at";

/// Returns an entry.
pub fn get(tx: &impl Tx, id: CallId) -> Result<Option<ModelCall>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM model_calls WHERE id = ?1");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([id.0])?;
    read_one(ENTITY, found, read)
}

/// Returns what is still reserved for an attempt at a step.
pub fn find_open_of_step(tx: &impl Tx, step: StepKey) -> Result<Option<ModelCall>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM model_calls
         WHERE run_id = ?1 AND place = ?2 AND attempt = ?3 AND status = 'reserved'"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![step.run.0, step.place, step.attempt])?;
    read_one(ENTITY, found, read)
}

/// Returns up to 100 calls that are reserved and that nobody will settle: outside runs those from
/// before a moment, and those of runs that are gone.
pub fn cut_off(tx: &impl Tx, before: Timestamp) -> Result<Vec<ModelCall>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM model_calls
         WHERE status = 'reserved'
           AND ((run_id IS NULL AND created_at < ?1)
                OR (run_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = run_id)))
         LIMIT 100"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([before.as_millis()])?;
    read_all(ENTITY, found, read)
}

/// Returns up to `limit` calls for a task, the last first.
pub fn calls_of_task(
    tx: &impl Tx,
    task: TaskId,
    limit: usize,
) -> Result<Vec<ModelCall>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM model_calls WHERE task_id = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = statement.query(params![task.0, limit])?;
    read_all(ENTITY, found, read)
}

/// Enters a call that is about to be made, and sets its worst case aside wherever it counts. Its turn
/// counts at once, whatever becomes of it, so that turns that fail are bounded too.
pub fn reserve(tx: &WriteTx<'_>, call: &ModelCall) -> Result<(), StoreError> {
    let ModelCall { id, call: new, .. } = call;
    let step = new.step;
    tx.execute(
        "INSERT INTO model_calls (id, purpose, run_id, place, attempt, conversation_id, task_id,
             project_id, agent, status, reserved_usd_micros, reserved_input_tokens,
             reserved_output_tokens, day, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            id.0,
            new.purpose.as_str(),
            step.map(|step| step.run.0),
            step.map(|step| step.place),
            step.map(|step| step.attempt),
            new.conversation.map(|id| id.0),
            new.task.map(|id| id.0),
            new.project.map(|id| id.0),
            new.agent.as_str(),
            call.status.as_str(),
            new.worst_case.usd_micros,
            new.worst_case.input_tokens,
            new.worst_case.output_tokens,
            new.day.to_string(),
            call.created_at.as_millis(),
        ],
    )?;
    let turn = Charge::turn(Usage::default());
    let aside = Charge::of_usage(new.worst_case);
    for scope in new.scopes() {
        add(tx, &scope, &turn, &aside, call.created_at)?;
    }
    Ok(())
}

/// Stores how a call ended: what was set aside for it is given back, and what it used is spent. A
/// call that was settled before stays as it was.
///
/// # Errors
/// It is not ended, or was settled meanwhile.
pub fn settle(tx: &WriteTx<'_>, call: &ModelCall) -> Result<(), StoreError> {
    let (Some(used), Some(at)) = (call.used, call.ended_at) else {
        return Err(StoreError::corrupt(ENTITY, "status", "is not ended"));
    };
    let changed = tx.execute(
        "UPDATE model_calls SET status = ?2, provider = ?3, model = ?4, used_usd_micros = ?5,
             used_input_tokens = ?6, used_output_tokens = ?7, ended_at = ?8
         WHERE id = ?1 AND status = 'reserved'",
        params![
            call.id.0,
            call.status.as_str(),
            call.provider,
            call.model,
            used.usd_micros,
            used.input_tokens,
            used.output_tokens,
            at.as_millis(),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: call.id.0,
        });
    }
    let aside = Charge::of_usage(call.call.worst_case);
    let spent = Charge::of_usage(used);
    for scope in call.call.scopes() {
        give_back(tx, &scope, &aside)?;
        add(tx, &scope, &spent, &Charge::default(), at)?;
    }
    Ok(())
}

fn read(columns: &Columns<'_, '_>) -> Result<ModelCall, StoreError> {
    let step = match columns.uuid_option(2)? {
        None => None,
        Some(run) => Some(StepKey {
            run: RunId(run),
            place: columns.count("place", 3)?,
            attempt: columns.count("attempt", 4)?,
        }),
    };
    let status: CallStatus = columns.word("status", 11)?;
    let used = match status {
        CallStatus::Reserved => None,
        CallStatus::Settled | CallStatus::Unknown => Some(usage(columns, 15)?),
    };
    Ok(ModelCall {
        id: CallId(columns.uuid(0)?),
        call: NewCall {
            purpose: columns.word("purpose", 1)?,
            step,
            conversation: columns.uuid_option(5)?.map(ConversationId),
            task: columns.uuid_option(6)?.map(TaskId),
            project: columns.uuid_option(7)?.map(ProjectId),
            agent: AgentName::from_stored(columns.text(8)?),
            worst_case: usage(columns, 12)?,
            day: columns.word("day", 18)?,
        },
        status,
        provider: columns.text_option(9)?,
        model: columns.text_option(10)?,
        used,
        created_at: columns.time(19)?,
        ended_at: columns.time_option(20)?,
    })
}

fn usage(columns: &Columns<'_, '_>, first: usize) -> Result<Usage, StoreError> {
    Ok(Usage {
        usd_micros: columns.count("usd_micros", first)?,
        input_tokens: columns.count("input_tokens", first + 1)?,
        output_tokens: columns.count("output_tokens", first + 2)?,
    })
}
