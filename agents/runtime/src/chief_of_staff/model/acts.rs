//! What the tools do: each by an operation of the node, with the rights of whoever talks. A refusal
//! goes back to the model, with what would be right.

use hearth_app::artifacts::StoreArtifact;
use hearth_app::chat::CHIEF_OF_STAFF;
use hearth_app::tasks::{
    Among, Once, Order, TaskFilter, TaskRef, TaskView, UpdateTask as UpdateFields,
};
use hearth_app::{App, AppError};
use hearth_domain::artifact::MediaType;
use hearth_domain::conversation::Action;
use hearth_domain::field::{AgentName, Label, Name, OWNER, Title, Word};
use hearth_domain::project::{NewProject, ProjectStatus};
use hearth_domain::task::{NewTask, Task, TaskPatch, TaskState, TaskStatus};
use hearth_domain::when::{self, When};
use hearth_domain::{
    Actor, ArtifactId, InvalidField, JsonObject, MessageId, ProjectId, TaskId, Timestamp,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::thought::{Done, Progress};
use super::tools::{self, Call, CreateArtifact, CreateTask, End, Filters, Updates};
use crate::chief_of_staff::desk::Names;
use crate::chief_of_staff::intent::known_name;
use crate::chief_of_staff::memory::{Field, Step, Undo};
use crate::chief_of_staff::words::fold;
use crate::model::ToolCall;

/// The most tasks that one query shows, and the most characters of a result.
const SHOWN_MAX: usize = 15;
const RESULT_MAX: usize = 4000;
/// How much of a description is shown in a list, and of one task alone, in characters.
const DESCRIPTION_IN_LIST: usize = 160;
const DESCRIPTION_ALONE: usize = 1500;
/// The most tasks that are looked through for a title or a date.
const LOOKED_AT: usize = 500;

/// Why a call was not carried out.
enum Refused {
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

/// With what the calls of a message are carried out.
pub(crate) struct Acting<'a> {
    pub(crate) app: &'a App,
    pub(crate) actor: &'a Actor,
    pub(crate) progress: &'a Progress,
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
            Call::CreateTask(new) => self.create_task(new, call).await,
            Call::QueryTasks(query) => self.query(&query.filters).await,
            Call::UpdateTask(update) => self.update(&update.task_id, &update.updates).await,
            Call::GetAgentStatus(_) => self.agents().await,
            Call::CreateArtifact(new) => self.create_artifact(new).await,
        }
    }

    async fn create_project(&self, name: &str, description: &str) -> Result<Done, Refused> {
        let id = ProjectId(made_id(self.progress.key, self.position()));
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
        })
    }

    async fn create_task(&self, new: &CreateTask, call: &ToolCall) -> Result<Done, Refused> {
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
        let project_id = project.as_deref().and_then(|name| names.project_id(name));
        let new_task = NewTask {
            project_id,
            description: new.description.clone(),
            priority: new.priority.map(Into::into).unwrap_or_default(),
            context: new.context.clone(),
            due_at: self.date(&names, new.due.as_deref())?,
            depends_on: self.find_all(&new.after, project_id).await?,
            assigned_to: find_agent(&names, new.assigned_to.as_deref())?,
            created_by: (*self.actor == Actor::Owner)
                .then(|| AgentName::from_stored(CHIEF_OF_STAFF.into())),
            ..NewTask::titled(Title::parse("title", &new.title)?)
        };
        let once = Once {
            key: format!("chat:{}:{}", self.progress.key, self.position()),
            among: Among::Callers,
            request: Sha256::digest(call.args.to_string()).into(),
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
        })
    }

    async fn query(&self, filters: &Filters) -> Result<Done, Refused> {
        let names = Names::of(self.app).await?;
        if let Some(number) = &filters.number {
            let view = self.task(number)?;
            return Ok(told(&shown(&view, &names, DESCRIPTION_ALONE)));
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
        let until = self.date(&names, filters.due_before.as_deref())?;
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
        Ok(told(&json!({ "tasks": tasks, "there_are_more": has_more })))
    }

    async fn update(&self, number: &str, updates: &Updates) -> Result<Done, Refused> {
        let before = self.task(number)?.task;
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
        let update = UpdateFields { patch, fence: None };
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
        if let Some(priority) = to.priority.map(hearth_domain::Priority::from)
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
            let due = self.date(&names, Some(due))?;
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

    async fn agents(&self) -> Result<Done, Refused> {
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
        Ok(told(&json!({ "agents": agents })))
    }

    async fn create_artifact(&self, new: &CreateArtifact) -> Result<Done, Refused> {
        let task = self.task(&new.task_id)?.task;
        let kind = Word::parse("type", &new.r#type)?;
        let id = ArtifactId(made_id(self.progress.key, self.position()));
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
        })
    }

    /// Nothing is to be changed: it is so already, perhaps by this very call before a restart.
    fn is_so(&self, event: &str, task: &Task) -> Done {
        Done {
            content: format!("#{} is so already: {}", task.number, task.status()),
            action: self.may_be_done.then(|| action(event, task)),
            undo: None,
        }
    }

    /// The place of the call among all of the answer's.
    fn position(&self) -> usize {
        self.progress.calls_done()
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

    fn date(&self, names: &Names, text: Option<&str>) -> Result<Option<Timestamp>, Refused> {
        let Some(text) = named(text).filter(|text| !matches!(*text, "none" | "never")) else {
            return Ok(None);
        };
        match when::read(text, names.now, &names.zone) {
            Some(when) => Ok(Some(when.at)),
            None => Err(Refused::Told(format!(
                "{} is no date that can be read; write it as 2026-11-27 or 2026-11-27 15:00",
                cut(text, 40)
            ))),
        }
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
        let acts = self.progress.acts();
        let made = acts
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
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => Ok(one.task.id),
            _ => {
                let made: Vec<String> = acts
                    .iter()
                    .filter_map(|act| Some(format!("#{} {}", act.number?, act.name)))
                    .collect();
                Err(Refused::Told(format!(
                    "after: no one task is called \"{}\"; name a task that exists, best by its \
                     number. Made so far: {}",
                    cut(text, 80),
                    if made.is_empty() {
                        "none".to_owned()
                    } else {
                        made.join(", ")
                    }
                )))
            }
        }
    }
}

