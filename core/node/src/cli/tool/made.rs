//! The tools that agents made: shown, tested, enabled, disabled, gone back from.

use std::time::Duration;

use anyhow::{Context, bail};
use hearth_app::made_tools::read_exact_name;
use hearth_domain::field::Word;
use serde_json::Value;

use super::{Which, arguments};
use crate::cli::Invocation;
use crate::client::Client;
use crate::client::wire::{Tool, ToolHistory, ToolTest, ToolVersion};
use crate::output::table::{fields, table};
use crate::output::text::{count, moment, one_line, paragraphs};

/// How long a test may take: ten examples of ten seconds, after those of another test.
const TEST_WITHIN: Duration = Duration::from_mins(4);

/// Sets tools below each other, with how they fare.
pub(super) fn rows(tools: &[Tool]) -> String {
    let rows: Vec<[String; 6]> = tools
        .iter()
        .map(|tool| {
            [
                tool.name.clone(),
                tool.version.to_string(),
                tool.status.replace('_', " "),
                tool.uses.to_string(),
                tool.failures.to_string(),
                tool.description.clone(),
            ]
        })
        .collect();
    table(
        ["made tool", "version", "state", "uses", "failures", "does"],
        &rows,
    )
}

pub(super) async fn show(
    invocation: &Invocation,
    client: &Client,
    tool: &str,
) -> anyhow::Result<()> {
    let exact = Word::parse("tool", tool)
        .ok()
        .and_then(|word| read_exact_name(&word));
    let (name, version) = match &exact {
        Some((name, version)) => (name.as_str(), Some(*version)),
        None => (tool, None),
    };
    let answer = client.get(&["tools", name], &[]).await?;
    let history: ToolHistory = answer.read()?;
    let wanted = version.unwrap_or(history.current_version);
    let shown = history
        .versions
        .iter()
        .find(|shown| shown.tool.version == wanted)
        .with_context(|| {
            format!(
                "tool {} has no version {wanted}; it has {}",
                one_line(name),
                count(history.versions.len() as u64, "version")
            )
        })?;
    invocation
        .output
        .answer(&answer.text, || whole(shown, &history))
}

pub(super) async fn change(
    invocation: &Invocation,
    tool: &str,
    act: &str,
    body: &Value,
) -> anyhow::Result<()> {
    let answer = invocation
        .client()?
        .post(&["tools", tool, act], body)
        .await?;
    let history: ToolHistory = answer.read()?;
    invocation.output.answer(&answer.text, || {
        let current = history.current_version;
        let head = format!("{} means version {current}", one_line(&history.name));
        format!("{head}\n\n{}", versions(&history))
    })
}

pub(super) async fn test(invocation: &Invocation, which: &Which) -> anyhow::Result<()> {
    let body = serde_json::json!({ "version": which.version });
    let answer = invocation
        .client()?
        .post_within(TEST_WITHIN, &["tools", &which.tool, "test"], &body)
        .await?;
    let test: ToolTest = answer.read()?;
    invocation.output.answer(&answer.text, || tried(&test))?;
    if !test.passed {
        bail!("{}, version {}, failed", one_line(&test.name), test.version);
    }
    Ok(())
}

fn tried(test: &ToolTest) -> String {
    let lines = test.examples.iter().enumerate().map(|(place, example)| {
        let outcome = match example.outcome.as_str() {
            "not_tried" => "not tried, because it takes the tool's rights",
            other => other,
        };
        let story = match &example.story {
            Some(story) => format!(":\n{}", paragraphs(story)),
            None => String::new(),
        };
        format!("example {}: {outcome}{story}", place + 1)
    });
    let head = format!("{}, version {}", one_line(&test.name), test.version);
    let lines: Vec<String> = std::iter::once(head).chain(lines).collect();
    lines.join("\n")
}

/// All of one version, and where the others stand.
fn whole(shown: &ToolVersion, history: &ToolHistory) -> String {
    let tool = &shown.tool;
    let used = tool.last_used_at.as_deref().map(moment);
    let failed = format!(
        "{} of {}, {} in a row",
        tool.failures,
        count(tool.uses, "use"),
        tool.failures_in_row
    );
    let head = fields(&[
        ("tool", one_line(&tool.name)),
        ("version", tool.version.to_string()),
        ("state", state(tool)),
        ("does", paragraphs(&tool.description)),
        ("may", rights(&tool.grants)),
        ("failures", failed),
        ("last used", used.unwrap_or_default()),
        (
            "made",
            format!(
                "by {} {}",
                one_line(&tool.created_by),
                moment(&tool.created_at)
            ),
        ),
        ("sha256", tool.sha256.clone()),
    ]);
    let examples: Vec<String> = shown
        .examples
        .iter()
        .map(|example| one_line(&format!("{} gives {}", example["args"], example["result"])))
        .collect();
    let parts = [
        head,
        arguments(&shown.parameters),
        format!("examples\n{}", examples.join("\n")),
        format!("code\n{}", paragraphs(&shown.code)),
        versions(history),
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn versions(history: &ToolHistory) -> String {
    let rows: Vec<[String; 5]> = history
        .versions
        .iter()
        .map(|ToolVersion { tool, .. }| {
            let mark = if tool.version == history.current_version {
                "*"
            } else {
                ""
            };
            [
                format!("{}{mark}", tool.version),
                state(tool),
                tool.uses.to_string(),
                tool.failures.to_string(),
                moment(&tool.created_at),
            ]
        })
        .collect();
    table(["version", "state", "uses", "failures", "made"], &rows)
}

fn state(tool: &Tool) -> String {
    let mut text = tool.status.replace('_', " ");
    if let Some(version) = tool.rolled_back_to {
        text.push_str(&format!(" to version {version}"));
    }
    if let Some(by) = &tool.status_by {
        text.push_str(&format!(" by {by}"));
    }
    if let Some(reason) = &tool.status_reason {
        let last = reason.lines().rev().find(|line| !line.trim().is_empty());
        text.push_str(&format!(": {}", one_line(last.unwrap_or_default())));
    }
    text
}

/// What a tool may do beyond computing, in words.
fn rights(grants: &Value) -> String {
    let mut rights = Vec::new();
    let mut note = |at: &str, means: &str| match grants.pointer(at) {
        Some(Value::Bool(true)) => rights.push(means.to_owned()),
        Some(Value::Array(names)) if !names.is_empty() => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            rights.push(format!("{means} {}", one_line(&names.join(", "))));
        }
        _ => (),
    };
    for (at, means) in [
        ("/host/http_get", "fetch pages of"),
        ("/network", "speak to"),
        ("/host/fs_read", "read texts of folder"),
        ("/reads", "read folder"),
        ("/host/fs_write", "write texts into folder"),
        ("/writes", "change folder"),
        ("/workspace", "work in the folder of its run"),
        ("/host/kv", "keep values for its run"),
        ("/host/task", "see its task"),
    ] {
        note(at, means);
    }
    if rights.is_empty() {
        "compute, and nothing else".into()
    } else {
        rights.join("; ")
    }
}
