//! How limits change: by the owner's answer to a task that waits for more, or by the owner's order.

use hearth_domain::field::json_within;
use hearth_domain::money::{Answer, Over, Resource, Scope, ScopeKind, Usage, amount};
use hearth_domain::run::{Run, RunStatus, Step, StepState, WaitingFor};
use hearth_domain::task::{Task, TaskStatus};
use hearth_domain::{Actor, InvalidField, Timestamp};
use hearth_store::{Tx, WriteTx, money, projects, runs, steps};

use super::ask::{needs, waiting};
use super::{BudgetView, Purse};
use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;
use crate::notices::save_task;
use crate::projects::expect_version;
use crate::runs::follow::{asking, set_aside};
use crate::tasks::{TaskRef, find};

/// How a caller names a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BudgetRef {
    /// By its scope.
    Scope(Scope),
    /// By its task, which may be a number.
    Task(TaskRef),
}

impl From<Scope> for BudgetRef {
    fn from(scope: Scope) -> Self {
        Self::Scope(scope)
    }
}

impl BudgetRef {
    /// Reads a kind and a key.
    ///
    /// # Errors
    /// The key is none of that kind; the error says what one looks like.
    pub fn parse(kind: ScopeKind, key: &str) -> Result<Self, InvalidField> {
        if kind == ScopeKind::Task {
            let task = key.parse().map(Self::Task);
            return task.map_err(|error: InvalidField| InvalidField::new("key", error.problem));
        }
        Scope::parse(kind, key).map(Self::Scope)
    }

    /// Returns the scope, with its task where it is one's; that has to be there.
    fn find(self, tx: &impl Tx) -> Result<(Scope, Option<Task>), AppError> {
        let scope = match self {
            Self::Task(task) => Scope::Task(find(tx, task)?.id),
            Self::Scope(scope) => scope,
        };
        let task = known(tx, &scope)?;
        Ok((scope, task))
    }
}

impl App {
    /// Takes an answer to a task as one to the budget that it waits for; returns whether it waits for
    /// one. The plain words raise every limit that is in the way; whatever is not understood stops.
    ///
    /// # Errors
    /// The caller is not the owner; the amount would not do, or is of something that is not in the
    /// way; the task has another version than `expected`.
    pub(crate) async fn answer_for_budget(
        &self,
        actor: &Actor,
        task: TaskRef,
        answer: Option<&str>,
        expected: Option<u64>,
    ) -> Result<bool, AppError> {
        let Some(answer) = answer.map(str::to_owned) else {
            // It is taken up again, and goes on if there is more by now.
            return Ok(false);
        };
        let is_asked = self
            .store()
            .read(move |tx| Ok::<_, AppError>(asked_by(tx, task)?.is_some()))
            .await?;
        if !is_asked {
            return Ok(false);
        }
        // Nobody else's word is taken for the owner's money, the node's own included.
        if *actor != Actor::Owner {
            return Err(AppError::Denied(
                "only the owner raises a budget; it takes an admin key".into(),
            ));
        }
        let (purse, now) = (self.purse(), self.now());
        let is_answered = self
            .store()
            .write(move |tx| {
                let Some((task, run, all)) = asked_by(tx, task)? else {
                    return Ok(false);
                };
                expect_version("task", task.version, expected)?;
                let over = purse.overs(tx, &run.agent, Some(&task), &needs(&all))?;
                match Answer::read(&answer, only(&over)) {
                    Answer::Stop => stop(tx, &run, &all, &answer, now)?,
                    said => {
                        raise(tx, &over, said, now)?;
                        for step in waiting(&all) {
                            let change = step.clone().discard(&run, now);
                            steps::save(tx, change, &run, Actor::Owner.name(), now)?;
                        }
                    }
                }
                let change = task.answer(Some(answer), &Actor::Owner, now)?;
                json_within("context", &change.after.context)?;
                save_task(tx, change)?;
                Ok::<_, AppError>(true)
            })
            .await?;
        if is_answered {
            // Others may have waited for the same.
            self.wake_affordable().await?;
        }
        Ok(is_answered)
    }

    /// Says how much may be used up in a scope: for each resource so much, or with `None` what the
    /// settings say, or the task itself. What is not named stays. Tasks that waited for more go on.
    ///
    /// # Errors
    /// The caller is not the owner; there is no such task or project; a limit is too large.
    pub async fn set_budget(
        &self,
        actor: &Actor,
        budget: impl Into<BudgetRef> + Send + 'static,
        changes: Vec<(Resource, Option<u64>)>,
    ) -> Result<BudgetView, AppError> {
        must_be_owner(actor, "set a budget")?;
        if let Some((what, _)) = changes
            .iter()
            .find(|(_, limit)| limit.is_some_and(|limit| limit > Usage::MOST))
        {
            let most = amount(*what, Usage::MOST);
            return Err(AppError::invalid(
                what.as_str(),
                format!("must be at most {most}"),
            ));
        }
        let (purse, now, by) = (self.purse(), self.now(), actor.name().to_owned());
        let view = self
            .store()
            .write(move |tx| {
                let (scope, task) = budget.into().find(tx)?;
                for (what, limit) in changes {
                    let was = purse.limits(tx, &scope, task.as_ref())?.get(what);
                    let is = limit.or(without(tx, &purse, &scope, task.as_ref(), what)?);
                    money::set_limit(tx, &scope, what, limit, (was, is), &by, now)?;
                }
                BudgetView::of(tx, &purse, scope, task.as_ref())
            })
            .await?;
        self.wake_affordable().await?;
        Ok(view)
    }
}

