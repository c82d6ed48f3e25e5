//! `hearth agent`: who works.

use clap::{Args, Subcommand};

use crate::cli::Invocation;
use crate::client::Client;
use crate::client::wire::{Agent, Page, Task};
use crate::output::Output;
use crate::output::table::{fields, table};
use crate::output::text::{moment, one_line};

/// What can be done with agents.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List agents
    List(List),
    /// Show one agent
    Show(Named),
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
            let held = held(&client, Some(&agent.name)).await?;
            output.answer(&answer.text, || show(&agent, &held))
        }
    }
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
                agent.status.clone(),
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
        ("status", one_line(&agent.status)),
        ("works on", works_on(agent, held)),
        ("can", one_line(&agent.capabilities.join(", "))),
        ("last seen", moment(&agent.last_seen_at)),
        ("since", moment(&agent.created_at)),
    ];
    fields(&pairs)
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
