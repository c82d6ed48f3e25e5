//! Operations on specialists: make one in a run, look up, list, switch on and off, remove.

use std::collections::BTreeSet;

use hearth_domain::agent::{Agent, Presence, Registration};
use hearth_domain::field::{AgentName, Word};
use hearth_domain::specialist::{
    Grants, KIND, MADE_BY_TASK_MAX, Maker, NewSpecialist, SPECIALISTS_MAX, Specialist,
};
use hearth_domain::task::Task;
use hearth_domain::{Actor, AgentId, Change, JsonObject, Timestamp};
use hearth_store::{Tx, agents, specialists, tasks};

use crate::app::App;
use crate::authority::{must_act_as, must_be_owner, must_work};
use crate::error::AppError;
use crate::holding::Hold;
use crate::tasks::{TaskRef, find};

impl App {
    /// Makes a specialist for the task that the caller holds, with at most the caller's own rights;
    /// `all_tools` are those of the node's own agent. The same again, as after a crash, is the same
    /// specialist.
    ///
    /// # Errors
    /// The caller does not hold the task; the name is taken or kept; more is wanted than the caller
    /// may; there are enough specialists, of the node or of this task.
    pub async fn create_specialist(
        &self,
        actor: &Actor,
        task: TaskRef,
        hold: Hold,
        new: NewSpecialist,
        all_tools: BTreeSet<Word>,
    ) -> Result<Specialist, AppError> {
        must_work(actor, "make an agent")?;
        must_act_as(actor, &hold.agent)?;
        let (id, now) = (AgentId(self.ids().next_uuid()), self.now());
        self.store()
            .write(move |tx| {
                let task = find(tx, task)?;
                task.held_by("make an agent in", &hold.agent, hold.fence)?;
                let parent = specialists::get(tx, &hold.agent)?;
                let maker = Maker {
                    name: hold.agent,
                    is_specialist: parent.is_some(),
                    task: task.id,
                };
                let own = parent.map_or_else(|| Grants::all(all_tools), |parent| parent.grants);
                let grants = own.narrow(new.grants.clone())?;
                let change = Specialist::create(id, new, grants, &maker, now)?;
                if let Some(same) = made_before(tx, &change.after)? {
                    return Ok(same);
                }
                must_have_room(tx, &task)?;
                agents::insert(tx, register(&change.after, now)?)?;
                Ok(specialists::insert(tx, change)?)
            })
            .await
    }

    /// Returns what a specialist is told, may, and is limited to; `None` for every other agent.
    ///
    /// # Errors
    /// The store failed.
    pub fn specialist(&self, name: &AgentName) -> Result<Option<Specialist>, AppError> {
        self.store().read_now(|tx| Ok(specialists::get(tx, name)?))
    }

