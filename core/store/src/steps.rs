//! The journal of runs: one row for each attempt at a step.

use hearth_domain::action::Action;
use hearth_domain::field::Word;
use hearth_domain::policy::Labels;
use hearth_domain::run::{Run, Step, StepState, WaitingFor};
use hearth_domain::{ApprovalId, Change, RunId, TaskId, Timestamp};
use rusqlite::params;
use serde_json::Value;

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "step";
const COLUMNS: &str = "run_id, place, attempt, name, tool, args, repeat, brings, decision, status,
    waiting_for, approval_id, child_id, outcome, error, fence, created_at, acted_at, ended_at,
    discarded_at";

/// Returns every attempt of a run, in the order of the plan, those that were discarded included.
pub fn of_run(tx: &impl Tx, run: RunId) -> Result<Vec<Step>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM steps WHERE run_id = ?1 ORDER BY place, attempt"
    ))?;
    let found = statement.query([run.0])?;
    read_all(ENTITY, found, read)
}

/// Returns one attempt.
pub fn get(tx: &impl Tx, run: RunId, place: u32, attempt: u32) -> Result<Option<Step>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM steps WHERE run_id = ?1 AND place = ?2 AND attempt = ?3"
    ))?;
    let found = statement.query(params![run.0, place, attempt])?;
    read_one(ENTITY, found, read)
}

/// Returns the attempt that waits for a task which was handed to another agent.
pub fn waiting_for_child(tx: &impl Tx, child: TaskId) -> Result<Option<Step>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "SELECT {COLUMNS} FROM steps INDEXED BY steps_child
         WHERE child_id = ?1 AND discarded_at IS NULL"
    ))?;
    let found = statement.query([child.0])?;
    read_one(ENTITY, found, read)
}

/// Returns the runs of which a step waits for a budget, those that waited first before the others.
pub fn runs_waiting_for_budget(tx: &impl Tx, limit: usize) -> Result<Vec<RunId>, StoreError> {
    let sql = "SELECT run_id FROM steps INDEXED BY steps_budget
               WHERE waiting_for = 'budget' AND discarded_at IS NULL
               GROUP BY run_id ORDER BY min(created_at), run_id LIMIT ?1";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let found = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    read_all(ENTITY, found, |columns| Ok(RunId(columns.uuid(0)?)))
}

/// Returns what the calls of a run brought into it, as [`Step::brought`] says of each. Read from
/// beside the outcomes, which may be large.
pub fn brought(tx: &impl Tx, run: RunId) -> Result<Labels, StoreError> {
    const SQL: &str = "WITH said (made, brings, late) AS (
            SELECT json_extract(decision, '$.verdict') IN ('allow', 'change'), brings,
                CASE status WHEN 'done' THEN json_extract(outcome, '$.brings') END
            FROM steps WHERE run_id = ?1
        )
        SELECT
            coalesce(max((made AND json_extract(brings, '$.untrusted'))
                OR coalesce(json_extract(late, '$.untrusted'), 0)), 0),
            coalesce(max((made AND json_extract(brings, '$.private'))
                OR coalesce(json_extract(late, '$.private'), 0)), 0)
        FROM said";
    let labels = |row: &rusqlite::Row<'_>| {
        Ok(Labels {
            untrusted: row.get(0)?,
            private: row.get(1)?,
        })
    };
    let mut statement = tx.conn().prepare_cached(SQL)?;
    Ok(statement.query_row([run.0], labels)?)
}

/// Stores a new attempt.
pub fn insert(
    tx: &mut WriteTx<'_>,
    change: Change<Step>,
    run: &Run,
    at: Timestamp,
) -> Result<Step, StoreError> {
    let Change { after, event } = change;
    let columns = Stored::of(&after)?;
    tx.execute(
        "INSERT INTO steps (run_id, place, attempt, name, tool, args, repeat, brings, decision,
             status, waiting_for, approval_id, outcome, error, fence, created_at, acted_at, ended_at,
             child_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        params![
            after.run_id.0,
            after.place,
            after.attempt,
            after.name.as_str(),
            after.action.tool.as_str(),
            to_json(ENTITY, "args", &after.action.args)?,
            after.repeat.as_str(),
            to_json(ENTITY, "brings", &after.brings)?,
            to_json(ENTITY, "decision", &after.decision)?,
            columns.status,
            columns.waiting_for,
            columns.approval.map(|id| id.0),
            columns.outcome,
            columns.error,
            after.fence,
            after.created_at.as_millis(),
            after.acted_at.map(Timestamp::as_millis),
            after.ended_at.map(Timestamp::as_millis),
            columns.child.map(|id| id.0),
        ],
    )?;
    tx.append(run.id.0, run.agent.as_str(), at, &event)?;
    Ok(after)
}

