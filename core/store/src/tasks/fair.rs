//! What the node's own agents take next: a fair share for each project.
//!
//! Among the most urgent tasks that they may take, those of the project come first of which they have
//! the fewest at work; tasks without a project share like those of one. Only then age decides. The
//! order costs something only while they are at work: with none under way it is the order of a plain
//! claim.

use std::collections::BTreeMap;

use hearth_domain::Timestamp;
use hearth_domain::field::AgentName;
use hearth_domain::task::Task;
use rusqlite::named_params;

use super::{ENTITY, OPEN_DEPENDENCY, rows};
use crate::columns::{read_one, to_json};
use crate::error::StoreError;
use crate::read_tx::Tx;

/// What the node's own agents look for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FairWanted {
    /// All of them: what these hold is at work.
    pub own: Vec<AgentName>,
    /// Those that may take tasks; what is kept for one of these fits.
    pub free: Vec<AgentName>,
    /// Whether what is kept for nobody fits too.
    pub takes_unkept: bool,
    /// Whether only a task whose context carries a plan will do.
    pub has_plan: bool,
}

/// Returns the task that the node's own agents take next.
pub fn fairest_pending(
    tx: &impl Tx,
    wanted: &FairWanted,
    now: Timestamp,
) -> Result<Option<Task>, StoreError> {
    let Some(oldest) = first(tx, wanted, now, Among::Any)? else {
        return Ok(None);
    };
    let at_work = at_work(tx, &wanted.own)?;
    if !at_work.contains_key(&project_of(&oldest)) {
        return Ok(Some(oldest));
    }
    let rank = oldest.priority.rank();
    let all: Vec<&str> = at_work.keys().map(String::as_str).collect();
    if let Some(other) = first(tx, wanted, now, Among::But(rank, &all))? {
        return Ok(Some(other));
    }
    let mut by_count: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for (project, count) in &at_work {
        by_count.entry(*count).or_default().push(project);
    }
    for projects in by_count.values() {
        if let Some(task) = first(tx, wanted, now, Among::Of(rank, projects))? {
            return Ok(Some(task));
        }
    }
    Ok(Some(oldest))
}

/// Which tasks are looked at; projects by their identifiers in hexadecimal, and no project as nothing.
#[derive(Clone, Copy)]
enum Among<'a> {
    Any,
    /// Those of this priority, but not of these projects.
    But(u8, &'a [&'a str]),
    /// Those of this priority and of these projects.
    Of(u8, &'a [&'a str]),
}

/// Returns the first of them in the order of a plain claim.
fn first(
    tx: &impl Tx,
    wanted: &FairWanted,
    now: Timestamp,
    among: Among<'_>,
) -> Result<Option<Task>, StoreError> {
    const PROJECT: &str = "coalesce(hex(project_id), '')";
    let (condition, rank, projects) = match among {
        // Both are named in every statement, so that one list of parameters fits all.
        Among::Any => (
            ":rank IS NULL AND :projects IS NOT NULL".to_owned(),
            None,
            &[][..],
        ),
        Among::But(rank, projects) => (
            format!(
                "priority = :rank AND {PROJECT} NOT IN (SELECT value FROM json_each(:projects))"
            ),
            Some(rank),
            projects,
        ),
        Among::Of(rank, projects) => (
            format!("priority = :rank AND {PROJECT} IN (SELECT value FROM json_each(:projects))"),
            Some(rank),
            projects,
        ),
    };
    let sql = format!(
        "SELECT {} FROM tasks INDEXED BY tasks_claimable
         WHERE status = 'pending'
           AND (not_before IS NULL OR not_before <= :now)
           AND iif(reserved_for IS NULL, :takes_unkept,
                   reserved_for IN (SELECT value FROM json_each(:free)))
           AND has_plan >= :has_plan
           AND {condition}
           AND (depends_on IS NULL OR NOT EXISTS ({OPEN_DEPENDENCY}))
         ORDER BY priority DESC, number LIMIT 1",
        rows::COLUMNS
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(named_params! {
        ":now": now.as_millis(),
        ":takes_unkept": wanted.takes_unkept,
        ":free": names(&wanted.free)?,
        ":has_plan": wanted.has_plan,
        ":rank": rank,
        ":projects": to_json(ENTITY, "projects", &projects)?,
    })?;
    read_one(ENTITY, found, rows::read)
}

/// Counts, by project, the tasks that the node's own agents hold.
fn at_work(tx: &impl Tx, own: &[AgentName]) -> Result<BTreeMap<String, u64>, StoreError> {
    let sql = "SELECT coalesce(hex(project_id), ''), count(*) FROM tasks INDEXED BY tasks_lease
               WHERE lease_expires_at IS NOT NULL
                 AND lease_holder IN (SELECT value FROM json_each(?1))
               GROUP BY 1";
    let mut statement = tx.conn().prepare_cached(sql)?;
    let counts = statement.query_map([names(own)?], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counts.collect::<Result<_, _>>()?)
}

fn names(agents: &[AgentName]) -> Result<String, StoreError> {
    to_json(ENTITY, "agents", &agents)
}

fn project_of(task: &Task) -> String {
    task.project_id
        .map(|id| id.0.simple().to_string().to_uppercase())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
