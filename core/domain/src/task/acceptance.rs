//! Acceptance checks: what must hold before a task counts as done.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifact::Artifact;
use crate::clock::Timestamp;
use crate::event::Evidence;
use crate::field::{AgentName, InvalidField, Word, json_within, list_within};
use crate::id::ArtifactId;

/// The longest Python code of a check, in bytes.
pub const CODE_MAX_BYTES: usize = 64 * 1024;
/// The longest command of a check: all its words together, in bytes.
pub const ARGV_MAX: usize = 16 * 1024;

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Check {
    /// The task has an artifact of a type and a size, one that its worker made.
    Artifact {
        /// The type it must have; any where none is named.
        #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
        of_type: Option<Word>,
        /// How many bytes it must have at least.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min_bytes: Option<u64>,
    },
    /// The result has a shape.
    ResultSchema {
        /// The shape, as JSON Schema.
        schema: Value,
    },
    /// Python code, run in the sandbox over the task's files, exits with 0.
    Python {
        /// The source text.
        code: String,
    },
    /// A command, run in the sandbox over the task's files, exits with 0.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
    },
}

/// What came of one check: what showed that it holds, or what was found instead.
pub type Finding = Result<Evidence, Unmet>;

/// One completion that did not pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// Whose.
    pub agent: AgentName,
    /// Of which attempt.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
    /// What did not hold, and what was found instead.
    pub unmet: Vec<Evidence>,
}

impl fmt::Display for FailedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "attempt {} by {} at {}:",
            self.attempt, self.agent, self.at
        )?;
        for Evidence { check, found } in &self.unmet {
            write!(f, "\n- {check}, but {found}")?;
        }
        Ok(())
    }
}

/// A check that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The check.
    pub check: Check,
    /// What was found instead.
    pub found: String,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, but {}", self.check, self.found)
    }
}

impl From<Unmet> for Evidence {
    fn from(unmet: Unmet) -> Self {
        Self {
            check: unmet.check,
            found: unmet.found,
        }
    }
}

/// Says what must hold, such as `it must have an artifact of type report`.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Artifact { of_type, min_bytes } => {
                f.write_str("it must have an artifact")?;
                if let Some(of_type) = of_type {
                    write!(f, " of type {of_type}")?;
                }
                if let Some(min_bytes) = min_bytes {
                    write!(f, " of at least {min_bytes} bytes")?;
                }
                Ok(())
            }
            Self::ResultSchema { .. } => f.write_str("its result must have the shape asked for"),
            Self::Python { .. } => f.write_str("the Python check must pass"),
            Self::Command { argv } => {
                let program = argv.first().map_or("", String::as_str);
                write!(f, "the check by {program} must pass")
            }
        }
    }
}

/// What a check needs to know of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactFound {
    /// Which one.
    pub id: ArtifactId,
    /// Its type.
    pub kind: Word,
    /// Its size.
    pub size_bytes: u64,
}

impl From<&Artifact> for ArtifactFound {
    fn from(artifact: &Artifact) -> Self {
        Self {
            id: artifact.id,
            kind: artifact.kind.clone(),
            size_bytes: artifact.size_bytes,
        }
    }
}

impl Check {
    /// Refuses what could never be run.
    ///
    /// # Errors
    /// Names the part that is too long or empty.
    pub fn validate(&self) -> Result<(), InvalidField> {
        match self {
            Self::Artifact { .. } => Ok(()),
            Self::ResultSchema { schema } => json_within("acceptance.schema", schema),
            Self::Python { code } => text_within("acceptance.code", code, CODE_MAX_BYTES),
            Self::Command { argv } => {
                list_within("acceptance.argv", argv)?;
                text_within("acceptance.argv", &argv.concat(), ARGV_MAX)?;
                match argv.first() {
                    Some(program) if !program.is_empty() => Ok(()),
                    Some(_) | None => Err(InvalidField::new(
                        "acceptance.argv",
                        "must begin with the name of a program",
                    )),
                }
            }
        }
    }

    /// Holds the check against the artifacts that the task's worker made; `None` where it takes
    /// more than a look at those.
    pub fn look(&self, artifacts: &[ArtifactFound]) -> Option<Finding> {
        match self {
            Self::Artifact { of_type, min_bytes } => {
                let fits = |artifact: &&ArtifactFound| {
                    of_type
                        .as_ref()
                        .is_none_or(|wanted| *wanted == artifact.kind)
                        && min_bytes.is_none_or(|least| artifact.size_bytes >= least)
                };
                Some(match artifacts.iter().find(fits) {
                    Some(artifact) => Ok(Evidence {
                        check: self.clone(),
                        found: format!(
                            "artifact {} of type {} with {} bytes",
                            artifact.id, artifact.kind, artifact.size_bytes
                        ),
                    }),
                    None if artifacts.is_empty() => Err(Unmet {
                        check: self.clone(),
                        found: "its worker stored none".into(),
                    }),
                    None => {
                        let list: Vec<String> = artifacts
                            .iter()
                            .take(10)
                            .map(|artifact| {
                                format!("{} ({} bytes)", artifact.kind, artifact.size_bytes)
                            })
                            .collect();
                        Err(Unmet {
                            check: self.clone(),
                            found: format!("its worker stored only {}", list.join(", ")),
                        })
                    }
                })
            }
            Self::ResultSchema { .. } | Self::Python { .. } | Self::Command { .. } => None,
        }
    }
}

fn text_within(field: &str, text: &str, max: usize) -> Result<(), InvalidField> {
    let problem = if text.trim().is_empty() {
        "must not be empty".to_owned()
    } else if text.len() > max {
        format!("must be at most {max} bytes")
    } else if text.contains('\0') {
        "must not contain a NUL character".to_owned()
    } else {
        return Ok(());
    };
    Err(InvalidField::new(field, problem))
}
