//! Money, and what else work uses up: what is set aside before a call, what is settled after it, and
//! who is told when a limit is near or reached.
//!
//! A step of a run pays in the transaction that writes down that it is meant (`runs::journal`). What
//! does not fit is not made: the step waits, and the task's owner is asked (`ask`), whose answer
//! raises the limit (`raise`), or goes on when there is more by itself (`wake`). How steps pay is in
//! `steps`, calls outside runs are in `calls`, and what there is to show in `views`.

pub(crate) mod ask;
mod calls;
pub(crate) mod raise;
pub(crate) mod steps;
mod views;
mod wake;

use std::time::Duration;

use hearth_domain::event::EventKind;
use hearth_domain::field::AgentName;
use hearth_domain::money::{
    Account, BudgetFacts, Charge, LOW_PERCENT, Limits, Over, Resource, Scope, amount, counted_in,
    overs,
};
use hearth_domain::notice::{NewNotice, NoticeKind};
use hearth_domain::task::Task;
use hearth_domain::{Actor, Timestamp};
use hearth_store::{Tx, WriteTx, money, projects, specialists};
use jiff::civil::Date;

use crate::app::App;
use crate::error::AppError;

pub use calls::ForWhom;
pub use hearth_store::money::{By as SpendingBy, SpendingCursor};
pub use raise::BudgetRef;
pub use views::{BudgetView, SpendingView, Today};

/// The tool whose steps are turns of a model.
pub const MODEL_TOOL: &str = "model";
/// The argument of a turn that only reads what strangers wrote: in which step's result.
pub const EXTRACT_ARG: &str = "extract";
/// The tool whose steps hand a task to another agent.
pub const DELEGATE_TOOL: &str = "delegate";
/// The longest time of a worker's that is counted at once. It is heard from more often than that; a
/// longer silence means that the node was off or the machine slept, when nobody worked.
const WALL_AT_ONCE: Duration = Duration::from_mins(1);
/// What is less than this is counted with what comes next, to save a write.
const WALL_WORTH_IT: Duration = Duration::from_secs(1);

/// The limits that hold where the owner did not say otherwise of one thing in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultLimits {
    /// For everything together.
    pub everything: Limits,
    /// For each day.
    pub day: Limits,
    /// For each task.
    pub task: Limits,
}

impl Default for DefaultLimits {
    /// A day of $5 and a task of $1: enough for work that pays, little enough that a mistake is no
    /// loss.
    fn default() -> Self {
        Self {
            everything: Limits::default(),
            day: Limits {
                usd_micros: Some(5_000_000),
                ..Limits::default()
            },
            task: Limits {
                usd_micros: Some(1_000_000),
                tokens: None,
                turns: Some(60),
                tool_calls: Some(200),
                wall_ms: Some(120 * 60_000),
                children: Some(10),
            },
        }
    }
}

/// What a decision over money looks at beside the database: the settings, and which day it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purse {
    pub(crate) defaults: DefaultLimits,
    pub(crate) today: Date,
}

impl App {
    /// Returns what decisions over money look at, at this moment.
    pub(crate) fn purse(&self) -> Purse {
        let moment = jiff::Timestamp::from_millisecond(self.now().as_millis()).unwrap_or_default();
        Purse {
            defaults: self.config().budgets,
            today: moment.to_zoned(self.zone()).date(),
        }
    }
}

impl Purse {
    /// Returns what counts in a scope: what the owner said of it, else the lower of what the
    /// task and the specialist to which it is given say, else the settings.
    pub(crate) fn limits(
        &self,
        tx: &impl Tx,
        scope: &Scope,
        task: Option<&Task>,
    ) -> Result<Limits, AppError> {
        let said = money::limits(tx, scope)?.unwrap_or_default();
        Ok(match scope {
            Scope::Everything => said.or(self.defaults.everything),
            Scope::Day(_) => {
                let each = money::limits(tx, &Scope::EachDay)?.unwrap_or_default();
                said.or(each).or(self.defaults.day)
            }
            Scope::EachDay => said.or(self.defaults.day),
            Scope::Project(_) | Scope::Agent(_) => said,
            Scope::Task(_) => {
                let own = task.and_then(|task| task.budget).unwrap_or_default();
                let agents = match task.and_then(Task::assigned_to) {
                    Some(agent) => specialists::get(tx, agent)?,
                    None => None,
                };
                let agents = agents.map(|agent| agent.grants.limits);
                said.or(own.limits().least(agents.unwrap_or_default()))
                    .or(self.defaults.task)
            }
        })
    }

    pub(crate) fn account(
        &self,
        tx: &impl Tx,
        scope: Scope,
        task: Option<&Task>,
    ) -> Result<Account, AppError> {
        let spent = money::spent(tx, &scope)?;
        Ok(Account {
            limits: self.limits(tx, &scope, task)?,
            scope,
            spent: spent.spent,
            reserved: spent.reserved,
        })
    }

    /// Returns the accounts in which an agent's work counts, on a task where there is one.
    pub(crate) fn accounts(
        &self,
        tx: &impl Tx,
        agent: &AgentName,
        task: Option<&Task>,
    ) -> Result<Vec<Account>, AppError> {
        self.scopes(agent, task)
            .into_iter()
            .map(|scope| self.account(tx, scope, task))
            .collect()
    }

