//! What the tools do: each by an operation of the node, with the rights of whoever talks. A refusal
//! goes back to the model, with what would be right.

mod naming;
mod updating;

use hearth_app::artifacts::StoreArtifact;
use hearth_app::chat::CHIEF_OF_STAFF;
use hearth_app::tasks::{Among, Once, Order, TaskFilter, TaskRef, TaskView};
use hearth_app::{App, AppError};
use hearth_domain::artifact::MediaType;
use hearth_domain::conversation::Action;
use hearth_domain::field::{AgentName, Label, Name, Title, Word};
use hearth_domain::policy::Labels;
use hearth_domain::project::{NewProject, ProjectStatus};
use hearth_domain::task::{NewTask, Task, TaskStatus};
use hearth_domain::{Actor, ArtifactId, InvalidField, JsonObject, ProjectId, RunId, TaskId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use self::naming::{cut, find_agent, find_date, find_project, named, shown, task_number};
use super::thought::Done;
use super::tools::{self, Call, CreateArtifact};
use crate::chief_of_staff::desk::Names;
use crate::chief_of_staff::intent::known_name;
use crate::chief_of_staff::memory::{Step, Undo};
use crate::chief_of_staff::words::fold;
use crate::model::ToolCall;
use crate::tools::task_args::{CreateTask, Filters};

/// The most tasks that one query shows, and the most characters of a result.
const SHOWN_MAX: usize = 15;
const RESULT_MAX: usize = 4000;
/// How much of a description is shown in a list, and of one task alone, in characters.
const DESCRIPTION_IN_LIST: usize = 160;
const DESCRIPTION_ALONE: usize = 1500;
/// The most tasks that are looked through for a title or a date.
const LOOKED_AT: usize = 500;

/// Why a call was not carried out.
pub(crate) enum Refused {
    /// The model is told, and may do better.
    Told(String),
    /// Nothing goes on.
    Failed(AppError),
}

impl From<AppError> for Refused {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Store(_) | AppError::Unavailable { .. } => Self::Failed(error),
            told => Self::Told(told.to_string()),
        }
    }
}

impl From<InvalidField> for Refused {
    fn from(error: InvalidField) -> Self {
        Self::Told(error.to_string())
    }
}

/// With what a call is carried out.
pub(crate) struct Acting<'a> {
    pub(crate) app: &'a App,
    pub(crate) actor: &'a Actor,
    /// What it belongs to: `chat`, or `run`.
    pub(crate) whose: &'static str,
    /// Which: the message with which the answer began, or the run.
    pub(crate) key: Uuid,
    /// The place of the call among all of them.
    pub(crate) position: usize,
    /// What was made before it.
    pub(crate) made: Vec<Action>,
    /// Whose words the model has read by now: what it makes is made of them.
    pub(crate) labels: Labels,
    /// The run that calls, whose labels it has as well.
    pub(crate) within: Option<RunId>,
    /// The task that the caller holds, and under which fence.
    pub(crate) holds: Option<(TaskId, u64)>,
    /// The project of a new task where nothing is said.
    pub(crate) home: Option<ProjectId>,
    /// Whether an earlier life of the node may have carried the call out.
    pub(crate) may_be_done: bool,
}

