//! Changing a task's fields.

use crate::actor::Actor;
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{AgentName, JsonObject, Label, Title};
use crate::id::{ProjectId, TaskId};
use crate::priority::Priority;
use crate::project::merge;
use crate::recurrence::Rule;
use crate::task::acceptance::Check;
use crate::task::refusal::Refusal;
use crate::task::state::TaskState;
use crate::task::{Budget, NewRecurrence, Task};

/// The fields to change; `None` leaves one as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskPatch {
    /// See [`Task::project_id`].
    pub project_id: Option<Option<ProjectId>>,
    /// See [`Task::parent_id`].
    pub parent_id: Option<Option<TaskId>>,
    /// See [`Task::title`].
    pub title: Option<Title>,
    /// See [`Task::description`].
    pub description: Option<String>,
    /// See [`Task::priority`].
    pub priority: Option<Priority>,
    /// See [`Task::reserved_for`].
    pub assigned_to: Option<Option<AgentName>>,
    /// Merged key by key; a null removes its key.
    pub context: Option<JsonObject>,
    /// See [`Task::depends_on`].
    pub depends_on: Option<Vec<TaskId>>,
    /// See [`Task::labels`].
    pub labels: Option<Vec<Label>>,
    /// See [`Task::due_at`].
    pub due_at: Option<Option<Timestamp>>,
    /// See [`Task::not_before`].
    pub not_before: Option<Option<Timestamp>>,
    /// See [`Task::max_attempts`].
    pub max_attempts: Option<u32>,
    /// See [`Task::acceptance`].
    pub acceptance: Option<Vec<Check>>,
    /// See [`Task::budget`].
    pub budget: Option<Option<Budget>>,
    /// See [`Task::estimate_minutes`].
    pub estimate_minutes: Option<Option<u32>>,
    /// Begins a series with the task, changes the rule of the one it is part of, or ends that.
    pub recurrence: Option<Option<Rule>>,
}

impl TaskPatch {
    /// Returns the names of the fields it changes.
    pub fn fields(&self) -> Vec<String> {
        let named = [
            ("project_id", self.project_id.is_some()),
            ("parent_id", self.parent_id.is_some()),
            ("title", self.title.is_some()),
            ("description", self.description.is_some()),
            ("priority", self.priority.is_some()),
            ("assigned_to", self.assigned_to.is_some()),
            ("context", self.context.is_some()),
            ("depends_on", self.depends_on.is_some()),
            ("labels", self.labels.is_some()),
            ("due_at", self.due_at.is_some()),
            ("not_before", self.not_before.is_some()),
            ("max_attempts", self.max_attempts.is_some()),
            ("acceptance", self.acceptance.is_some()),
            ("budget", self.budget.is_some()),
            ("estimate_minutes", self.estimate_minutes.is_some()),
            ("recurrence", self.recurrence.is_some()),
        ];
        named
            .into_iter()
            .filter(|(_, is_set)| *is_set)
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// Whether it touches only what describes a task, which may be put right even after its end.
    fn only_describes(&self) -> bool {
        let described = Self {
            project_id: self.project_id,
            title: self.title.clone(),
            description: self.description.clone(),
            labels: self.labels.clone(),
            // What comes after the task, and not the task itself.
            recurrence: self.recurrence.clone(),
            ..Self::default()
        };
        described == *self
    }
}

impl Task {
    /// Changes the fields that `patch` names.
    ///
    /// # Errors
    /// An ended task takes a title, a description, labels, a project and what comes after it only; a held one cannot
    /// be kept for somebody else, and its acceptance does not change under its worker.
    pub fn update(
        mut self,
        patch: TaskPatch,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        match self.state {
            TaskState::Pending | TaskState::Blocked { .. } => (),
            TaskState::InProgress { .. } => {
                if patch.assigned_to.is_some() {
                    return Err(self.refuses("assign"));
                }
                if patch.acceptance.is_some() {
                    return Err(self.refuses("change the acceptance of"));
                }
            }
            TaskState::Completed { .. } | TaskState::Cancelled { .. } => {
                if !patch.only_describes() {
                    return Err(self.refuses("update"));
                }
            }
        }
        let changed = patch.fields();
        set(&mut self.project_id, patch.project_id);
        set(&mut self.parent_id, patch.parent_id);
        set(&mut self.title, patch.title);
        set(&mut self.description, patch.description);
        set(&mut self.priority, patch.priority);
        if let Some(assigned_to) = patch.assigned_to {
            self.reserved_for = assigned_to;
            self.worker = None;
        }
        if let Some(context) = patch.context {
            merge(&mut self.context, context);
            crate::field::json_within("context", &self.context)?;
        }
        set(&mut self.depends_on, patch.depends_on);
        self.depends_on.sort();
        self.depends_on.dedup();
        set(&mut self.labels, patch.labels);
        self.labels.sort();
        self.labels.dedup();
        set(&mut self.due_at, patch.due_at);
        set(&mut self.not_before, patch.not_before);
        set(&mut self.max_attempts, patch.max_attempts);
        set(&mut self.acceptance, patch.acceptance);
        set(&mut self.budget, patch.budget);
        set(&mut self.estimate_minutes, patch.estimate_minutes);
        match (patch.recurrence, &mut self.recurrence) {
            (None, _) | (Some(None), None) => (),
            (Some(None), Some(present)) => present.rule = None,
            // The task stays what it is for; the series goes on by the other rule after it.
            (Some(Some(rule)), Some(present)) => present.rule = Some(rule),
            (Some(Some(rule)), none @ None) => {
                let begins = NewRecurrence::Begins { rule };
                *none = Some(begins.for_task(self.id, self.due_at.unwrap_or(now)));
            }
        }
        Ok(self.changed(by.name(), now, |task| EventKind::TaskUpdated {
            task,
            changed,
        }))
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
