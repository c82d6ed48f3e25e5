//! What the tools take that work on tasks, for the chief of staff and for runs alike.

use hearth_domain::JsonObject;
use hearth_domain::task::TaskStatus;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::args::PriorityWord;

/// Makes a task; agents or the person do it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    /// Name of an existing project.
    #[serde(default)]
    pub project: Option<String>,
    /// A line that begins with a verb.
    pub title: String,
    /// What is to come out of it.
    #[serde(default)]
    pub description: String,
    /// Medium where nothing is said.
    #[serde(default)]
    pub priority: Option<PriorityWord>,
    /// Further facts for the worker.
    #[serde(default, deserialize_with = "null_as_none")]
    #[schemars(with = "Option<AnyObject>")]
    pub context: JsonObject,
    /// Such as 2026-11-27 or 2026-11-27 15:00.
    #[serde(default)]
    pub due: Option<String>,
    /// What must be done first: #numbers, or titles of tasks made before.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(with = "Option<Vec<String>>")]
    pub after: Vec<String>,
    /// An agent's name, or owner for the person.
    #[serde(default)]
    pub assigned_to: Option<String>,
}

/// Finds tasks; all filters must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryTasks {
    /// What they are like.
    #[serde(default)]
    pub filters: Filters,
}

/// What tasks are like.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// One task, in detail.
    #[serde(deserialize_with = "text_or_number")]
    #[schemars(with = "Option<String>")]
    pub number: Option<String>,
    /// Any of these.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "Option<Vec<Status>>")]
    pub status: Vec<Status>,
    /// Any of these.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "Option<Vec<PriorityWord>>")]
    pub priority: Vec<PriorityWord>,
    /// Its name.
    pub project: Option<String>,
    /// An agent's name, or owner.
    pub assigned_to: Option<String>,
    /// One of its labels.
    pub label: Option<String>,
    /// Words of title or description.
    pub text: Option<String>,
    /// Due until then.
    pub due_before: Option<String>,
}

/// Changes a task; only what is named changes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTask {
    /// The task's number.
    #[serde(deserialize_with = "number_as_text")]
    #[schemars(with = "String")]
    pub task_id: String,
    /// What becomes of it.
    pub updates: Updates,
}

/// Changes of a task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Updates {
    /// The new title.
    pub title: Option<String>,
    /// The new description.
    pub description: Option<String>,
    /// The new priority.
    pub priority: Option<PriorityWord>,
    /// Ends the task.
    pub status: Option<End>,
    /// Empty for anybody.
    pub assigned_to: Option<String>,
    /// Empty for never.
    pub due: Option<String>,
    /// Another project's name.
    pub project: Option<String>,
    /// All its labels.
    pub labels: Option<Vec<String>>,
    /// All it waits for.
    pub after: Option<Vec<String>>,
}

/// Tells which agents are there, and at what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetAgentStatus {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "said of each, the schema would say it to models once more"
)]
pub enum Status {
    Pending,
    InProgress,
    Blocked,
    Completed,
    Cancelled,
}

/// How a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "said of each, the schema would say it to models once more"
)]
pub enum End {
    Completed,
    Cancelled,
}

/// Shows an object of whatever shape.
#[derive(JsonSchema)]
struct AnyObject {}

impl From<Status> for TaskStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::InProgress => Self::InProgress,
            Status::Blocked => Self::Blocked,
            Status::Completed => Self::Completed,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Number(i64),
}

impl From<TextOrNumber> for String {
    fn from(value: TextOrNumber) -> Self {
        match value {
            TextOrNumber::Text(text) => text,
            TextOrNumber::Number(number) => number.to_string(),
        }
    }
}

pub(crate) fn number_as_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    TextOrNumber::deserialize(from).map(String::from)
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let value = Option::<TextOrNumber>::deserialize(from)?;
    Ok(value.map(Into::into))
}

/// Takes null for nothing, as many models write it.
fn null_as_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// Takes a list, or one of its entries alone; numbers of tasks may be numbers.
fn one_or_many<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    let items = match Value::deserialize(from)? {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let read = |item: Value| {
        let again = match &item {
            Value::Number(number) => Some(Value::String(number.to_string())),
            _ => None,
        };
        T::deserialize(again.unwrap_or(item)).map_err(serde::de::Error::custom)
    };
    items.into_iter().map(read).collect()
}
