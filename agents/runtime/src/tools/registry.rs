//! Which tools there are, what each call of them means, and how its arguments are checked: against
//! the schema that is made from their type, so that what is documented is what is taken.

mod all;
mod compact;
pub(crate) mod shelf;
mod words;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hearth_domain::action::Action;
use hearth_domain::field::Word;
use hearth_domain::policy::{Agreed, Creates, Labels, Reach};
use hearth_domain::run::Repeat;
use hearth_domain::tool::Grants;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::made::MadeCall;
use crate::model::ToolSpec;

pub use self::all::Registry;
use self::compact::compact;
use self::shelf::{Shown, fold};
use super::args::{
    AskOwner, CreateAgent, CreateTool, Delegate, DescribeTools, FolderName, HttpGet, ListFiles,
    Python, ReadFile, Recall, Remember, RunCommand, StoreArtifact, WebScrape, WebSearch, WriteFile,
};
use super::task_args::{CreateTask, GetAgentStatus, QueryTasks, UpdateTask};

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// See [`Python`].
    Python(Python),
    /// See [`RunCommand`].
    RunCommand(RunCommand),
    /// See [`ReadFile`].
    ReadFile(ReadFile),
    /// See [`WriteFile`].
    WriteFile(WriteFile),
    /// See [`ListFiles`].
    ListFiles(ListFiles),
    /// See [`StoreArtifact`].
    StoreArtifact(StoreArtifact),
    /// See [`HttpGet`].
    HttpGet(HttpGet),
    /// See [`WebSearch`].
    WebSearch(WebSearch),
    /// See [`WebScrape`].
    WebScrape(WebScrape),
    /// See [`Remember`].
    Remember(Remember),
    /// See [`Recall`].
    Recall(Recall),
    /// See [`DescribeTools`].
    DescribeTools(DescribeTools),
    /// See [`AskOwner`].
    AskOwner(AskOwner),
    /// See [`CreateAgent`].
    CreateAgent(CreateAgent),
    /// See [`Delegate`].
    Delegate(Delegate),
    /// See [`CreateTool`].
    CreateTool(CreateTool),
    /// See [`CreateTask`]; with the arguments as they were given, which make the call what it is.
    CreateTask(Box<CreateTask>, Value),
    /// See [`QueryTasks`].
    QueryTasks(QueryTasks),
    /// See [`UpdateTask`].
    UpdateTask(Box<UpdateTask>),
    /// See [`GetAgentStatus`].
    GetAgentStatus(GetAgentStatus),
    /// A call of a tool that an agent made.
    Made(MadeCall),
}

/// What is known of a tool.
struct Tool {
    schema: Value,
    /// The same for models, without what they do not need.
    compact: Value,
    /// The same in short.
    folded: Value,
    /// None where the schema is none, which a test rules out; then nothing is taken.
    validator: Option<Validator>,
    read: fn(Value) -> serde_json::Result<Call>,
}

impl Tool {
    fn of<T: JsonSchema + DeserializeOwned>(read: fn(Value) -> serde_json::Result<Call>) -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.inline_subschemas = true;
        let schema = settings.into_generator().into_root_schema_for::<T>();
        let schema = schema.to_value();
        let compact = compact(&schema);
        Self {
            validator: jsonschema::validator_for(&schema).ok(),
            folded: fold(&compact),
            compact,
            schema,
            read,
        }
    }

    /// Returns it as models see it, where they do.
    fn spec(&self, name: &str, shown: Shown) -> Option<ToolSpec> {
        match shown {
            Shown::Whole => Some(spec(name, &self.compact)),
            Shown::Folded => Some(spec(name, &self.folded)),
            Shown::Not => None,
        }
    }

    /// Says what is wrong with arguments, and what would be right.
    fn explain(&self, wrong: &ValidationError<'_>) -> String {
        match wrong.kind() {
            ValidationErrorKind::Pattern { .. } => {
                format!(
                    "{} is no word or line of text that can be a name; a name of a folder or a \
                         type is of letters, digits, '-', '_' and '.', such as report",
                    wrong.instance()
                )
            }
            _ => explain(wrong, &self.schema),
        }
    }
}

