//! Folders of the host that the owner opened to agents.

use hearth_domain::InvalidField;
use hearth_domain::field::Word;
use hearth_domain::folder::{Access, GrantedFolder, NewGrantedFolder};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::field::parse;
use super::scalar;
use super::time::Time;

/// A folder that the owner opened to agents.
#[derive(Serialize, ToSchema)]
pub(crate) struct Folder<'a> {
    /// Identifies it.
    id: Uuid,
    /// What agents call it.
    #[schema(value_type = scalar::Word)]
    name: &'a str,
    /// Where it is on the host.
    path: &'a str,
    /// What agents may do there.
    #[schema(value_type = scalar::Access)]
    access: &'static str,
    /// For the tasks of which project; null is for all tasks.
    #[schema(required = true)]
    project_id: Option<Uuid>,
    /// Who opened it.
    created_by: &'a str,
    /// When.
    created_at: Time,
    /// When it was closed again.
    #[schema(required = true)]
    revoked_at: Option<Time>,
}

impl<'a> From<&'a GrantedFolder> for Folder<'a> {
    fn from(folder: &'a GrantedFolder) -> Self {
        Self {
            id: folder.id.0,
            name: folder.name.as_str(),
            path: &folder.path,
            access: folder.access.as_str(),
            project_id: folder.project_id.map(|id| id.0),
            created_by: &folder.created_by,
            created_at: Time(folder.created_at),
            revoked_at: folder.revoked_at.map(Time),
        }
    }
}

/// The folders.
#[derive(Serialize, ToSchema)]
pub(crate) struct FolderPage<'a> {
    /// The folders, in the order in which they were opened.
    pub(crate) items: Vec<Folder<'a>>,
    /// Always null: they are one page.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// A folder to be opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "notes", "path": "/home/ada/notes", "access": "read"}))]
pub(crate) struct CreateFolder {
    /// What agents are to call it.
    #[schema(value_type = scalar::Word)]
    name: String,
    /// Where it is: an absolute path.
    path: String,
    /// What agents may do there; read unless told.
    #[schema(value_type = Option<scalar::Access>)]
    access: Option<String>,
    /// For the tasks of which project; for all tasks unless told.
    #[schema(value_type = Option<Uuid>)]
    project_id: Option<String>,
}

impl CreateFolder {
    pub(crate) fn read(self) -> Result<NewGrantedFolder, InvalidField> {
        let access = self.access.as_deref().map(str::parse).transpose()?;
        let project_id = self.project_id.as_deref();
        Ok(NewGrantedFolder {
            name: Word::parse("name", &self.name)?,
            path: self.path,
            access: access.unwrap_or(Access::Read),
            project_id: project_id.map(|id| parse("project_id", id)).transpose()?,
        })
    }
}
