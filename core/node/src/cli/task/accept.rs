//! Acceptance checks on the command line: how they are given, and how they are put into words.

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::client::wire::{Evidence, FailedCheck, Task};
use crate::output::text::{moment, one_line, paragraphs, shortened};

/// How much of a schema, of code or of a command is shown, in characters.
const SHOWN_CHARS: usize = 100;

/// Returns the checks that are given one by one, then those in a file: one as an object, or a list.
pub(super) fn read(given: &[Value], file: Option<&Path>) -> anyhow::Result<Vec<Value>> {
    let mut checks = given.to_vec();
    if let Some(path) = file {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        match serde_json::from_str(&text) {
            Ok(Value::Array(list)) => checks.extend(list),
            Ok(check @ Value::Object(_)) => checks.push(check),
            Ok(_) => bail!(
                "{shown} must hold a check, such as {{\"kind\": \"artifact\"}}, or a list of checks"
            ),
            Err(error) => bail!("{shown} is not valid JSON: {error}"),
        }
    }
    Ok(checks)
}

/// Returns a line for each check of a task.
pub(super) fn checks(task: &Task) -> String {
    let lines: Vec<String> = task.acceptance.iter().map(check).collect();
    lines.join("\n")
}

/// Returns the completions that did not pass, each with what was found.
pub(super) fn failures(task: &Task) -> String {
    let told = task.failed_checks.iter().map(|failed| {
        let FailedCheck {
            agent,
            attempt,
            at,
            unmet,
        } = failed;
        let head = format!("{} by {}, attempt {attempt}", moment(at), one_line(agent));
        format!("{head}\n{}", evidence(unmet))
    });
    told.collect::<Vec<_>>().join("\n")
}

/// Returns what was found for each check.
pub(crate) fn evidence(found: &[Evidence]) -> String {
    let lines = found.iter().map(|Evidence { check: of, found }| {
        let found = paragraphs(found).replace('\n', "\n    ");
        format!("- {}: {found}", check(of))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn check(check: &Value) -> String {
    let text = |part: &str| check.get(part).and_then(Value::as_str).unwrap_or_default();
    match text("kind") {
        "artifact" => {
            let mut said = "an artifact".to_owned();
            if !text("type").is_empty() {
                said.push_str(" of type ");
                said.push_str(&one_line(text("type")));
            }
            if let Some(bytes) = check.get("min_bytes").and_then(Value::as_u64) {
                said.push_str(" of at least ");
                said.push_str(&bytes.to_string());
                said.push_str(" bytes");
            }
            said
        }
        "result_schema" => {
            let schema = check.get("schema").map(Value::to_string);
            format!(
                "a result of the shape {}",
                shortened(&schema.unwrap_or_default(), SHOWN_CHARS)
            )
        }
        "python" => format!("python {}", shortened(text("code"), SHOWN_CHARS)),
        "command" => {
            let words = check.get("argv").and_then(Value::as_array);
            let words: Vec<&str> = words
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            format!("command {}", shortened(&words.join(" "), SHOWN_CHARS))
        }
        _ => shortened(&check.to_string(), SHOWN_CHARS),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn checks_are_read_from_flags_and_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("checks.json");
        let artifact = json!({"kind": "artifact"});
        let python = json!({"kind": "python", "code": "1"});
        let read_from = |text: &str| {
            std::fs::write(&file, text).unwrap();
            read(std::slice::from_ref(&artifact), Some(&file))
        };

        let list = read_from(&json!([python, python]).to_string()).unwrap();
        let one = read_from(&python.to_string()).unwrap();

        assert_eq!(list, [artifact.clone(), python.clone(), python.clone()]);
        assert_eq!(one, [artifact.clone(), python]);
        for bad in ["7", "{", ""] {
            assert!(read_from(bad).is_err());
        }
        assert!(read(&[], Some(&folder.path().join("none"))).is_err());
    }

    #[test]
    fn a_check_is_a_line_and_evidence_hangs_below_it() {
        let found = [
            Evidence {
                check: json!({"kind": "artifact", "type": "report", "min_bytes": 3}),
                found: "its worker stored none".into(),
            },
            Evidence {
                check: json!({"kind": "command", "argv": ["make", "te\u{1b}[2Jst"]}),
                found: "it exited with 2 in 4 ms\nno rule".into(),
            },
            Evidence {
                check: json!({"kind": "python", "code": "import a\nassert a"}),
                found: "x".into(),
            },
            Evidence {
                check: json!({"kind": "result_schema", "schema": {"type": "object"}}),
                found: "y".into(),
            },
        ];

        assert_eq!(
            evidence(&found),
            "- an artifact of type report of at least 3 bytes: its worker stored none\n\
             - command make te [2Jst: it exited with 2 in 4 ms\n    no rule\n\
             - python import a assert a: x\n\
             - a result of the shape {\"type\":\"object\"}: y"
        );
    }
}