    /// Returns a specialist.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn get_specialist(&self, name: &AgentName) -> Result<Specialist, AppError> {
        self.store().read_now(|tx| known(tx, name))
    }

    /// Returns every specialist, by name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_specialists(&self) -> Result<Vec<Specialist>, AppError> {
        self.store().read(|tx| Ok(specialists::list(tx)?)).await
    }

    /// Has a specialist take tasks again.
    ///
    /// # Errors
    /// There is none of that name; the caller is not the owner.
    pub async fn enable_specialist(
        &self,
        actor: &Actor,
        name: AgentName,
    ) -> Result<Specialist, AppError> {
        must_be_owner(actor, "enable a specialist")?;
        let there = |agent: Agent, now| {
            let (after, event) = agent.heartbeat(Some(Presence::Idle), now);
            (after, event)
        };
        self.switch(actor, name, Specialist::enable, there).await
    }

    /// Has a specialist take no tasks any more; what it holds it finishes.
    ///
    /// # Errors
    /// There is none of that name; the caller is not the owner.
    pub async fn disable_specialist(
        &self,
        actor: &Actor,
        name: AgentName,
    ) -> Result<Specialist, AppError> {
        must_be_owner(actor, "disable a specialist")?;
        let gone = |agent: Agent, _| match agent.clone().fall_silent() {
            Some(Change { after, event }) => (after, Some(event)),
            None => (agent, None),
        };
        self.switch(actor, name, Specialist::disable, gone).await
    }

    /// Removes a specialist, and the agent that it is.
    ///
    /// # Errors
    /// There is none of that name; a task that has not ended is kept for it or held by it; the caller
    /// is not the owner.
    pub async fn remove_specialist(
        &self,
        actor: &Actor,
        name: AgentName,
    ) -> Result<Specialist, AppError> {
        must_be_owner(actor, "remove a specialist")?;
        let (by, now) = (actor.name().to_owned(), self.now());
        self.store()
            .write(move |tx| {
                let specialist = known(tx, &name)?;
                let open = tasks::open_numbers_of(tx, &name)?;
                if !open.is_empty() {
                    let numbers: Vec<String> =
                        open.iter().map(|number| format!("#{number}")).collect();
                    return Err(AppError::conflict(
                        "specialist_in_use",
                        format!(
                            "{name} has open tasks: {}; cancel them or give them to another agent \
                             first, or disable it: hearth agent disable {name}",
                            numbers.join(", ")
                        ),
                    ));
                }
                let event = specialist.remove();
                specialists::delete(tx, &specialist, &event, &by, now)?;
                Ok(specialist)
            })
            .await
    }

    /// Switches a specialist, and shows the agent that it is accordingly.
    async fn switch(
        &self,
        actor: &Actor,
        name: AgentName,
        change: fn(Specialist, Timestamp) -> Option<Change<Specialist>>,
        show: fn(Agent, Timestamp) -> (Agent, Option<hearth_domain::event::EventKind>),
    ) -> Result<Specialist, AppError> {
        let (by, now) = (actor.name().to_owned(), self.now());
        self.store()
            .write(move |tx| {
                let specialist = known(tx, &name)?;
                let present = specialist.clone();
                let Some(change) = change(specialist, now) else {
                    return Ok(present);
                };
                let specialist = specialists::save(tx, change, &by)?;
                if let Some(agent) = agents::get(tx, &name)? {
                    let (after, event) = show(agent, now);
                    agents::save(tx, after, event.as_ref(), now)?;
                }
                Ok(specialist)
            })
            .await
    }
}

fn known(tx: &impl Tx, name: &AgentName) -> Result<Specialist, AppError> {
    specialists::get(tx, name)?.ok_or_else(|| AppError::not_found("specialist", name))
}

/// Returns the specialist that is just like `wanted`, made for the same task; refuses a name that is
/// another's.
fn made_before(tx: &impl Tx, wanted: &Specialist) -> Result<Option<Specialist>, AppError> {
    if let Some(known) = specialists::get(tx, &wanted.name)? {
        let same = Specialist {
            id: known.id,
            is_enabled: known.is_enabled,
            version: known.version,
            created_at: known.created_at,
            updated_at: known.updated_at,
            ..wanted.clone()
        };
        if same == known {
            return Ok(Some(known));
        }
    }
    if agents::get(tx, &wanted.name)?.is_some() {
        return Err(AppError::conflict(
            "name_taken",
            format!(
                "there is an agent {} already; choose another name",
                wanted.name
            ),
        ));
    }
    Ok(None)
}

fn must_have_room(tx: &impl Tx, task: &Task) -> Result<(), AppError> {
    let (all, of_task) = specialists::count(tx, task.id)?;
    if all >= SPECIALISTS_MAX {
        return Err(AppError::conflict(
            "too_many",
            format!(
                "there are {all} specialists, which is as many as there may be; hand the work to one of \
                 them, or have the owner remove some"
            ),
        ));
    }
    if of_task >= MADE_BY_TASK_MAX {
        return Err(AppError::conflict(
            "too_many",
            format!(
                "task #{} made {of_task} specialists, which is as many as one may; hand the work to one \
                 of them",
                task.number
            ),
        ));
    }
    Ok(())
}

fn register(specialist: &Specialist, now: Timestamp) -> Result<Change<Agent>, AppError> {
    let registration = Registration {
        name: specialist.name.clone(),
        kind: Word::from_stored(KIND.into()),
        capabilities: specialist
            .grants
            .tools
            .iter()
            .map(Word::to_string)
            .collect(),
        metadata: JsonObject::new(),
    };
    let Change { after, event } = Agent::register(specialist.id, registration, now)?;
    let (after, _) = after.heartbeat(Some(Presence::Idle), now);
    Ok(Change { after, event })
}

#[cfg(test)]
mod tests;
