//! Handing work on: the task for another agent, the step that waits for it, and the wait of the task
//! itself are one transaction. What comes of it is told by `runs::children`.

use hearth_domain::approval::ANSWER_WITHIN;
use hearth_domain::delegation::DEPTH_MAX;
use hearth_domain::field::{AgentName, DESCRIPTION_MAX, Title, json_within, list_within, prose};
use hearth_domain::money::{Charge, Limits};
use hearth_domain::policy::{Bounds, Decision, Labels, Verdict};
use hearth_domain::run::{Step, WaitingFor};
use hearth_domain::specialist::Specialist;
use hearth_domain::task::{Budget, Check, NewTask, Task, TaskPatch};
use hearth_domain::{Actor, JsonObject, Priority, RunId, TaskId, Timestamp};
use hearth_store::{Tx, WriteTx, agents, runs, specialists, steps, tasks};

use super::scene::{Attempts, Scene};
use super::{Intent, Meant, held};
use crate::acceptance::must_be_runnable;
use crate::app::App;
use crate::authority::{must_act_as, must_work};
use crate::error::AppError;
use crate::holding::Hold;
use crate::money::Purse;
use crate::money::ask::in_words;
use crate::money::steps::carve;
use crate::notices::save_task;
use crate::tasks::{check_budget, must_not_answer};
use crate::trust;

/// Work that a run hands to another agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Delegation {
    /// To whom.
    pub agent: AgentName,
    /// What is to be done, in a line.
    pub title: Title,
    /// What is to be done, at length.
    pub description: String,
    /// What its worker should know.
    pub context: JsonObject,
    /// How urgent it is; as urgent as the run's own task where nothing is said.
    pub priority: Option<Priority>,
    /// What must hold before it counts as done.
    pub acceptance: Vec<Check>,
    /// What of the run's own budget goes along; a quarter where nothing is said.
    pub budget: Budget,
}

impl App {
    /// Makes a task for another agent, if the policy allows it, and writes down that the step waits
    /// for it: [`Intent::Waits`] then too. The run's own task cannot be claimed before that is over.
    ///
    /// # Errors
    /// The caller does not hold the run's task any more; the step is under way or done; a field is too
    /// large, or wants more than there is.
    pub async fn delegate_in_step(
        &self,
        actor: &Actor,
        hold: Hold,
        run: RunId,
        meant: Meant,
        delegation: Delegation,
        bounds: Bounds,
    ) -> Result<Intent, AppError> {
        must_work(actor, "work on a task")?;
        must_act_as(actor, &hold.agent)?;
        json_within("args", &meant.action.args)?;
        delegation.check().await?;
        let (now, purse) = (self.now(), self.purse());
        let intent = self
            .store()
            .write(move |tx| {
                let (run, task) = held(tx, run, &hold)?;
                purse.charge_wall(tx, &run.agent, &task, now)?;
                let all = steps::of_run(tx, run.id)?;
                let scene = Scene {
                    attempts: Attempts::of(&all, &meant)?,
                    run: &run,
                    task: &task,
                    all: &all,
                    purse,
                    now,
                };
                if let Some(waiting) = scene.attempts.waiting(tx)? {
                    return Ok(Intent::Waits(waiting.clone()));
                }
                let decision = match refused(tx, &task, &hold.agent, &delegation)? {
                    Some(reason) => Decision::new(Verdict::Deny, reason),
                    None => scene.decide(tx, &meant, &bounds)?,
                };
                match decision.verdict {
                    Verdict::Deny | Verdict::Ask => scene.carry_out(tx, meant, decision),
                    Verdict::Allow | Verdict::Change => {
                        scene.hand_on(tx, meant, decision, delegation)
                    }
                }
            })
            .await?;
        if let Intent::Waits(step) = &intent {
            self.alarm().set_no_later_than(now.after(ANSWER_WITHIN));
            if step.child().is_some() {
                metrics::counter!("hearth_tasks_created_total").increment(1);
            }
        }
        Ok(intent)
    }
}

impl Delegation {
    async fn check(&self) -> Result<(), AppError> {
        prose("description", &self.description, DESCRIPTION_MAX)?;
        json_within("context", &self.context)?;
        must_not_answer(&self.context, None)?;
        list_within("acceptance", &self.acceptance)?;
        check_budget(Some(self.budget))?;
        must_be_runnable(&self.acceptance).await
    }

    fn into_task(self, parent: &Task, limits: Limits, trust: Labels) -> NewTask {
        NewTask {
            project_id: parent.project_id,
            parent_id: Some(parent.id),
            description: self.description,
            priority: self.priority.unwrap_or(parent.priority),
            assigned_to: Some(self.agent),
            context: self.context,
            acceptance: self.acceptance,
            budget: (!limits.is_empty()).then(|| limits.into()),
            trust,
            ..NewTask::titled(self.title)
        }
    }
}

