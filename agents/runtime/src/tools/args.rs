//! What each tool takes. The schemas that arguments are checked against are made from these types,
//! doc comments included: they are what a plan's author, or a model, reads.

use hearth_domain::field::{AgentName, Name, Word};
use hearth_domain::{JsonObject, Priority};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Number, Value};

/// Runs Python code in the sandbox, with the run's folder as its working folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Python {
    /// The code.
    pub code: String,
    /// What it reads on its standard input: a text as it is, anything else as JSON.
    #[serde(default)]
    pub stdin: Option<Value>,
    /// Granted folders it may read, by name; they are at /folders/NAME.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub reads: Vec<FolderName>,
    /// Granted folders it may change.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub writes: Vec<FolderName>,
    /// Hosts it may speak to, through a proxy: example.org, *.example.org, localhost:8080.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub network: Vec<String>,
    /// Functions of the node that it may call, by `import host`.
    #[serde(default)]
    pub host: HostFunctions,
}

/// Functions of the node that Python code may call, each by its own grant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostFunctions {
    /// `host.http_get(url)`: fetches a page of these hosts.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub http_get: Vec<String>,
    /// `host.fs_read(folder, path)`: reads a text of these granted folders.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub fs_read: Vec<FolderName>,
    /// `host.fs_write(folder, path, content)`: writes a text into these granted folders.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub fs_write: Vec<FolderName>,
    /// `host.kv_get(key)`, `host.kv_set(key, value)`: values that are kept for this run.
    #[serde(default)]
    pub kv: bool,
    /// `host.task()`: the task it works on.
    #[serde(default)]
    pub task: bool,
}

/// Runs a command, in the sandbox unless told otherwise, with the run's folder as its working folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCommand {
    /// The program and its arguments.
    #[schemars(length(min = 1, max = 1000))]
    pub argv: Vec<String>,
    /// What it reads on its standard input: a text as it is, anything else as JSON.
    #[serde(default)]
    pub stdin: Option<Value>,
    /// Granted folders it may read, by name; they are at /folders/NAME.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub reads: Vec<FolderName>,
    /// Granted folders it may change.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub writes: Vec<FolderName>,
    /// Hosts it may speak to, through a proxy: example.org, *.example.org, localhost:8080.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub network: Vec<String>,
    /// Whether it runs outside the sandbox, with the owner's rights, in the run's folder. The owner
    /// is asked each time.
    #[serde(default)]
    pub outside: bool,
    /// With `outside`: what the run's folder held when the owner was asked. The node says it; what a
    /// plan says here is written over.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub folder_sha256: Option<String>,
}

/// Reads a text file of the run's folder, or of a granted one; its text becomes the result.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadFile {
    /// Where, from the folder.
    #[schemars(length(min = 1, max = 4096))]
    pub path: String,
    /// Which granted folder; the run's own where nothing is said.
    #[serde(default)]
    pub folder: Option<FolderName>,
}

/// Writes a text file into the run's folder, or into a granted one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteFile {
    /// Where, from the folder; folders on the way are made.
    #[schemars(length(min = 1, max = 4096))]
    pub path: String,
    /// The text.
    pub content: String,
    /// Which granted folder; the run's own where nothing is said.
    #[serde(default)]
    pub folder: Option<FolderName>,
}

/// Lists the files of the run's folder, or of a granted one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFiles {
    /// Below which folder of it.
    #[serde(default)]
    #[schemars(length(min = 1, max = 4096))]
    pub path: Option<String>,
    /// Which granted folder; the run's own where nothing is said.
    #[serde(default)]
    pub folder: Option<FolderName>,
}

/// Stores a file of the run's folder, or text, as an artifact of the task. It takes a path or a
/// content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreArtifact {
    /// What sort of artifact, in a word.
    #[serde(rename = "type")]
    #[schemars(with = "String", regex(pattern = "^[A-Za-z0-9_.-]{1,50}$"))]
    pub kind: Word,
    /// Which file of the run's folder.
    #[serde(default)]
    pub path: Option<String>,
    /// Which text.
    #[serde(default)]
    pub content: Option<String>,
    /// What it is called; the path where nothing is said.
    #[serde(default)]
    #[schemars(with = "Option<ArtifactName>")]
    pub name: Option<Name>,
}

/// Fetches a page, a file or an answer over http or https.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpGet {
    /// From where. Other hosts than its own are not followed to.
    #[schemars(length(min = 1, max = 8192))]
    pub url: String,
    /// Where in the run's folder the bytes are kept; without it, text becomes the result.
    #[serde(default)]
    #[schemars(length(min = 1, max = 4096))]
    pub save_as: Option<String>,
}