/// Returns an identifier that is the same whenever the same call of the same message is made.
fn made_id(key: MessageId, position: usize) -> Uuid {
    let mut hasher = Sha256::new();
    hasher.update(key.0.as_bytes());
    hasher.update(position.to_be_bytes());
    let digest = hasher.finalize();
    let mut bytes = [0; 16];
    for (byte, random) in bytes.iter_mut().zip(digest) {
        *byte = random;
    }
    // When the message was said, so that what it made is listed where it belongs.
    for (byte, time) in bytes.iter_mut().zip(key.0.as_bytes().iter().take(6)) {
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

/// A task as the model sees it.
fn shown(view: &TaskView, names: &Names, description_max: usize) -> Value {
    let task = &view.task;
    let mut fields = json!({
        "number": task.number,
        "title": cut(task.title.as_str(), 200),
        "status": task.status().as_str(),
        "priority": task.priority.as_str(),
    });
    let mut more = vec![
        (
            "project",
            task.project_id.and_then(|id| names.project_name(id)),
        ),
        ("assigned_to", task.assigned_to().map(ToString::to_string)),
        (
            "due",
            task.due_at
                .map(|due| When::of_due(due, &names.zone).to_line(&names.zone)),
        ),
        (
            "waits_for",
            view.waiting_for.as_deref().map(|reason| cut(reason, 160)),
        ),
    ];
    if !task.description.is_empty() {
        more.push(("description", Some(cut(&task.description, description_max))));
    }
    if let TaskState::Blocked { block } = &task.state {
        more.push(("blocked_because", Some(cut(&block.reason, 300))));
    }
    if let Some(fields) = fields.as_object_mut() {
        for (name, value) in more {
            if let Some(value) = value {
                fields.insert(name.into(), value.into());
            }
        }
    }
    fields
}

fn find_project(names: &Names, said: &str) -> Result<String, Refused> {
    let bare = said.trim_start_matches('@');
    known_name(&names.projects, bare).ok_or_else(|| {
        let known: Vec<String> = names
            .projects
            .iter()
            .rev()
            .take(20)
            .map(|name| cut(name, 60))
            .collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Refused::Told(format!(
            "there is no project {}; there are: {known}. Make it first with create_project, or leave \
             project out",
            cut(said, 60)
        ))
    })
}

fn find_agent(names: &Names, said: Option<&str>) -> Result<Option<AgentName>, Refused> {
    let Some(said) = named(said) else {
        return Ok(None);
    };
    let wanted = fold(said.trim_start_matches('@'));
    if matches!(
        wanted.as_str(),
        "me" | "owner" | "user" | "the owner" | "the person"
    ) {
        return Ok(Some(AgentName::from_stored(OWNER.into())));
    }
    match known_name(&names.agents, &wanted) {
        Some(name) => Ok(Some(AgentName::from_stored(name))),
        None => Err(Refused::Told(format!(
            "assigned_to: there is no agent {}; there are: {}, and owner for the person",
            cut(said, 40),
            names.agents.join(", ")
        ))),
    }
}

/// What was named, if anything was.
fn named(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn task_number(text: &str) -> Option<i64> {
    let text = text.trim().trim_start_matches('#');
    text.parse().ok().filter(|number| *number > 0)
}

/// At most `max` characters of a text.
fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let head: String = text.chars().take(max).collect();
    format!("{head}…")
}
