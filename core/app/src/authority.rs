//! Who may do what. Denied unless a line here says otherwise.

use hearth_domain::Actor;
use hearth_domain::field::AgentName;
use hearth_domain::task::Task;

use crate::error::AppError;

/// Asks for the rights of the owner.
pub(crate) fn must_be_owner(actor: &Actor, act: &str) -> Result<(), AppError> {
    match actor {
        Actor::Owner | Actor::System => Ok(()),
        Actor::Agent(_) | Actor::Viewer => Err(AppError::Denied(format!(
            "{} may not {act}; it takes an admin key",
            who(actor)
        ))),
    }
}

/// Asks for a caller that may change things at all.
pub(crate) fn must_work(actor: &Actor, act: &str) -> Result<(), AppError> {
    match actor {
        Actor::Owner | Actor::System | Actor::Agent(_) => Ok(()),
        Actor::Viewer => Err(AppError::Denied(format!(
            "a viewer may not {act}; it takes an admin or agent key"
        ))),
    }
}

/// Asks that `actor` may act in the name of `agent`: the owner in any, an agent in its own.
pub(crate) fn must_act_as(actor: &Actor, agent: &AgentName) -> Result<(), AppError> {
    match actor {
        Actor::Owner | Actor::System => Ok(()),
        Actor::Agent(name) if name == agent => Ok(()),
        Actor::Agent(name) => Err(AppError::Denied(format!(
            "the key of agent {name} may not act as {agent}"
        ))),
        Actor::Viewer => Err(AppError::Denied("a viewer may not act as an agent".into())),
    }
}

/// Asks that `actor` may change `task`'s fields or artifacts: the owner always, an agent while it
/// holds the task, under its fence.
pub(crate) fn must_hold(actor: &Actor, task: &Task, fence: Option<u64>) -> Result<(), AppError> {
    must_work(actor, "change a task")?;
    let Actor::Agent(name) = actor else {
        return Ok(());
    };
    let is_holder = task.lease().is_some_and(|lease| lease.holder == *name);
    if !is_holder {
        return Err(AppError::Denied(format!(
            "agent {name} does not hold task #{}",
            task.number
        )));
    }
    let Some(fence) = fence else {
        return Err(AppError::invalid(
            "fence",
            "is missing; an agent names the fence of its claim",
        ));
    };
    task.held_by("change", name, fence)?;
    Ok(())
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Owner | Actor::System => actor.name().to_owned(),
        Actor::Agent(name) => format!("agent {name}"),
        Actor::Viewer => "a viewer".into(),
    }
}

#[cfg(test)]
mod tests;
