//! What a program that ran said, as it lies in the journal, and the result that is made of it. The
//! second is a pure function of the first, so that a result is never lost with the node: it is made
//! again from the journal.

use hearth_domain::run::StepEnd;
use hearth_domain::{ArtifactId, JsonObject};
use hearth_sandbox::{End, Limit, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much of a failed call's error output is told.
const TAIL_BYTES: usize = 4000;

/// How a program ended, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ran {
    pub(crate) end: Ended,
    /// What it printed, where that is short enough for a result.
    pub(crate) stdout: String,
    /// Where the whole of it is kept, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stdout_artifact: Option<ArtifactId>,
    /// Whether it printed more than is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) stdout_truncated: bool,
    /// The end of what it printed as errors.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) stderr: String,
    pub(crate) milliseconds: u64,
    /// The hosts it asked for and may not speak to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hosts_refused: Vec<String>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    Exited(i32),
    Signalled(i32),
    /// After so many seconds.
    TimedOut(u64),
    TooMuchMemory,
    TooMuchDisk,
    TooManyFiles,
    /// By whoever stopped the run.
    Stopped,
}

impl Ended {
    pub(crate) fn of(end: End, seconds: u64) -> Self {
        match end {
            End::Exited(code) => Self::Exited(code),
            End::Signalled(signal) => Self::Signalled(signal),
            End::TimedOut => Self::TimedOut(seconds),
            End::Cancelled => Self::Stopped,
            End::OverLimit(Limit::Memory) => Self::TooMuchMemory,
            End::OverLimit(Limit::WorkspaceBytes) => Self::TooMuchDisk,
            End::OverLimit(Limit::WorkspaceFiles) => Self::TooManyFiles,
        }
    }

    /// Returns the word under which the sandbox's kills are counted; none where it was no kill.
    pub(crate) fn kill_reason(self) -> Option<&'static str> {
        match self {
            Self::Exited(_) => None,
            Self::Signalled(_) => Some("signal"),
            Self::TimedOut(_) => Some("time"),
            Self::TooMuchMemory => Some("memory"),
            Self::TooMuchDisk => Some("disk"),
            Self::TooManyFiles => Some("files"),
            Self::Stopped => Some("stopped"),
        }
    }
}

impl Ran {
    /// Takes what is to be kept of an outcome, but for what was printed.
    pub(crate) fn of(outcome: &Outcome, seconds: u64) -> Self {
        let refused = outcome.network.uses.iter().filter(|used| !used.allowed);
        Self {
            end: Ended::of(outcome.end, seconds),
            stdout: String::new(),
            stdout_artifact: None,
            stdout_truncated: outcome.stdout_truncated,
            stderr: tail(&outcome.stderr),
            milliseconds: u64::try_from(outcome.wall.as_millis()).unwrap_or(u64::MAX),
            hosts_refused: refused
                .map(|used| format!("{}:{}", used.host, used.port))
                .take(20)
                .collect(),
        }
    }

    /// Makes the result: what was printed last as JSON; else the text.
    ///
    /// # Errors
    /// The program failed: the story.
    pub(crate) fn result(&self) -> Result<StepEnd, String> {
        if self.end != Ended::Exited(0) {
            return Err(self.story());
        }
        let note = format!("finished in {} ms", self.milliseconds);
        let text = self.stdout.trim();
        let (result, artifacts) = match self.stdout_artifact {
            Some(id) => {
                let mut result = last_json(text).unwrap_or_default();
                result.insert("output_artifact".into(), id.to_string().into());
                result.insert("output_truncated".into(), self.stdout_truncated.into());
                (Some(result), vec![id])
            }
            None if text.is_empty() => (None, Vec::new()),
            None => (
                Some(last_json(text).unwrap_or_else(|| object("output", text.into()))),
                Vec::new(),
            ),
        };
        Ok(StepEnd {
            result,
            artifacts,
            note,
            ..StepEnd::default()
        })
    }

