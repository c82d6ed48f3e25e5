//! Pausing agents, and letting them go on. A paused agent takes no task; what it holds it may finish,
//! unless that is to be handed back at once.

use hearth_domain::agent::Agent;
use hearth_domain::event::ReleaseCause;
use hearth_domain::field::AgentName;
use hearth_domain::{Actor, Change, Timestamp};
use hearth_store::{Tx, WriteTx, agents, tasks};

use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;
use crate::notices::save_task;

/// What becomes of the tasks that an agent holds when it is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It finishes them.
    Finish,
    /// They are handed back at once; that costs no attempt.
    HandBack,
}

/// What a pause did.
#[derive(Debug, Clone, PartialEq)]
pub struct Paused {
    /// The agent.
    pub agent: Agent,
    /// The numbers of the tasks that were handed back.
    pub handed_back: Vec<i64>,
}

impl App {
    /// Has an agent take no tasks until it is resumed. One that is paused already stays so.
    ///
    /// # Errors
    /// No such agent is registered; the caller is not the owner.
    pub async fn pause_agent(
        &self,
        actor: &Actor,
        name: AgentName,
        held: Held,
    ) -> Result<Paused, AppError> {
        must_be_owner(actor, "pause an agent")?;
        let (by, now) = (actor.name().to_owned(), self.now());
        self.store()
            .write(move |tx| {
                let agent = known(tx, &name)?;
                let agent = switch(tx, agent, |agent| agent.pause(now), &by, now)?;
                let handed_back = match held {
                    Held::Finish => Vec::new(),
                    Held::HandBack => hand_back(tx, &name, now)?,
                };
                Ok(Paused { agent, handed_back })
            })
            .await
    }

    /// Lets a paused agent take tasks again.
    ///
    /// # Errors
    /// No such agent is registered; the caller is not the owner.
    pub async fn resume_agent(&self, actor: &Actor, name: AgentName) -> Result<Agent, AppError> {
        must_be_owner(actor, "resume an agent")?;
        let (by, now) = (actor.name().to_owned(), self.now());
        self.store()
            .write(move |tx| {
                let agent = known(tx, &name)?;
                switch(tx, agent, Agent::resume, &by, now)
            })
            .await
    }
}

/// Refuses a claim in the name of an agent that is paused.
pub(crate) fn must_not_be_paused(tx: &impl Tx, name: &AgentName) -> Result<(), AppError> {
    if agents::is_paused(tx, name)? {
        return Err(AppError::conflict(
            "agent_paused",
            format!("agent {name} is paused; to let it go on: hearth agent resume {name}"),
        ));
    }
    Ok(())
}

fn known(tx: &impl Tx, name: &AgentName) -> Result<Agent, AppError> {
    agents::get(tx, name)?.ok_or_else(|| AppError::not_found("agent", name))
}

fn switch(
    tx: &mut WriteTx<'_>,
    agent: Agent,
    change: impl FnOnce(Agent) -> Option<Change<Agent>>,
    by: &str,
    now: Timestamp,
) -> Result<Agent, AppError> {
    let present = agent.clone();
    let Some(Change { after, event }) = change(agent) else {
        return Ok(present);
    };
    Ok(agents::save_as(tx, after, Some(&event), by, now)?)
}

/// Takes back all that an agent holds. Whoever is at work on it hears of that, and stops.
fn hand_back(tx: &mut WriteTx<'_>, name: &AgentName, now: Timestamp) -> Result<Vec<i64>, AppError> {
    let mut numbers = Vec::new();
    for task in tasks::held_by(tx, name)? {
        numbers.push(task.number);
        save_task(tx, task.reclaim(ReleaseCause::AgentPaused, now)?)?;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests;
