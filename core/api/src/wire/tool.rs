//! Tools that agents made.

use hearth_app::made_tools::{Tested, Tried};
use hearth_domain::JsonObject;
use hearth_domain::tool::{self, MadeTool, ToolState, current};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar;
use super::time::Time;

/// A version of a tool, without its code.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tool<'a> {
    /// Identifies the version.
    id: Uuid,
    /// What it is called.
    #[schema(value_type = scalar::ToolName)]
    name: &'a str,
    /// Which version of its name, from 1 on.
    #[schema(minimum = 1)]
    version: u32,
    /// What it does.
    description: &'a str,
    /// Where it stands.
    #[schema(value_type = scalar::ToolStatus)]
    status: &'static str,
    /// Who disabled it, or went back to another version.
    #[schema(required = true)]
    status_by: Option<&'a str>,
    /// Why it is disabled or set aside.
    #[schema(required = true)]
    status_reason: Option<&'a str>,
    /// The version that took its place, where the owner went back.
    #[schema(required = true)]
    rolled_back_to: Option<u32>,
    /// What it may do beyond computing.
    #[schema(value_type = Grants)]
    grants: &'a tool::Grants,
    /// SHA-256 of all that it is, in hexadecimal.
    sha256: String,
    /// How often it was called.
    uses: u64,
    /// How often that failed through its own fault.
    failures: u64,
    /// How often it failed since it last did not; at 3 it is set aside.
    failures_in_row: u32,
    /// When it was last called.
    #[schema(required = true)]
    last_used_at: Option<Time>,
    /// Who made it.
    created_by: &'a str,
    /// In which task.
    #[schema(required = true)]
    task_id: Option<Uuid>,
    /// When.
    created_at: Time,
}

/// What a tool may do beyond computing, each right by itself.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes what the domain writes, and is never made"
)]
pub(crate) struct Grants {
    /// Functions of the node that it may call.
    host: HostGrants,
    /// Granted folders that it may read as files, by name.
    reads: Vec<String>,
    /// Granted folders that it may change as files, by name.
    writes: Vec<String>,
    /// Hosts that it may speak to through the proxy.
    network: Vec<String>,
    /// Whether it works in the folder of the run that calls it.
    workspace: bool,
}

/// Functions of the node that a tool may call.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes what the domain writes, and is never made"
)]
pub(crate) struct HostGrants {
    /// The hosts of which it may fetch pages.
    http_get: Vec<String>,
    /// The granted folders of which it may read texts.
    fs_read: Vec<String>,
    /// The granted folders into which it may write texts.
    fs_write: Vec<String>,
    /// Whether it may keep values for the run that calls it.
    kv: bool,
    /// Whether it may see the task of the run that calls it.
    task: bool,
}

/// A version of a tool, whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolVersion<'a> {
    /// Where it stands, and how often it was used.
    #[serde(flatten)]
    tool: Tool<'a>,
    /// The JSON Schema of its arguments.
    #[schema(value_type = Object)]
    parameters: &'a JsonObject,
    /// Its Python code, which defines `run`.
    code: &'a str,
    /// Calls with what they return.
    #[schema(value_type = Vec<ToolExample>)]
    examples: &'a [tool::Example],
}

/// A call of a tool, and what it returns.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes what the domain writes, and is never made"
)]
pub(crate) struct ToolExample {
    /// The arguments.
    #[schema(value_type = Object)]
    args: JsonObject,
    /// What it returns.
    result: Value,
    /// Whether it takes the tool's rights.
    needs_grants: bool,
}

/// The tools, each in its current version.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolPage<'a> {
    /// The tools, by name.
    pub(crate) items: Vec<Tool<'a>>,
    /// Always null: they are one page.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// Where the versions of a tool stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolStanding<'a> {
    /// The tool.
    #[schema(value_type = scalar::ToolName)]
    name: &'a str,
    /// The version that its name alone means.
    #[schema(minimum = 1)]
    current_version: u32,
    /// Its versions, oldest first.
    versions: Vec<Tool<'a>>,
}

/// A tool, with every version whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolHistory<'a> {
    /// The tool.
    #[schema(value_type = scalar::ToolName)]
    name: &'a str,
    /// The version that its name alone means.
    #[schema(minimum = 1)]
    current_version: u32,
    /// Its versions, oldest first.
    versions: Vec<ToolVersion<'a>>,
}