/// Returns a tool as models see it, whose arguments are of a type.
pub(crate) fn spec_of<T: JsonSchema + DeserializeOwned>(name: &str) -> ToolSpec {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    spec(name, &compact(&schema.to_value()))
}

/// Returns a tool as models see it; its schema's description becomes its own.
fn spec(name: &str, compact: &Value) -> ToolSpec {
    let mut schema = compact.clone();
    let description = schema
        .as_object_mut()
        .and_then(|keywords| keywords.remove("description"));
    let description = description.as_ref().and_then(Value::as_str);
    ToolSpec {
        name: name.to_owned(),
        description: description.unwrap_or_default().to_owned(),
        schema,
    }
}

/// Says what is wrong with arguments, and for one that there is not, which there are.
fn explain(wrong: &ValidationError<'_>, schema: &Value) -> String {
    let ValidationErrorKind::AdditionalProperties { unexpected } = wrong.kind() else {
        return wrong.to_string();
    };
    let within = wrong.schema_path().to_string();
    let within = within.trim_end_matches("additionalProperties");
    let known = schema.pointer(&format!("{within}properties"));
    let known = known.and_then(Value::as_object).into_iter().flatten();
    let known: Vec<&str> = known.map(|(name, _)| name.as_str()).collect();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    format!(
        "there is no argument {}; it takes {known}",
        unexpected.join(", ")
    )
}

/// Holds arguments against the schema of the tool `name`; `explain` says what is wrong with them.
fn check_args(
    name: &str,
    args: &Value,
    validator: &Validator,
    explain: impl Fn(&ValidationError<'_>) -> String,
) -> Result<(), String> {
    let Some(wrong) = validator.iter_errors(args).next() else {
        return Ok(());
    };
    let at = wrong.instance_path().to_string().replace('/', ".");
    Err(format!("args{at} of {name}: {}", explain(&wrong)))
}

fn read<T: DeserializeOwned>(args: Value, call: fn(T) -> Call) -> serde_json::Result<Call> {
    T::deserialize(args).map(call)
}

/// The tools by name.
static TOOLS: LazyLock<BTreeMap<&'static str, Tool>> = LazyLock::new(|| {
    let command = || Tool::of::<RunCommand>(|args| read(args, Call::RunCommand));
    BTreeMap::from([
        (
            "python",
            Tool::of::<Python>(|args| read(args, Call::Python)),
        ),
        ("run_command", command()),
        // What it was called first; plans that are kept say so.
        ("command", command()),
        (
            "read_file",
            Tool::of::<ReadFile>(|args| read(args, Call::ReadFile)),
        ),
        (
            "write_file",
            Tool::of::<WriteFile>(|args| read(args, Call::WriteFile)),
        ),
        (
            "list_files",
            Tool::of::<ListFiles>(|args| read(args, Call::ListFiles)),
        ),
        (
            "store_artifact",
            Tool::of::<StoreArtifact>(|args| read(args, Call::StoreArtifact)),
        ),
        (
            "http_get",
            Tool::of::<HttpGet>(|args| read(args, Call::HttpGet)),
        ),
        (
            "web_search",
            Tool::of::<WebSearch>(|args| read(args, Call::WebSearch)),
        ),
        (
            "web_scrape",
            Tool::of::<WebScrape>(|args| read(args, Call::WebScrape)),
        ),
        (
            "remember",
            Tool::of::<Remember>(|args| read(args, Call::Remember)),
        ),
        (
            "recall",
            Tool::of::<Recall>(|args| read(args, Call::Recall)),
        ),
        (
            "describe_tools",
            Tool::of::<DescribeTools>(|args| read(args, Call::DescribeTools)),
        ),
        (
            "ask_owner",
            Tool::of::<AskOwner>(|args| read(args, Call::AskOwner)),
        ),
        (
            "create_agent",
            Tool::of::<CreateAgent>(|args| read(args, Call::CreateAgent)),
        ),
        (
            "delegate",
            Tool::of::<Delegate>(|args| read(args, Call::Delegate)),
        ),
        (
            "create_tool",
            Tool::of::<CreateTool>(|args| read(args, Call::CreateTool)),
        ),
        (
            "create_task",
            Tool::of::<CreateTask>(|args| {
                let new = CreateTask::deserialize(&args)?;
                Ok(Call::CreateTask(Box::new(new), args))
            }),
        ),
        (
            "query_tasks",
            Tool::of::<QueryTasks>(|args| read(args, Call::QueryTasks)),
        ),
        (
            "update_task",
            Tool::of::<UpdateTask>(|args| read(args, |update| Call::UpdateTask(Box::new(update)))),
        ),
        (
            "get_agent_status",
            Tool::of::<GetAgentStatus>(|args| read(args, Call::GetAgentStatus)),
        ),
    ])
});

