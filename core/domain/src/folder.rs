//! Folders of the host that the owner opened to agents, by a name of their own: an agent never names
//! a path.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{InvalidField, Word};
use crate::id::{FolderId, ProjectId};

/// What agents may do in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Read.
    Read,
    /// Read and write.
    Write,
}

impl Access {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Access {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        [Self::Read, Self::Write]
            .into_iter()
            .find(|access| access.as_str() == text)
            .ok_or_else(|| InvalidField::new("access", "must be read or write"))
    }
}

/// A folder that the owner opened.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantedFolder {
    /// Identifies it.
    pub id: FolderId,
    /// What agents call it.
    pub name: Word,
    /// Where it is on the host: an absolute path without links.
    pub path: String,
    /// What they may do there.
    pub access: Access,
    /// For the tasks of which project; for all tasks where it names none.
    pub project_id: Option<ProjectId>,
    /// Who opened it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was closed again.
    pub revoked_at: Option<Timestamp>,
}

/// What a folder is opened with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGrantedFolder {
    /// See [`GrantedFolder::name`].
    pub name: Word,
    /// See [`GrantedFolder::path`].
    pub path: String,
    /// See [`GrantedFolder::access`].
    pub access: Access,
    /// See [`GrantedFolder::project_id`].
    pub project_id: Option<ProjectId>,
}

/// What every event about a folder says of it. Not where it is: events are read by viewers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FolderFacts {
    /// The folder.
    pub folder_id: FolderId,
    /// What agents call it.
    pub name: Word,
    /// What they may do there.
    pub access: Access,
    /// For which project's tasks.
    pub project_id: Option<ProjectId>,
}

impl GrantedFolder {
    /// Opens a folder.
    pub fn grant(id: FolderId, new: NewGrantedFolder, by: &str, now: Timestamp) -> Change<Self> {
        let after = Self {
            id,
            name: new.name,
            path: new.path,
            access: new.access,
            project_id: new.project_id,
            created_by: by.to_owned(),
            created_at: now,
            revoked_at: None,
        };
        let event = EventKind::FolderGranted(after.facts());
        Change { after, event }
    }

    /// Closes it; `None` where it was closed before.
    pub fn revoke(mut self, now: Timestamp) -> Option<Change<Self>> {
        if self.revoked_at.is_some() {
            return None;
        }
        self.revoked_at = Some(now);
        let event = EventKind::FolderRevoked(self.facts());
        Some(Change { after: self, event })
    }

    /// Whether tasks of that project may use it.
    pub fn is_open_to(&self, project: Option<ProjectId>) -> bool {
        self.revoked_at.is_none() && (self.project_id.is_none() || self.project_id == project)
    }

    fn facts(&self) -> FolderFacts {
        FolderFacts {
            folder_id: self.id,
            name: self.name.clone(),
            access: self.access,
            project_id: self.project_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_folder_is_open_to_its_project_or_to_all_until_it_is_closed() {
        let folder = |project_id| {
            let new = NewGrantedFolder {
                name: "notes".parse().unwrap(),
                path: "/home/ada/notes".into(),
                access: Access::Read,
                project_id,
            };
            let id = FolderId(Uuid::from_u128(1));
            GrantedFolder::grant(id, new, "owner", Timestamp::from_millis(0)).after
        };
        let web = Some(ProjectId(Uuid::from_u128(2)));

        assert!(folder(None).is_open_to(web) && folder(None).is_open_to(None));
        assert!(folder(web).is_open_to(web) && !folder(web).is_open_to(None));
        let closed = folder(None).revoke(Timestamp::from_millis(1)).unwrap();
        assert!(!closed.after.is_open_to(None));
        assert_eq!(closed.after.revoke(Timestamp::from_millis(2)), None);
    }
}
