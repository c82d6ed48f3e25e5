//! `hearth tool`: the tools that a plan may call, and what each takes. Works with no node running.

use anyhow::anyhow;
use clap::Subcommand;
use hearth_runtime::tools::registry;
use serde_json::{Value, json};

use crate::cli::Invocation;
use crate::output::table::table;

/// What plans can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every tool, with what it does
    List,
    /// What a tool takes
    Show {
        /// The tool
        #[arg(value_name = "TOOL")]
        tool: String,
    },
}

pub(super) fn run(invocation: &Invocation, command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(invocation),
        Command::Show { tool } => show(invocation, tool),
    }
}

fn list(invocation: &Invocation) -> anyhow::Result<()> {
    let tools: Vec<(&str, &Value)> = registry::names()
        .filter_map(|name| Some((name, registry::schema(name)?)))
        .collect();
    let items: Vec<Value> = tools
        .iter()
        .map(|(name, schema)| json!({ "name": name, "description": schema["description"] }))
        .collect();
    invocation.output.object(&json!({ "items": items }), || {
        let rows: Vec<[String; 2]> = tools
            .into_iter()
            .map(|(name, schema)| [name.to_owned(), said(schema)])
            .collect();
        table(["tool", "does"], &rows)
    })
}

fn show(invocation: &Invocation, tool: &str) -> anyhow::Result<()> {
    let schema = registry::schema(tool).ok_or_else(|| {
        let names: Vec<&str> = registry::names().collect();
        anyhow!("there is no tool {tool}; there are {}", names.join(", "))
    })?;
    let object = json!({ "name": tool, "args": schema });
    invocation.output.object(&object, || {
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let row = |(name, argument): (&String, &Value)| {
            let needed = if required.contains(&name.as_str()) {
                "needed"
            } else {
                ""
            };
            [name.clone(), needed.to_owned(), said(argument)]
        };
        let arguments = schema["properties"].as_object().into_iter().flatten();
        let rows: Vec<[String; 3]> = arguments.map(row).collect();
        format!(
            "{tool}: {}\n\n{}",
            said(schema),
            table(["argument", "", "means"], &rows)
        )
    })
}

/// What a schema says of itself.
fn said(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