impl Acting<'_> {
    /// Carries a call out, or finds that an earlier life of the node did.
    ///
    /// # Errors
    /// The store failed or the node has too much to do: the call is made again later.
    pub(crate) async fn carry_out(&self, call: &ToolCall) -> Result<Done, AppError> {
        let done = match tools::read(call) {
            Ok(read) => self.act(&read, call).await,
            Err(problem) => Err(Refused::Told(problem)),
        };
        match done {
            Ok(done) => Ok(done),
            Err(Refused::Failed(error)) => Err(error),
            Err(Refused::Told(problem)) => Ok(Done {
                content: format!("not done: {}", cut(&problem, 700)),
                ..Done::default()
            }),
        }
    }

    async fn act(&self, read: &Call, call: &ToolCall) -> Result<Done, Refused> {
        match read {
            Call::CreateProject(new) => self.create_project(&new.name, &new.description).await,
            Call::CreateTask(new) => self.create_task(new, &call.args).await,
            Call::QueryTasks(query) => self.query(&query.filters).await,
            Call::UpdateTask(update) => self.update(&update.task_id, &update.updates).await,
            Call::GetAgentStatus(_) => self.agents().await,
            Call::CreateArtifact(new) => self.create_artifact(new).await,
        }
    }

    async fn create_project(&self, name: &str, description: &str) -> Result<Done, Refused> {
        if self.labels.untrusted {
            return Err(Refused::Told(
                "what was read comes from strangers, and a project's name stands where only the \
                 person's words do; the person may say: create project NAME"
                    .into(),
            ));
        }
        let id = ProjectId(made_id(self.key, self.position));
        let made = self.app.get_project(id).ok();
        let names = Names::of(self.app).await?;
        if let Some(known) = known_name(&names.projects, name)
            && made.is_none()
        {
            return Ok(told(
                &json!({ "project": known, "was_there_already": true }),
            ));
        }
        let new = NewProject {
            name: Name::parse("name", name)?,
            description: description.to_owned(),
            status: ProjectStatus::Active,
            metadata: JsonObject::new(),
        };
        let project = self.app.create_project_once(self.actor, id, new).await?;
        let name = project.name.to_string();
        Ok(Done {
            content: json!({ "project": name, "made": true }).to_string(),
            action: Some(Action {
                event: "project.created".into(),
                entity_id: project.id.0,
                number: None,
                name: name.clone(),
            }),
            undo: Some(Undo::Project {
                id: project.id,
                name,
            }),
            ..Done::default()
        })
    }

    pub(crate) async fn create_task(
        &self,
        new: &CreateTask,
        args: &Value,
    ) -> Result<Done, Refused> {
        if new.context.contains_key("plan") {
            return Err(Refused::Told(
                "context must not have a plan: how it is done is for the worker to decide; say in \
                 description what is wanted"
                    .into(),
            ));
        }
        let names = Names::of(self.app).await?;
        let project = match named(new.project.as_deref()) {
            Some(name) => Some(find_project(&names, name)?),
            None => None,
        };
        let project_id = match &project {
            Some(name) => names.project_id(name),
            None => self.home,
        };
        let new_task = NewTask {
            project_id,
            description: new.description.clone(),
            priority: new.priority.map(Into::into).unwrap_or_default(),
            context: new.context.clone(),
            due_at: find_date(&names, new.due.as_deref())?,
            depends_on: self.find_all(&new.after, project_id).await?,
            assigned_to: find_agent(&names, new.assigned_to.as_deref())?,
            created_by: (*self.actor == Actor::Owner)
                .then(|| AgentName::from_stored(CHIEF_OF_STAFF.into())),
            trust: self.labels,
            within: self.within,
            ..NewTask::titled(Title::parse("title", &new.title)?)
        };
        let once = Once {
            key: self.key_of(args),
            among: Among::Callers,
            request: Sha256::digest(args.to_string()).into(),
        };
        let created = self
            .app
            .create_task(self.actor, new_task, Some(once))
            .await?;
        let task = &created.view.task;
        let mut content = json!({
            "made": format!("#{}", task.number),
            "title": task.title.as_str(),
            "project": project,
            "status": task.status().as_str(),
        });
        if let (Some(fields), Some(reason)) = (content.as_object_mut(), &created.view.waiting_for) {
            fields.insert("waits_for".into(), cut(reason, 200).into());
        }
        Ok(Done {
            content: content.to_string(),
            action: Some(action("task.created", task)),
            undo: Some(Undo::Task {
                id: task.id,
                number: task.number,
                version: task.version,
                step: Step::Cancel,
            }),
            ..Done::default()
        })
    }

    pub(crate) async fn query(&self, filters: &Filters) -> Result<Done, Refused> {
        let names = Names::of(self.app).await?;
        if let Some(number) = &filters.number {
            let view = self.task(number)?;
            let shown = shown(&view, &names, DESCRIPTION_ALONE);
            return self.told_of(&[&view], &shown).await;
        }
        let project_ids = match named(filters.project.as_deref()) {
            Some(name) => {
                let name = find_project(&names, name)?;
                names.project_id(&name).into_iter().collect()
            }
            None => Vec::new(),
        };
        let label = named(filters.label.as_deref());
        let filter = TaskFilter {
            statuses: filters.status.iter().copied().map(Into::into).collect(),
            priorities: filters.priority.iter().copied().map(Into::into).collect(),
            project_ids,
            assigned_to: find_agent(&names, filters.assigned_to.as_deref())?
                .into_iter()
                .collect(),
            labels: label
                .map(|label| Label::parse("label", label))
                .transpose()?
                .into_iter()
                .collect(),
            text: named(filters.text.as_deref()).map(str::to_owned),
            ..TaskFilter::default()
        };
        let until = find_date(&names, filters.due_before.as_deref())?;
        let order = match until {
            Some(_) => Order::Due,
            None => Order::UpdatedDescending,
        };
        let limit = if until.is_some() {
            LOOKED_AT
        } else {
            SHOWN_MAX
        };
        let page = self
            .app
            .list_tasks(filter, Some(order), None, limit)
            .await?;
        let fits = |view: &&TaskView| {
            until.is_none_or(|until| view.task.due_at.is_some_and(|due| due <= until))
        };
        let fitting: Vec<&TaskView> = page.items.iter().filter(fits).collect();
        let tasks: Vec<Value> = fitting
            .iter()
            .take(SHOWN_MAX)
            .map(|view| shown(view, &names, DESCRIPTION_IN_LIST))
            .collect();
        let has_more = page.next.is_some() || fitting.len() > SHOWN_MAX;
        let told = json!({ "tasks": tasks, "there_are_more": has_more });
        let fitting = fitting.get(..SHOWN_MAX).unwrap_or(&fitting);
        self.told_of(fitting, &told).await
    }

    pub(crate) async fn agents(&self) -> Result<Done, Refused> {
        let page = self.app.list_agents(Vec::new(), None, 50).await?;
        let filter = TaskFilter {
            statuses: vec![TaskStatus::InProgress],
            ..TaskFilter::default()
        };
        let held = self.app.list_tasks(filter, None, None, 100).await?.items;
        let agents: Vec<Value> = page
            .items
            .iter()
            .map(|agent| {
                let tasks: Vec<String> = held
                    .iter()
                    .filter(|view| view.task.assigned_to() == Some(&agent.name))
                    .map(|view| {
                        format!(
                            "#{} {}",
                            view.task.number,
                            cut(view.task.title.as_str(), 80)
                        )
                    })
                    .collect();
                json!({
                    "name": agent.name.as_str(), "type": agent.kind.as_str(),
                    "status": agent.status.as_str(), "works_on": tasks,
                })
            })
            .collect();
        let works_on: Vec<&TaskView> = held.iter().collect();
        self.told_of(&works_on, &json!({ "agents": agents })).await
    }

    async fn create_artifact(&self, new: &CreateArtifact) -> Result<Done, Refused> {
        let task = self.task(&new.task_id)?.task;
        let kind = Word::parse("type", &new.r#type)?;
        let id = ArtifactId(made_id(self.key, self.position));
        let mut writer = self.app.begin_artifact(self.actor).await?;
        writer.write(new.content.as_bytes()).await?;
        let blob = writer.finish().await?;
        let row = StoreArtifact {
            task: Some(TaskRef::Id(task.id)),
            agent: None,
            fence: None,
            kind,
            name: None,
            media_type: "text/markdown".parse::<MediaType>()?,
            metadata: JsonObject::new(),
            labels: self.labels,
            within: self.within,
        };
        let artifact = self
            .app
            .create_artifact_once(self.actor, id, row, blob)
            .await?;
        let name = format!("{} of #{}", artifact.kind, task.number);
        Ok(Done {
            content: json!({ "kept": name, "bytes": artifact.size_bytes }).to_string(),
            action: Some(Action {
                event: "artifact.created".into(),
                entity_id: artifact.id.0,
                number: None,
                name,
            }),
            undo: None,
            ..Done::default()
        })
    }

    /// Returns what a task is known by that is made here. The same place of a run may be come to again
    /// with another call, after a retry.
    fn key_of(&self, args: &Value) -> String {
        let key = format!("{}:{}:{}", self.whose, self.key, self.position);
        if self.within.is_none() {
            return key;
        }
        let digest: [u8; 32] = Sha256::digest(args.to_string()).into();
        format!(
            "{key}:{:x}",
            Uuid::from_slice(&digest[..16]).unwrap_or_default()
        )
    }

    /// Returns what the model is told of tasks, with the labels of what they say.
    async fn told_of(&self, tasks: &[&TaskView], told_of: &Value) -> Result<Done, Refused> {
        let tasks = tasks.iter().map(|view| TaskRef::Id(view.task.id)).collect();
        Ok(Done {
            labels: self.app.labels_of_tasks(tasks).await?,
            ..told(told_of)
        })
    }

    fn task(&self, number: &str) -> Result<TaskView, Refused> {
        let Some(number) = task_number(number) else {
            return Err(Refused::Told(format!(
                "{} is no task's number; write it as in 12, and find it with query_tasks",
                cut(number, 40)
            )));
        };
        Ok(self.app.get_task(TaskRef::Number(number))?)
    }

    /// Finds tasks by number, or by the title of one made in this answer or in the project.
    async fn find_all(
        &self,
        texts: &[String],
        project: Option<ProjectId>,
    ) -> Result<Vec<TaskId>, Refused> {
        let mut found = Vec::new();
        for text in texts.iter().filter_map(|text| named(Some(text))) {
            found.push(match task_number(text) {
                Some(number) => self.app.get_task(TaskRef::Number(number))?.task.id,
                None => self.by_title(text, project).await?,
            });
        }
        Ok(found)
    }

    async fn by_title(&self, text: &str, project: Option<ProjectId>) -> Result<TaskId, Refused> {
        let wanted = fold(text);
        let made = self
            .made
            .iter()
            .rev()
            .find(|act| act.event == "task.created" && fold(&act.name) == wanted);
        if let Some(made) = made {
            return Ok(TaskId(made.entity_id));
        }
        let filter = TaskFilter {
            project_ids: project.into_iter().collect(),
            ..TaskFilter::default()
        };
        let page = self.app.list_tasks(filter, None, None, LOOKED_AT).await?;
        let mut fitting = page
            .items
            .iter()
            .filter(|view| fold(view.task.title.as_str()) == wanted);
        if let (Some(one), None) = (fitting.next(), fitting.next()) {
            return Ok(one.task.id);
        }
        let made: Vec<String> = self
            .made
            .iter()
            .filter_map(|act| Some(format!("#{} {}", act.number?, act.name)))
            .collect();
        let made = if made.is_empty() {
            "none".to_owned()
        } else {
            made.join(", ")
        };
        Err(Refused::Told(format!(
            "after: no one task is called \"{}\"; name a task that exists, best by its number. \
             Made so far: {made}",
            cut(text, 80)
        )))
    }
}

