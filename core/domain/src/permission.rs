//! Standing permissions: what the owner allows without being asked each time. Narrow on purpose: one
//! tool, one shape of its arguments, one project.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::Action;
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{InvalidField, Word, json_within};
use crate::id::{PermissionId, ProjectId};

/// The most entries of a list or object that a shape describes.
const ENTRIES_MAX: usize = 50;
/// How deep shapes lie in each other.
const DEPTH_MAX: usize = 5;

/// What a value must be like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// Exactly this.
    Is(Value),
    /// A text that begins so.
    StartsWith(String),
    /// A list of exactly so many values, each like its pattern.
    Items(Vec<Pattern>),
    /// Anything at all.
    Any,
}

impl Pattern {
    /// Whether a value is like it.
    pub fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Is(exact) => exact == value,
            Self::StartsWith(start) => value.as_str().is_some_and(|text| text.starts_with(start)),
            Self::Items(patterns) => value.as_array().is_some_and(|items| {
                items.len() == patterns.len()
                    && patterns
                        .iter()
                        .zip(items)
                        .all(|(pattern, item)| pattern.matches(item))
            }),
            Self::Any => true,
        }
    }

    fn check(&self, field: &str, depth: usize) -> Result<(), InvalidField> {
        match self {
            Self::StartsWith(start) if start.is_empty() => Err(InvalidField::new(
                field,
                "must not start with nothing; write \"any\" if you mean it",
            )),
            Self::Items(items) if items.len() > ENTRIES_MAX || depth == 0 => {
                Err(InvalidField::new(
                    field,
                    format!("must have at most {ENTRIES_MAX} entries, {DEPTH_MAX} deep"),
                ))
            }
            Self::Items(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(place, item)| item.check(&format!("{field}[{place}]"), depth - 1)),
            Self::Is(_) | Self::StartsWith(_) | Self::Any => Ok(()),
        }
    }
}

/// What the arguments of a call must be like. Arguments that it does not name must not be there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(pub BTreeMap<String, Pattern>);

impl Shape {
    /// Returns the shape that fits one action and no other.
    pub fn of(action: &Action) -> Self {
        let fields = action.args.iter();
        Self(
            fields
                .map(|(name, value)| (name.clone(), Pattern::Is(value.clone())))
                .collect(),
        )
    }

    /// Whether an action's arguments have it.
    pub fn fits(&self, action: &Action) -> bool {
        self.0.len() == action.args.len()
            && action.args.iter().all(|(name, value)| {
                self.0
                    .get(name)
                    .is_some_and(|pattern| pattern.matches(value))
            })
    }

    /// Checks its size.
    ///
    /// # Errors
    /// It is too large or too deep, names nothing, or begins with nothing.
    pub fn check(&self) -> Result<(), InvalidField> {
        if self.0.is_empty() || self.0.len() > ENTRIES_MAX {
            return Err(InvalidField::new(
                "shape",
                format!("must name 1 to {ENTRIES_MAX} arguments of the tool"),
            ));
        }
        for (name, pattern) in &self.0 {
            if let ("url", Pattern::StartsWith(start)) = (name.as_str(), pattern)
                && !start.is_empty()
                && !names_a_host(start)
            {
                return Err(InvalidField::new(
                    "shape.url",
                    "must name a whole host, such as https://example.org/: what begins without the \
                     last / would fit other hosts too",
                ));
            }
            pattern.check(&format!("shape.{name}"), DEPTH_MAX)?;
        }
        json_within("shape", self)
    }
}

/// Whether the beginning of an address has a host with its end.
fn names_a_host(start: &str) -> bool {
    start
        .split_once("://")
        .is_some_and(|(_, rest)| rest.find('/').is_some_and(|end| end > 0))
}

/// What the owner allows without being asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Permission {
    /// Identifies it.
    pub id: PermissionId,
    /// What people call it.
    pub number: i64,
    /// Which tool.
    pub tool: Word,
    /// Which arguments.
    pub shape: Shape,
    /// For the tasks of which project; for those of none where it names none.
    pub project_id: Option<ProjectId>,
    /// Who gave it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// How often it was used.
    pub uses: u64,
    /// When last.
    pub last_used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// What a permission is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPermission {
    /// See [`Permission::tool`].
    pub tool: Word,
    /// See [`Permission::shape`].
    pub shape: Shape,
    /// See [`Permission::project_id`].
    pub project_id: Option<ProjectId>,
}

/// What every event about a permission says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionFacts {
    /// The permission.
    pub permission_id: PermissionId,
    /// Its number.
    pub number: i64,
    /// Which tool.
    pub tool: Word,
    /// Which arguments.
    pub shape: Shape,
    /// For which project's tasks.
    pub project_id: Option<ProjectId>,
}

