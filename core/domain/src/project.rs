//! Projects: bodies of work.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::{EventKind, ProjectFacts};
use crate::field::{InvalidField, JsonObject, Name};
use crate::id::ProjectId;

/// Whether a project is being worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectStatus {
    /// Being worked on.
    #[default]
    Active,
    /// Put aside for now.
    Paused,
    /// Finished.
    Completed,
    /// Kept for the record.
    Archived,
}

impl ProjectStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Active, Self::Paused, Self::Completed, Self::Archived];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Archived => "archived",
        }
    }
}

impl fmt::Display for ProjectStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProjectStatus {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                InvalidField::new("status", "must be active, paused, completed or archived")
            })
    }
}

/// A body of work. Its name is unique.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Identifies it.
    pub id: ProjectId,
    /// What people call it.
    pub name: Name,
    /// What it is about; may be empty.
    pub description: String,
    /// Whether it is being worked on.
    pub status: ProjectStatus,
    /// Whatever callers keep with it.
    pub metadata: JsonObject,
    /// Rises by one with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The fields a new project is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct NewProject {
    /// See [`Project::name`].
    pub name: Name,
    /// See [`Project::description`].
    pub description: String,
    /// See [`Project::status`].
    pub status: ProjectStatus,
    /// See [`Project::metadata`].
    pub metadata: JsonObject,
}

/// The fields to change; `None` leaves one as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProjectPatch {
    /// See [`Project::name`].
    pub name: Option<Name>,
    /// See [`Project::description`].
    pub description: Option<String>,
    /// See [`Project::status`].
    pub status: Option<ProjectStatus>,
    /// Merged key by key; a null removes its key.
    pub metadata: Option<JsonObject>,
}

impl Project {
    /// Makes a project.
    pub fn create(id: ProjectId, new: NewProject, now: Timestamp) -> Change<Self> {
        let after = Self {
            id,
            name: new.name,
            description: new.description,
            status: new.status,
            metadata: new.metadata,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let event = EventKind::ProjectCreated(after.facts());
        Change { after, event }
    }

    /// Changes the fields that `patch` names.
    pub fn update(mut self, patch: ProjectPatch, now: Timestamp) -> Change<Self> {
        if let Some(name) = patch.name {
            self.name = name;
        }
        if let Some(description) = patch.description {
            self.description = description;
        }
        if let Some(status) = patch.status {
            self.status = status;
        }
        if let Some(metadata) = patch.metadata {
            merge(&mut self.metadata, metadata);
        }
        self.version += 1;
        self.updated_at = now;
        let event = EventKind::ProjectUpdated(self.facts());
        Change { after: self, event }
    }

    /// Ends the project, and with it the `tasks` tasks it holds.
    pub fn delete(self, tasks: u64) -> Change<Self> {
        let event = EventKind::ProjectDeleted {
            project: self.facts(),
            deleted_tasks: tasks,
        };
        Change { after: self, event }
    }

    fn facts(&self) -> ProjectFacts {
        ProjectFacts {
            project_id: self.id,
            name: self.name.clone(),
            status: self.status,
            version: self.version,
        }
    }
}

/// Lays `patch` over `object`, one level deep; a null removes its key.
pub(crate) fn merge(object: &mut JsonObject, patch: JsonObject) {
    for (key, value) in patch {
        if value.is_null() {
            object.remove(&key);
        } else {
            object.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn project() -> Project {
        let new = NewProject {
            name: "notes".parse().unwrap(),
            description: String::new(),
            status: ProjectStatus::Active,
            metadata: json!({"a": 1, "b": 2}).as_object().unwrap().clone(),
        };
        Project::create(ProjectId(Uuid::from_u128(1)), new, at(0)).after
    }

    #[test]
    fn a_patch_changes_what_it_names_and_raises_the_version() {
        let patch = ProjectPatch {
            status: Some(ProjectStatus::Paused),
            metadata: json!({"b": null, "c": 3}).as_object().cloned(),
            ..ProjectPatch::default()
        };

        let change = project().update(patch, at(5));

        assert_eq!(change.after.status, ProjectStatus::Paused);
        assert_eq!(change.after.name.as_str(), "notes");
        assert_eq!((change.after.version, change.after.updated_at), (2, at(5)));
        assert_eq!(
            Value::Object(change.after.metadata),
            json!({"a": 1, "c": 3})
        );
        assert_eq!(change.event.type_name(), "project.updated");
    }

    #[test]
    fn a_deletion_tells_how_many_tasks_went_with_it() {
        let change = project().delete(7);
        assert!(matches!(
            change.event,
            EventKind::ProjectDeleted {
                deleted_tasks: 7,
                ..
            }
        ));
    }

    #[test]
    fn words_of_statuses_read_back() {
        for status in ProjectStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("deleted".parse::<ProjectStatus>().is_err());
    }
}
