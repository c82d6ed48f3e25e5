//! The six tools of the chief of staff: what each takes, and how a call is read.
//!
//! The schemas are made from the types, as those of the tools of runs are.

use std::sync::LazyLock;

use hearth_domain::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{ToolCall, ToolSpec};
use crate::tools::registry::spec_of;
use crate::tools::task_args::{CreateTask, GetAgentStatus, QueryTasks, UpdateTask, number_as_text};

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

/// Makes a project.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateProject {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
}

/// Keeps a written piece with a task.
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

/// The tools, as they are sent.
static SPECS: LazyLock<Vec<ToolSpec>> = LazyLock::new(|| {
    vec![
        spec_of::<CreateProject>("create_project"),
        spec_of::<CreateTask>("create_task"),
        spec_of::<QueryTasks>("query_tasks"),
        spec_of::<UpdateTask>("update_task"),
        spec_of::<GetAgentStatus>("get_agent_status"),
        spec_of::<CreateArtifact>("create_artifact"),
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
