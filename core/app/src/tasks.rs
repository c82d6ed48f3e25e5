//! Operations on tasks that need no claim: create, read, list, update, and the owner's orders.

use std::time::Duration;

use hearth_domain::artifact::{Artifact, NewArtifact};
use hearth_domain::field::{
    AgentName, DESCRIPTION_MAX, NAME_MAX, REASON_MAX, json_within, line, list_within, prose,
};
use hearth_domain::money::{Limits, Resource, Scope, amount};
use hearth_domain::notice::NewNotice;
use hearth_domain::policy::Labels;
use hearth_domain::project::{NewProject, Project};
use hearth_domain::task::{
    Budget, ESTIMATE_MAX_MINUTES, MAX_ATTEMPTS_LIMIT, NewTask, Task, TaskPatch, TaskStatus,
};
use hearth_domain::{Actor, ArtifactId, Change, JsonObject, ProjectId, RunId, TaskId, Timestamp};
use hearth_store::idempotency::{self, Remembered};
use hearth_store::tasks::{self, Cursor};
use hearth_store::{Page, Tx, WriteTx, agents, artifacts, money, projects, specialists};
use serde_json::Value;

pub use hearth_store::tasks::{Cursor as TaskCursor, Order, TaskFilter};

use crate::acceptance::must_be_runnable;
use crate::app::{App, Facilities};
use crate::authority::{must_act_as, must_be_owner, must_hold, must_work};
use crate::calendar::begin_series;
use crate::chat::CHIEF_OF_STAFF;
use crate::error::AppError;
use crate::named::Named;
use crate::notices::save_task;
use crate::projects::expect_version;
use crate::runs::children::forget_called_off;
use crate::trust;

/// Where a task's context keeps what its owner answered.
const ANSWERS: &str = "answers";
/// The most tokens a task may be given: far above any run, and within what SQLite counts to.
const BUDGET_TOKENS_MAX: u64 = 1_000_000_000_000;
/// The most of anything else that a task may be given.
const BUDGET_COUNT_MAX: u64 = 1_000_000_000;
/// How long a repeated request is recognised.
pub(crate) const IDEMPOTENCY_KEPT: Duration = Duration::from_hours(7 * 24);

/// How a caller names a task: by its identifier or its number.
pub type TaskRef = Named<TaskId>;

/// A task as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskView {
    /// The task.
    pub task: Task,
    /// Why nobody takes it up, if it is pending and that can be told.
    pub waiting_for: Option<String>,
}

/// A request that is to be done once, however often it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The name that the caller gave it.
    pub key: String,
    /// Among whose names that is.
    pub among: Among,
    /// SHA-256 of what it asks.
    pub request: [u8; 32],
}

/// Whose requests are told apart by a key, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Those of whoever asks, for a week.
    Callers,
    /// Files of the inbox, until the inbox forgets them.
    Inbox,
}

impl Among {
    fn of(self, actor: &Actor) -> &str {
        match self {
            Self::Callers => actor.name(),
            Self::Inbox => idempotency::INBOX,
        }
    }
}

/// What became of a request to create a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The task.
    pub view: TaskView,
    /// Whether an earlier request made it.
    pub is_repeat: bool,
}

/// What is made together with a task.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Along {
    /// The project it is part of.
    pub(crate) project: Option<NewProject>,
    /// An artifact that belongs to it.
    pub(crate) artifact: Option<NewArtifact>,
    /// What the person is told of it.
    pub(crate) notice: Option<NewNotice>,
}

/// A change of a task's fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UpdateTask {
    /// The fields.
    pub patch: TaskPatch,
    /// The fence of its claim, where an agent asks.
    pub fence: Option<u64>,
    /// Whose words the fields are, at least; the labels of whoever changes them are added
    /// ([`crate::trust`]).
    pub labels: Labels,
    /// The run in which it is changed, where an agent of the node does.
    pub within: Option<RunId>,
}

impl App {
    /// Makes a task; artifacts that wait for one are given to it in the same transaction.
    ///
    /// # Errors
    /// A field is too large or names what is not there; the `once` key was used for another
    /// request; the caller may only read.
    pub async fn create_task(
        &self,
        actor: &Actor,
        new: NewTask,
        once: Option<Once>,
    ) -> Result<Created, AppError> {
        let along = Along::default();
        let (created, _) = self.create_with(actor, new, along, once).await?;
        Ok(created)
    }

