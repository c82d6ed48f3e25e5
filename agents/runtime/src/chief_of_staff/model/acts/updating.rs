//! Changing and ending tasks. What is so already is not done again.

use hearth_app::tasks::{TaskRef, UpdateTask as UpdateFields};
use hearth_domain::field::{Label, Title};
use hearth_domain::task::{Task, TaskPatch, TaskState, TaskStatus};
use hearth_domain::{Priority, TaskId};

use super::naming::{find_agent, find_date, find_project, named};
use super::{Acting, Refused, action, changed};
use crate::chief_of_staff::desk::Names;
use crate::chief_of_staff::memory::{Field, Step};
use crate::chief_of_staff::model::thought::Done;
use crate::tools::task_args::{End, Updates};

impl Acting<'_> {
    pub(crate) async fn update(&self, number: &str, updates: &Updates) -> Result<Done, Refused> {
        let before = self.task(number)?.task;
        if let Some((held, _)) = self.holds {
            must_be_own(&before, held, updates)?;
        }
        if let Some(end) = updates.status {
            let others = Updates {
                status: None,
                ..updates.clone()
            };
            if others != Updates::default() {
                return Err(Refused::Told(
                    "a status changes alone; make another call for the other fields".into(),
                ));
            }
            return self.end(&before, end).await;
        }
        let (patch, fields) = self.patch(&before, updates).await?;
        if fields.is_empty() {
            return Ok(self.is_so("task.updated", &before));
        }
        let update = UpdateFields {
            patch,
            labels: self.labels,
            within: self.within,
            fence: self.holds.map(|(_, fence)| fence),
        };
        let task = TaskRef::Id(before.id);
        let after = self
            .app
            .update_task(self.actor, task, update, Some(before.version))
            .await?
            .task;
        Ok(changed("task.updated", &after, Step::Fields(fields)))
    }

    async fn end(&self, task: &Task, end: End) -> Result<Done, Refused> {
        let is_so = match end {
            End::Completed => task.status() == TaskStatus::Completed,
            End::Cancelled => task.status() == TaskStatus::Cancelled,
        };
        if is_so {
            let event = match end {
                End::Completed => "task.completed",
                End::Cancelled => "task.cancelled",
            };
            return Ok(self.is_so(event, task));
        }
        let id = TaskRef::Id(task.id);
        let blocked = match &task.state {
            TaskState::Blocked { block } => Some((block.reason.clone(), block.options.clone())),
            _ => None,
        };
        match end {
            End::Completed if blocked.is_some() => Err(Refused::Told(format!(
                "#{0} is blocked and waits for the person's own word: they say \"answer {0} …\" or \
                 \"complete {0}\"",
                task.number
            ))),
            End::Completed => {
                let taken = self
                    .app
                    .complete_as_owner(self.actor, id, None, Some(task.version))
                    .await?;
                let step = Step::Reopen { blocked: None };
                Ok(changed("task.completed", &taken.view.task, step))
            }
            End::Cancelled => {
                let after = self
                    .app
                    .cancel_task(self.actor, id, None, Some(task.version))
                    .await?
                    .task;
                Ok(changed("task.cancelled", &after, Step::Reopen { blocked }))
            }
        }
    }

    /// Returns the fields that differ, and how they are now.
    async fn patch(&self, task: &Task, to: &Updates) -> Result<(TaskPatch, Vec<Field>), Refused> {
        let names = Names::of(self.app).await?;
        let mut patch = TaskPatch::default();
        let mut before = Vec::new();
        if let Some(title) = &to.title {
            let title = Title::parse("title", title)?;
            if title != task.title {
                before.push(Field::Title(task.title.to_string()));
                patch.title = Some(title);
            }
        }
        if let Some(description) = &to.description
            && *description != task.description
        {
            before.push(Field::Description(task.description.clone()));
            patch.description = Some(description.clone());
        }
        if let Some(priority) = to.priority.map(Priority::from)
            && priority != task.priority
        {
            before.push(Field::Priority(task.priority.to_string()));
            patch.priority = Some(priority);
        }
        if let Some(name) = &to.assigned_to {
            let agent = find_agent(&names, Some(name))?;
            if agent != task.reserved_for {
                let was = task.reserved_for.as_ref().map(ToString::to_string);
                before.push(Field::AssignedTo(was));
                patch.assigned_to = Some(agent);
            }
        }
        if let Some(due) = &to.due {
            let due = find_date(&names, Some(due))?;
            if due != task.due_at {
                before.push(Field::Due(task.due_at));
                patch.due_at = Some(due);
            }
        }
        if let Some(project) = &to.project {
            let id = match named(Some(project)) {
                Some(name) => names.project_id(&find_project(&names, name)?),
                None => None,
            };
            if id != task.project_id {
                before.push(Field::Project(task.project_id));
                patch.project_id = Some(id);
            }
        }
        if let Some(labels) = &to.labels {
            let parsed = labels.iter().map(|label| Label::parse("labels", label));
            let mut labels = parsed.collect::<Result<Vec<Label>, _>>()?;
            labels.sort();
            labels.dedup();
            if labels != task.labels {
                let was = task.labels.iter().map(ToString::to_string).collect();
                before.push(Field::Labels(was));
                patch.labels = Some(labels);
            }
        }
        if let Some(after) = &to.after {
            let mut needed = self.find_all(after, task.project_id).await?;
            needed.sort();
            needed.dedup();
            if needed != task.depends_on {
                before.push(Field::DependsOn(task.depends_on.clone()));
                patch.depends_on = Some(needed);
            }
        }
        Ok((patch, before))
    }

    /// Nothing is to be changed: it is so already, perhaps by this very call before a restart.
    fn is_so(&self, event: &str, task: &Task) -> Done {
        Done {
            content: format!("#{} is so already: {}", task.number, task.status()),
            action: self.may_be_done.then(|| action(event, task)),
            ..Done::default()
        }
    }
}

/// A run changes its own task alone, ends it as runs do, and stays where it was put: a project
/// opens folders.
fn must_be_own(task: &Task, held: TaskId, updates: &Updates) -> Result<(), Refused> {
    let problem = if task.id != held {
        "a run changes its own task alone; tell the owner what is to change in others"
    } else if updates.status.is_some() {
        "end your own task with complete_task"
    } else if updates.project.is_some() {
        "a run's task stays in its project"
    } else {
        return Ok(());
    };
    Err(Refused::Told(problem.into()))
}
