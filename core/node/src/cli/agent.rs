//! `hearth agent`: who works.

mod specialist;

use clap::{Args, Subcommand};
use serde_json::json;

use self::specialist::Switch;
use crate::cli::Invocation;
use crate::client::Client;
use crate::client::wire::{Agent, AgentPause, Page, Task};
use crate::output::Output;
use crate::output::table::{fields, table};
use crate::output::text::{moment, one_line};

/// What can be done with agents.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List agents
    List(List),
    /// Show one agent; of a specialist, what it is told and may do
    Show(Named),
    /// Have an agent take no tasks until it is resumed; what it holds it finishes
    Pause(Pause),
    /// Let a paused agent take tasks again
    Resume(Named),
    /// Have a specialist take tasks again
    Enable(Named),
    /// Have a specialist take no tasks any more; what it holds it finishes
    Disable(Named),
    /// Remove a specialist that has no open tasks
    Remove(Named),
}

/// Pauses an agent.
#[derive(Debug, Args)]
pub struct Pause {
    #[command(flatten)]
    named: Named,
    /// Hand back what it holds at once; that costs no attempt
    #[arg(long)]
    now: bool,
}

/// Lists agents.
#[derive(Debug, Args)]
pub struct List {
    /// At most so many, 1 to 500
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
    /// Go on where another list ended
    #[arg(long)]
    cursor: Option<String>,
}

/// One agent.
#[derive(Debug, Args)]
pub struct Named {
    /// Its name
    #[arg(value_name = "AGENT")]
    agent: String,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let output = invocation.output;
    match command {
        Command::List(list) => {
            let limit = list.limit.map(|limit| ("limit", limit.to_string()));
            let cursor = list.cursor.map(|cursor| ("cursor", cursor));
            let query: Vec<_> = limit.into_iter().chain(cursor).collect();
            let answer = client.get(&["agents"], &query).await?;
            if output == Output::Json {
                return output.answer(&answer.text, String::new);
            }
            let page: Page<Agent> = answer.read()?;
            let held = held(&client, None).await?;
            output.answer(&answer.text, || rows(&page.items, &held))?;
            page.note_rest("hearth agent list");
            Ok(())
        }
        Command::Show(named) => {
            let answer = client.get(&["agents", &named.agent], &[]).await?;
            let agent: Agent = answer.read()?;
            if agent.kind == "specialist"
                && let Some(text) = specialist::find(&client, &named.agent).await?
            {
                return specialist::show(output, &answer.text, &text, &agent);
            }
            let held = held(&client, Some(&agent.name)).await?;
            output.answer(&answer.text, || show(&agent, &held))
        }
        Command::Pause(pause) => {
            let body = json!({ "now": pause.now });
            let path = ["agents", &pause.named.agent, "pause"];
            let answer = client.post(&path, &body).await?;
            let paused: AgentPause = answer.read()?;
            output.answer(&answer.text, || told_of_pause(&paused))
        }
        Command::Resume(named) => {
            let path = ["agents", &named.agent, "resume"];
            let answer = client.post(&path, &json!({})).await?;
            output.answer(&answer.text, || {
                format!("agent {} takes tasks again", one_line(&named.agent))
            })
        }
        Command::Enable(named) => {
            specialist::switch(&client, output, &named.agent, Switch::On).await
        }
        Command::Disable(named) => {
            specialist::switch(&client, output, &named.agent, Switch::Off).await
        }
        Command::Remove(named) => specialist::remove(&client, output, &named.agent).await,
    }
}

fn told_of_pause(paused: &AgentPause) -> String {
    let name = one_line(&paused.agent.name);
    let numbers: Vec<String> = paused
        .handed_back
        .iter()
        .map(|number| format!("#{number}"))
        .collect();
    let back = if numbers.is_empty() {
        String::new()
    } else {
        format!("; handed back: {}", numbers.join(", "))
    };
    format!("agent {name} is paused{back}; to let it go on: hearth agent resume {name}")
}

/// Returns the tasks that an agent holds, or that anybody holds.
async fn held(client: &Client, agent: Option<&str>) -> anyhow::Result<Vec<Task>> {
    let mut query = vec![
        ("status", "in_progress".to_owned()),
        ("limit", "500".into()),
    ];
    query.extend(agent.map(|name| ("assigned_to", name.to_owned())));
    let page: Page<Task> = client.get(&["tasks"], &query).await?.read()?;
    Ok(page.items)
}

fn rows(agents: &[Agent], held: &[Task]) -> String {
    let rows: Vec<[String; 5]> = agents
        .iter()
        .map(|agent| {
            [
                agent.name.clone(),
                agent.kind.clone(),
                status(agent),
                moment(&agent.last_seen_at),
                works_on(agent, held),
            ]
        })
        .collect();
    table(["name", "type", "status", "last seen", "works on"], &rows)
}

fn show(agent: &Agent, held: &[Task]) -> String {
    let pairs = [
        ("name", one_line(&agent.name)),
        ("type", one_line(&agent.kind)),
        ("status", status(agent)),
        ("works on", works_on(agent, held)),
        ("can", one_line(&agent.capabilities.join(", "))),
        ("last seen", moment(&agent.last_seen_at)),
        ("since", moment(&agent.created_at)),
    ];
    fields(&pairs)
}

/// Whether it is there, and whether it takes tasks.
fn status(agent: &Agent) -> String {
    match &agent.paused_at {
        None => one_line(&agent.status),
        Some(_) => format!("{}, paused", one_line(&agent.status)),
    }
}

/// Returns the numbers of the tasks among `held` that are with an agent.
fn works_on(agent: &Agent, held: &[Task]) -> String {
    let is_with = |task: &&Task| task.assigned_to.as_deref() == Some(&agent.name);
    let numbers = held
        .iter()
        .filter(is_with)
        .map(|task| format!("#{}", task.number));
    numbers.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_works_on_is_named_by_number() {
        let task = |number, agent: &str| Task {
            number,
            assigned_to: Some(agent.into()),
            ..Task::default()
        };
        let seed = Agent {
            name: "seed".into(),
            ..Agent::default()
        };

        let held = [task(1, "seed"), task(2, "scribe"), task(3, "seed")];

        assert_eq!(works_on(&seed, &held), "#1, #3");
    }
}
