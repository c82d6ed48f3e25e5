//! Tools that agents make: Python code under a name, in versions that never change.
//!
//! A version is what was tried and, where it asks for rights, what the owner said yes to. So nothing of
//! its [`Definition`] is ever written again: what changes is where it stands, and how often it was used.
//! The *current* version of a name is the newest that was not rolled back; it alone is meant by the
//! name without a version.

mod definition;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{InvalidField, Word};
use crate::id::{TaskId, ToolId};

pub use definition::{
    CODE_MAX_BYTES, Definition, EXAMPLES_MAX, Example, Grants, HostGrants, PARAMETERS_MAX_BYTES,
    TOOL_NAME_MAX, ToolHash,
};

/// How many tools there may be, by name.
pub const TOOLS_MAX: usize = 500;
/// How many versions a tool may have.
pub const VERSIONS_MAX: usize = 50;
/// How many failures in a row set a version aside.
pub const FAILURES_IN_ROW_MAX: u32 = 3;
/// How much of a reason is kept, in characters.
const REASON_CHARS: usize = 2000;

/// Where a version stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolState {
    /// It may be called.
    Enabled,
    /// The owner does not want it called.
    Disabled {
        /// Who said so.
        by: String,
        /// Why, if they said.
        reason: Option<String>,
    },
    /// It failed too often in a row.
    SetAside {
        /// How it failed last.
        reason: String,
    },
    /// The owner went back to an earlier version.
    RolledBack {
        /// Who did.
        by: String,
        /// To which one.
        to: u32,
    },
}

impl ToolState {
    /// Returns the word for it.
    pub fn status(&self) -> ToolStatus {
        match self {
            Self::Enabled => ToolStatus::Enabled,
            Self::Disabled { .. } => ToolStatus::Disabled,
            Self::SetAside { .. } => ToolStatus::SetAside,
            Self::RolledBack { .. } => ToolStatus::RolledBack,
        }
    }
}

/// The word for where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// See [`ToolState::Enabled`].
    Enabled,
    /// See [`ToolState::Disabled`].
    Disabled,
    /// See [`ToolState::SetAside`].
    SetAside,
    /// See [`ToolState::RolledBack`].
    RolledBack,
}

impl ToolStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [
        Self::Enabled,
        Self::Disabled,
        Self::SetAside,
        Self::RolledBack,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::SetAside => "set_aside",
            Self::RolledBack => "rolled_back",
        }
    }
}

impl fmt::Display for ToolStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ToolStatus {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                InvalidField::new(
                    "status",
                    "must be enabled, disabled, set_aside or rolled_back",
                )
            })
    }
}

/// One version of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeTool {
    /// Identifies the version.
    pub id: ToolId,
    /// Which version of its name, from 1 on.
    pub version: u32,
    /// What it is.
    pub definition: Definition,
    /// SHA-256 of the definition.
    pub sha256: ToolHash,
    /// Where it stands.
    pub state: ToolState,
    /// How often it was called.
    pub uses: u64,
    /// How often that failed through its own fault.
    pub failures: u64,
    /// How often it failed since it last did not.
    pub failures_in_row: u32,
    /// When it was last called.
    pub last_used_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: String,
    /// In which task; none once that is deleted.
    pub task_id: Option<TaskId>,
    /// When.
    pub created_at: Timestamp,
}

/// Where a version comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// See [`MadeTool::created_by`].
    pub by: String,
    /// See [`MadeTool::task_id`].
    pub task_id: TaskId,
}

/// What every event about a tool says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolFacts {
    /// The version.
    pub tool_id: ToolId,
    /// Its name.
    pub name: Word,
    /// Which version.
    pub version: u32,
    /// Where it stands.
    pub status: ToolStatus,
    /// What it may do.
    pub grants: Grants,
    /// SHA-256 of its definition, in hexadecimal.
    pub sha256: String,
}

/// A version as its callers need it: without its code and its examples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolHead {
    /// See [`MadeTool::id`].
    pub id: ToolId,
    /// Its name.
    pub name: Word,
    /// See [`MadeTool::version`].
    pub version: u32,
    /// What it is for.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: crate::field::JsonObject,
    /// What it may do.
    pub grants: Grants,
    /// Where it stands.
    pub status: ToolStatus,
    /// Whether its name alone means this version.
    pub is_current: bool,
}

/// What became of a failure that was counted.
#[derive(Debug, Clone, PartialEq)]
pub enum Counted {
    /// It was noted.
    Noted(Box<MadeTool>),
    /// It was one too many.
    SetAside(Box<Change<MadeTool>>),
}

/// Why a tool cannot be brought to where it should stand.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ToolRefusal {
    /// There is no such version.
    #[error("tool {name} has no version {version}; it has 1 to {newest}")]
    NoVersion {
        /// The tool.
        name: Word,
        /// What was asked for.
        version: u32,
        /// The newest there is.
        newest: u32,
    },
    /// It stands there already, or cannot.
    #[error("{0}")]
    State(String),
}

