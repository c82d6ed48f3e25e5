//! Specialists: agents that a run made for a part of its work, by writing down what they are told,
//! which tools they may use, and within which limits.
//!
//! Grants only narrow and caution only grows: what a specialist may do is at most what its maker may,
//! and what its maker asks the owner before, it asks before too. [`Grants::narrow`] is the one way to
//! make grants of others.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{AgentName, InvalidField, Word, prose};
use crate::id::{AgentId, TaskId};
use crate::money::Limits;

/// The longest instructions, in bytes: a quarter of what a small model reads at once.
pub const INSTRUCTIONS_MAX_BYTES: usize = 8 * 1024;
/// The most specialists of one node.
pub const SPECIALISTS_MAX: usize = 50;
/// The most specialists that one task may make.
pub const MADE_BY_TASK_MAX: usize = 10;
/// How far down specialists may make specialists: the node's own agents are at 0.
pub const DEPTH_MAX: u32 = 3;
/// The sort of agent that a specialist is.
pub const KIND: &str = "specialist";
/// Names that no specialist may take, beside those of agents that there are.
const KEPT_NAMES: [&str; 4] = ["seed", "owner", "system", "cos-agent"];

/// What an agent of the node's may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// The tools it may call.
    pub tools: BTreeSet<Word>,
    /// The tools before whose calls the owner is asked each time.
    pub asks_before: BTreeSet<Word>,
    /// How much it may use up for one task.
    pub limits: Limits,
    /// How many made each other above it.
    pub depth: u32,
}

/// What a new specialist is to have of its maker's grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WantedGrants {
    /// The tools; all of its maker's where nothing is said.
    pub tools: Option<BTreeSet<Word>>,
    /// Tools to ask the owner before, beside those of its maker.
    pub asks_before: BTreeSet<Word>,
    /// The limits; those of its maker where nothing is said.
    pub limits: Limits,
}

impl Grants {
    /// What the node's own agent may do: call every tool there is, within the limits of its task.
    pub fn all(tools: BTreeSet<Word>) -> Self {
        Self {
            tools,
            asks_before: BTreeSet::new(),
            limits: Limits::default(),
            depth: 0,
        }
    }

    /// Makes grants for an agent of this one's making.
    ///
    /// # Errors
    /// It wants a tool or a limit beyond these, or is too far down.
    pub fn narrow(&self, wanted: WantedGrants) -> Result<Self, InvalidField> {
        if self.depth >= DEPTH_MAX {
            return Err(InvalidField::new(
                "name",
                format!(
                    "cannot be made here: specialists make specialists {DEPTH_MAX} deep at most; hand \
                     the work to one that there is"
                ),
            ));
        }
        let tools = wanted.tools.unwrap_or_else(|| self.tools.clone());
        if let Some(beyond) = tools.difference(&self.tools).next() {
            let own: Vec<&str> = self.tools.iter().map(Word::as_str).collect();
            return Err(InvalidField::new(
                "tools",
                format!(
                    "must be of those of the agent that asks, which has no {beyond}; it has {}",
                    own.join(", ")
                ),
            ));
        }
        Ok(Self {
            tools,
            asks_before: &self.asks_before | &wanted.asks_before,
            limits: self.limits.narrow(wanted.limits)?,
            depth: self.depth + 1,
        })
    }

    /// Whether `other` may do no more, and is no less careful: work may be handed to it.
    pub fn cover(&self, other: &Self) -> bool {
        other.tools.is_subset(&self.tools)
            && other.asks_before.is_superset(&self.asks_before)
            && self.limits.cover(&other.limits)
    }
}