    /// As [`App::create_task`]; what comes along is made in the same transaction.
    pub(crate) async fn create_with(
        &self,
        actor: &Actor,
        mut new: NewTask,
        along: Along,
        once: Option<Once>,
    ) -> Result<(Created, Option<Project>), AppError> {
        must_work(actor, "create a task")?;
        if along.project.is_some() {
            must_be_owner(actor, "create a project")?;
        }
        if let Some(name) = &new.created_by {
            must_act_as(actor, name)?;
        }
        check_new(&new)?;
        must_be_runnable(&new.acceptance).await?;
        if let (Actor::Agent(_), Some(budget)) = (actor, &new.budget) {
            must_not_exceed(&budget.limits(), &self.config().budgets.task)?;
        }
        if let Some(once) = &once {
            line("Idempotency-Key", &once.key, NAME_MAX)?;
        }
        let (id, now) = (TaskId(self.ids().next_uuid()), self.now());
        let (actor, facilities, purse) = (actor.clone(), self.facilities(), self.purse());
        if new.recurrence.is_some() {
            begin_series(&mut new, now, &self.zone());
        }
        let (created, project) = self
            .store()
            .write_checked(move |tx| {
                if let Some(earlier) = find_earlier(tx, &actor, once.as_ref())? {
                    let view = view(tx, earlier, &facilities, now)?;
                    let created = Created {
                        view,
                        is_repeat: true,
                    };
                    return Ok((created, None));
                }
                check_references(tx, new.project_id, new.parent_id, &new.depends_on)?;
                let author = match &new.created_by {
                    // Its words are those of whoever speaks to it.
                    Some(name) if name.as_str() != CHIEF_OF_STAFF => Actor::Agent(name.clone()),
                    Some(_) | None => actor.clone(),
                };
                new.trust = new.trust.and(trust::of_author(tx, &author, new.within)?);
                if let Some(run) = new.within {
                    crate::runs::journal::become_part(tx, &mut new, run, &purse, now)?;
                }
                let given = to_attach(tx, &actor, &new.artifacts, None)?;
                let project = match along.project {
                    None => None,
                    Some(project) => {
                        if projects::is_name_taken(tx, &project.name)? {
                            return Err(AppError::conflict(
                                "name_taken",
                                "another project has this name; try again",
                            ));
                        }
                        let project_id = ProjectId(tx.fresh_uuid());
                        new.project_id = Some(project_id);
                        let change = Project::create(project_id, project, now);
                        Some(projects::insert(tx, change, &actor)?)
                    }
                };
                let number = tasks::next_number(tx)?;
                let task = tasks::insert(tx, Task::create(id, number, new, &actor, now))?;
                attach(tx, &actor, given, task.id, now)?;
                if let Some(artifact) = along.artifact {
                    let artifact = NewArtifact {
                        task_id: Some(task.id),
                        ..artifact
                    };
                    let artifact_id = ArtifactId(tx.fresh_uuid());
                    let change = Artifact::create(artifact_id, artifact, &actor, now);
                    artifacts::insert(tx, change)?;
                }
                if let Some(notice) = along.notice {
                    let notice = NewNotice {
                        task_id: Some(task.id),
                        ..notice
                    };
                    crate::notices::insert(tx, notice, now)?;
                }
                if let Some(once) = once {
                    let remembered = Remembered {
                        request: once.request,
                        task_id: task.id,
                    };
                    let whose = once.among.of(&actor);
                    idempotency::insert(tx, whose, &once.key, &remembered, now)?;
                }
                let created = Created {
                    view: view(tx, task, &facilities, now)?,
                    is_repeat: false,
                };
                Ok::<_, AppError>((created, project))
            })
            .await?;
        if !created.is_repeat {
            metrics::counter!("hearth_tasks_created_total").increment(1);
            self.expect_by_calendar(&created.view.task);
        }
        Ok((created, project))
    }

    /// Returns a task.
    ///
    /// # Errors
    /// There is none.
    pub fn get_task(&self, task: TaskRef) -> Result<TaskView, AppError> {
        let facilities = self.facilities();
        self.store()
            .read_now(|tx| view(tx, find(tx, task)?, &facilities, self.now()))
    }

    /// Returns a page of tasks.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_tasks(
        &self,
        filter: TaskFilter,
        order: Option<Order>,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<TaskView, Cursor>, AppError> {
        let order = order.unwrap_or_else(|| filter.natural_order());
        let (facilities, now) = (self.facilities(), self.now());
        self.store()
            .read(move |tx| {
                let page = tasks::list(tx, &filter, order, cursor, limit)?;
                let items = page
                    .items
                    .into_iter()
                    .map(|task| view(tx, task, &facilities, now));
                Ok(Page {
                    items: items.collect::<Result<_, AppError>>()?,
                    next: page.next,
                })
            })
            .await
    }