/// Stores an attempt that went on; `by` made it go on.
pub fn save(
    tx: &mut WriteTx<'_>,
    change: Change<Step>,
    run: &Run,
    by: &str,
    at: Timestamp,
) -> Result<Step, StoreError> {
    let Change { after, event } = change;
    let columns = Stored::of(&after)?;
    // What has ended stays as it ended, but that it may be discarded; what was discarded stays so.
    let changed = tx.execute(
        "UPDATE steps SET decision = ?4, status = ?5, waiting_for = ?6, approval_id = ?7,
             outcome = ?8, error = ?9, fence = ?10, acted_at = ?11, ended_at = ?12, discarded_at = ?13,
             child_id = ?14, brings = ?15
         WHERE run_id = ?1 AND place = ?2 AND attempt = ?3 AND discarded_at IS NULL
             AND (ended_at IS NULL OR (status = ?5 AND ?13 IS NOT NULL))",
        params![
            after.run_id.0,
            after.place,
            after.attempt,
            to_json(ENTITY, "decision", &after.decision)?,
            columns.status,
            columns.waiting_for,
            columns.approval.map(|id| id.0),
            columns.outcome,
            columns.error,
            after.fence,
            after.acted_at.map(Timestamp::as_millis),
            after.ended_at.map(Timestamp::as_millis),
            after.discarded_at.map(Timestamp::as_millis),
            columns.child.map(|id| id.0),
            to_json(ENTITY, "brings", &after.brings)?,
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.run_id.0,
        });
    }
    tx.append(run.id.0, by, at, &event)?;
    Ok(after)
}

/// What a state is in columns.
struct Stored {
    status: &'static str,
    waiting_for: Option<&'static str>,
    approval: Option<ApprovalId>,
    child: Option<TaskId>,
    outcome: Option<String>,
    error: Option<String>,
}

impl Stored {
    fn of(step: &Step) -> Result<Self, StoreError> {
        let mut stored = Self {
            status: step.state.status().as_str(),
            waiting_for: None,
            approval: None,
            child: None,
            outcome: None,
            error: None,
        };
        match &step.state {
            StepState::Waiting(WaitingFor::Approval(id)) => {
                stored.waiting_for = Some("approval");
                stored.approval = Some(*id);
            }
            StepState::Waiting(WaitingFor::Answer) => stored.waiting_for = Some("answer"),
            StepState::Waiting(WaitingFor::Doubt) => stored.waiting_for = Some("doubt"),
            StepState::Waiting(WaitingFor::Budget) => stored.waiting_for = Some("budget"),
            StepState::Waiting(WaitingFor::Child(id)) => {
                stored.waiting_for = Some("child");
                stored.child = Some(*id);
            }
            StepState::Acted { outcome } => {
                stored.outcome = Some(to_json(ENTITY, "outcome", outcome)?);
            }
            StepState::Done(end) => stored.outcome = Some(to_json(ENTITY, "outcome", end)?),
            StepState::Failed { error } => stored.error = Some(error.clone()),
            StepState::Intended | StepState::Interrupted => (),
        }
        Ok(stored)
    }
}

fn read(columns: &Columns<'_, '_>) -> Result<Step, StoreError> {
    Ok(Step {
        run_id: RunId(columns.uuid(0)?),
        place: columns.count("place", 1)?,
        attempt: columns.count("attempt", 2)?,
        name: Word::from_stored(columns.text(3)?),
        action: Action {
            tool: Word::from_stored(columns.text(4)?),
            args: columns.object("args", 5)?,
        },
        repeat: columns.word("repeat", 6)?,
        brings: columns.json("brings", 7)?,
        decision: columns.json("decision", 8)?,
        state: read_state(columns)?,
        fence: columns.count("fence", 15)?,
        created_at: columns.time(16)?,
        acted_at: columns.time_option(17)?,
        ended_at: columns.time_option(18)?,
        discarded_at: columns.time_option(19)?,
    })
}

fn read_state(columns: &Columns<'_, '_>) -> Result<StepState, StoreError> {
    let status = columns.text(9)?;
    let waiting_for = columns.text_option(10)?;
    let approval = columns.uuid_option(11)?.map(ApprovalId);
    let child = columns.uuid_option(12)?.map(TaskId);
    if let ("waiting", Some("child"), Some(id)) = (status.as_str(), waiting_for.as_deref(), child) {
        return Ok(StepState::Waiting(WaitingFor::Child(id)));
    }
    match (status.as_str(), waiting_for.as_deref(), approval) {
        ("waiting", Some("approval"), Some(id)) => Ok(StepState::Waiting(WaitingFor::Approval(id))),
        ("waiting", Some("answer"), None) => Ok(StepState::Waiting(WaitingFor::Answer)),
        ("waiting", Some("doubt"), None) => Ok(StepState::Waiting(WaitingFor::Doubt)),
        ("waiting", Some("budget"), None) => Ok(StepState::Waiting(WaitingFor::Budget)),
        ("intended", None, None) => Ok(StepState::Intended),
        ("acted", None, None) => Ok(StepState::Acted {
            outcome: columns.json::<Value>("outcome", 13)?,
        }),
        ("done", None, None) => Ok(StepState::Done(columns.json("outcome", 13)?)),
        ("failed", None, None) => Ok(StepState::Failed {
            error: columns.text(14)?,
        }),
        ("interrupted", None, None) => Ok(StepState::Interrupted),
        _ => Err(StoreError::corrupt(
            ENTITY,
            "status",
            "is no state of a step",
        )),
    }
}

#[cfg(test)]
mod tests;