/// Searches the web, or where no server for that is set up or reached, what this machine knows: pages
/// that were read, memories, tasks. What it finds was written by strangers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebSearch {
    /// What is looked for. It leaves this machine where a server is set up.
    #[schemars(length(min = 1, max = 400))]
    pub query: String,
    /// How many results; 5 where nothing is said.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10))]
    pub count: Option<u32>,
}

/// Reads a page of the web: the part that is for reading, as Markdown without links. It was written by
/// a stranger. The page is kept for searches on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebScrape {
    /// Which page. Other hosts than its own are not followed to.
    #[schemars(length(min = 1, max = 8192))]
    pub url: String,
    /// Where in the run's folder the whole text is kept; without it, the text becomes the result, as
    /// far as 48 KiB go.
    #[serde(default)]
    #[schemars(length(min = 1, max = 4096))]
    pub save_as: Option<String>,
}

/// Keeps something in mind for later runs: of this project, or where the task has none, of all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remember {
    /// What is to be known, so that it can be understood by itself.
    #[schemars(length(min = 1, max = 4000))]
    pub text: String,
    /// What it is about, in a few words that it is found by as well.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub about: Option<String>,
}

/// Recalls what earlier runs and the owner had remembered: of this project first, then what is for
/// all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recall {
    /// Words of it.
    #[schemars(length(min = 1, max = 400))]
    pub query: String,
    /// How many memories; 5 where nothing is said.
    #[serde(default)]
    #[schemars(range(min = 1, max = 20))]
    pub count: Option<u32>,
}

/// Puts tools with all their arguments among yours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribeTools {
    /// Their names.
    #[schemars(length(min = 1, max = 8))]
    pub names: Vec<String>,
}

/// Asks the owner; the plan waits for the answer, which becomes the result as `answer`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskOwner {
    /// What is asked.
    #[schemars(length(min = 1, max = 10_000))]
    pub question: String,
    /// Answers to choose from.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub options: Vec<String>,
}

/// Makes a specialist: an agent for a part of the work, with at most the rights of this one. Hand work
/// to it with delegate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAgent {
    /// Its name, such as proofreader.
    pub name: AgentWord,
    /// What it is good at, and how it works; at most 8 KiB.
    #[schemars(length(min = 1, max = 8192))]
    pub instructions: String,
    /// The tools it may call; those of this agent where nothing is said.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub tools: Option<Vec<ToolName>>,
    /// Tools before whose calls it asks the owner.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub asks_before: Vec<ToolName>,
    /// How much it may use up for one task.
    #[serde(default)]
    pub limits: AgentLimits,
}

/// How much an agent may use up for one task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentLimits {
    /// US dollars.
    #[serde(default)]
    #[schemars(with = "Option<f64>", range(min = 0, max = 1_000_000))]
    pub usd: Option<Number>,
    /// Tokens of models, in and out.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub tokens: Option<u64>,
    /// Turns of its model.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub turns: Option<u64>,
    /// Calls of tools.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub tool_calls: Option<u64>,
    /// Seconds at work.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub wall_seconds: Option<u64>,
}

/// Hands work to another agent, as a task of its own; waits for its end. The result is
/// {task, result, artifacts}.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    /// To whom: a specialist, or any registered agent.
    pub agent: AgentWord,
    /// What is to be done, in a line.
    pub title: TaskTitle,
    /// What is to be done, at length: the agent knows nothing of this task.
    #[serde(default)]
    #[schemars(length(max = 100_000))]
    pub description: Option<String>,
    /// What the agent should know, as an object.
    #[serde(default)]
    pub context: Option<JsonObject>,
    /// How urgent it is; as urgent as this task where nothing is said.
    #[serde(default)]
    #[schemars(with = "PriorityWord")]
    pub priority: Option<PriorityWord>,
    /// What must hold before it counts as done.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub acceptance: Vec<AcceptanceCheck>,
    /// What of this task's budget goes along; a quarter where nothing is said.
    #[serde(default)]
    pub budget: Option<PartOfBudget>,
}

/// A part of a budget.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartOfBudget {
    /// US dollars.
    #[serde(default)]
    #[schemars(with = "Option<f64>", range(min = 0, max = 1_000_000))]
    pub usd: Option<Number>,
    /// Tokens of models, in and out.
    #[serde(default)]
    pub tokens: Option<u64>,
}

