//! `hearth tool`: the tools that a plan may call, what each takes, and which of those that agents made
//! are called. The built-in ones are shown with no node running, too.

mod known;
mod made;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use hearth_runtime::tools::registry;
use serde_json::{Value, json};

use crate::cli::Invocation;
use crate::client::wire::{Page, Tool};
use crate::output::note;
use crate::output::table::table;

pub(crate) use known::registry as registry_of;

/// What plans can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every tool, with what it does; of those that agents made, how they fare
    List,
    /// What a tool takes; of one that an agent made, all of it
    Show {
        /// The tool, or one version of it: NAME.v2
        #[arg(value_name = "TOOL")]
        tool: String,
    },
    /// Try the examples of a tool that an agent made, without its rights
    Test(Which),
    /// Let a tool that an agent made be called again
    Enable(Which),
    /// Let a tool that an agent made be called no more
    Disable(Disable),
    /// Go back to an earlier version of a tool
    Rollback {
        /// The tool
        #[arg(value_name = "TOOL")]
        tool: String,
        /// The version; the one before the present one unless told
        version: Option<u32>,
    },
}

/// One version of a tool.
#[derive(Debug, Args)]
pub struct Which {
    /// The tool
    #[arg(value_name = "TOOL")]
    tool: String,
    /// Which version; the one that its name means unless told
    #[arg(long, value_name = "N")]
    version: Option<u32>,
}

/// Disables a tool.
#[derive(Debug, Args)]
pub struct Disable {
    /// The tool
    #[arg(value_name = "TOOL")]
    tool: String,
    /// Only this version; all of them unless told
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Why
    #[arg(long, value_name = "WHY")]
    reason: Option<String>,
}

pub(super) async fn run(invocation: &Invocation, command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(invocation).await,
        Command::Show { tool } => match registry::schema(tool) {
            Some(schema) => show(invocation, tool, schema),
            None => show_made(invocation, tool).await,
        },
        Command::Test(which) => made::test(invocation, which).await,
        Command::Enable(which) => {
            let body = json!({ "version": which.version });
            made::change(invocation, &which.tool, "enable", &body).await
        }
        Command::Disable(disable) => {
            let body = json!({ "version": disable.version, "reason": disable.reason });
            made::change(invocation, &disable.tool, "disable", &body).await
        }
        Command::Rollback { tool, version } => {
            let body = json!({ "version": version });
            made::change(invocation, tool, "rollback", &body).await
        }
    }
}

async fn list(invocation: &Invocation) -> anyhow::Result<()> {
    let builtin: Vec<(&str, &Value)> = registry::names()
        .filter_map(|name| Some((name, registry::schema(name)?)))
        .collect();
    let (mut made, mut made_items): (Vec<Tool>, Vec<Value>) = Default::default();
    if let Some(client) = invocation.find_client()? {
        let answer = client.get(&["tools"], &[]).await?;
        made_items = answer.read::<Page<Value>>()?.items;
        made = answer.read::<Page<Tool>>()?.items;
    } else {
        note("the tools that agents made are known to a running node: hearth up");
    }
    let items = builtin.iter().map(|(name, schema)| {
        json!({ "name": name, "description": schema["description"], "is_builtin": true })
    });
    let made_items = made_items.into_iter().map(|mut item| {
        item["is_builtin"] = Value::Bool(false);
        item
    });
    let items: Vec<Value> = items.chain(made_items).collect();
    invocation.output.object(&json!({ "items": items }), || {
        let rows: Vec<[String; 2]> = builtin
            .iter()
            .map(|(name, schema)| [(*name).to_owned(), said(schema)])
            .collect();
        let mut text = table(["tool", "does"], &rows);
        if !made.is_empty() {
            text.push_str("\n\n");
            text.push_str(&made::rows(&made));
        }
        text
    })
}

async fn show_made(invocation: &Invocation, tool: &str) -> anyhow::Result<()> {
    let client = invocation.find_client()?.with_context(|| {
        let names: Vec<&str> = registry::names().collect();
        anyhow!(
            "there is no built-in tool {tool}; there are {}. Those that agents made are known to a running \
             node: hearth up",
            names.join(", ")
        )
    })?;
    made::show(invocation, &client, tool).await
}

fn show(invocation: &Invocation, tool: &str, schema: &Value) -> anyhow::Result<()> {
    let object = json!({ "name": tool, "args": schema });
    invocation.output.object(&object, || {
        format!("{tool}: {}\n\n{}", said(schema), arguments(schema))
    })
}

/// Sets the arguments that a schema describes below each other.
fn arguments(schema: &Value) -> String {
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
    table(["argument", "", "means"], &rows)
}

/// What a schema says of itself.
fn said(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
