//! The six tools of the chief of staff: what each takes, and how a call is read.
//!
//! The schemas are made from the types, and cut down to what a model needs, since they are sent with
//! every message.

use std::sync::LazyLock;

use hearth_domain::JsonObject;
use hearth_domain::Priority;
use hearth_domain::task::TaskStatus;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::{ToolCall, ToolSpec};

/// A call that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Call {
    CreateProject(CreateProject),
    CreateTask(Box<CreateTask>),
    QueryTasks(QueryTasks),
    UpdateTask(Box<UpdateTask>),
    GetAgentStatus(GetAgentStatus),
    CreateArtifact(CreateArtifact),
}

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateProject {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTask {
    /// Name of an existing project.
    #[serde(default)]
    pub(crate) project: Option<String>,
    pub(crate) title: String,
    /// What is to come out of it.
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) priority: Option<Level>,
    /// Further facts for the worker.
    #[serde(default)]
    #[schemars(with = "Option<AnyObject>")]
    pub(crate) context: JsonObject,
    /// Such as 2026-11-27 or 2026-11-27 15:00.
    #[serde(default)]
    pub(crate) due: Option<String>,
    /// What must be done first: #numbers, or titles of tasks made before.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) after: Vec<String>,
    /// An agent's name, or owner for the person.
    #[serde(default)]
    pub(crate) assigned_to: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryTasks {
    #[serde(default)]
    pub(crate) filters: Filters,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filters {
    /// One task, in detail.
    #[serde(deserialize_with = "text_or_number")]
    #[schemars(with = "Option<String>")]
    pub(crate) number: Option<String>,
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "Option<Vec<Status>>")]
    pub(crate) status: Vec<Status>,
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "Option<Vec<Level>>")]
    pub(crate) priority: Vec<Level>,
    pub(crate) project: Option<String>,
    pub(crate) assigned_to: Option<String>,
    pub(crate) label: Option<String>,
    /// Words of title or description.
    pub(crate) text: Option<String>,
    /// Due until then.
    pub(crate) due_before: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateTask {
    /// The task's number.
    #[serde(deserialize_with = "number_as_text")]
    #[schemars(with = "String")]
    pub(crate) task_id: String,
    pub(crate) updates: Updates,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Updates {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) priority: Option<Level>,
    /// Ends the task.
    pub(crate) status: Option<End>,
    /// Empty for anybody.
    pub(crate) assigned_to: Option<String>,
    /// Empty for never.
    pub(crate) due: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) labels: Option<Vec<String>>,
    /// All it waits for.
    pub(crate) after: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetAgentStatus {}

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateArtifact {
    /// The task's number.
    #[serde(deserialize_with = "number_as_text")]
    #[schemars(with = "String")]
    pub(crate) task_id: String,
    /// A word, such as plan or notes.
    pub(crate) r#type: String,
    /// Markdown.
    pub(crate) content: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Pending,
    InProgress,
    Blocked,
    Completed,
    Cancelled,
}

/// How a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    Completed,
    Cancelled,
}

/// Shows an object of whatever shape.
#[derive(JsonSchema)]
struct AnyObject {}

impl From<Level> for Priority {
    fn from(level: Level) -> Self {
        match level {
            Level::Low => Self::Low,
            Level::Medium => Self::Medium,
            Level::High => Self::High,
            Level::Critical => Self::Critical,
        }
    }
}

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

/// The tools, as they are sent.
static SPECS: LazyLock<Vec<ToolSpec>> = LazyLock::new(|| {
    vec![
        spec::<CreateProject>("create_project", "Makes a project."),
        spec::<CreateTask>("create_task", "Makes a task; agents or the person do it."),
        spec::<QueryTasks>("query_tasks", "Finds tasks; all filters must fit."),
        spec::<UpdateTask>("update_task", "Changes a task; only what is named changes."),
        spec::<GetAgentStatus>(
            "get_agent_status",
            "Tells which agents are there, and at what.",
        ),
        spec::<CreateArtifact>("create_artifact", "Keeps a written piece with a task."),
    ]
});

/// Returns the tools.
pub(crate) fn specs() -> &'static [ToolSpec] {
    &SPECS
}

/// Reads a call.
///
/// # Errors
/// Says that there is no such tool, or which argument is wrong and what would be right.
pub(crate) fn read(call: &ToolCall) -> Result<Call, String> {
    match call.name.as_str() {
        "create_project" => args(call).map(Call::CreateProject),
        "create_task" => args(call).map(Box::new).map(Call::CreateTask),
        "query_tasks" => args(call).map(Call::QueryTasks),
        "update_task" => args(call).map(Box::new).map(Call::UpdateTask),
        "get_agent_status" => args(call).map(Call::GetAgentStatus),
        "create_artifact" => args(call).map(Call::CreateArtifact),
        unknown => {
            let names: Vec<&str> = specs().iter().map(|tool| tool.name.as_str()).collect();
            Err(format!(
                "there is no tool {}; there are: {}",
                unknown.chars().take(40).collect::<String>(),
                names.join(", ")
            ))
        }
    }
}

fn args<T: DeserializeOwned>(call: &ToolCall) -> Result<T, String> {
    let given = match &call.args {
        // Some models leave out empty arguments altogether.
        Value::Null => Value::Object(JsonObject::new()),
        Value::String(text) if text.trim().is_empty() => Value::Object(JsonObject::new()),
        Value::Object(_) => without_nulls(call.args.clone()),
        _ => {
            return Err(format!(
                "the arguments of {} must be one JSON object that is complete",
                call.name
            ));
        }
    };
    serde_path_to_error::deserialize(given).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." {
            String::new()
        } else {
            format!("{path}: ")
        };
        format!("wrong arguments of {}: {at}{}", call.name, error.inner())
    })
}

/// What is null is as good as left out, which is how many models write it.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect::<JsonObject>()
            .into(),
        other => other,
    }
}

fn spec<T: JsonSchema>(name: &str, description: &str) -> ToolSpec {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = schema.to_value();
    compact(&mut schema);
    if let Some(fields) = schema.as_object_mut() {
        // Said by the tool's own description.
        fields.remove("description");
    }
    ToolSpec {
        name: name.into(),
        description: description.into(),
        schema,
    }
}

/// Takes away what tells a model nothing: what is optional need not be written as null.
fn compact(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for noise in ["$schema", "title", "default", "format"] {
                // `title` is also a property's name, whose schema is an object.
                if fields.get(noise).is_some_and(|value| !value.is_object()) {
                    fields.remove(noise);
                }
            }
            if let Some(Value::Array(kinds)) = fields.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [kind] = kinds.as_slice() {
                    let kind = kind.clone();
                    fields.insert("type".into(), kind);
                }
            }
            if let Some(Value::Array(words)) = fields.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            if let Some(Value::Array(ways)) = fields.get_mut("anyOf") {
                ways.retain(|way| way.get("type").is_none_or(|kind| kind != "null"));
                if let [Value::Object(only)] = ways.as_slice() {
                    let only = only.clone();
                    fields.remove("anyOf");
                    for (name, value) in only {
                        fields.entry(name).or_insert(value);
                    }
                }
            }
            fields.values_mut().for_each(compact);
        }
        Value::Array(items) => items.iter_mut().for_each(compact),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
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

fn number_as_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    TextOrNumber::deserialize(from).map(String::from)
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    TextOrNumber::deserialize(from).map(|value| Some(value.into()))
}

/// Takes a list, or one of its entries alone; numbers of tasks may be numbers.
fn one_or_many<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    let items = match Value::deserialize(from)? {
        Value::Array(items) => items,
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