/// One acceptance check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptanceCheck {
    /// artifact: its worker stored one; result_schema: the result fits; python, command: exits with 0.
    pub kind: CheckKind,
    /// With artifact: of this type.
    #[serde(default, rename = "type")]
    #[schemars(with = "Option<WordText>")]
    pub of_type: Option<Word>,
    /// With artifact: at least so large.
    #[serde(default)]
    pub min_bytes: Option<u64>,
    /// With result_schema: the JSON Schema.
    #[serde(default)]
    pub schema: Option<Value>,
    /// With python: the code, run over the task's files.
    #[serde(default)]
    pub code: Option<String>,
    /// With command: the program and its arguments.
    #[serde(default)]
    pub argv: Option<Vec<String>>,
}

/// A sort of acceptance check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "said of each, the schema would say it to models once more"
)]
pub enum CheckKind {
    Artifact,
    ResultSchema,
    Python,
    Command,
}

impl CheckKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Artifact => "artifact",
            Self::ResultSchema => "result_schema",
            Self::Python => "python",
            Self::Command => "command",
        }
    }
}

/// How urgent a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "said of each, the schema would say it to models once more"
)]
pub enum PriorityWord {
    Low,
    Medium,
    High,
    Critical,
}

impl From<PriorityWord> for Priority {
    fn from(word: PriorityWord) -> Self {
        match word {
            PriorityWord::Low => Self::Low,
            PriorityWord::Medium => Self::Medium,
            PriorityWord::High => Self::High,
            PriorityWord::Critical => Self::Critical,
        }
    }
}

/// The name of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AgentWord(
    #[schemars(with = "String", regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"))] pub AgentName,
);

/// The name of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ToolName(
    #[schemars(with = "String", regex(pattern = "^[A-Za-z0-9_.-]{1,50}$"))] pub Word,
);

/// A title: a line of text that is not blank.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TaskTitle(
    #[schemars(
        length(max = 500),
        regex(
            pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$"
        )
    )]
    pub String,
);

/// What a [`Word`] is in a schema.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is there for its schema")]
struct WordText(#[schemars(regex(pattern = "^[A-Za-z0-9_.-]{1,50}$"))] String);
/// Makes a tool that this and later tasks can call by its name: Python code with the standard library
/// alone. It is tried on its examples first, and comes back with what went wrong. Without grants it
/// computes and reaches nothing; the owner is asked for every grant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTool {
    /// What it is called, such as count_words. Under a name of yours it becomes the next version.
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9_]{1,39}$"))]
    pub name: Word,
    /// What it does and when to use it, in a sentence or two.
    #[schemars(length(min = 1, max = 1000))]
    pub description: String,
    /// The JSON Schema of its arguments, of type object.
    pub parameters: JsonObject,
    /// Code that defines `def run(**args)` and returns what JSON can hold, 64 KiB at most.
    #[schemars(length(min = 1, max = 65_536))]
    pub code: String,
    /// Calls with what they return.
    #[schemars(length(min = 1, max = 10))]
    pub examples: Vec<ToolExample>,
    /// What it may do beyond computing.
    #[serde(default)]
    pub grants: ToolGrants,
}

/// A call of the tool, and what it returns.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolExample {
    /// The arguments.
    pub args: JsonObject,
    /// What it returns. With needs_grants, null is not compared.
    #[serde(default)]
    pub result: Value,
    /// Whether it takes the grants: then it is tried only after the owner's yes.
    #[serde(default)]
    pub needs_grants: bool,
}

/// What a tool may do beyond computing, each right by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolGrants {
    /// Functions of the node that it may call, by `import host` within run.
    #[serde(default)]
    pub host: HostFunctions,
    /// Granted folders it may read, by name; they are at /folders/NAME.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub reads: Vec<FolderName>,
    /// Granted folders it may change.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub writes: Vec<FolderName>,
    /// Hosts it may speak to, through a proxy.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub network: Vec<String>,
    /// Whether it works in the folder of the run that calls it; else in an empty one.
    #[serde(default)]
    pub workspace: bool,
}

/// What a [`Name`] is in a schema: a line of text that is not blank.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is there for its schema")]
struct ArtifactName(
    #[schemars(
        length(max = 200),
        regex(
            pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$"
        )
    )]
    String,
);

/// The name of a granted folder, in a word.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FolderName(
    #[schemars(with = "String", regex(pattern = "^[A-Za-z0-9_.-]{1,50}$"))] pub Word,
);