/// Returns the schema of a built-in tool's arguments (JSON Schema 2020-12).
pub fn schema(tool: &str) -> Option<&'static Value> {
    TOOLS.get(tool).map(|tool| &tool.schema)
}

/// Whether a built-in tool has that name, or had.
pub(super) fn is_builtin(name: &str) -> bool {
    TOOLS.contains_key(name)
}

/// Returns the built-in tools' names.
pub fn names() -> impl Iterator<Item = &'static str> {
    TOOLS.keys().copied().filter(|name| *name != "command")
}

impl Call {
    /// Reads a call of a built-in tool; `None` where it is none of these.
    fn read_builtin(action: &Action) -> Option<Result<Self, String>> {
        let tool = TOOLS.get(action.tool.as_str())?;
        Some(Self::read_as(tool, action))
    }

    fn read_as(tool: &Tool, action: &Action) -> Result<Self, String> {
        let name = action.tool.as_str();
        let args = Value::from(action.args.clone());
        let Some(validator) = &tool.validator else {
            return Err(format!("the schema of {name} is broken"));
        };
        check_args(name, &args, validator, |wrong| tool.explain(wrong))?;
        let call = (tool.read)(args).map_err(|error| format!("args of {name}: {error}"))?;
        call.check()
            .map_err(|problem| format!("args of {name}: {problem}"))?;
        Ok(call)
    }