impl MadeTool {
    /// Makes a version that may be called at once.
    pub fn create(
        id: ToolId,
        version: u32,
        definition: Definition,
        origin: Origin,
        now: Timestamp,
    ) -> Change<Self> {
        let after = Self {
            id,
            version,
            sha256: definition.sha256(),
            definition,
            state: ToolState::Enabled,
            uses: 0,
            failures: 0,
            failures_in_row: 0,
            last_used_at: None,
            created_by: origin.by,
            task_id: Some(origin.task_id),
            created_at: now,
        };
        after.changed(EventKind::ToolCreated)
    }

    /// Returns its name.
    pub fn name(&self) -> &Word {
        &self.definition.name
    }

    /// Lets it be called, its failures forgotten; `None` where it may be called already.
    pub fn enable(mut self) -> Option<Change<Self>> {
        if self.state == ToolState::Enabled {
            return None;
        }
        self.state = ToolState::Enabled;
        self.failures_in_row = 0;
        Some(self.changed(EventKind::ToolEnabled))
    }

    /// Lets it be called no more; `None` where it is disabled already.
    pub fn disable(mut self, by: &str, reason: Option<String>) -> Option<Change<Self>> {
        if matches!(self.state, ToolState::Disabled { .. }) {
            return None;
        }
        self.state = ToolState::Disabled {
            by: by.to_owned(),
            reason: reason.clone(),
        };
        Some(self.changed(|tool| EventKind::ToolDisabled { tool, reason }))
    }

    /// Puts it behind an earlier version.
    fn roll_back(mut self, to: u32, by: &str) -> Option<Change<Self>> {
        if matches!(self.state, ToolState::RolledBack { .. }) {
            return None;
        }
        self.state = ToolState::RolledBack {
            by: by.to_owned(),
            to,
        };
        Some(self.changed(|tool| EventKind::ToolRolledBack {
            tool,
            to_version: to,
        }))
    }

    /// Counts a call that brought its result.
    #[must_use]
    pub fn succeed(mut self, now: Timestamp) -> Self {
        self.uses = self.uses.saturating_add(1);
        self.failures_in_row = 0;
        self.last_used_at = Some(now);
        self
    }

    /// Counts a call that failed, through no fault of its own.
    #[must_use]
    pub fn excuse(mut self, now: Timestamp) -> Self {
        self.uses = self.uses.saturating_add(1);
        self.last_used_at = Some(now);
        self
    }

    /// Counts a call that failed through its own fault, and sets it aside where that is one too many.
    #[must_use]
    pub fn fail(mut self, story: &str, now: Timestamp) -> Counted {
        self.uses = self.uses.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        self.last_used_at = Some(now);
        if self.failures_in_row < FAILURES_IN_ROW_MAX || self.state != ToolState::Enabled {
            return Counted::Noted(Box::new(self));
        }
        let reason: String = story
            .chars()
            .filter(|c| *c != '\0')
            .take(REASON_CHARS)
            .collect();
        self.state = ToolState::SetAside {
            reason: reason.clone(),
        };
        Counted::SetAside(Box::new(
            self.changed(|tool| EventKind::ToolSetAside { tool, reason }),
        ))
    }

    fn changed(self, event: impl FnOnce(ToolFacts) -> EventKind) -> Change<Self> {
        let event = event(ToolFacts {
            tool_id: self.id,
            name: self.definition.name.clone(),
            version: self.version,
            status: self.state.status(),
            grants: self.definition.grants.clone(),
            sha256: self.sha256.to_string(),
        });
        Change { after: self, event }
    }
}

/// Returns the version that a name alone means: the newest that was not rolled back.
pub fn current(versions: &[MadeTool]) -> Option<&MadeTool> {
    let standing = versions
        .iter()
        .filter(|tool| !matches!(tool.state, ToolState::RolledBack { .. }));
    standing.max_by_key(|tool| tool.version)
}

/// Makes an earlier version the current one: `to`, or the one before the current. Later ones are rolled
/// back, and it may be called whatever it was before.
///
/// # Errors
/// There is no such version, or none before the current; `to` is not before the current.
pub fn roll_back(
    versions: Vec<MadeTool>,
    to: Option<u32>,
    by: &str,
) -> Result<Vec<Change<MadeTool>>, ToolRefusal> {
    let Some(present) = current(&versions) else {
        return Err(ToolRefusal::State("there is no version of it".into()));
    };
    let (name, present) = (present.name().clone(), present.version);
    let newest = versions.iter().map(|tool| tool.version).max();
    let earlier = versions.iter().filter(|tool| tool.version < present);
    let target = match to {
        Some(to) if !versions.iter().any(|tool| tool.version == to) => {
            return Err(ToolRefusal::NoVersion {
                name,
                version: to,
                newest: newest.unwrap_or_default(),
            });
        }
        Some(to) if to >= present => {
            return Err(ToolRefusal::State(format!(
                "version {present} of tool {name} is the current one, and {to} is not before it; to \
                 go forward: hearth tool enable {name} --version {to}"
            )));
        }
        Some(to) => to,
        None => earlier.map(|tool| tool.version).max().ok_or_else(|| {
            ToolRefusal::State(format!("tool {name} has no version before {present}"))
        })?,
    };
    let mut changes = Vec::new();
    for tool in versions {
        if tool.version > target {
            changes.extend(tool.roll_back(target, by));
        } else if tool.version == target {
            changes.extend(tool.enable());
        }
    }
    Ok(changes)
}
