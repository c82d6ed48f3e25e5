//! Making a task from a line of text: one reading for the command line, chat, the API and bridges.

use hearth_domain::field::{AgentName, DESCRIPTION_MAX, Name, prose};
use hearth_domain::policy::Labels;
use hearth_domain::project::{NewProject, Project, ProjectStatus};
use hearth_domain::quick_add::{self, Doubt, Known, Line};
use hearth_domain::task::{NewRecurrence, NewTask};
use hearth_domain::{Actor, ArtifactId, JsonObject, ProjectId, RunId, Timestamp};
use hearth_store::projects::{self, ProjectFilter};
use hearth_store::{Tx, agents};
use jiff::tz::TimeZone;

use crate::app::App;
use crate::error::AppError;
use crate::tasks::{Along, Created, Once, TaskRef, find};

/// The longest line that is read, in bytes: 10,000 words.
pub const LINE_MAX_BYTES: usize = 100_000;
/// The most projects and agents whose names a line is compared with.
const NAMES_MAX: usize = 1000;
/// How alike a name must be to count as meant, from 0 to 1.
const ALIKE: f64 = 0.75;

/// What a line of text asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuickAdd {
    /// The line.
    pub text: String,
    /// What is to be done, at length.
    pub description: String,
    /// What its worker should know.
    pub context: JsonObject,
    /// Artifacts that wait for a task, to be given to this one.
    pub artifacts: Vec<ArtifactId>,
    /// Whether a project is made even where one of a similar name is there.
    pub may_create_project: bool,
    /// In whose name it is made, where that is not the caller.
    pub created_by: Option<AgentName>,
    /// The labels of the line and the rest, at least ([`crate::trust`]).
    pub trust: Labels,
    /// The run that makes it, where an agent of the node does.
    pub within: Option<RunId>,
}

/// How a line was understood. Nothing was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// What it says of the task.
    pub line: Line,
    /// What could not be understood; a task is made only where this is empty.
    pub doubts: Vec<Doubt>,
    /// The project it names.
    pub project: ProjectNamed,
    /// What was understood, in words for people; dates as dates.
    pub summary: String,
    /// The same as a line that reads back to the same.
    pub canonical: String,
}

/// The project that a line names.
#[derive(Debug, Clone, PartialEq)]
pub enum ProjectNamed {
    /// It names none.
    None,
    /// One that is there.
    Known {
        /// Which.
        id: ProjectId,
        /// Its name as it is written.
        name: String,
    },
    /// One that is not there; it is made with the task.
    Fresh(Name),
    /// One that is not there, while others have names like it.
    Similar {
        /// The name in the line.
        said: Name,
        /// The names that may be meant, the nearest first.
        meant: Vec<String>,
    },
}

/// A task made from a line.
#[derive(Debug, Clone, PartialEq)]
pub struct QuickAdded {
    /// The task.
    pub created: Created,
    /// How the line was understood.
    pub understood: Understood,
    /// The project that was made for it.
    pub made_project: Option<Project>,
}

/// Everything a reading is held against, as it is at one moment.
struct Names {
    projects: Vec<Project>,
    agents: Vec<String>,
}

impl App {
    /// Reads a line without changing anything.
    ///
    /// # Errors
    /// The line is too long; the store failed.
    pub async fn understand(&self, text: &str) -> Result<Understood, AppError> {
        let text = checked(text)?;
        let (now, zone) = (self.now(), self.zone());
        self.store()
            .read(move |tx| understand(tx, &text, now, &zone, false))
            .await
    }

    /// Makes a task from a line, and the project that it names where there is none like it.
    ///
    /// # Errors
    /// Something in the line is in doubt, the name of its project among it; as for
    /// [`App::create_task`].
    pub async fn quick_add(
        &self,
        actor: &Actor,
        add: QuickAdd,
        once: Option<Once>,
    ) -> Result<QuickAdded, AppError> {
        self.quick_add_with(actor, add, Along::default(), once)
            .await
    }

    /// As [`App::quick_add`], with what else is made in the same transaction; its project is the one that
    /// the line names.
    pub(crate) async fn quick_add_with(
        &self,
        actor: &Actor,
        add: QuickAdd,
        along: Along,
        once: Option<Once>,
    ) -> Result<QuickAdded, AppError> {
        let text = checked(&add.text)?;
        let description = prose("description", &add.description, DESCRIPTION_MAX)?;
        let (now, zone) = (self.now(), self.zone());
        let may_create = add.may_create_project;
        let (understood, new) = self
            .store()
            .read(move |tx| {
                let understood = understand(tx, &text, now, &zone, may_create)?;
                expect_clear(&understood)?;
                let new = new_task(tx, &understood)?;
                Ok::<_, AppError>((understood, new))
            })
            .await?;
        let new = NewTask {
            description,
            context: add.context,
            artifacts: add.artifacts,
            created_by: add.created_by,
            trust: add.trust,
            within: add.within,
            ..new
        };
        let project = match &understood.project {
            ProjectNamed::Fresh(name) => Some(NewProject {
                name: name.clone(),
                description: String::new(),
                status: ProjectStatus::Active,
                metadata: JsonObject::new(),
            }),
            ProjectNamed::None | ProjectNamed::Known { .. } | ProjectNamed::Similar { .. } => None,
        };
        let along = Along { project, ..along };
        let (created, made_project) = self.create_with(actor, new, along, once).await?;
        Ok(QuickAdded {
            created,
            understood,
            made_project,
        })
    }
}

