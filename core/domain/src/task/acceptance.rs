//! Acceptance checks: what must hold before a task counts as done.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::event::Evidence;
use crate::field::Word;
use crate::id::ArtifactId;

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
        match &self.check {
            Check::Artifact { of_type, min_bytes } => {
                f.write_str("it must have an artifact")?;
                if let Some(of_type) = of_type {
                    write!(f, " of type {of_type}")?;
                }
                if let Some(min_bytes) = min_bytes {
                    write!(f, " of at least {min_bytes} bytes")?;
                }
                write!(f, ", but {}", self.found)
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
    /// Holds the check against the artifacts that the task's worker made.
    ///
    /// # Errors
    /// Says what was found where the check does not hold.
    pub fn verify(&self, artifacts: &[ArtifactFound]) -> Result<Evidence, Unmet> {
        match self {
            Self::Artifact { of_type, min_bytes } => {
                let fits = |artifact: &&ArtifactFound| {
                    of_type
                        .as_ref()
                        .is_none_or(|wanted| *wanted == artifact.kind)
                        && min_bytes.is_none_or(|least| artifact.size_bytes >= least)
                };
                match artifacts.iter().find(fits) {
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
                }
            }
        }
    }
}