    fn story(&self) -> String {
        let end = match self.end {
            Ended::Exited(127) => {
                "it exited with 127: there is no such program in the sandbox, or it \
                                   looked for one that is not there"
                    .into()
            }
            Ended::Exited(code) => format!("it exited with {code}"),
            Ended::Signalled(signal) => format!("signal {signal} ended it"),
            Ended::TimedOut(seconds) => format!("it took longer than {seconds} s"),
            Ended::Stopped => "it was stopped".into(),
            Ended::TooMuchMemory => "it used too much: memory".into(),
            Ended::TooMuchDisk => "it used too much: disk space of the workspace".into(),
            Ended::TooManyFiles => "it used too much: number of files".into(),
        };
        let refused = if self.hosts_refused.is_empty() {
            String::new()
        } else {
            format!(
                "; it asked for {}, which it was not granted",
                self.hosts_refused.join(", ")
            )
        };
        let said = if self.stderr.is_empty() {
            tail(self.stdout.as_bytes())
        } else {
            self.stderr.clone()
        };
        match said.trim() {
            "" => format!("{end}{refused}"),
            said => format!("{end}{refused}\n{said}"),
        }
    }
}

/// The end of what was printed, as text that can be stored: without NUL.
fn tail(bytes: &[u8]) -> String {
    let end = bytes.get(bytes.len().saturating_sub(TAIL_BYTES)..);
    let text = String::from_utf8_lossy(end.unwrap_or_default());
    text.trim().replace('\0', "\u{fffd}")
}

/// The last line that is JSON, or the whole text if that is.
fn last_json(text: &str) -> Option<JsonObject> {
    let whole = serde_json::from_str::<Value>(text).ok();
    let value = whole.or_else(|| {
        let last = text.lines().rev().find(|line| !line.trim().is_empty())?;
        serde_json::from_str(last).ok()
    })?;
    let result = match value {
        Value::Object(object) => object,
        other => object("value", other),
    };
    hearth_domain::field::json_within("result", &result)
        .is_ok()
        .then_some(result)
}

/// One field.
pub(super) fn object(key: &str, value: Value) -> JsonObject {
    JsonObject::from_iter([(key.to_owned(), value)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ran(end: Ended, stdout: &str) -> Ran {
        Ran {
            end,
            stdout: stdout.into(),
            stdout_artifact: None,
            stdout_truncated: false,
            stderr: String::new(),
            milliseconds: 12,
            hosts_refused: Vec::new(),
        }
    }

    fn result(stdout: &str) -> Value {
        let end = ran(Ended::Exited(0), stdout).result().unwrap();
        end.result.map_or(Value::Null, Value::from)
    }

    #[test]
    fn what_is_printed_last_as_json_is_the_result() {
        assert_eq!(result("reading\n{\"words\": 3}\n"), json!({"words": 3}));
        assert_eq!(result("{\n \"words\": 3\n}"), json!({"words": 3}));
        assert_eq!(result("one\n42"), json!({"value": 42}));
        assert_eq!(
            result("{\"words\": 3}\ndone"),
            json!({"output": "{\"words\": 3}\ndone"})
        );
        assert_eq!(result(" \n"), Value::Null);
    }

    #[test]
    fn what_is_too_long_for_a_result_is_named_by_its_artifact() {
        let id = ArtifactId(uuid::Uuid::from_u128(7));
        let long = Ran {
            stdout_artifact: Some(id),
            ..ran(Ended::Exited(0), "")
        };

        let end = long.result().unwrap();

        assert_eq!(end.artifacts, [id]);
        assert_eq!(end.result.unwrap()["output_artifact"], id.to_string());
    }

    #[test]
    fn a_program_that_failed_tells_its_story() {
        let mut failed = ran(Ended::Exited(3), "half\0way");
        assert_eq!(
            failed.result().unwrap_err(),
            "it exited with 3\nhalf\u{fffd}way"
        );

        failed.stderr = "no such file".into();
        failed.hosts_refused = vec!["evil.example:443".into()];
        let story = failed.result().unwrap_err();
        assert!(
            story.contains("evil.example:443, which it was not granted\nno such file"),
            "{story}"
        );

        let slow = ran(Ended::TimedOut(60), "").result().unwrap_err();
        assert_eq!(slow, "it took longer than 60 s");
    }

    #[test]
    fn it_reads_back_from_the_journal() {
        for end in [
            Ended::Exited(0),
            Ended::Signalled(9),
            Ended::TimedOut(60),
            Ended::TooMuchDisk,
        ] {
            let kept = serde_json::to_value(ran(end, "text")).unwrap();
            assert_eq!(
                serde_json::from_value::<Ran>(kept).unwrap(),
                ran(end, "text")
            );
        }
    }
}
