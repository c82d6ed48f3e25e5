//! Making a task, and changing its fields.

use hearth_app::tasks::UpdateTask as Update;
use hearth_domain::JsonObject;
use hearth_domain::field::{InvalidField, Title};
use hearth_domain::policy::Labels;
use hearth_domain::task::{MAX_ATTEMPTS_DEFAULT, NewRecurrence, NewTask, TaskPatch};
use serde::Deserialize;
use utoipa::ToSchema;

use super::field::{Object, agent, labels, not_null, or_null, parse, parse_all, time};
use super::scalar;
use super::task::{Budget, Check};
use super::trust::Trust;

/// A task to be made. Only its title is needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTask {
    /// What is to be done, in a line.
    #[schema(value_type = scalar::Title)]
    title: String,
    /// What is to be done, at length.
    #[schema(value_type = Option<scalar::Description>)]
    description: Option<String>,
    /// The project it is part of.
    #[schema(format = "uuid")]
    project_id: Option<String>,
    /// The task it is part of.
    #[schema(format = "uuid")]
    parent_id: Option<String>,
    /// How urgent it is; `medium` unless told.
    #[schema(value_type = Option<scalar::Priority>)]
    priority: Option<String>,
    /// Whom it is kept for: an agent, or `owner`.
    #[schema(value_type = Option<scalar::AgentName>)]
    assigned_to: Option<String>,
    /// What its worker should know; at most 256 KiB.
    #[schema(value_type = Option<Object>)]
    context: Option<JsonObject>,
    /// The tasks that must be completed first.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, max_items = 50)]
    depends_on: Option<Vec<String>>,
    /// Words to find it by.
    #[schema(value_type = Option<Vec<scalar::Label>>, max_items = 50)]
    labels: Option<Vec<String>>,
    /// When it should be done.
    #[schema(format = "date-time")]
    due_at: Option<String>,
    /// Before when it must not be started.
    #[schema(format = "date-time")]
    not_before: Option<String>,
    /// How many attempts may fail before it blocks; 3 unless told.
    #[schema(value_type = Option<scalar::MaxAttempts>)]
    max_attempts: Option<u32>,
    /// What must hold before it counts as done.
    #[schema(value_type = Option<Vec<Check>>, max_items = 50)]
    acceptance: Option<Vec<Object<Check>>>,
    /// What it may spend on models.
    #[schema(value_type = Option<Budget>)]
    budget: Option<Object<Budget>>,
    /// How long it is thought to take.
    #[schema(value_type = Option<scalar::Minutes>)]
    estimate_minutes: Option<u32>,
    /// The rhythm in which it comes again, such as `every monday 09:00`. It is due, and not to be
    /// started before, at the next occasion, or at `due_at` where that is given.
    #[schema(value_type = Option<scalar::Rhythm>)]
    recurrence: Option<String>,
    /// In whose name it is made, where that is not the caller.
    #[schema(value_type = Option<scalar::AgentName>)]
    created_by: Option<String>,
    /// Artifacts that wait for a task, to be given to this one.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, max_items = 50)]
    artifacts: Option<Vec<String>>,
    /// Whose its words are, where the caller passes on another's: an owner's program that makes tasks
    /// of mail says `{"untrusted": true}`. What the node knows itself is added to it.
    #[schema(value_type = Option<Trust>)]
    trust: Option<Object<Trust>>,
}

impl CreateTask {
    pub(crate) fn read(self) -> Result<NewTask, InvalidField> {
        Ok(NewTask {
            project_id: optional("project_id", self.project_id.as_deref())?,
            parent_id: optional("parent_id", self.parent_id.as_deref())?,
            title: Title::parse("title", &self.title)?,
            description: self.description.unwrap_or_default(),
            priority: optional("priority", self.priority.as_deref())?.unwrap_or_default(),
            assigned_to: agent("assigned_to", self.assigned_to.as_deref())?,
            context: self.context.unwrap_or_default(),
            depends_on: parse_all("depends_on", &self.depends_on.unwrap_or_default())?,
            labels: labels("labels", &self.labels.unwrap_or_default())?,
            due_at: time("due_at", self.due_at.as_deref())?,
            not_before: time("not_before", self.not_before.as_deref())?,
            max_attempts: self.max_attempts.unwrap_or(MAX_ATTEMPTS_DEFAULT),
            acceptance: Check::read_all(&self.acceptance.unwrap_or_default())?,
            budget: self.budget.map(|budget| budget.0.read()).transpose()?,
            estimate_minutes: self.estimate_minutes,
            recurrence: optional("recurrence", self.recurrence.as_deref())?
                .map(|rule| NewRecurrence::Begins { rule }),
            created_by: agent("created_by", self.created_by.as_deref())?,
            artifacts: parse_all("artifacts", &self.artifacts.unwrap_or_default())?,
            trust: self
                .trust
                .map_or_else(Labels::default, |trust| trust.0.into()),
            within: None,
        })
    }
}

