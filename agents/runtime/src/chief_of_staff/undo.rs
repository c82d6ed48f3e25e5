//! Takes the last order back, if nobody changed the thing since.

use hearth_app::AppError;
use hearth_app::holding::Hold;
use hearth_app::tasks::{TaskFilter, TaskRef, TaskView, UpdateTask};
use hearth_domain::event::ReleaseCause;
use hearth_domain::field::{AgentName, Label, OWNER, Title};
use hearth_domain::task::{TaskPatch, TaskStatus};
use hearth_domain::when::When;
use hearth_domain::{InvalidField, ProjectId};

use super::desk::Desk;
use super::memory::{Field, Step, Undo};
use super::phrase::{listed, named, refusal, shortened, status};

impl Desk<'_> {
    /// Takes the last order of the conversation back.
    pub(super) async fn undo(&mut self) -> Result<String, AppError> {
        let steps = std::mem::take(&mut self.memory.undo);
        if steps.is_empty() {
            return Ok("There is nothing to take back in this conversation.".into());
        }
        let mut said = Vec::new();
        for step in steps {
            let text = match step {
                Undo::Never { why } => Ok(why),
                Undo::Project { id, name } => self.undo_project(id, &name).await,
                Undo::Task {
                    id,
                    number,
                    version,
                    step,
                } => match self.app.get_task(TaskRef::Id(id)) {
                    Ok(view) if view.task.version == version => self.undo_step(view, step).await,
                    Ok(view) => Ok(format!(
                        "{} changed since, so I left it as it is: {}.",
                        named(&view.task),
                        status(view.task.status())
                    )),
                    Err(AppError::NotFound { .. }) => {
                        Ok(format!("#{number} is not there any more."))
                    }
                    Err(error) => Err(error),
                },
            };
            match text {
                Ok(text) => said.push(text),
                Err(error) => said.push(refusal(error)?),
            }
        }
        Ok(shortened(&said.join(" "), 60))
    }

    async fn undo_step(&mut self, view: TaskView, step: Step) -> Result<String, AppError> {
        let task = &view.task;
        let (id, version) = (TaskRef::Id(task.id), Some(task.version));
        match step {
            Step::Cancel => {
                let reason = Some("taken back".to_owned());
                let after = self
                    .app
                    .cancel_task(self.actor, id, reason, version)
                    .await?
                    .task;
                self.note("task.cancelled", &after);
                Ok(format!("I've taken {} back.", listed(&after)))
            }
            Step::Reopen { blocked } => {
                let was = status(task.status());
                let after = self
                    .app
                    .reopen_task(self.actor, id, None, version)
                    .await?
                    .task;
                self.note("task.reopened", &after);
                let Some((reason, options)) = blocked else {
                    return Ok(format!(
                        "{} is not {was} any more; it is pending again.",
                        named(&after)
                    ));
                };
                let taken = self
                    .app
                    .block_as_owner(self.actor, id, &reason, options, Some(after.version))
                    .await?;
                self.note("task.blocked", &taken.view.task);
                Ok(format!(
                    "{} is blocked again, as it was.",
                    named(&taken.view.task)
                ))
            }
            Step::Unblock => {
                let after = self
                    .app
                    .answer_task(self.actor, id, None, version)
                    .await?
                    .task;
                self.note("task.answered", &after);
                Ok(format!("{} is not blocked any more.", named(&after)))
            }
            Step::Release => {
                let hold = Hold {
                    agent: AgentName::from_stored(OWNER.into()),
                    fence: task.fence,
                };
                let after = self
                    .app
                    .release_task(self.actor, id, hold, ReleaseCause::GivenBack, None, version)
                    .await?
                    .task;
                self.note("task.released", &after);
                Ok(format!("{} is out of your hands again.", named(&after)))
            }
            Step::Fields(fields) => {
                let (patch, clause) = self.restored(&fields)?;
                let update = UpdateTask {
                    patch,
                    ..UpdateTask::default()
                };
                let after = self
                    .app
                    .update_task(self.actor, id, update, version)
                    .await?
                    .task;
                self.note("task.updated", &after);
                Ok(format!("{} {clause} again.", named(&after)))
            }
        }
    }

    /// Returns the change that puts fields back, and what to say of it.
    fn restored(&self, fields: &[Field]) -> Result<(TaskPatch, String), InvalidField> {
        let mut patch = TaskPatch::default();
        let mut clauses = Vec::new();
        let none =
            |text: Option<&String>, none: &str| text.map_or_else(|| none.to_owned(), Clone::clone);
        for field in fields {
            clauses.push(match field {
                Field::Title(title) => {
                    patch.title = Some(Title::parse("title", title)?);
                    "has its old name".to_owned()
                }
                Field::Description(description) => {
                    patch.description = Some(description.clone());
                    "has its old description".to_owned()
                }
                Field::Priority(priority) => {
                    patch.priority = Some(priority.parse()?);
                    format!("has {priority} priority")
                }
                Field::AssignedTo(name) => {
                    patch.assigned_to = Some(name.clone().map(AgentName::from_stored));
                    format!("is for {}", none(name.as_ref(), "anybody"))
                }
                Field::Due(due) => {
                    patch.due_at = Some(*due);
                    match due {
                        Some(due) => {
                            let when = When::of_due(*due, &self.names.zone);
                            format!("is due {}", when.show(&self.names.zone))
                        }
                        None => "has no due date".to_owned(),
                    }
                }
                Field::Project(id) => {
                    patch.project_id = Some(*id);
                    "is in the project it was in".to_owned()
                }
                Field::Labels(labels) => {
                    let labels: Result<Vec<Label>, InvalidField> = labels
                        .iter()
                        .map(|label| Label::parse("labels", label))
                        .collect();
                    patch.labels = Some(labels?);
                    "has the labels it had".to_owned()
                }
                Field::DependsOn(ids) => {
                    patch.depends_on = Some(ids.clone());
                    "waits for what it waited for".to_owned()
                }
                Field::Recurrence(rule) => {
                    patch.recurrence = Some(rule.as_deref().map(str::parse).transpose()?);
                    match rule {
                        Some(rule) => format!("comes {rule}"),
                        None => "does not repeat".to_owned(),
                    }
                }
            });
        }
        Ok((patch, clauses.join(" and ")))
    }

    async fn undo_project(&mut self, id: ProjectId, name: &str) -> Result<String, AppError> {
        // Tasks that were taken back are still in it, and nothing is lost with them.
        let filter = TaskFilter {
            project_ids: vec![id],
            ..TaskFilter::default()
        };
        let page = self.app.list_tasks(filter, None, None, 2).await?;
        let is_empty = page
            .items
            .iter()
            .all(|view| view.task.status() == TaskStatus::Cancelled && view.task.attempt == 0);
        if !is_empty || page.next.is_some() {
            return Ok(format!(
                "The project {name} has tasks by now, so I kept it."
            ));
        }
        if !page.items.is_empty() {
            return Ok(format!(
                "The project {name} stays, with what was cancelled in it."
            ));
        }
        self.app.delete_project(self.actor, id, None).await?;
        self.note_thing("project.deleted", id.0, name);
        Ok(format!("The project {name} is gone again."))
    }
}
