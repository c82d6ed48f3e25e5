//! `hearth status`: the state of the node.

use serde_json::{Map, Value};

use crate::cli::Invocation;
use crate::output::table::fields;
use crate::output::text::one_line;

pub(super) async fn run(invocation: &Invocation) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let answer = client.get(&["status"], &[]).await?;
    let object: Map<String, Value> = answer.read()?;
    invocation.output.answer(&answer.text, || lines(&object))
}

/// Returns a line for every part, whatever parts there are.
fn lines(object: &Map<String, Value>) -> String {
    let mut parts = Vec::new();
    collect(object, &mut parts);
    let pairs: Vec<(&str, String)> = parts
        .iter()
        .map(|(name, value)| (name.as_str(), words(value)))
        .collect();
    fields(&pairs)
}

/// Lists the parts; what only groups others is left out.
fn collect<'a>(object: &'a Map<String, Value>, parts: &mut Vec<(String, &'a Value)>) {
    for (name, value) in object {
        match value {
            Value::Object(group) if group.values().any(Value::is_object) => collect(group, parts),
            value => parts.push((name.replace('_', " "), value)),
        }
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(object) => part(object),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Puts a part of the node into words: whether it is there, then the rest.
fn part(object: &Map<String, Value>) -> String {
    let mut said = Vec::new();
    for (name, value) in object {
        let name = name.strip_prefix("is_").unwrap_or(name).replace('_', " ");
        match (name.as_str(), value) {
            ("reason" | "remedy", _) => (),
            (_, Value::Bool(true)) => said.insert(0, name),
            (_, Value::Bool(false)) => said.insert(0, format!("not {name}")),
            (_, value) => {
                let words = words(value);
                if !words.is_empty() {
                    said.push(format!("{name} {words}"));
                }
            }
        }
    }
    let mut line = said.join(", ");
    // Why something is not there reads on from that, and the remedy from why.
    for (name, joint) in [("reason", ": "), ("remedy", "; ")] {
        let text = object.get(name).map(words).unwrap_or_default();
        if !text.is_empty() {
            line.push_str(joint);
            line.push_str(&text);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_a_line() {
        let status = serde_json::json!({
            "version": "0.1.0",
            "tasks": { "pending": 3, "in_progress": 1 },
            "facilities": {
                "sandbox": { "is_available": false, "reason": "bwrap is missing",
                    "remedy": "install bubblewrap" },
                "model": { "is_available": true, "reason": "", "remedy": "" },
            },
            "uptime_seconds": 4,
            "note": null,
        });
        let Value::Object(status) = status else {
            panic!("an object")
        };

        let lines = lines(&status);
        let mut lines: Vec<&str> = lines.lines().collect();
        lines.sort_unstable();

        assert_eq!(
            lines,
            [
                "model           available",
                "sandbox         not available: bwrap is missing; install bubblewrap",
                "tasks           in progress 1, pending 3",
                "uptime seconds  4",
                "version         0.1.0",
            ]
        );
    }
}