/// An agent that a run made.
#[derive(Debug, Clone, PartialEq)]
pub struct Specialist {
    /// Identifies it as an agent.
    pub id: AgentId,
    /// Its name as an agent.
    pub name: AgentName,
    /// What its model is told of its trade.
    pub instructions: String,
    /// What it may do.
    pub grants: Grants,
    /// The specialist that made it; none where one of the node's own agents did.
    pub parent: Option<AgentName>,
    /// The agent that made it.
    pub created_by: AgentName,
    /// The task for which it was made, while that is there.
    pub task_id: Option<TaskId>,
    /// Whether it takes tasks.
    pub is_enabled: bool,
    /// Rises by one with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a specialist is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSpecialist {
    /// See [`Specialist::name`].
    pub name: AgentName,
    /// See [`Specialist::instructions`].
    pub instructions: String,
    /// Of what its maker may do, what it may.
    pub grants: WantedGrants,
}

/// What every event about a specialist says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecialistFacts {
    /// The agent.
    pub agent_id: AgentId,
    /// Its name.
    pub name: AgentName,
    /// Who made it.
    pub created_by: AgentName,
    /// The task for which it was made.
    pub task_id: Option<TaskId>,
    /// The tools it may call.
    pub tools: BTreeSet<Word>,
    /// How many made each other above it.
    pub depth: u32,
    /// Whether it takes tasks.
    pub is_enabled: bool,
    /// Its version.
    pub version: u64,
}

impl Specialist {
    /// Makes a specialist with `grants`, which [`Grants::narrow`] made of its maker's.
    ///
    /// # Errors
    /// Its name is kept for others; its instructions are too long, or empty.
    pub fn create(
        id: AgentId,
        new: NewSpecialist,
        grants: Grants,
        maker: &Maker,
        now: Timestamp,
    ) -> Result<Change<Self>, InvalidField> {
        if KEPT_NAMES.contains(&new.name.as_str()) {
            return Err(InvalidField::new(
                "name",
                format!("must not be {}", KEPT_NAMES.join(", ")),
            ));
        }
        let after = Self {
            id,
            name: new.name,
            instructions: check_instructions(&new.instructions)?,
            grants,
            parent: maker.is_specialist.then(|| maker.name.clone()),
            created_by: maker.name.clone(),
            task_id: Some(maker.task),
            is_enabled: true,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let event = EventKind::SpecialistCreated(after.facts());
        Ok(Change { after, event })
    }

    /// Has it take tasks again; `None` if it does.
    pub fn enable(self, now: Timestamp) -> Option<Change<Self>> {
        (!self.is_enabled).then(|| self.switched(true, now))
    }

    /// Has it take no tasks any more; `None` if it takes none.
    pub fn disable(self, now: Timestamp) -> Option<Change<Self>> {
        self.is_enabled.then(|| self.switched(false, now))
    }

    /// Tells that it is no more.
    pub fn remove(&self) -> EventKind {
        EventKind::SpecialistRemoved(self.facts())
    }

    fn switched(mut self, is_enabled: bool, now: Timestamp) -> Change<Self> {
        self.is_enabled = is_enabled;
        self.version += 1;
        self.updated_at = now;
        let facts = self.facts();
        let event = if is_enabled {
            EventKind::SpecialistEnabled(facts)
        } else {
            EventKind::SpecialistDisabled(facts)
        };
        Change { after: self, event }
    }

    fn facts(&self) -> SpecialistFacts {
        SpecialistFacts {
            agent_id: self.id,
            name: self.name.clone(),
            created_by: self.created_by.clone(),
            task_id: self.task_id,
            tools: self.grants.tools.clone(),
            depth: self.grants.depth,
            is_enabled: self.is_enabled,
            version: self.version,
        }
    }
}

/// Who makes a specialist, and in which task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    /// The agent.
    pub name: AgentName,
    /// Whether that is a specialist itself.
    pub is_specialist: bool,
    /// The task it holds.
    pub task: TaskId,
}

fn check_instructions(text: &str) -> Result<String, InvalidField> {
    let text = prose("instructions", text.trim(), INSTRUCTIONS_MAX_BYTES)?;
    if text.is_empty() {
        return Err(InvalidField::new(
            "instructions",
            "must not be empty; say what the agent is good at and how it works",
        ));
    }
    if text.len() > INSTRUCTIONS_MAX_BYTES {
        return Err(InvalidField::new(
            "instructions",
            format!("must be at most {INSTRUCTIONS_MAX_BYTES} bytes"),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