impl<'a> From<&'a MadeTool> for Tool<'a> {
    fn from(tool: &'a MadeTool) -> Self {
        let (by, reason, to) = match &tool.state {
            ToolState::Enabled => (None, None, None),
            ToolState::Disabled { by, reason } => (Some(by.as_str()), reason.as_deref(), None),
            ToolState::SetAside { reason } => (None, Some(reason.as_str()), None),
            ToolState::RolledBack { by, to } => (Some(by.as_str()), None, Some(*to)),
        };
        Self {
            id: tool.id.0,
            name: tool.name().as_str(),
            version: tool.version,
            description: &tool.definition.description,
            status: tool.state.status().as_str(),
            status_by: by,
            status_reason: reason,
            rolled_back_to: to,
            grants: &tool.definition.grants,
            sha256: tool.sha256.to_string(),
            uses: tool.uses,
            failures: tool.failures,
            failures_in_row: tool.failures_in_row,
            last_used_at: tool.last_used_at.map(Time),
            created_by: &tool.created_by,
            task_id: tool.task_id.map(|id| id.0),
            created_at: Time(tool.created_at),
        }
    }
}

impl<'a> From<&'a MadeTool> for ToolVersion<'a> {
    fn from(tool: &'a MadeTool) -> Self {
        Self {
            tool: Tool::from(tool),
            parameters: &tool.definition.parameters,
            code: &tool.definition.code,
            examples: &tool.definition.examples,
        }
    }
}

impl<'a> From<&'a [MadeTool]> for ToolStanding<'a> {
    fn from(versions: &'a [MadeTool]) -> Self {
        let (name, current_version) = head(versions);
        Self {
            name,
            current_version,
            versions: versions.iter().map(Tool::from).collect(),
        }
    }
}

impl<'a> From<&'a [MadeTool]> for ToolHistory<'a> {
    fn from(versions: &'a [MadeTool]) -> Self {
        let (name, current_version) = head(versions);
        Self {
            name,
            current_version,
            versions: versions.iter().map(ToolVersion::from).collect(),
        }
    }
}

fn head(versions: &[MadeTool]) -> (&str, u32) {
    let current = current(versions);
    current.map_or(("", 0), |tool| (tool.name().as_str(), tool.version))
}

/// Which version is meant.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1}))]
pub(crate) struct ChooseVersion {
    /// The version; the current one unless told, and for going back the one before it.
    #[schema(minimum = 1)]
    pub(crate) version: Option<u32>,
}

/// Which version is not to be called any more, and why.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "too slow"}))]
pub(crate) struct DisableTool {
    /// The version; all of them unless told.
    #[schema(minimum = 1)]
    pub(crate) version: Option<u32>,
    /// Why.
    #[schema(value_type = Option<scalar::ReasonText>)]
    pub(crate) reason: Option<String>,
}

/// What came of trying a tool's examples.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolTest<'a> {
    /// The tool.
    #[schema(value_type = scalar::ToolName)]
    name: &'a str,
    /// Which version was tried.
    #[schema(minimum = 1)]
    version: u32,
    /// Whether no example failed.
    passed: bool,
    /// What came of each example, in their order.
    examples: Vec<TriedExample<'a>>,
}

/// What came of trying one example.
#[derive(Serialize, ToSchema)]
pub(crate) struct TriedExample<'a> {
    /// How it went; one that takes the tool's rights is not tried.
    #[schema(value_type = scalar::ExampleOutcome)]
    outcome: &'static str,
    /// What went wrong.
    #[schema(required = true)]
    story: Option<&'a str>,
}

impl<'a> From<&'a Tested> for ToolTest<'a> {
    fn from(tested: &'a Tested) -> Self {
        let examples = tested.examples.iter().map(|tried| {
            let (outcome, story) = match tried {
                Tried::Passed => ("passed", None),
                Tried::Failed(story) => ("failed", Some(story.as_str())),
                Tried::NotTried => ("not_tried", None),
            };
            TriedExample { outcome, story }
        });
        let has_failed = |tried: &Tried| matches!(tried, Tried::Failed(_));
        Self {
            name: tested.tool.name().as_str(),
            version: tested.tool.version,
            passed: !tested.examples.iter().any(has_failed),
            examples: examples.collect(),
        }
    }
}