    /// What a schema cannot say.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::StoreArtifact(store) if store.path.is_some() == store.content.is_some() => {
                Err("takes a path or a content, and not both".into())
            }
            Self::RunCommand(command) if command.argv.first().is_none_or(String::is_empty) => {
                Err("argv must name a program".into())
            }
            Self::RunCommand(command)
                if command.outside
                    && !(command.reads.is_empty()
                        && command.writes.is_empty()
                        && command.network.is_empty()) =>
            {
                Err(
                    "outside the sandbox nothing is granted: leave out reads, writes and network"
                        .into(),
                )
            }
            Self::RunCommand(command) => check_hosts("network", &command.network),
            Self::Python(python) => {
                check_hosts("network", &python.network)?;
                check_hosts("host.http_get", &python.host.http_get)
            }
            Self::HttpGet(get) => host_of(&get.url).map(drop),
            Self::CreateAgent(create) => create.specialist().map(drop),
            Self::Delegate(delegate) => delegate.delegation().map(drop),
            Self::CreateTool(create) => create.check(),
            Self::WebScrape(scrape) => host_of(&scrape.url).map(drop),
            Self::ReadFile(_)
            | Self::WriteFile(_)
            | Self::ListFiles(_)
            | Self::StoreArtifact(_)
            | Self::AskOwner(_)
            | Self::WebSearch(_)
            | Self::Remember(_)
            | Self::Recall(_)
            | Self::DescribeTools(_)
            | Self::CreateTask(..)
            | Self::QueryTasks(_)
            | Self::UpdateTask(_)
            | Self::GetAgentStatus(_)
            | Self::Made(_) => Ok(()),
        }
    }

    /// Has the action name the very version that is called, so that the journal, an approval and a
    /// permission mean that one and no later one.
    pub fn pin(&self, action: &mut Action) {
        if let Self::Made(call) = self {
            action.tool = call.exact_name();
        }
    }

    /// What it can touch beyond the run's own folder; of a search, but for the server that the owner
    /// configured.
    pub fn reach(&self) -> Reach {
        let words = |names: &[FolderName]| -> Vec<Word> {
            names.iter().map(|name| name.0.clone()).collect()
        };
        let one = |folder: &Option<FolderName>| -> Vec<Word> {
            folder.iter().map(|name| name.0.clone()).collect()
        };
        match self {
            Self::Python(python) => Reach {
                hosts: [&python.network[..], &python.host.http_get].concat(),
                reads: [words(&python.reads), words(&python.host.fs_read)].concat(),
                writes: [words(&python.writes), words(&python.host.fs_write)].concat(),
                ..Reach::default()
            },
            Self::RunCommand(command) => Reach {
                hosts: command.network.clone(),
                reads: words(&command.reads),
                writes: words(&command.writes),
                is_outside: command.outside,
                ..Reach::default()
            },
            Self::ReadFile(ReadFile { folder, .. }) | Self::ListFiles(ListFiles { folder, .. }) => {
                Reach {
                    reads: one(folder),
                    ..Reach::default()
                }
            }
            Self::WriteFile(write) => Reach {
                writes: one(&write.folder),
                ..Reach::default()
            },
            Self::HttpGet(get) => Reach {
                hosts: host_of(&get.url).into_iter().collect(),
                ..Reach::default()
            },
            Self::CreateAgent(_) => Reach {
                creates: Some(Creates::Agent),
                ..Reach::default()
            },
            Self::CreateTool(create) => {
                let grants = create.grants.as_kept();
                let has_grants = !grants.is_empty();
                Reach {
                    creates: Some(Creates::Tool { has_grants }),
                    ..reach_of(&grants)
                }
            }
            Self::Made(call) => Reach {
                agreed: Some(Agreed::WithTool),
                ..reach_of(call.grants())
            },
            Self::WebScrape(scrape) => Reach {
                hosts: host_of(&scrape.url).into_iter().collect(),
                ..Reach::default()
            },
            Self::Recall(_) => Reach {
                reads_memories: true,
                ..Reach::default()
            },
            Self::StoreArtifact(_)
            | Self::WebSearch(_)
            | Self::Remember(_)
            | Self::AskOwner(_)
            | Self::DescribeTools(_)
            | Self::CreateTask(..)
            | Self::QueryTasks(_)
            | Self::UpdateTask(_)
            | Self::GetAgentStatus(_)
            | Self::Delegate(_) => Reach::default(),
        }
    }

    /// What its result brings into the run; of memories, what those in reach bring is added when the
    /// call is decided over.
    pub fn brings(&self) -> Labels {
        if let Self::CreateTool(create) = self
            && !create.tries_with_grants()
        {
            return Labels::default();
        }
        let reach = self.reach();
        Labels {
            // What this machine finds was read from strangers, too.
            untrusted: !reach.hosts.is_empty() || matches!(self, Self::WebSearch(_)),
            private: reach.is_outside || !reach.reads.is_empty() || !reach.writes.is_empty(),
        }
    }

    /// What may be done with it when nobody knows whether it happened. With a key that the world
    /// knows it by, it may be made again whatever it is.
    pub fn repeat(&self, has_key: bool) -> Repeat {
        let reach = self.reach();
        match self {
            _ if has_key => Repeat::Safe,
            // The node knows a tool by what it is; examples that take rights are tried with them.
            Self::CreateTool(create) if create.tries_with_grants() => Repeat::Unsafe,
            Self::Made(call)
                if !call.grants().workspace
                    && reach.hosts.is_empty()
                    && reach.writes.is_empty() =>
            {
                Repeat::Safe
            }
            Self::Python(_) | Self::RunCommand(_) | Self::Made(_) => {
                if reach.is_outside || !reach.hosts.is_empty() || !reach.writes.is_empty() {
                    Repeat::Unsafe
                } else {
                    Repeat::Restored
                }
            }
            Self::ReadFile(_)
            | Self::WriteFile(_)
            | Self::ListFiles(_)
            | Self::StoreArtifact(_)
            | Self::HttpGet(_)
            | Self::WebSearch(_)
            | Self::WebScrape(_)
            | Self::Remember(_)
            | Self::Recall(_)
            | Self::DescribeTools(_)
            | Self::AskOwner(_)
            // The same agent or tool again is the same; work is handed on in one write.
            | Self::CreateAgent(_)
            | Self::CreateTool(_)
            // A task is known by the place of its making; a change that is so already is none.
            | Self::CreateTask(..)
            | Self::QueryTasks(_)
            | Self::UpdateTask(_)
            | Self::GetAgentStatus(_)
            | Self::Delegate(_) => Repeat::Safe,
        }
    }

    /// Whether it changes the run's folder.
    pub fn changes_folder(&self) -> bool {
        match self {
            Self::Python(_) | Self::RunCommand(_) => true,
            Self::WriteFile(write) => write.folder.is_none(),
            Self::HttpGet(get) => get.save_as.is_some(),
            Self::Made(call) => call.grants().workspace,
            Self::CreateTool(create) => create.grants.workspace && create.tries_with_grants(),
            Self::WebScrape(scrape) => scrape.save_as.is_some(),
            Self::ReadFile(_)
            | Self::ListFiles(_)
            | Self::StoreArtifact(_)
            | Self::WebSearch(_)
            | Self::Remember(_)
            | Self::Recall(_)
            | Self::DescribeTools(_)
            | Self::AskOwner(_)
            | Self::CreateAgent(_)
            | Self::CreateTask(..)
            | Self::QueryTasks(_)
            | Self::UpdateTask(_)
            | Self::GetAgentStatus(_)
            | Self::Delegate(_) => false,
        }
    }

    /// Says what it does in words that go on from "May I".
    pub fn in_words(&self) -> String {
        match self {
            Self::Python(python) => {
                let hosts = [&python.network[..], &python.host.http_get].concat();
                let reads = [&python.reads[..], &python.host.fs_read].concat();
                let writes = [&python.writes[..], &python.host.fs_write].concat();
                let rights = rights(&hosts, &reads, &writes);
                let input = input(python.stdin.as_ref());
                format!("run Python code{rights}{input}: {}", quoted(&python.code))
            }
            Self::RunCommand(command) => {
                let rights = rights(&command.network, &command.reads, &command.writes);
                let whereabouts = if command.outside {
                    " outside the sandbox, with your rights"
                } else {
                    ""
                };
                let words: Vec<String> = command.argv.iter().map(|word| quoted(word)).collect();
                let input = input(command.stdin.as_ref());
                format!("run{whereabouts}{rights}{input}: {}", cut(&words.join(" ")))
            }
            Self::ReadFile(read) => format!("read {}", place(&read.path, read.folder.as_ref())),
            Self::WriteFile(write) => {
                format!("write {}", place(&write.path, write.folder.as_ref()))
            }
            Self::ListFiles(list) => {
                let path = list.path.as_deref().unwrap_or(".");
                format!("list {}", place(path, list.folder.as_ref()))
            }
            Self::StoreArtifact(store) => format!("store an artifact of type {}", store.kind),
            Self::HttpGet(get) => format!("fetch {}", shortened(&get.url)),
            Self::CreateAgent(create) => {
                format!("make agent {}", create.name.0)
            }
            Self::Delegate(delegate) => format!(
                "hand \"{}\" to agent {}",
                shortened(&delegate.title.0),
                delegate.agent.0
            ),
            Self::CreateTool(create) => words::create_tool(create),
            Self::Made(call) => words::made(call),
            Self::WebSearch(search) => format!("search the web for {}", quoted(&search.query)),
            Self::WebScrape(scrape) => format!("read {}", shortened(&scrape.url)),
            Self::Remember(remember) => format!("remember {}", quoted(&remember.text)),
            Self::Recall(recall) => format!("recall {}", quoted(&recall.query)),
            Self::DescribeTools(describe) => {
                format!("look at the tools {}", cut(&describe.names.join(", ")))
            }
            Self::CreateTask(new, _) => format!("make task {}", quoted(&new.title)),
            Self::QueryTasks(_) => "look for tasks".into(),
            Self::UpdateTask(update) => format!("change task {}", quoted(&update.task_id)),
            Self::GetAgentStatus(_) => "look at the agents".into(),
            Self::AskOwner(ask) => format!("ask \"{}\"", shortened(&ask.question)),
        }
    }
}