/// Returns the only resource that is in the way.
fn only(over: &[Over]) -> Option<Resource> {
    let first = over.first()?.what;
    over.iter().all(|over| over.what == first).then_some(first)
}

/// Returns a task that waits for a budget and for nothing before it, with its run and steps.
pub(super) fn asked_by(
    tx: &impl Tx,
    task: TaskRef,
) -> Result<Option<(Task, Run, Vec<Step>)>, AppError> {
    let task = find(tx, task)?;
    if task.status() != TaskStatus::Blocked {
        return Ok(None);
    }
    let Some(run) = runs::open_of(tx, task.id)?.filter(|run| run.status == RunStatus::Waiting)
    else {
        return Ok(None);
    };
    let all = steps::of_run(tx, run.id)?;
    let is_asked =
        asking(&all).is_some_and(|step| step.state == StepState::Waiting(WaitingFor::Budget));
    Ok(is_asked.then_some((task, run, all)))
}

/// Ends the steps that wait for a budget, and what else waits in their places.
fn stop(
    tx: &mut WriteTx<'_>,
    run: &Run,
    all: &[Step],
    answer: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    let by = Actor::Owner.name();
    for step in waiting(all) {
        let others = all.iter().filter(|other| {
            other.place == step.place
                && other.attempt != step.attempt
                && other.discarded_at.is_none()
                && matches!(other.state, StepState::Waiting(_))
        });
        for other in others {
            set_aside(tx, run, other, "its step was stopped", by, now)?;
        }
        let story = format!("stopped by {by}: {answer}");
        steps::save(tx, step.clone().fail(story, run, now), run, by, now)?;
    }
    Ok(())
}

/// Raises every limit that is in the way.
fn raise(
    tx: &mut WriteTx<'_>,
    over: &[Over],
    said: Answer,
    now: Timestamp,
) -> Result<(), AppError> {
    if let Answer::To { what, .. } = said
        && !over.is_empty()
        && over.iter().all(|over| over.what != what)
    {
        let named: Vec<&str> = over.iter().map(|over| over.what.as_str()).collect();
        return Err(AppError::invalid(
            "answer",
            format!(
                "names {what}, and what is used up is {}; say raise, or an amount of that",
                named.join(" and ")
            ),
        ));
    }
    for over in over {
        let limit = match said {
            Answer::To { what, limit } if what == over.what => limit,
            _ => over.suggested(),
        };
        if limit < over.needed() {
            return Err(AppError::invalid(
                "answer",
                format!(
                    "must be at least {}: {} are used up or set aside, and the next call may need {}",
                    amount(over.what, over.needed()),
                    amount(over.what, over.spent),
                    amount(over.what, over.asked)
                ),
            ));
        }
        let heights = (Some(over.limit), Some(limit));
        let by = Actor::Owner.name();
        money::set_limit(tx, &over.scope, over.what, Some(limit), heights, by, now)?;
    }
    Ok(())
}

/// Returns the task that a budget is for, where it is for one; it has to be there.
fn known(tx: &impl Tx, scope: &Scope) -> Result<Option<Task>, AppError> {
    match scope {
        Scope::Task(id) => find(tx, TaskRef::Id(*id)).map(Some),
        Scope::Project(id) if !projects::is_present(tx, *id)? => {
            Err(AppError::not_found("project", id))
        }
        Scope::Project(_)
        | Scope::Agent(_)
        | Scope::Day(_)
        | Scope::EachDay
        | Scope::Everything => Ok(None),
    }
}

/// Returns the limit that counts in a scope where the owner says nothing of it in particular.
fn without(
    tx: &impl Tx,
    purse: &Purse,
    scope: &Scope,
    task: Option<&Task>,
    what: Resource,
) -> Result<Option<u64>, AppError> {
    Ok(match scope {
        Scope::Task(_) => {
            let own = task.and_then(|task| task.budget).unwrap_or_default();
            own.limits().or(purse.defaults.task).get(what)
        }
        Scope::Day(_) => purse.limits(tx, &Scope::EachDay, None)?.get(what),
        Scope::EachDay => purse.defaults.day.get(what),
        Scope::Everything => purse.defaults.everything.get(what),
        Scope::Project(_) | Scope::Agent(_) => None,
    })
}