    /// Changes a task's fields.
    ///
    /// # Errors
    /// There is none; it has another version than `expected`; a field is too large or names what
    /// is not there; its state does not allow it; an agent asks that does not hold it.
    pub async fn update_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        update: UpdateTask,
        expected: Option<u64>,
    ) -> Result<TaskView, AppError> {
        check_patch(&update.patch)?;
        must_be_runnable(update.patch.acceptance.as_deref().unwrap_or_default()).await?;
        // Asked for only where a rhythm may need it.
        let zone = update.patch.recurrence.is_some().then(|| self.zone());
        let new_budget = update.patch.budget.is_some();
        let own = self.config().budgets.task;
        let changed = self.change_task(actor, task, expected, move |tx, task, actor, now| {
            must_hold(actor, &task, update.fence)?;
            if let Some(context) = &update.patch.context {
                must_not_answer(context, task.context.get(ANSWERS))?;
            }
            if let Some(budget) = update.patch.budget {
                must_not_raise(actor, &task, budget, own)?;
            }
            let mut patch = update.patch;
            // A series begins when its first task is due.
            if let Some(Some(rule)) = &patch.recurrence
                && let Some(zone) = &zone
                && task.due_at.is_none()
                && patch.due_at.is_none()
            {
                patch.due_at = Some(Some(rule.first(now, zone).at));
            }
            check_references(
                tx,
                patch.project_id.flatten(),
                patch.parent_id.flatten(),
                patch.depends_on.as_deref().unwrap_or_default(),
            )?;
            for needed in patch.depends_on.iter().flatten() {
                if tasks::depends_on(tx, *needed, task.id)? {
                    return Err(AppError::invalid(
                        "depends_on",
                        format!(
                            "would make a circle: {needed} already waits for task #{}",
                            task.number
                        ),
                    ));
                }
            }
            if let Some(Some(parent)) = patch.parent_id
                && tasks::is_part_of(tx, parent, task.id)?
            {
                return Err(AppError::invalid(
                    "parent_id",
                    format!(
                        "would make a circle: {parent} is part of task #{}",
                        task.number
                    ),
                ));
            }
            let scope = Scope::Task(task.id);
            let author = trust::of_author(tx, actor, update.within)?.and(update.labels);
            let mut change = task.update(patch, actor, now)?;
            change.after.trust = change.after.trust.and(author);
            if new_budget {
                // What is said now counts, and not what was said in answer to an earlier question.
                money::forget_limits(tx, &scope)?;
            }
            Ok(change)
        });
        let changed = changed.await?;
        if new_budget {
            self.wake_affordable().await?;
        }
        Ok(changed)
    }

    /// Makes a blocked task pending again, with or without an answer.
    ///
    /// # Errors
    /// It is not blocked; the caller is not the owner.
    pub async fn answer_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        answer: Option<String>,
        expected: Option<u64>,
    ) -> Result<TaskView, AppError> {
        must_be_owner(actor, "answer for the owner")?;
        let answer = answer
            .map(|text| prose("answer", &text, REASON_MAX))
            .transpose()?;
        if answer.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Err(AppError::invalid(
                "answer",
                "must not be empty; leave it out to unblock the task",
            ));
        }
        if self
            .answer_by_approval(actor, task, answer.as_deref(), expected)
            .await?
            || self
                .answer_for_budget(actor, task, answer.as_deref(), expected)
                .await?
        {
            return self.get_task(task);
        }
        self.change_task(actor, task, expected, move |tx, task, actor, now| {
            // The question is kept with the answer, for whoever works on it next.
            let asked_by = match answer {
                Some(_) => trust::of_outcome(tx, &task)?,
                None => Labels::default(),
            };
            let mut change = task.answer(answer, actor, now)?;
            json_within("context", &change.after.context)?;
            change.after.trust = change.after.trust.and(asked_by);
            Ok(change)
        })
        .await
    }

    /// Ends a task as no longer wanted; running work on it is stopped.
    ///
    /// # Errors
    /// It has ended already; the caller is not the owner.
    pub async fn cancel_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        reason: Option<String>,
        expected: Option<u64>,
    ) -> Result<TaskView, AppError> {
        must_be_owner(actor, "cancel a task")?;
        let reason = reason
            .map(|text| prose("reason", &text, REASON_MAX))
            .transpose()?;
        self.change_task(actor, task, expected, move |_, task, actor, now| {
            Ok(task.cancel(reason, actor, now)?)
        })
        .await
    }

    /// Makes an ended task pending again.
    ///
    /// # Errors
    /// It has not ended; the caller is not the owner.
    pub async fn reopen_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        reason: Option<String>,
        expected: Option<u64>,
    ) -> Result<TaskView, AppError> {
        must_be_owner(actor, "reopen a task")?;
        let reason = reason
            .map(|text| prose("reason", &text, REASON_MAX))
            .transpose()?;
        let (actor, facilities, now) = (actor.clone(), self.facilities(), self.now());
        let view = self
            .store()
            .write_checked(move |tx| {
                let task = find(tx, task)?;
                expect_version("task", task.version, expected)?;
                let task = save_task(tx, task.reopen(reason, &actor, now)?)?;
                let task = forget_called_off(tx, task, actor.name(), now)?;
                view(tx, task, &facilities, now)
            })
            .await?;
        self.expect_by_calendar(&view.task);
        Ok(view)
    }

    /// Loads a task, lets `decide` make a change of it, saves that.
    pub(crate) async fn change_task(
        &self,
        actor: &Actor,
        task: TaskRef,
        expected: Option<u64>,
        decide: impl FnOnce(&WriteTx<'_>, Task, &Actor, Timestamp) -> Result<Change<Task>, AppError>
        + Send
        + 'static,
    ) -> Result<TaskView, AppError> {
        must_work(actor, "change a task")?;
        let (actor, facilities, now) = (actor.clone(), self.facilities(), self.now());
        let view = self
            .store()
            .write_checked(move |tx| {
                let task = find(tx, task)?;
                expect_version("task", task.version, expected)?;
                let change = decide(tx, task, &actor, now)?;
                let task = save_task(tx, change)?;
                view(tx, task, &facilities, now)
            })
            .await?;
        self.expect_by_calendar(&view.task);
        Ok(view)
    }
}