/// Returns an identifier that is the same whenever the same call of the same message is made.
fn made_id(key: Uuid, position: usize) -> Uuid {
    let mut hasher = Sha256::new();
    hasher.update(key.as_bytes());
    hasher.update(position.to_be_bytes());
    let digest = hasher.finalize();
    let mut bytes = [0; 16];
    for (byte, random) in bytes.iter_mut().zip(digest) {
        *byte = random;
    }
    // When the message was said, so that what it made is listed where it belongs.
    for (byte, time) in bytes.iter_mut().zip(key.as_bytes().iter().take(6)) {
        *byte = *time;
    }
    uuid::Builder::from_bytes(bytes)
        .with_version(uuid::Version::SortRand)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
}

fn told(value: &Value) -> Done {
    Done {
        content: cut(&value.to_string(), RESULT_MAX),
        ..Done::default()
    }
}

fn changed(event: &str, task: &Task, step: Step) -> Done {
    let content = json!({ "task": format!("#{}", task.number), "status": task.status().as_str() });
    Done {
        content: content.to_string(),
        action: Some(action(event, task)),
        undo: Some(Undo::Task {
            id: task.id,
            number: task.number,
            version: task.version,
            step,
        }),
        ..Done::default()
    }
}

fn action(event: &str, task: &Task) -> Action {
    Action {
        event: event.into(),
        entity_id: task.id.0,
        number: Some(task.number),
        name: task.title.to_string(),
    }
}