fn reach_of(grants: &Grants) -> Reach {
    Reach {
        hosts: grants.hosts(),
        reads: grants.all_reads(),
        writes: grants.all_writes(),
        ..Reach::default()
    }
}

fn place(path: &str, folder: Option<&FolderName>) -> String {
    match folder {
        Some(folder) => format!("{} in folder {}", shortened(path), folder.0),
        None => shortened(path),
    }
}

/// What a call was given beyond its folder.
fn rights(hosts: &[String], reads: &[FolderName], writes: &[FolderName]) -> String {
    let named = |folders: &[FolderName]| {
        let names: Vec<&str> = folders.iter().map(|name| name.0.as_str()).collect();
        names.join(", ")
    };
    let mut text = String::new();
    if !hosts.is_empty() {
        text.push_str(&format!(", speaking to {}", shortened(&hosts.join(", "))));
    }
    if !reads.is_empty() {
        text.push_str(&format!(", reading {}", named(reads)));
    }
    if !writes.is_empty() {
        text.push_str(&format!(", writing {}", named(writes)));
    }
    text
}

/// What a program is given to read: for a shell that is what it does.
fn input(stdin: Option<&Value>) -> String {
    match stdin {
        None => String::new(),
        Some(Value::String(text)) => format!(", with the input {}", quoted(text)),
        Some(other) => format!(", with the input {}", quoted(&other.to_string())),
    }
}

