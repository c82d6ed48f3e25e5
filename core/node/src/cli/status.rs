//! `hearth status`: the state of the node.

use hearth_domain::money::{Resource, amount, dollars, micros};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cli::Invocation;
use crate::cli::words::restart_for;
use crate::client::wire::{SpentToday, WaitingSetting};
use crate::output::table::fields;
use crate::output::text::one_line;

pub(super) async fn run(invocation: &Invocation) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let answer = client.get(&["status"], &[]).await?;
    let object: Map<String, Value> = answer.read()?;
    invocation.output.answer(&answer.text, || lines(&object))
}

/// Returns a line for every part, whatever parts there are: first what is counted, then what works.
fn lines(object: &Map<String, Value>) -> String {
    let mut counted = Vec::new();
    let mut parts = Vec::new();
    collect(object, &mut counted, &mut parts);
    counted.append(&mut parts);
    let pairs: Vec<(&str, String)> = counted
        .iter()
        .map(|(name, words)| (name.as_str(), words.clone()))
        .collect();
    fields(&pairs)
}

/// Sorts what there is; what only groups others is left out.
fn collect(
    object: &Map<String, Value>,
    counted: &mut Vec<(String, String)>,
    parts: &mut Vec<(String, String)>,
) {
    for (name, value) in object {
        let shown = name.replace('_', " ");
        match value {
            Value::Object(part) if part.contains_key("is_available") => {
                parts.push((shown, state(part)));
            }
            Value::Object(group) if group.values().any(Value::is_object) => {
                collect(group, counted, parts);
            }
            value if name == "restart_for" => parts.push((shown, waiting(value))),
            Value::Number(count) if name == "approvals_pending" && count.as_u64() > Some(0) => {
                counted.push((shown, format!("{count}; see them: hearth approvals")));
            }
            value if name == "spent_today" => counted.push((shown, spent(value))),
            value => counted.push((shown, words(value))),
        }
    }
}

/// Says what is spent today, and what may be.
fn spent(value: &Value) -> String {
    let Ok(today) = SpentToday::deserialize(value) else {
        return words(value);
    };
    let mut line = dollars(micros(today.usd));
    line.push_str(&match today.limit_usd {
        Some(limit) => format!(" of {}", dollars(micros(limit))),
        None => ", without a limit".into(),
    });
    if today.reserved_usd > 0.0 {
        let aside = dollars(micros(today.reserved_usd));
        line.push_str(&format!(", {aside} more set aside for calls under way"));
    }
    line.push_str(", ");
    line.push_str(&amount(Resource::Tokens, today.tokens));
    line
}

fn waiting(value: &Value) -> String {
    match Vec::<WaitingSetting>::deserialize(value) {
        Ok(waiting) if waiting.is_empty() => String::new(),
        Ok(waiting) => restart_for(&waiting),
        Err(_) => words(value),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(object) => {
            let said = object
                .iter()
                .map(|(name, value)| format!("{} {}", words(value), name.replace('_', " ")));
            said.collect::<Vec<_>>().join(", ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Says whether a part of the node works; where not all is well, why, and what to do.
fn state(part: &Map<String, Value>) -> String {
    let said = |name| part.get(name).map(words).unwrap_or_default();
    let (reason, remedy) = (said("reason"), said("remedy"));
    let is_available = part.get("is_available") == Some(&Value::Bool(true));
    let mut line = match (is_available, reason.is_empty()) {
        (true, true) => "ok".to_owned(),
        (true, false) => format!("ok, but {reason}"),
        (false, _) => format!("not ok: {reason}"),
    };
    let remedy = remedy.strip_prefix("run: ").unwrap_or(&remedy);
    if !remedy.is_empty() {
        line.push_str("; do this: ");
        line.push_str(remedy);
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
            "runs": { "running": 1, "waiting": 2, "failed": 0 },
            "approvals_pending": 2,
            "spent_today": { "usd": 0.25, "reserved_usd": 0.5, "limit_usd": 5.0, "tokens": 12345 },
            "facilities": {
                "sandbox": { "is_available": false, "reason": "bwrap is missing",
                    "remedy": "run: apt install bubblewrap" },
                "model": { "is_available": false, "reason": "there is none", "remedy": "" },
                "inbox": { "is_available": true, "reason": "", "remedy": "" },
                "settings": { "is_available": true, "reason": "it is slow", "remedy": "wait" },
            },
            "uptime_seconds": 4,
            "note": null,
            "restart_for": [
                { "setting": "listen", "running": "127.0.0.1:1", "at_restart": "127.0.0.1:2" },
                { "setting": "allowed_hosts", "running": [], "at_restart": ["a.lan"] },
            ],
        });
        let Value::Object(status) = status else {
            panic!("an object")
        };

        let lines = lines(&status);
        let mut lines: Vec<&str> = lines.lines().collect();
        assert!(
            lines[6].starts_with("inbox") || lines[5].starts_with("version"),
            "{lines:?}"
        );
        lines.sort_unstable();

        assert_eq!(
            lines,
            [
                "approvals pending  2; see them: hearth approvals",
                "inbox              ok",
                "model              not ok: there is none",
                "restart for        listen (127.0.0.1:2 in place of 127.0.0.1:1), allowed_hosts (a.lan in \
                 place of (none)); do this: stop the node and start it again: hearth up",
                "runs               0 failed, 1 running, 2 waiting",
                "sandbox            not ok: bwrap is missing; do this: apt install bubblewrap",
                "settings           ok, but it is slow; do this: wait",
                "spent today        $0.25 of $5.00, $0.50 more set aside for calls under way, 12,345 tokens",
                "tasks              1 in progress, 3 pending",
                "uptime seconds     4",
                "version            0.1.0",
            ]
        );
    }
}
