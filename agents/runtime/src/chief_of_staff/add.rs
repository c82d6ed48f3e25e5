//! Making tasks and projects.

use hearth_app::AppError;
use hearth_app::chat::CHIEF_OF_STAFF;
use hearth_app::quick_add::{ProjectNamed, QuickAdd, Understood};
use hearth_app::tasks::{Among, Once};
use hearth_domain::field::{AgentName, Name};
use hearth_domain::project::{NewProject, ProjectStatus};
use hearth_domain::{Actor, JsonObject};
use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::intent::known_name;
use super::memory::{Asked, Step, Undo};
use super::phrase::{capitalised, refusal, shortened, waits};

/// The most doubts that one answer names.
const DOUBTS_MAX: usize = 2;

impl Desk<'_> {
    /// Makes a task from a line, or asks about what is in doubt.
    pub(super) async fn add(&mut self, line: &str) -> Result<String, AppError> {
        self.add_with(line, false).await
    }

    /// As [`Desk::add`]; makes the project it names even where there are others like it.
    pub(super) async fn add_with(
        &mut self,
        line: &str,
        may_create_project: bool,
    ) -> Result<String, AppError> {
        let line = capitalised(line);
        let understood = match self.app.understand(&line).await {
            Ok(understood) => understood,
            Err(error) => return refusal(error),
        };
        if let ProjectNamed::Similar { said, meant } = &understood.project
            && understood.doubts.len() == 1
            && let Some(first) = meant.first()
            && !may_create_project
        {
            self.memory.question = Some(Asked::Project {
                line,
                said: said.to_string(),
                meant: first.clone(),
            });
            return Ok(format!(
                "I don't know a project {said}. Did you mean {first}? If not, say no and I'll make {said}."
            ));
        }
        let is_only_project = understood
            .doubts
            .iter()
            .all(|doubt| doubt.field == "project");
        if !(understood.doubts.is_empty() || may_create_project && is_only_project) {
            return Ok(doubtful(&understood));
        }
        // Should the node be killed before the answer is kept, the message is answered again.
        let once = Once {
            key: format!("said:{}", self.message),
            among: Among::Callers,
            request: Sha256::digest(&line).into(),
        };
        let add = QuickAdd {
            text: line,
            may_create_project,
            created_by: (*self.actor == Actor::Owner)
                .then(|| AgentName::from_stored(CHIEF_OF_STAFF.into())),
            ..QuickAdd::default()
        };
        let added = match self.app.quick_add(self.actor, add, Some(once)).await {
            Ok(added) => added,
            Err(error) => return refusal(error),
        };
        let view = &added.created.view;
        let task = view.task.clone();
        self.memory.undo.clear();
        if let Some(project) = &added.made_project {
            self.note_thing("project.created", project.id.0, project.name.as_str());
            self.memory.undo.push(Undo::Project {
                id: project.id,
                name: project.name.to_string(),
            });
        }
        self.note("task.created", &task);
        self.memory.undo.insert(
            0,
            Undo::Task {
                id: task.id,
                number: task.number,
                version: task.version,
                step: Step::Cancel,
            },
        );
        let mut text = format!(
            "I've added #{} {}.",
            task.number,
            shortened(&added.understood.summary, 40)
        );
        if let Some(project) = &added.made_project {
            text.push_str(&format!(" {} is a new project.", project.name));
        }
        if let Some(recurrence) = &task.recurrence {
            let when = hearth_domain::when::When::of_due(recurrence.occasion, &self.names.zone);
            text.push_str(&format!(
                " The first is on {}.",
                when.show(&self.names.zone)
            ));
        } else if let Some(reason) = &view.waiting_for {
            let clause = waits(&task, reason, &self.names.zone);
            text.push_str(&format!(" {}.", capitalised(&clause)));
        }
        Ok(text)
    }

    /// Makes a project.
    pub(super) async fn create_project(
        &mut self,
        name: Option<&str>,
        description: &str,
    ) -> Result<String, AppError> {
        let Some(name) = name else {
            self.memory.question = Some(Asked::ProjectName);
            return Ok("What shall I call the project?".into());
        };
        if let Some(known) = known_name(&self.names.projects, name) {
            return Ok(format!(
                "There is a project {known} already, so I changed nothing."
            ));
        }
        let name = match Name::parse("name", name) {
            Ok(name) => name,
            Err(error) => return refusal(error.into()),
        };
        let new = NewProject {
            name,
            description: description.to_owned(),
            status: ProjectStatus::Active,
            metadata: JsonObject::new(),
        };
        match self.app.create_project(self.actor, new).await {
            Ok(project) => {
                self.note_thing("project.created", project.id.0, project.name.as_str());
                self.memory.undo = vec![Undo::Project {
                    id: project.id,
                    name: project.name.to_string(),
                }];
                Ok(format!(
                    "I've made the project {0}. Add to it with a line such as: add first step @{1}.",
                    shortened(project.name.as_str(), 12),
                    mention(project.name.as_str()),
                ))
            }
            Err(error) => refusal(error),
        }
    }
}

/// Says what was understood and what was not; nothing was made.
fn doubtful(understood: &Understood) -> String {
    let doubts: Vec<String> = understood
        .doubts
        .iter()
        .take(DOUBTS_MAX)
        .map(|doubt| {
            let name = match doubt.field {
                "due" => "The date",
                "recurrence" => "The rhythm",
                "priority" => "The priority",
                "project" => "The project",
                "labels" => "The label",
                "after" => "What it waits for",
                "assigned_to" => "Whom it is for",
                _ => "The title",
            };
            format!(
                "{name} {}.",
                shortened(&doubt.problem, 18).trim_end_matches(['.', '?'])
            )
        })
        .collect();
    let understood = if understood.line.title.is_empty() {
        String::new()
    } else {
        format!(" I understood: {}.", shortened(&understood.summary, 16))
    };
    format!(
        "I've added nothing yet.{understood} {} Please say it again.",
        doubts.join(" ")
    )
}

/// How a project is named in a line.
fn mention(name: &str) -> String {
    if name.contains(' ') {
        format!("\"{name}\"")
    } else {
        name.to_owned()
    }
}