/// Returns the task a caller names.
pub(crate) fn find(tx: &impl Tx, task: TaskRef) -> Result<Task, AppError> {
    let found = match task {
        TaskRef::Id(id) => tasks::get(tx, id)?,
        TaskRef::Number(number) => tasks::find_by_number(tx, number)?,
    };
    found.ok_or_else(|| AppError::not_found("task", task))
}

/// Returns the artifacts that are to be given to `task`, those left out that it has already. An
/// agent gives only what it made.
pub(crate) fn to_attach(
    tx: &impl Tx,
    actor: &Actor,
    ids: &[ArtifactId],
    task: Option<TaskId>,
) -> Result<Vec<Artifact>, AppError> {
    let mut found: Vec<Artifact> = Vec::with_capacity(ids.len());
    for id in ids {
        let missing = || AppError::invalid("artifacts", format!("{id} is not an artifact"));
        let artifact = artifacts::get(tx, *id)?.ok_or_else(missing)?;
        match artifact.task_id {
            Some(owner) if Some(owner) == task => continue,
            Some(_) => {
                return Err(AppError::invalid(
                    "artifacts",
                    format!("{id} already belongs to a task"),
                ));
            }
            None => (),
        }
        if let Actor::Agent(name) = actor
            && artifact.created_by != name.as_str()
        {
            return Err(AppError::Denied(format!(
                "artifact {id} was not made by agent {name}"
            )));
        }
        if found.iter().all(|known| known.id != *id) {
            found.push(artifact);
        }
    }
    Ok(found)
}

/// Gives artifacts that [`to_attach`] returned to `task`.
pub(crate) fn attach(
    tx: &mut WriteTx<'_>,
    actor: &Actor,
    found: Vec<Artifact>,
    task: TaskId,
    now: Timestamp,
) -> Result<(), AppError> {
    for artifact in found {
        artifacts::save(tx, artifact.attach(task)?, actor, now)?;
    }
    Ok(())
}

/// Puts a task together with why it waits.
pub(crate) fn view(
    tx: &impl Tx,
    task: Task,
    facilities: &Facilities,
    now: Timestamp,
) -> Result<TaskView, AppError> {
    let waiting_for = waiting_for(tx, &task, facilities, now)?;
    Ok(TaskView { task, waiting_for })
}