impl Scene<'_> {
    /// Makes the task, and has the step and the run's own task wait for it.
    fn hand_on(
        &self,
        tx: &mut WriteTx<'_>,
        meant: Meant,
        decision: Decision,
        delegation: Delegation,
    ) -> Result<Intent, AppError> {
        let (run, now) = (self.run, self.now);
        let by = run.agent.to_string();
        let needs = meant.needs();
        let over = self.purse.overs(tx, &run.agent, Some(self.task), &needs)?;
        if !over.is_empty() {
            return self.wait_for_budget(tx, meant, &over, needs);
        }
        let wanted = delegation.budget.limits();
        let (limits, left) = carve(tx, &self.purse, self.task, wanted, &by, now)?;
        self.use_up(tx, &meant, &decision)?;
        let (id, number) = (TaskId(tx.fresh_uuid()), tasks::next_number(tx)?);
        // Its words are of the run's making.
        let labels = trust::of_scene(tx, self.task, self.all)?;
        let new = delegation.into_task(self.task, limits, labels);
        let actor = Actor::Agent(run.agent.clone());
        tasks::insert(tx, Task::create(id, number, new, &actor, now))?;
        save_task(tx, self.task.clone().hand_on(id, left, &by, now))?;
        let handed = Charge::tool_call().plus(Charge::child());
        self.purse
            .charge(tx, &run.agent, Some(self.task), &handed, now)?;
        let waited = self.waited(tx, &meant)?;
        let step = if let Some(step) = self.taken_up(tx, &meant, waited)? {
            steps::save(tx, step.hand_on(decision, id, run), run, &by, now)?
        } else {
            let new = meant.into_step(self.attempts.next, decision);
            let change = Step::wait(new, WaitingFor::Child(id), run, now);
            steps::insert(tx, change, run, now)?
        };
        Ok(Intent::Waits(step))
    }
}

/// Makes a task that a run makes a part of the run's own, as one that it hands on is: out of its
/// budget, no deeper than those, and for nobody who may do more than the run's agent.
pub(crate) fn become_part(
    tx: &mut WriteTx<'_>,
    new: &mut NewTask,
    run: RunId,
    purse: &Purse,
    now: Timestamp,
) -> Result<(), AppError> {
    // What names a run that is not there has nobody's trust, and nothing to be a part of.
    let Some(run) = runs::get(tx, run)? else {
        return Ok(());
    };
    let id = run.task_id;
    let task = tasks::get(tx, id)?.ok_or_else(|| AppError::not_found("task", id))?;
    if tasks::depth(tx, task.id)? >= DEPTH_MAX {
        return Err(AppError::Denied(format!(
            "tasks make tasks {DEPTH_MAX} deep at most; this task does its own"
        )));
    }
    if let Some(maker) = specialists::get(tx, &run.agent)? {
        let to = new.assigned_to.as_ref().ok_or_else(|| {
            AppError::Denied(format!(
                "agent {} gives tasks to the owner or to specialists that may do no more than itself; \
                 say who in assigned_to",
                maker.name
            ))
        })?;
        let other = specialists::get(tx, to)?;
        if !to.is_owner()
            && let Some(reason) = refused_wider(&maker, to, other.as_ref())
        {
            return Err(AppError::Denied(reason));
        }
    }
    let child = Charge::child();
    if let Some(over) = purse.overs(tx, &run.agent, Some(&task), &child)?.first() {
        let name = purse.name(tx, &over.scope, Some(&task))?;
        return Err(AppError::conflict("over_budget", in_words(&name, over)));
    }
    let by = run.agent.as_str();
    let wanted = new.budget.unwrap_or_default().limits();
    let (limits, left) = carve(tx, purse, &task, wanted, by, now)?;
    new.budget = (!limits.is_empty()).then(|| limits.into());
    new.parent_id = new.parent_id.or(Some(task.id));
    purse.charge(tx, &run.agent, Some(&task), &child, now)?;
    if let Some(left) = left {
        let patch = TaskPatch {
            budget: Some(Some(left)),
            ..TaskPatch::default()
        };
        let by = Actor::Agent(run.agent.clone());
        save_task(tx, task.update(patch, &by, now)?)?;
    }
    Ok(())
}

/// Says why the work may not be handed to this agent, or not by this task.
fn refused(
    tx: &impl Tx,
    task: &Task,
    from: &AgentName,
    delegation: &Delegation,
) -> Result<Option<String>, AppError> {
    if tasks::depth(tx, task.id)? >= DEPTH_MAX {
        return Ok(Some(format!(
            "work is handed on {DEPTH_MAX} tasks deep at most; this task does its own"
        )));
    }
    let to = &delegation.agent;
    if to.is_reserved() {
        return Ok(Some(
            "the owner is no agent to hand work to; ask with ask_owner".into(),
        ));
    }
    let (maker, specialist) = (specialists::get(tx, from)?, specialists::get(tx, to)?);
    if let Some(specialist) = &specialist
        && !specialist.is_enabled
    {
        return Ok(Some(format!("agent {to} is disabled, and takes no tasks")));
    }
    if agents::get(tx, to)?.is_none() {
        let known = agents::names(tx, 50)?;
        return Ok(Some(format!(
            "there is no agent {to}; there are {}",
            known.join(", ")
        )));
    }
    Ok(maker.and_then(|maker| refused_wider(&maker, to, specialist.as_ref())))
}

/// A specialist does not get more done by others than it may do itself.
fn refused_wider(
    maker: &Specialist,
    to: &AgentName,
    specialist: Option<&Specialist>,
) -> Option<String> {
    let is_within = specialist.is_some_and(|other| maker.grants.cover(&other.grants));
    (!is_within).then(|| {
        format!(
            "agent {to} may do more than {}, which hands work only to specialists that may do no more \
             than itself",
            maker.name
        )
    })
}
