//! What each tool takes. The schemas that arguments are checked against are made from these types,
//! doc comments included: they are what a plan's author, or a model, reads.

use hearth_domain::field::{Name, Word};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

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
