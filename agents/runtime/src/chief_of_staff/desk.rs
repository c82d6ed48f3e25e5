//! One message at work: who asks, what is known, what is done and what is kept in mind.

use hearth_app::chat::Reply;
use hearth_app::tasks::{TaskRef, TaskView};
use hearth_app::{App, AppError};
use hearth_domain::conversation::Action;
use hearth_domain::policy::Labels;
use hearth_domain::quick_add::Known;
use hearth_domain::task::Task;
use hearth_domain::{Actor, MessageId, ProjectId, Timestamp};
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::memory::Memory;

/// The most projects and agents whose names are known to the grammar.
const NAMES_MAX: usize = 500;

/// The names that a message can refer to, as they are at one moment.
pub(super) struct Names {
    pub(super) projects: Vec<String>,
    project_ids: Vec<ProjectId>,
    pub(super) agents: Vec<String>,
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
}

impl Names {
    pub(super) async fn of(app: &App) -> Result<Self, AppError> {
        let projects = app
            .list_projects(
                hearth_app::projects::ProjectFilter::default(),
                None,
                NAMES_MAX,
            )
            .await?;
        let agents = app.list_agents(Vec::new(), None, NAMES_MAX).await?;
        let mut agents: Vec<String> = agents
            .items
            .iter()
            .map(|agent| agent.name.to_string())
            .collect();
        if agents.iter().all(|name| name != hearth_app::tasks::SEED) {
            agents.push(hearth_app::tasks::SEED.into());
        }
        Ok(Self {
            project_ids: projects.items.iter().map(|project| project.id).collect(),
            projects: projects
                .items
                .iter()
                .map(|project| project.name.to_string())
                .collect(),
            agents,
            now: app.now(),
            zone: app.zone(),
        })
    }

    /// Returns which project has this name, as it is written.
    pub(super) fn project_id(&self, name: &str) -> Option<ProjectId> {
        let place = self.projects.iter().position(|known| known == name)?;
        self.project_ids.get(place).copied()
    }

    /// Returns the name of a project.
    pub(super) fn project_name(&self, id: ProjectId) -> Option<String> {
        let place = self.project_ids.iter().position(|known| *known == id)?;
        self.projects.get(place).cloned()
    }

    pub(super) fn known(&self) -> Known<'_> {
        Known {
            projects: &self.projects,
            agents: &self.agents,
            now: self.now,
            zone: &self.zone,
        }
    }
}

/// What a message is worked on with.
pub(super) struct Desk<'a> {
    pub(super) app: &'a App,
    pub(super) actor: &'a Actor,
    /// The message, by which what is made for it is known again.
    pub(super) message: MessageId,
    pub(super) names: Names,
    pub(super) memory: Memory,
    pub(super) actions: Vec<Action>,
    /// What the language model is to this message.
    pub(super) model: Model,
    /// Whose words the model read for it, besides the message.
    pub(super) labels: Labels,
}

/// What a language model is to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    /// There is none, or not for whoever talks.
    None,
    /// There is one.
    There,
    /// There is one, and it did not answer.
    Silent,
}

impl Desk<'_> {
    /// Notes something that was done to a task, which is then the one that was last spoken of.
    pub(super) fn note(&mut self, event: &str, task: &Task) {
        self.memory.it = Some(task.number);
        self.actions.push(Action {
            event: event.into(),
            entity_id: task.id.0,
            number: Some(task.number),
            name: task.title.to_string(),
        });
    }

    /// Notes something that was done to another thing.
    pub(super) fn note_thing(&mut self, event: &str, id: Uuid, name: &str) {
        self.actions.push(Action {
            event: event.into(),
            entity_id: id,
            number: None,
            name: name.into(),
        });
    }

    /// Returns a task as it is.
    pub(super) fn task(&self, number: i64) -> Result<TaskView, AppError> {
        self.app.get_task(TaskRef::Number(number))
    }

    /// Ends the work with an answer.
    pub(super) fn reply(self, text: String) -> Result<Reply, AppError> {
        Ok(Reply {
            text,
            actions: self.actions,
            memory: self.memory.write()?,
            ..Reply::default()
        })
    }
}
