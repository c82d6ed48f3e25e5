//! What of `hearth agent` is about specialists: agents that runs made.

use serde_json::{Map, Value, json};

use super::status;
use crate::client::Client;
use crate::client::wire::{Agent, Page, Specialist};
use crate::output::Output;
use crate::output::table::fields;
use crate::output::text::{one_line, paragraphs};

/// Returns what the node says of a specialist; `None` where an agent only calls itself one.
pub(super) async fn find(client: &Client, name: &str) -> anyhow::Result<Option<Value>> {
    let all: Page<Value> = client.get(&["specialists"], &[]).await?.read()?;
    let is_meant = |specialist: &Value| specialist["name"] == name;
    Ok(all.items.into_iter().find(is_meant))
}

/// Shows a specialist; as JSON, beside the agent that it is.
pub(super) fn show(
    output: Output,
    agent_json: &str,
    specialist: &Value,
    agent: &Agent,
) -> anyhow::Result<()> {
    let mut whole: Map<String, Value> = serde_json::from_str(agent_json)?;
    whole.insert("specialist".into(), specialist.clone());
    let known: Specialist = serde_json::from_value(specialist.clone())?;
    output.object(&Value::from(whole), || page(agent, &known))
}

/// Whether a specialist is to take tasks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Switch {
    On,
    Off,
}

pub(super) async fn switch(
    client: &Client,
    output: Output,
    name: &str,
    switch: Switch,
) -> anyhow::Result<()> {
    let (verb, told) = match switch {
        Switch::On => ("enable", "takes tasks again"),
        Switch::Off => ("disable", "takes no tasks any more"),
    };
    let answer = client
        .post(&["specialists", name, verb], &json!({}))
        .await?;
    output.answer(&answer.text, || format!("agent {} {told}", one_line(name)))
}

pub(super) async fn remove(client: &Client, output: Output, name: &str) -> anyhow::Result<()> {
    client.delete(&["specialists", name]).await?;
    let told = || format!("agent {} is removed", one_line(name));
    output.object(&json!({ "removed": name }), told)
}

fn page(agent: &Agent, specialist: &Specialist) -> String {
    let words = |names: &[String]| one_line(&names.join(", "));
    let state = if specialist.is_enabled {
        status(agent)
    } else {
        "disabled".into()
    };
    let maker = match &specialist.parent {
        Some(parent) => format!("specialist {}", one_line(parent)),
        None => one_line(&specialist.created_by),
    };
    let pairs = [
        ("name", one_line(&specialist.name)),
        ("type", one_line(&agent.kind)),
        ("status", state),
        ("may call", words(&specialist.tools)),
        ("asks before", words(&specialist.asks_before)),
        ("at most", limits(&specialist.limits)),
        ("made by", maker),
    ];
    let told = paragraphs(&specialist.instructions);
    format!("{}\n\nis told:\n{told}", fields(&pairs))
}

/// Says what one task of it may use up; nothing where only the task's own limits hold.
fn limits(limits: &Map<String, Value>) -> String {
    let said = limits.iter().filter(|(_, limit)| !limit.is_null());
    let said = said.map(|(name, limit)| match name.as_str() {
        "usd" => format!("{limit} USD"),
        "wall_seconds" => format!("{limit} s at work"),
        other => format!("{limit} {}", other.replace('_', " ")),
    });
    said.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specialist_is_shown_with_what_it_is_told_and_may() {
        let agent = Agent {
            kind: "specialist".into(),
            status: "idle".into(),
            paused_at: Some("2026-11-23T09:00:00.000Z".into()),
            ..Agent::default()
        };
        let specialist = Specialist {
            name: "counter".into(),
            instructions: "Count words.\nTwice.".into(),
            tools: vec!["python".into(), "read_file".into()],
            limits: serde_json::from_value(json!({"usd": 0.5, "turns": 5, "tokens": null}))
                .unwrap(),
            created_by: "seed".into(),
            is_enabled: true,
            ..Specialist::default()
        };

        let shown = page(&agent, &specialist);

        assert_eq!(
            shown,
            "name      counter\n\
             type      specialist\n\
             status    idle, paused\n\
             may call  python, read_file\n\
             at most   5 turns, 0.5 USD\n\
             made by   seed\n\n\
             is told:\nCount words.\nTwice."
        );
    }
}
