//! Plans: the tool calls that a task's context asks for, one after the other.
//!
//! `{"plan": [{"tool": "python", "args": {"code": "print(1)"}}, ...]}`

use hearth_domain::JsonObject;
use hearth_domain::field::{Name, Word};
use serde::Deserialize;
use thiserror::Error;

/// The most calls in a plan.
pub const CALLS_MAX: usize = 50;

/// One tool call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "tool", content = "args", rename_all = "snake_case")]
pub enum Call {
    /// Runs Python code in the sandbox.
    Python(Python),
    /// Runs a command in the sandbox.
    Command(Command),
    /// Reads a text file of the workspace; its text becomes the result.
    ReadFile(ReadFile),
    /// Writes a text file into the workspace.
    WriteFile(WriteFile),
    /// Stores a file of the workspace, or text, as an artifact of the task.
    StoreArtifact(StoreArtifact),
}

/// See [`Call::Python`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Python {
    /// The code.
    pub code: String,
    /// What it reads on its standard input.
    #[serde(default)]
    pub stdin: Option<String>,
}

/// See [`Call::Command`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What it reads on its standard input.
    #[serde(default)]
    pub stdin: Option<String>,
}

/// See [`Call::ReadFile`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadFile {
    /// Where, from the workspace.
    pub path: String,
}

/// See [`Call::WriteFile`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteFile {
    /// Where, from the workspace; folders are made.
    pub path: String,
    /// The text.
    pub content: String,
}

/// See [`Call::StoreArtifact`]. It takes a path or a content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreArtifact {
    /// What sort of artifact.
    #[serde(rename = "type")]
    pub kind: Word,
    /// Which file of the workspace.
    #[serde(default)]
    pub path: Option<String>,
    /// Which text.
    #[serde(default)]
    pub content: Option<String>,
    /// What it is called; the path where nothing is said.
    #[serde(default)]
    pub name: Option<Name>,
}

impl Call {
    /// Returns the tool's name.
    pub fn tool(&self) -> &'static str {
        match self {
            Self::Python(_) => "python",
            Self::Command(_) => "command",
            Self::ReadFile(_) => "read_file",
            Self::WriteFile(_) => "write_file",
            Self::StoreArtifact(_) => "store_artifact",
        }
    }
}

/// A plan that cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidPlan {
    /// It is no list, or an empty one.
    #[error(
        "context.plan must be a list of tool calls, such as [{{\"tool\": \"python\", \"args\": {{\"code\": \"print(1)\"}}}}]"
    )]
    NoList,
    /// It is too long.
    #[error("context.plan has {0} calls; at most {CALLS_MAX} are executed")]
    TooLong(usize),
    /// One of its calls is not understood.
    #[error(
        "context.plan[{place}] is not understood: {problem}; the tools are python, command, read_file, write_file and store_artifact"
    )]
    Call {
        /// Which one.
        place: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// Reads the plan of a task's context.
///
/// # Errors
/// Names the call that is not understood.
pub fn parse(context: &JsonObject) -> Result<Vec<Call>, InvalidPlan> {
    let calls = context
        .get("plan")
        .and_then(serde_json::Value::as_array)
        .ok_or(InvalidPlan::NoList)?;
    match calls.len() {
        0 => return Err(InvalidPlan::NoList),
        1..=CALLS_MAX => (),
        length => return Err(InvalidPlan::TooLong(length)),
    }
    calls
        .iter()
        .enumerate()
        .map(|(place, call)| read(call).map_err(|problem| InvalidPlan::Call { place, problem }))
        .collect()
}

fn read(call: &serde_json::Value) -> Result<Call, String> {
    let call = Call::deserialize(call).map_err(|error| error.to_string())?;
    match &call {
        Call::Command(command) if command.argv.first().is_none_or(String::is_empty) => {
            Err("argv must name a program".into())
        }
        Call::StoreArtifact(store) if store.path.is_some() == store.content.is_some() => {
            Err("store_artifact takes either path or content".into())
        }
        _ => Ok(call),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(value: serde_json::Value) -> Result<Vec<Call>, InvalidPlan> {
        let mut context = JsonObject::new();
        context.insert("plan".into(), value);
        parse(&context)
    }

    #[test]
    fn a_plan_of_known_tools_is_read() {
        let calls = plan(json!([
            {"tool": "write_file", "args": {"path": "a.txt", "content": "a"}},
            {"tool": "command", "args": {"argv": ["cat", "a.txt"]}},
        ]))
        .unwrap();

        assert_eq!(
            calls.iter().map(Call::tool).collect::<Vec<_>>(),
            ["write_file", "command"]
        );
    }

    #[test]
    fn a_call_that_is_not_understood_is_named_by_its_place() {
        for bad in [
            json!({"tool": "web_search", "args": {}}),
            json!({"tool": "python", "args": {"code": 1}}),
            json!({"tool": "python", "args": {"code": "", "network": true}}),
            json!({"tool": "command", "args": {"argv": []}}),
            json!({"tool": "store_artifact", "args": {"type": "report"}}),
            json!("python"),
        ] {
            let good = json!({"tool": "python", "args": {"code": "1"}});

            let refused = plan(json!([good, bad])).unwrap_err();

            assert!(
                matches!(refused, InvalidPlan::Call { place: 1, .. }),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_plan_that_is_no_list_or_too_long_is_refused() {
        assert_eq!(plan(json!("python")), Err(InvalidPlan::NoList));
        assert_eq!(plan(json!([])), Err(InvalidPlan::NoList));
        let call = json!({"tool": "python", "args": {"code": "1"}});
        assert_eq!(plan(json!(vec![call; 51])), Err(InvalidPlan::TooLong(51)));
    }
}
