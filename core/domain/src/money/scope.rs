//! Where what is used up counts.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::field::{AgentName, InvalidField};
use crate::id::{ProjectId, TaskId};

/// What a budget is for. Everything that is used up counts in several: for a task in the task, its
/// agent, its project, the day and everything; for a chat in the chief of staff, the day and
/// everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything there ever was.
    Everything,
    /// One day, where the person is.
    Day(Date),
    /// Any day for which nothing else is said. It has limits; what is spent is spent on a date.
    EachDay,
    /// One project.
    Project(ProjectId),
    /// One agent.
    Agent(AgentName),
    /// One task.
    Task(TaskId),
}

/// What sort of thing a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// See [`Scope::Everything`].
    Everything,
    /// See [`Scope::Day`].
    Day,
    /// See [`Scope::Project`].
    Project,
    /// See [`Scope::Agent`].
    Agent,
    /// See [`Scope::Task`].
    Task,
}

/// The key of [`Scope::Everything`].
const ALL: &str = "all";
/// The key of [`Scope::EachDay`].
const EACH: &str = "each";

impl ScopeKind {
    /// Every kind, from the widest to the narrowest.
    pub const ALL: [Self; 5] = [
        Self::Everything,
        Self::Day,
        Self::Project,
        Self::Agent,
        Self::Task,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Day => "day",
            Self::Project => "project",
            Self::Agent => "agent",
            Self::Task => "task",
        }
    }
}

impl fmt::Display for ScopeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ScopeKind {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                InvalidField::new("scope", "must be everything, day, project, agent or task")
            })
    }
}

/// Returns where what an agent uses up counts, for a task where it works on one.
pub fn counted_in(
    agent: &AgentName,
    project: Option<ProjectId>,
    task: Option<TaskId>,
    day: Date,
) -> Vec<Scope> {
    let mut scopes = vec![
        Scope::Everything,
        Scope::Day(day),
        Scope::Agent(agent.clone()),
    ];
    scopes.extend(project.map(Scope::Project));
    scopes.extend(task.map(Scope::Task));
    scopes
}

impl Scope {
    /// Returns what sort of thing it is.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Self::Everything => ScopeKind::Everything,
            Self::Day(_) | Self::EachDay => ScopeKind::Day,
            Self::Project(_) => ScopeKind::Project,
            Self::Agent(_) => ScopeKind::Agent,
            Self::Task(_) => ScopeKind::Task,
        }
    }

    /// Returns which one of its kind: a UUID, an agent's name, a date, `each` or `all`.
    pub fn key(&self) -> String {
        match self {
            Self::Everything => ALL.into(),
            Self::Day(date) => date.to_string(),
            Self::EachDay => EACH.into(),
            Self::Project(id) => id.to_string(),
            Self::Agent(name) => name.as_str().into(),
            Self::Task(id) => id.to_string(),
        }
    }

    /// Reads a kind and a key back.
    ///
    /// # Errors
    /// The key is none of that kind; the error says what one looks like.
    pub fn parse(kind: ScopeKind, key: &str) -> Result<Self, InvalidField> {
        let named = |problem: &str| InvalidField::new("key", problem);
        match kind {
            ScopeKind::Everything if key == ALL => Ok(Self::Everything),
            ScopeKind::Everything => Err(named("must be all where everything is meant")),
            ScopeKind::Day if key == EACH => Ok(Self::EachDay),
            ScopeKind::Day => key
                .parse()
                .map(Self::Day)
                .map_err(|_| named("must be each for every day, or a date such as 2026-11-25")),
            ScopeKind::Project => key
                .parse()
                .map(Self::Project)
                .map_err(|_| named("must be a project's UUID")),
            ScopeKind::Agent => AgentName::parse("key", key).map(Self::Agent),
            ScopeKind::Task => key
                .parse()
                .map(Self::Task)
                .map_err(|_| named("must be a task's UUID")),
        }
    }

    /// Returns what events name it by: the task's or project's own identifier, and one that follows
    /// from the kind and the key for what has none.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Task(id) => id.0,
            Self::Project(id) => id.0,
            Self::Everything | Self::Day(_) | Self::EachDay | Self::Agent(_) => {
                let text = format!("budget {} {}", self.kind(), self.key());
                let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
                let mut bytes = [0; 16];
                bytes.copy_from_slice(&hash[..16]);
                uuid::Builder::from_custom_bytes(bytes).into_uuid()
            }
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Day(date) => write!(f, "{date}"),
            Self::EachDay => f.write_str("each day"),
            Self::Project(id) => write!(f, "project {id}"),
            Self::Agent(name) => write!(f, "agent {name}"),
            Self::Task(id) => write!(f, "task {id}"),
        }
    }
}
