//! What a version of a tool is: its name, arguments, code, examples and rights. A stored format.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::action::Action;
use crate::field::{InvalidField, JsonObject, Word, json_within, prose};

/// The longest name, in characters. With `.v` and a version it is still one word.
pub const TOOL_NAME_MAX: usize = 40;
/// The longest description, in characters: it is a part of every prompt.
const DESCRIPTION_MAX: usize = 1000;
/// The longest code, in bytes.
pub const CODE_MAX_BYTES: usize = 64 * 1024;
/// The largest schema of arguments, in bytes of JSON.
pub const PARAMETERS_MAX_BYTES: usize = 16 * 1024;
/// How many examples there may be.
pub const EXAMPLES_MAX: usize = 10;
/// How many hosts one right may name.
const HOSTS_MAX: usize = 50;
/// How many folders one right may name.
const FOLDERS_MAX: usize = 16;

/// What a version of a tool is.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What it is called.
    pub name: Word,
    /// What it does, for whoever looks for one.
    pub description: String,
    /// The JSON Schema of its arguments: of an object.
    pub parameters: JsonObject,
    /// Python code that defines `run(**args)`.
    pub code: String,
    /// Calls, and what they return.
    pub examples: Vec<Example>,
    /// What it may do beyond computing.
    pub grants: Grants,
}

/// A call, and what it returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The arguments.
    pub args: JsonObject,
    /// What it returns; where it needs the grants, null is not compared.
    #[serde(default)]
    pub result: Value,
    /// Whether it takes the tool's rights, and so can be tried only after the owner's yes.
    #[serde(default)]
    pub needs_grants: bool,
}

/// What a tool may do beyond computing, each right by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// Functions of the node that it may call.
    pub host: HostGrants,
    /// Granted folders that it may read as files, by name.
    pub reads: Vec<Word>,
    /// Granted folders that it may change as files, by name.
    pub writes: Vec<Word>,
    /// Hosts that it may speak to through the proxy.
    pub network: Vec<String>,
    /// Whether it works in the folder of the run that calls it.
    pub workspace: bool,
}

/// Functions of the node that a tool may call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostGrants {
    /// The hosts of which it may fetch pages.
    pub http_get: Vec<String>,
    /// The granted folders of which it may read texts.
    pub fs_read: Vec<Word>,
    /// The granted folders into which it may write texts.
    pub fs_write: Vec<Word>,
    /// Whether it may keep values for the run that calls it.
    pub kv: bool,
    /// Whether it may see the task of the run that calls it.
    pub task: bool,
}

/// SHA-256 of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ToolHash(pub [u8; 32]);

impl fmt::Display for ToolHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Grants {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the hosts that it may speak to in any way.
    pub fn hosts(&self) -> Vec<String> {
        [&self.network[..], &self.host.http_get].concat()
    }

    /// Returns the folders that it may read in any way.
    pub fn all_reads(&self) -> Vec<Word> {
        [&self.reads[..], &self.host.fs_read].concat()
    }

    /// Returns the folders that it may write in any way.
    pub fn all_writes(&self) -> Vec<Word> {
        [&self.writes[..], &self.host.fs_write].concat()
    }

    fn check(&self) -> Result<(), InvalidField> {
        for (field, count, max) in [
            ("grants.network", self.network.len(), HOSTS_MAX),
            ("grants.host.http_get", self.host.http_get.len(), HOSTS_MAX),
            ("grants.reads", self.reads.len(), FOLDERS_MAX),
            ("grants.writes", self.writes.len(), FOLDERS_MAX),
            ("grants.host.fs_read", self.host.fs_read.len(), FOLDERS_MAX),
            (
                "grants.host.fs_write",
                self.host.fs_write.len(),
                FOLDERS_MAX,
            ),
        ] {
            if count > max {
                let problem = format!("must have at most {max} entries");
                return Err(InvalidField::new(field, problem));
            }
        }
        Ok(())
    }
}

impl Definition {
    /// Checks its form and its size. Whether the schema is one, and the code does what it should, is
    /// not seen here.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), InvalidField> {
        check_name(&self.name)?;
        prose("description", &self.description, DESCRIPTION_MAX)?;
        if self.description.trim().is_empty() {
            let problem = "must say what the tool does, and when to use it";
            return Err(InvalidField::new("description", problem));
        }
        let parameters = Value::from(self.parameters.clone()).to_string();
        if parameters.len() > PARAMETERS_MAX_BYTES {
            let problem = format!("must be at most {PARAMETERS_MAX_BYTES} bytes of JSON");
            return Err(InvalidField::new("parameters", problem));
        }
        if self.code.trim().is_empty() || self.code.contains('\0') {
            let problem = "must be Python code that defines run(**args), without NUL";
            return Err(InvalidField::new("code", problem));
        }
        if self.code.len() > CODE_MAX_BYTES {
            let problem = format!("must be at most {CODE_MAX_BYTES} bytes");
            return Err(InvalidField::new("code", problem));
        }
        self.grants.check()?;
        self.check_examples()
    }

    fn check_examples(&self) -> Result<(), InvalidField> {
        if self.examples.is_empty() || self.examples.len() > EXAMPLES_MAX {
            let problem = format!("must be 1 to {EXAMPLES_MAX} calls with what they return");
            return Err(InvalidField::new("examples", problem));
        }
        let needing = self
            .examples
            .iter()
            .position(|example| example.needs_grants);
        if let Some(place) = needing
            && self.grants.is_empty()
        {
            return Err(InvalidField::new(
                format!("examples[{place}].needs_grants"),
                "is true, and the tool asks for no grants",
            ));
        }
        json_within("examples", &self.examples)
    }

    /// Returns the hash of all of it, the same for equal definitions.
    pub fn sha256(&self) -> ToolHash {
        let fields = json!({
            "description": self.description,
            "parameters": self.parameters,
            "code": self.code,
            "examples": self.examples,
            "grants": self.grants,
        });
        let args = match fields {
            Value::Object(fields) => fields,
            _ => JsonObject::new(),
        };
        let tool = self.name.clone();
        ToolHash(Action { tool, args }.hash().0)
    }
}

/// A name that models, and plans, can call a tool by.
fn check_name(name: &Word) -> Result<(), InvalidField> {
    let text = name.as_str();
    let is_known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && text.chars().all(is_known) && (2..=TOOL_NAME_MAX).contains(&text.len()) {
        return Ok(());
    }
    Err(InvalidField::new(
        "name",
        format!(
            "must be 2 to {TOOL_NAME_MAX} small letters, digits or '_', beginning with a letter, such \
             as count_words"
        ),
    ))
}
