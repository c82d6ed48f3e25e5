//! A task from a line of text.

use hearth_app::quick_add::{self, ProjectNamed};
use hearth_domain::Priority;
use hearth_domain::field::{AgentName, Label};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::project::Project;
use super::scalar;
use super::task::Task;
use super::time::Time;

/// A line of text that asks for a task, such as `Build landing page @web #design !high due friday`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateFromLine {
    /// The line.
    #[schema(value_type = scalar::Utterance)]
    text: String,
    /// What is to be done, at length.
    #[schema(value_type = Option<scalar::Description>)]
    description: Option<String>,
    /// Whether it is only to be said how the line is understood; nothing is changed then.
    pub(crate) preview: Option<bool>,
    /// Whether the project it names is made even where there are others of similar names.
    create_project: Option<bool>,
}

impl CreateFromLine {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn read(self) -> quick_add::QuickAdd {
        quick_add::QuickAdd {
            text: self.text,
            description: self.description.unwrap_or_default(),
            may_create_project: self.create_project.unwrap_or(false),
            ..quick_add::QuickAdd::default()
        }
    }
}

/// How a line was understood.
#[derive(Serialize, ToSchema)]
pub(crate) struct Understood<'a> {
    /// In words, dates as dates.
    summary: &'a str,
    /// As a line that reads back to the same.
    canonical: &'a str,
    /// The title.
    title: &'a str,
    /// The project's name.
    #[schema(required = true)]
    project: Option<&'a str>,
    /// Whether that project is not there yet.
    is_project_new: bool,
    /// The labels.
    labels: Vec<&'a str>,
    /// How urgent it is; null where the line does not say.
    #[schema(value_type = Option<scalar::Priority>, required = true)]
    priority: Option<&'static str>,
    /// When it is due.
    #[schema(required = true)]
    due_at: Option<Time>,
    /// The rhythm in which it comes again.
    #[schema(required = true)]
    recurrence: Option<String>,
    /// The numbers of the tasks it waits for.
    after: &'a [i64],
    /// Whom it is kept for.
    #[schema(required = true)]
    assigned_to: Option<&'a str>,
    /// How long it is thought to take.
    #[schema(required = true)]
    estimate_minutes: Option<u32>,
    /// What could not be understood; a task is made only where this is empty.
    doubts: Vec<Doubt<'a>>,
}

/// Something in a line that could not be understood.
#[derive(Serialize, ToSchema)]
pub(crate) struct Doubt<'a> {
    /// What it seems to be about.
    field: &'a str,
    /// The words in question.
    said: &'a str,
    /// What is the matter; reads on from the field's name.
    problem: &'a str,
}

impl<'a> From<&'a quick_add::Understood> for Understood<'a> {
    fn from(understood: &'a quick_add::Understood) -> Self {
        let line = &understood.line;
        Self {
            summary: &understood.summary,
            canonical: &understood.canonical,
            title: &line.title,
            project: line.project.as_deref(),
            is_project_new: matches!(understood.project, ProjectNamed::Fresh(_)),
            labels: line.labels.iter().map(Label::as_str).collect(),
            priority: line.priority.map(Priority::as_str),
            due_at: line.due.map(|due| Time(due.at)),
            recurrence: line.recurrence.as_ref().map(ToString::to_string),
            after: &line.after,
            assigned_to: line.assigned_to.as_ref().map(AgentName::as_str),
            estimate_minutes: line.estimate_minutes,
            doubts: understood
                .doubts
                .iter()
                .map(|doubt| Doubt {
                    field: doubt.field,
                    said: &doubt.said,
                    problem: &doubt.problem,
                })
                .collect(),
        }
    }
}

/// What came of a line.
#[derive(Serialize, ToSchema)]
pub(crate) struct FromLine<'a> {
    /// The task; null in a preview.
    #[schema(required = true)]
    pub(crate) task: Option<Task<'a>>,
    /// The project that was made for it.
    #[schema(required = true)]
    pub(crate) made_project: Option<Project<'a>>,
    /// How the line was understood.
    pub(crate) understood: Understood<'a>,
}