    fn scopes(&self, agent: &AgentName, task: Option<&Task>) -> Vec<Scope> {
        let project = task.and_then(|task| task.project_id);
        counted_in(agent, project, task.map(|task| task.id), self.today)
    }

    /// Returns the limits in the way of an agent's work.
    pub(crate) fn overs(
        &self,
        tx: &impl Tx,
        agent: &AgentName,
        task: Option<&Task>,
        asked: &Charge,
    ) -> Result<Vec<Over>, AppError> {
        Ok(overs(&self.accounts(tx, agent, task)?, asked))
    }

    /// Adds to what was spent wherever it counts, and has the owner told where a limit is near.
    pub(crate) fn charge(
        &self,
        tx: &mut WriteTx<'_>,
        agent: &AgentName,
        task: Option<&Task>,
        charge: &Charge,
        now: Timestamp,
    ) -> Result<(), AppError> {
        for scope in self.scopes(agent, task) {
            money::charge(tx, &scope, charge, now)?;
        }
        self.note_low(tx, agent, task, now)
    }

    /// Counts the time for which a worker has held a task since that was last counted. Time while the
    /// task waits is not counted: nobody holds it.
    pub(crate) fn charge_wall(
        &self,
        tx: &mut WriteTx<'_>,
        agent: &AgentName,
        task: &Task,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let own = Scope::Task(task.id);
        let counted = money::spent(tx, &own)?.counted_until;
        let since = task.started_at.max(counted).unwrap_or(now);
        let elapsed = now.since(since).min(WALL_AT_ONCE);
        if elapsed < WALL_WORTH_IT {
            return Ok(());
        }
        let wall = Charge::wall(u64::try_from(elapsed.as_millis()).unwrap_or(0));
        self.charge(tx, agent, Some(task), &wall, now)?;
        Ok(money::count_until(tx, &own, now)?)
    }

    /// Has the owner told of each limit of which most is spent, once for each height of it.
    pub(crate) fn note_low(
        &self,
        tx: &mut WriteTx<'_>,
        agent: &AgentName,
        task: Option<&Task>,
        now: Timestamp,
    ) -> Result<(), AppError> {
        for account in self.accounts(tx, agent, task)? {
            for (what, limit) in account.low() {
                self.tell_low(tx, &account, what, limit, task, now)?;
            }
        }
        Ok(())
    }

    fn tell_low(
        &self,
        tx: &mut WriteTx<'_>,
        account: &Account,
        what: Resource,
        limit: u64,
        task: Option<&Task>,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let scope = &account.scope;
        let spent = account.spent.get(what);
        let new = NewNotice {
            kind: NoticeKind::BudgetLow,
            task_id: match scope {
                Scope::Task(id) => Some(*id),
                _ => None,
            },
            about: format!("budget:{}:{}:{what}:{limit}", scope.kind(), scope.key()),
            text: format!(
                "More than {LOW_PERCENT}% of the budget of {} is spent: {} of {}.",
                self.name(tx, scope, task)?,
                amount(what, spent),
                amount(what, limit)
            ),
        };
        if crate::notices::insert(tx, new, now)? {
            let event = EventKind::BudgetLow {
                budget: BudgetFacts::new(scope, what, Some(limit)),
                spent,
            };
            money::note(tx, scope, Actor::System.name(), now, &event)?;
        }
        Ok(())
    }

    /// Notes that limits were reached.
    pub(crate) fn note_reached(
        tx: &mut WriteTx<'_>,
        overs: &[Over],
        task: Option<&Task>,
        by: &str,
        now: Timestamp,
    ) -> Result<(), AppError> {
        for over in overs {
            let event = EventKind::BudgetReached {
                budget: over.facts(),
                spent: over.spent,
                asked: over.asked,
                task_id: task.map(|task| task.id),
            };
            money::note(tx, &over.scope, by, now, &event)?;
        }
        metrics::counter!("hearth_model_calls_total", "status" => "refused").increment(1);
        Ok(())
    }

    /// Returns what people call a scope.
    pub(crate) fn name(
        &self,
        tx: &impl Tx,
        scope: &Scope,
        task: Option<&Task>,
    ) -> Result<String, AppError> {
        Ok(match scope {
            Scope::Everything => "everything together".into(),
            Scope::Day(day) if *day == self.today => "today".into(),
            Scope::Day(day) => day.to_string(),
            Scope::EachDay => "each day".into(),
            Scope::Agent(agent) => format!("agent {agent}"),
            Scope::Project(id) => match projects::get(tx, *id)? {
                Some(project) => format!("project {}", project.name),
                None => scope.to_string(),
            },
            Scope::Task(id) => match task.filter(|task| task.id == *id) {
                Some(task) => format!("task #{}", task.number),
                None => match hearth_store::tasks::get(tx, *id)? {
                    Some(task) => format!("task #{}", task.number),
                    None => scope.to_string(),
                },
            },
        })
    }
}

#[cfg(test)]
mod tests;