fn waiting_for(
    tx: &impl Tx,
    task: &Task,
    facilities: &Facilities,
    now: Timestamp,
) -> Result<Option<String>, AppError> {
    if task.status() != TaskStatus::Pending {
        return Ok(None);
    }
    if let Some(name) = &task.reserved_for
        && let Some(reason) = kept_for(tx, name)?
    {
        return Ok(Some(reason));
    }
    if let Some(moment) = task.not_before.filter(|moment| *moment > now) {
        return Ok(Some(format!("{moment}: it is not to be started before")));
    }
    if !task.depends_on.is_empty() {
        let open = tasks::open_dependencies(tx, task.id)?;
        if open > 0 {
            return Ok(Some(format!(
                "{open} of the tasks it depends on to be completed"
            )));
        }
    }
    if !task.has_plan() && !facilities.model.is_available {
        return Ok(Some(format!(
            "a language model: it has no plan, and {}; give it a plan (--python-file), or let an \
                 agent of yours claim it",
            facilities.model.reason
        )));
    }
    if !facilities.agents.is_available {
        return Ok(Some(facilities.agents.reason.clone()));
    }
    let worker = task.reserved_for.as_ref().map_or(SEED, AgentName::as_str);
    paused(tx, worker)
}

/// Says why whom a task is kept for does not take it; nothing where that is one of the node's own
/// agents, which do.
fn kept_for(tx: &impl Tx, name: &AgentName) -> Result<Option<String>, AppError> {
    if name.is_owner() {
        return Ok(Some(
            "you: it is kept for its owner, and no agent takes it".into(),
        ));
    }
    if name.as_str() == SEED {
        return Ok(None);
    }
    let Some(specialist) = specialists::get(tx, name)? else {
        let reason = format!("agent {name}, for whom it is kept");
        return Ok(Some(paused(tx, name.as_str())?.unwrap_or(reason)));
    };
    Ok((!specialist.is_enabled).then(|| {
        format!(
            "agent {name}, which is disabled; to have it take tasks: hearth agent enable {name}"
        )
    }))
}

fn paused(tx: &impl Tx, name: &str) -> Result<Option<String>, AppError> {
    let is_paused = agents::is_paused(tx, &AgentName::from_stored(name.to_owned()))?;
    Ok(is_paused.then(|| {
        format!("agent {name}, which is paused; to let it go on: hearth agent resume {name}")
    }))
}

/// The built-in agent that executes tasks.
pub const SEED: &str = "seed";

fn find_earlier(
    tx: &impl Tx,
    actor: &Actor,
    once: Option<&Once>,
) -> Result<Option<Task>, AppError> {
    let Some(once) = once else {
        return Ok(None);
    };
    let Some(earlier) = idempotency::find(tx, once.among.of(actor), &once.key)? else {
        return Ok(None);
    };
    if earlier.request != once.request {
        return Err(key_reused());
    }
    Ok(tasks::get(tx, earlier.task_id)?)
}

/// Says that a key is the name of another request.
pub(crate) fn key_reused() -> AppError {
    AppError::conflict(
        "idempotency_key_reused",
        "this Idempotency-Key was used for another request; use a fresh one",
    )
}

fn check_new(new: &NewTask) -> Result<(), AppError> {
    prose("description", &new.description, DESCRIPTION_MAX)?;
    json_within("context", &new.context)?;
    must_not_answer(&new.context, None)?;
    list_within("labels", &new.labels)?;
    list_within("depends_on", &new.depends_on)?;
    list_within("acceptance", &new.acceptance)?;
    list_within("artifacts", &new.artifacts)?;
    check_attempts(new.max_attempts)?;
    check_estimate(new.estimate_minutes)?;
    check_assigned(new.assigned_to.as_ref())?;
    check_budget(new.budget)
}

/// Refuses answers that the owner did not give: whoever works on the task goes by them.
pub(crate) fn must_not_answer(context: &JsonObject, given: Option<&Value>) -> Result<(), AppError> {
    match context.get(ANSWERS) {
        said if said.is_none() || said == given => Ok(()),
        _ => Err(AppError::invalid(
            "context.answers",
            "is written by the node, with what the owner answers; leave it out, or as it is",
        )),
    }
}

