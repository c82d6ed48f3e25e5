//! Standing permissions.

use hearth_domain::field::Word;
use hearth_domain::permission::{self, NewPermission};
use hearth_domain::{InvalidField, JsonObject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::field::parse;
use super::scalar;
use super::shape::{self, Shape};
use super::time::Time;

/// What the owner allows without being asked.
#[derive(Serialize, ToSchema)]
pub(crate) struct Permission<'a> {
    /// Identifies it.
    id: Uuid,
    /// Its short number, for people.
    #[schema(minimum = 1)]
    number: i64,
    /// Which tool.
    #[schema(value_type = scalar::Word)]
    tool: &'a str,
    /// Which arguments.
    shape: Shape<'a>,
    /// For the tasks of which project; null is for those of none.
    #[schema(required = true)]
    project_id: Option<Uuid>,
    /// Who gave it.
    created_by: &'a str,
    /// When.
    created_at: Time,
    /// How often it was used.
    uses: u64,
    /// When last.
    #[schema(required = true)]
    last_used_at: Option<Time>,
    /// When it was taken back.
    #[schema(required = true)]
    revoked_at: Option<Time>,
}

impl<'a> From<&'a permission::Permission> for Permission<'a> {
    fn from(permission: &'a permission::Permission) -> Self {
        Self {
            id: permission.id.0,
            number: permission.number,
            tool: permission.tool.as_str(),
            shape: Shape(&permission.shape),
            project_id: permission.project_id.map(|id| id.0),
            created_by: &permission.created_by,
            created_at: Time(permission.created_at),
            uses: permission.uses,
            last_used_at: permission.last_used_at.map(Time),
            revoked_at: permission.revoked_at.map(Time),
        }
    }
}

/// The standing permissions.
#[derive(Serialize, ToSchema)]
pub(crate) struct PermissionPage<'a> {
    /// The permissions, oldest first.
    pub(crate) items: Vec<Permission<'a>>,
    /// Always null: they are one page.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// A permission to be given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "tool": "http_get",
    "shape": {"url": {"starts_with": "https://example.org/"}},
}))]
pub(crate) struct CreatePermission {
    /// Which tool.
    #[schema(value_type = scalar::Word)]
    tool: String,
    /// Which arguments.
    #[schema(value_type = Shape<'_>)]
    shape: JsonObject,
    /// For the tasks of which project; for those of none unless told.
    #[schema(value_type = Option<Uuid>)]
    project_id: Option<String>,
}

impl CreatePermission {
    pub(crate) fn read(self) -> Result<NewPermission, InvalidField> {
        let project_id = self.project_id.as_deref();
        Ok(NewPermission {
            tool: Word::parse("tool", &self.tool)?,
            shape: shape::read("shape", &self.shape)?,
            project_id: project_id.map(|id| parse("project_id", id)).transpose()?,
        })
    }
}
