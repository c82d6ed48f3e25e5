//! Which tools a model is shown, and how much of each. Every tool that is shown is a part of every prompt, and a
//! small model on a small machine has little room: those that few tasks need lie on a shelf until they are
//! asked for, and of those with much to them what few calls need is left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The tool that takes others from the shelf, and shows all there is to them.
pub(crate) const DESCRIBE: &str = "describe_tools";

/// What few tasks need.
const SHELVED: [&str; 7] = [
    "create_agent",
    "create_task",
    "create_tool",
    "delegate",
    "get_agent_status",
    "query_tasks",
    "update_task",
];

/// What has much to it that few calls need.
const FOLDED: [&str; 2] = ["python", "run_command"];

/// How much of a tool is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Whole,
    Folded,
    Not,
}

/// How much of a tool is shown to who has `opened` some; all of it to who cannot open any.
pub(super) fn shown(name: &str, can_open: bool, opened: &BTreeSet<String>) -> Shown {
    if !can_open || opened.contains(name) {
        Shown::Whole
    } else if SHELVED.contains(&name) {
        Shown::Not
    } else if FOLDED.contains(&name) {
        Shown::Folded
    } else {
        Shown::Whole
    }
}

/// Returns a compacted schema in short: its arguments with their types, and of those that must be there what
/// they are.
pub(super) fn fold(compact: &Value) -> Value {
    let required = compact["required"].as_array().cloned();
    let required = required.unwrap_or_default();
    let described = compact["description"].as_str().unwrap_or_default();
    let properties = compact["properties"].as_object().into_iter().flatten();
    let properties: Map<String, Value> = properties
        .map(|(name, schema)| {
            let keeps_words = required.iter().any(|required| required == name);
            (name.clone(), short(schema, keeps_words))
        })
        .collect();
    json!({
        "type": "object",
        "description": format!("{described} {DESCRIBE} tells more."),
        "properties": properties,
        "required": required,
    })
}

fn short(schema: &Value, keeps_words: bool) -> Value {
    let keeps = |keyword: &str| keyword == "type" || (keeps_words && keyword == "description");
    let keywords = schema.as_object().into_iter().flatten();
    let kept = keywords.filter(|(keyword, _)| keeps(keyword));
    let kept: Map<String, Value> = kept.map(|(k, v)| (k.clone(), v.clone())).collect();
    kept.into()
}