/// A word as a shell would take it, so that where it begins and ends cannot be mistaken.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,=@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return cut(text);
    }
    format!("'{}'", shortened(text).replace('\'', r"'\''"))
}

/// A line that a person reads; the whole is in the approval. What would hide or turn round other
/// characters is shown as a replacement.
fn shortened(text: &str) -> String {
    let seen: String = text
        .chars()
        .map(|c| match c {
            c if c.is_control() => ' ',
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{feff}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
            c => c,
        })
        .collect();
    cut(&seen)
}

/// Says by its end that there is more.
fn cut(text: &str) -> String {
    const MAX: usize = 200;
    if text.chars().count() <= MAX {
        return text.to_owned();
    }
    let head: String = text.chars().take(MAX).collect();
    format!("{head}…")
}

pub(super) fn check_hosts(argument: &str, hosts: &[String]) -> Result<(), String> {
    hearth_sandbox::network::AllowList::parse(hosts)
        .map(drop)
        .map_err(|error| format!("{argument}: {error}"))
}

/// Returns the host that a URL leads to, with its port where that is not the usual one: what an
/// allow-list takes.
pub(crate) fn host_of(url: &str) -> Result<String, String> {
    let url = url::Url::parse(url).map_err(|error| format!("url is not understood: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "url must begin with http:// or https://, not {}:",
            url.scheme()
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("url must not hold a name or password".into());
    }
    let host = url.host().ok_or("url must name a host")?;
    let needs_port = !matches!(host, url::Host::Domain(name) if name != "localhost");
    Ok(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None if needs_port => {
            format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
        }
        None => host.to_string(),
    })
}

#[cfg(test)]
mod tests;
