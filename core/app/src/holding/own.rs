//! Claims of the node's own agents: Seed and the specialists take tasks from one queue, in which each
//! project gets its share.

use hearth_domain::field::AgentName;
use hearth_domain::task::{LEASE_DEFAULT, Task};
use hearth_store::tasks::{self, FairWanted};
use hearth_store::{Tx, agents, specialists};

use super::Work;
use crate::agents::seen_working;
use crate::app::App;
use crate::error::AppError;
use crate::notices::save_task;
use crate::tasks::{SEED, TaskView, view};

impl App {
    /// Hands the next task to whichever of the node's own agents it is for: to the specialist that it
    /// is kept for, and else to Seed; `None` if there is none. The most urgent come first, then those
    /// of the project of which the fewest are at work, then the oldest. An agent that is paused or
    /// disabled gets none. The task's lease names the holder.
    ///
    /// # Errors
    /// The store failed.
    pub async fn claim_own_task(&self, work: Work) -> Result<Option<TaskView>, AppError> {
        let (facilities, now) = (self.facilities(), self.now());
        let view = self
            .store()
            .write_checked(move |tx| {
                let seed = seed();
                let takes_unkept = !agents::is_paused(tx, &seed)?;
                let mut free = specialists::free_names(tx)?;
                free.extend(takes_unkept.then(|| seed.clone()));
                let wanted = FairWanted {
                    own: own_agents(tx)?,
                    free,
                    takes_unkept,
                    has_plan: work == Work::Planned,
                };
                let Some(task) = tasks::fairest_pending(tx, &wanted, now)? else {
                    return Ok(None);
                };
                let agent = holder_of(&task, seed);
                let task = save_task(tx, task.claim(agent.clone(), LEASE_DEFAULT, 0, now)?)?;
                seen_working(tx, &agent, now)?;
                view(tx, task, &facilities, now).map(Some)
            })
            .await?;
        if let Some(view) = &view {
            self.expect_expiry(view);
        }
        Ok(view)
    }

    /// Returns the names of the node's own agents: Seed's, then those of all specialists.
    ///
    /// # Errors
    /// The store failed.
    pub fn own_agents(&self) -> Result<Vec<AgentName>, AppError> {
        self.store().read_now(|tx| own_agents(tx))
    }
}

fn own_agents(tx: &impl Tx) -> Result<Vec<AgentName>, AppError> {
    let mut own = vec![seed()];
    own.extend(specialists::names(tx)?);
    Ok(own)
}

fn holder_of(task: &Task, seed: AgentName) -> AgentName {
    task.reserved_for.clone().unwrap_or(seed)
}

fn seed() -> AgentName {
    AgentName::from_stored(SEED.into())
}