fn checked(text: &str) -> Result<String, AppError> {
    if text.len() > LINE_MAX_BYTES {
        return Err(AppError::invalid(
            "text",
            format!("must be at most {LINE_MAX_BYTES} bytes; put the rest into the description"),
        ));
    }
    Ok(text.to_owned())
}

fn understand(
    tx: &impl Tx,
    text: &str,
    now: Timestamp,
    zone: &TimeZone,
    may_create: bool,
) -> Result<Understood, AppError> {
    let names = names(tx)?;
    let projects: Vec<String> = names
        .projects
        .iter()
        .map(|project| project.name.to_string())
        .collect();
    let known = Known {
        projects: &projects,
        agents: &names.agents,
        now,
        zone,
    };
    let parsed = quick_add::parse(text, &known);
    let mut doubts = parsed.doubts;
    let mut line = parsed.line;
    let project = match &line.project {
        None => ProjectNamed::None,
        Some(said) => match find_project(&names.projects, said, may_create) {
            Ok(found) => found,
            Err(problem) => {
                doubts.push(Doubt {
                    field: "project",
                    said: said.clone(),
                    problem,
                });
                ProjectNamed::None
            }
        },
    };
    match &project {
        ProjectNamed::Known { name, .. } => line.project = Some(name.clone()),
        ProjectNamed::Similar { said, meant } => doubts.push(Doubt {
            field: "project",
            said: said.to_string(),
            problem: format!("{said} is not there; did you mean {}?", meant.join(" or ")),
        }),
        ProjectNamed::None | ProjectNamed::Fresh(_) => (),
    }
    for number in &line.after {
        if hearth_store::tasks::id_of_number(tx, *number)?.is_none() {
            doubts.push(Doubt {
                field: "after",
                said: format!("#{number}"),
                problem: format!("names #{number}, and there is no such task"),
            });
        }
    }
    Ok(Understood {
        summary: quick_add::describe(&line, zone),
        canonical: quick_add::render(&line, zone),
        line,
        doubts,
        project,
    })
}

fn names(tx: &impl Tx) -> Result<Names, AppError> {
    let projects = projects::list(tx, &ProjectFilter::default(), None, NAMES_MAX)?.items;
    let mut agents: Vec<String> = agents::names(tx, NAMES_MAX)?;
    if agents.iter().all(|name| name != crate::tasks::SEED) {
        agents.push(crate::tasks::SEED.into());
    }
    Ok(Names { projects, agents })
}

/// Finds the project that a name stands for: written so, in whatever case; else none, with those of
/// similar names.
fn find_project(
    projects: &[Project],
    said: &str,
    may_create: bool,
) -> Result<ProjectNamed, String> {
    let wanted = said.to_lowercase();
    let exact = projects
        .iter()
        .find(|project| project.name.as_str() == said)
        .or_else(|| {
            projects
                .iter()
                .find(|project| project.name.as_str().to_lowercase() == wanted)
        });
    if let Some(project) = exact {
        return Ok(ProjectNamed::Known {
            id: project.id,
            name: project.name.to_string(),
        });
    }
    let said = Name::parse("project", said).map_err(|error| error.problem)?;
    let mut alike: Vec<(f64, String)> = projects
        .iter()
        .map(|project| {
            let name = project.name.as_str().to_lowercase();
            (likeness(&wanted, &name), project.name.to_string())
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    if alike.is_empty() || may_create {
        return Ok(ProjectNamed::Fresh(said));
    }
    let meant = alike.into_iter().take(3).map(|(_, name)| name).collect();
    Ok(ProjectNamed::Similar { said, meant })
}

/// How alike two names are, from 0 to 1. One that begins with the other is quite alike, and so are
/// short ones that one slip of the finger tells apart.
fn likeness(a: &str, b: &str) -> f64 {
    let is_sayable = a.chars().count().min(b.chars().count()) >= 3;
    let is_near = a.starts_with(b) || b.starts_with(a) || strsim::damerau_levenshtein(a, b) == 1;
    let alike = strsim::normalized_damerau_levenshtein(a, b);
    if is_sayable && is_near {
        alike.max(0.8)
    } else {
        alike
    }
}

fn expect_clear(understood: &Understood) -> Result<(), AppError> {
    let Some(first) = understood.doubts.first() else {
        return Ok(());
    };
    let rest: Vec<String> = understood
        .doubts
        .iter()
        .skip(1)
        .map(|doubt| format!("; {} {}", doubt.field, doubt.problem))
        .collect();
    Err(AppError::InvalidInput {
        code: "unclear",
        field: first.field.into(),
        problem: format!("{}{}", first.problem, rest.concat()),
        unaccepted: None,
    })
}

fn new_task(tx: &impl Tx, understood: &Understood) -> Result<NewTask, AppError> {
    let line = &understood.line;
    let title = line.title.parse()?;
    let depends_on = line
        .after
        .iter()
        .map(|number| Ok(find(tx, TaskRef::Number(*number))?.id))
        .collect::<Result<_, AppError>>()?;
    Ok(NewTask {
        project_id: match &understood.project {
            ProjectNamed::Known { id, .. } => Some(*id),
            ProjectNamed::None | ProjectNamed::Fresh(_) | ProjectNamed::Similar { .. } => None,
        },
        priority: line.priority.unwrap_or_default(),
        assigned_to: line.assigned_to.clone(),
        labels: line.labels.clone(),
        estimate_minutes: line.estimate_minutes,
        due_at: line.due.map(|due| due.at),
        depends_on,
        recurrence: line
            .recurrence
            .clone()
            .map(|rule| NewRecurrence::Begins { rule }),
        ..NewTask::titled(title)
    })
}

#[cfg(test)]
mod tests;