/// The fields of a task to change; what is left out stays. Null empties where that is possible.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "left out, emptied and set are three things"
)]
pub(crate) struct UpdateTask {
    /// What is to be done, in a line.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = scalar::Title, required = false)]
    title: Option<String>,
    /// What is to be done, at length.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::Description>)]
    description: Option<Option<String>>,
    /// The project it is part of.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>, format = "uuid")]
    project_id: Option<Option<String>>,
    /// The task it is part of.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>, format = "uuid")]
    parent_id: Option<Option<String>>,
    /// How urgent it is.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = scalar::Priority, required = false)]
    priority: Option<String>,
    /// Whom it is kept for: an agent, or `owner`; null for anybody.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::AgentName>)]
    assigned_to: Option<Option<String>>,
    /// Merged key by key; a null removes its key.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Object, required = false)]
    context: Option<JsonObject>,
    /// The tasks that must be completed first; replaces the list.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Vec<uuid::Uuid>, required = false, max_items = 50)]
    depends_on: Option<Vec<String>>,
    /// Words to find it by; replaces the list.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Vec<scalar::Label>, required = false, max_items = 50)]
    labels: Option<Vec<String>>,
    /// When it should be done.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>, format = "date-time")]
    due_at: Option<Option<String>>,
    /// Before when it must not be started.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>, format = "date-time")]
    not_before: Option<Option<String>>,
    /// How many attempts may fail before it blocks.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = scalar::MaxAttempts, required = false)]
    max_attempts: Option<u32>,
    /// What must hold before it counts as done; replaces the list.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Vec<Check>, required = false, max_items = 50)]
    acceptance: Option<Vec<Object<Check>>>,
    /// What it may spend on models.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<Budget>)]
    budget: Option<Option<Object<Budget>>>,
    /// How long it is thought to take.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::Minutes>)]
    estimate_minutes: Option<Option<u32>>,
    /// The rhythm in which it comes again after this; null ends its series.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::Rhythm>)]
    recurrence: Option<Option<String>>,
    /// The fence of the claim, where an agent asks.
    #[schema(value_type = Option<scalar::Fence>)]
    fence: Option<u64>,
}

impl UpdateTask {
    pub(crate) fn read(self) -> Result<Update, InvalidField> {
        let patch = TaskPatch {
            project_id: emptied("project_id", self.project_id.as_ref())?,
            parent_id: emptied("parent_id", self.parent_id.as_ref())?,
            title: self
                .title
                .map(|text| Title::parse("title", &text))
                .transpose()?,
            description: self.description.map(Option::unwrap_or_default),
            priority: optional("priority", self.priority.as_deref())?,
            assigned_to: self
                .assigned_to
                .map(|name| agent("assigned_to", name.as_deref()))
                .transpose()?,
            context: self.context,
            depends_on: self
                .depends_on
                .map(|ids| parse_all("depends_on", &ids))
                .transpose()?,
            labels: self
                .labels
                .map(|words| labels("labels", &words))
                .transpose()?,
            due_at: self
                .due_at
                .map(|text| time("due_at", text.as_deref()))
                .transpose()?,
            not_before: self
                .not_before
                .map(|text| time("not_before", text.as_deref()))
                .transpose()?,
            max_attempts: self.max_attempts,
            acceptance: self
                .acceptance
                .map(|checks| Check::read_all(&checks))
                .transpose()?,
            budget: self
                .budget
                .map(|budget| budget.map(|budget| budget.0.read()).transpose())
                .transpose()?,
            estimate_minutes: self.estimate_minutes,
            recurrence: emptied("recurrence", self.recurrence.as_ref())?,
        };
        Ok(Update {
            patch,
            fence: self.fence,
            ..Update::default()
        })
    }
}

fn optional<T: std::str::FromStr<Err = InvalidField>>(
    field: &str,
    text: Option<&str>,
) -> Result<Option<T>, InvalidField> {
    text.map(|text| parse(field, text)).transpose()
}

#[expect(
    clippy::option_option,
    reason = "left out, emptied and set are three things"
)]
fn emptied<T: std::str::FromStr<Err = InvalidField>>(
    field: &str,
    text: Option<&Option<String>>,
) -> Result<Option<Option<T>>, InvalidField> {
    text.map(|text| optional(field, text.as_deref()))
        .transpose()
}