fn check_patch(patch: &TaskPatch) -> Result<(), AppError> {
    if patch.fields().is_empty() {
        return Err(AppError::invalid("body", "names no field to change"));
    }
    if let Some(description) = &patch.description {
        prose("description", description, DESCRIPTION_MAX)?;
    }
    if let Some(context) = &patch.context {
        json_within("context", context)?;
    }
    list_within("labels", patch.labels.as_deref().unwrap_or_default())?;
    list_within(
        "depends_on",
        patch.depends_on.as_deref().unwrap_or_default(),
    )?;
    list_within(
        "acceptance",
        patch.acceptance.as_deref().unwrap_or_default(),
    )?;
    patch.max_attempts.map_or(Ok(()), check_attempts)?;
    check_estimate(patch.estimate_minutes.flatten())?;
    check_assigned(patch.assigned_to.as_ref().and_then(Option::as_ref))?;
    check_budget(patch.budget.flatten())
}

fn check_attempts(attempts: u32) -> Result<(), AppError> {
    if (1..=MAX_ATTEMPTS_LIMIT).contains(&attempts) {
        return Ok(());
    }
    Err(AppError::invalid(
        "max_attempts",
        format!("must be 1 to {MAX_ATTEMPTS_LIMIT}"),
    ))
}

fn check_estimate(minutes: Option<u32>) -> Result<(), AppError> {
    match minutes {
        Some(minutes) if !(1..=ESTIMATE_MAX_MINUTES).contains(&minutes) => Err(AppError::invalid(
            "estimate_minutes",
            format!("must be 1 to {ESTIMATE_MAX_MINUTES}"),
        )),
        Some(_) | None => Ok(()),
    }
}

fn check_assigned(name: Option<&AgentName>) -> Result<(), AppError> {
    match name {
        Some(name) if name.is_reserved() && !name.is_owner() => Err(AppError::invalid(
            "assigned_to",
            "must be an agent or owner",
        )),
        Some(_) | None => Ok(()),
    }
}

/// Refuses an agent that gives the task it holds more than it had.
fn must_not_raise(
    actor: &Actor,
    task: &Task,
    budget: Option<Budget>,
    usual: Limits,
) -> Result<(), AppError> {
    let Actor::Agent(_) = actor else {
        return Ok(());
    };
    let limits = |budget: Option<Budget>| budget.unwrap_or_default().limits();
    let present = limits(task.budget).or(usual);
    must_not_exceed(&limits(budget).or(usual), &present)
}

/// Refuses an agent's limits where they are above those that hold otherwise.
fn must_not_exceed(limits: &Limits, most: &Limits) -> Result<(), AppError> {
    for what in Resource::ALL {
        let Some(most) = most.get(what) else {
            continue;
        };
        if limits.get(what).is_some_and(|limit| limit > most) {
            return Err(AppError::Denied(format!(
                "an agent may not allow itself more than {}; only the owner raises a budget",
                amount(what, most)
            )));
        }
    }
    Ok(())
}

pub(crate) fn check_budget(budget: Option<Budget>) -> Result<(), AppError> {
    let budget = budget.unwrap_or_default();
    for (field, value) in [
        ("budget.turns", budget.turns),
        ("budget.tool_calls", budget.tool_calls),
        ("budget.wall_seconds", budget.wall_seconds),
        ("budget.children", budget.children),
    ] {
        if value.is_some_and(|value| value > BUDGET_COUNT_MAX) {
            let problem = format!("must be 0 to {BUDGET_COUNT_MAX}");
            return Err(AppError::invalid(field, problem));
        }
    }
    let usd = budget.usd.unwrap_or_default();
    if !usd.is_finite() || !(0.0..=1_000_000.0).contains(&usd) {
        return Err(AppError::invalid("budget.usd", "must be 0 to 1000000"));
    }
    if budget
        .tokens
        .is_some_and(|tokens| tokens > BUDGET_TOKENS_MAX)
    {
        return Err(AppError::invalid(
            "budget.tokens",
            format!("must be 0 to {BUDGET_TOKENS_MAX}"),
        ));
    }
    Ok(())
}

fn check_references(
    tx: &impl Tx,
    project: Option<ProjectId>,
    parent: Option<TaskId>,
    depends_on: &[TaskId],
) -> Result<(), AppError> {
    if let Some(id) = project
        && !projects::is_present(tx, id)?
    {
        return Err(AppError::invalid(
            "project_id",
            format!("{id} is not a project"),
        ));
    }
    if let Some(id) = parent
        && !tasks::is_present(tx, id)?
    {
        return Err(AppError::invalid(
            "parent_id",
            format!("{id} is not a task"),
        ));
    }
    for id in depends_on {
        if !tasks::is_present(tx, *id)? {
            return Err(AppError::invalid(
                "depends_on",
                format!("{id} is not a task"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