impl Permission {
    /// Gives a permission.
    pub fn grant(
        id: PermissionId,
        number: i64,
        new: NewPermission,
        by: &str,
        now: Timestamp,
    ) -> Change<Self> {
        let after = Self {
            id,
            number,
            tool: new.tool,
            shape: new.shape,
            project_id: new.project_id,
            created_by: by.to_owned(),
            created_at: now,
            uses: 0,
            last_used_at: None,
            revoked_at: None,
        };
        let event = EventKind::PermissionGranted(after.facts());
        Change { after, event }
    }

    /// Takes it back; `None` where it was taken back before.
    pub fn revoke(mut self, now: Timestamp) -> Option<Change<Self>> {
        if self.revoked_at.is_some() {
            return None;
        }
        self.revoked_at = Some(now);
        let event = EventKind::PermissionRevoked(self.facts());
        Some(Change { after: self, event })
    }

    /// Whether it allows an action for a task of that project.
    pub fn allows(&self, action: &Action, project: Option<ProjectId>) -> bool {
        self.revoked_at.is_none()
            && self.tool == action.tool
            && self.project_id == project
            && self.shape.fits(action)
    }

    fn facts(&self) -> PermissionFacts {
        PermissionFacts {
            permission_id: self.id,
            number: self.number,
            tool: self.tool.clone(),
            shape: self.shape.clone(),
            project_id: self.project_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn action(args: Value) -> Action {
        Action {
            tool: "http_get".parse().unwrap(),
            args: serde_json::from_value(args).unwrap(),
        }
    }

    fn shape(json: Value) -> Shape {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_argument_that_the_shape_does_not_name_must_not_be_there() {
        let shape = shape(json!({"url": {"starts_with": "https://example.org/"}}));

        assert!(shape.fits(&action(json!({"url": "https://example.org/a"}))));
        assert!(!shape.fits(&action(json!({"url": "https://example.org.evil.com/a"}))));
        assert!(!shape.fits(&action(json!({"url": 1}))));
        assert!(!shape.fits(&action(json!({}))));
        assert!(!shape.fits(&action(
            json!({"url": "https://example.org/a", "save_as": "x"})
        )));
    }

    #[test]
    fn a_list_has_as_many_values_as_its_pattern() {
        let shape = shape(json!({"argv": {"items": [{"is": "git"}, {"is": "push"}, "any"]}}));

        assert!(shape.fits(&action(json!({"argv": ["git", "push", "origin"]}))));
        assert!(!shape.fits(&action(json!({"argv": ["git", "push"]}))));
        assert!(!shape.fits(&action(json!({"argv": ["git", "push", "a", "--force"]}))));
    }

    #[test]
    fn the_shape_of_an_action_fits_it_alone() {
        let done = action(json!({"url": "https://example.org/*", "n": 1}));

        assert!(Shape::of(&done).fits(&done));
        assert!(!Shape::of(&done).fits(&action(json!({"url": "https://example.org/x", "n": 1}))));
    }

    #[test]
    fn a_permission_is_for_one_tool_and_one_project_until_it_is_revoked() {
        let project = Some(ProjectId(Uuid::from_u128(1)));
        let new = NewPermission {
            tool: "http_get".parse().unwrap(),
            shape: shape(json!({"url": "any"})),
            project_id: project,
        };
        let now = Timestamp::from_millis(0);
        let id = PermissionId(Uuid::from_u128(2));
        let given = Permission::grant(id, 1, new, "owner", now).after;
        let call = action(json!({"url": "x"}));
        let other = Action {
            tool: "http_post".parse().unwrap(),
            ..call.clone()
        };

        assert!(given.allows(&call, project));
        assert!(!given.allows(&call, None) && !given.allows(&other, project));
        let revoked = given.revoke(now).unwrap().after;
        assert!(!revoked.allows(&call, project));
        assert_eq!(revoked.revoke(now), None);
    }

    #[test]
    fn a_shape_without_bounds_is_refused_by_name() {
        for (json, field) in [
            (json!({}), "shape"),
            (json!({"url": {"starts_with": ""}}), "shape.url"),
            (json!({"a": {"items": [{"starts_with": ""}]}}), "shape.a[0]"),
            (
                json!({"url": {"starts_with": "https://example.org"}}),
                "shape.url",
            ),
            (json!({"url": {"starts_with": "https:///"}}), "shape.url"),
        ] {
            assert_eq!(shape(json).check().unwrap_err().field, field);
        }
        let deep = (0..=DEPTH_MAX).fold(json!("any"), |inner, _| json!({"items": [inner]}));
        assert!(shape(json!({"a": deep})).check().is_err());
    }
}
