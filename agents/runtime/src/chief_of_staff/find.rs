//! Finds the task that a person means. Words count only where one open task has them all.

use std::collections::HashSet;

use hearth_app::tasks::{Order as ListOrder, TaskFilter, TaskRef, TaskView};
use hearth_app::{App, AppError};
use hearth_domain::task::{Task, TaskStatus};

use super::intent::Target;
use super::memory::Memory;
use super::words::{Said, fold};

/// The most tasks that are looked through for words.
const LOOKED_AT: usize = 500;
/// How alike a word must be to one of a title to be nearly it, from 0 to 1.
const ALIKE: f64 = 0.75;
/// The most tasks that are offered to choose from.
pub(super) const CHOICES_MAX: usize = 4;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    /// The task.
    One(Box<TaskView>),
    /// Several fit.
    Many(Vec<TaskView>),
    /// None fits, and this one nearly.
    Nearly(Box<TaskView>),
    /// There is none of the number.
    NoNumber(i64),
    /// There is none with the words.
    NoWords(String),
    /// Nothing was spoken of yet.
    NoIt,
}

/// Words that tell no task from another.
const EMPTY: [&str; 16] = [
    "the", "a", "an", "my", "our", "to", "of", "for", "task", "one", "that", "this", "on", "in",
    "with", "about",
];

/// Finds a task; one that has ended only where no open one fits.
pub(super) async fn find(app: &App, target: &Target, memory: &Memory) -> Result<Found, AppError> {
    match target {
        Target::Number(number) => by_number(app, *number),
        Target::It => match memory.it {
            Some(number) => by_number(app, number),
            None => Ok(Found::NoIt),
        },
        Target::Words(words) => by_words(app, words).await,
    }
}

fn by_number(app: &App, number: i64) -> Result<Found, AppError> {
    match app.get_task(TaskRef::Number(number)) {
        Ok(view) => Ok(Found::One(Box::new(view))),
        Err(AppError::NotFound { .. }) => Ok(Found::NoNumber(number)),
        Err(error) => Err(error),
    }
}

async fn by_words(app: &App, words: &str) -> Result<Found, AppError> {
    let wanted = content(words);
    if wanted.is_empty() {
        return Ok(Found::NoWords(words.to_owned()));
    }
    let open = vec![
        TaskStatus::Pending,
        TaskStatus::InProgress,
        TaskStatus::Blocked,
    ];
    let ended = vec![TaskStatus::Completed, TaskStatus::Cancelled];
    let mut near: Option<(f64, TaskView)> = None;
    for statuses in [open, ended] {
        let is_open = statuses.len() == 3;
        let filter = TaskFilter {
            statuses,
            ..TaskFilter::default()
        };
        let page = app
            .list_tasks(filter, Some(ListOrder::UpdatedDescending), None, LOOKED_AT)
            .await?;
        let (exact, fitting): (Vec<TaskView>, Vec<TaskView>) = page
            .items
            .into_iter()
            .filter(|view| {
                let title: HashSet<String> =
                    content(view.task.title.as_str()).into_iter().collect();
                let fits = wanted.iter().all(|word| title.contains(word));
                if !fits && is_open {
                    let likeness = likeness(&wanted, &view.task);
                    if likeness >= ALIKE && near.as_ref().is_none_or(|(best, _)| likeness > *best) {
                        near = Some((likeness, view.clone()));
                    }
                }
                fits
            })
            .partition(|view| fold(view.task.title.as_str()) == fold(words));
        // A title that is just what was said is meant, though others have its words too.
        let mut fitting = if exact.len() == 1 {
            exact
        } else {
            [exact, fitting].concat()
        };
        if fitting.len() > 1 {
            fitting.sort_by_key(|view| view.task.number);
            return Ok(Found::Many(fitting));
        }
        if let Some(one) = fitting.pop() {
            return Ok(Found::One(Box::new(one)));
        }
    }
    Ok(match near {
        Some((_, view)) => Found::Nearly(Box::new(view)),
        None => Found::NoWords(words.to_owned()),
    })
}

/// The words of a text that tell it from others.
fn content(text: &str) -> Vec<String> {
    let said = Said::new(text);
    said.all()
        .words()
        .iter()
        .map(|word| word.text.clone())
        .filter(|word| !EMPTY.contains(&word.as_str()))
        .collect()
}

/// How alike the worst of the wanted words is to a word of the title.
fn likeness(wanted: &[String], task: &Task) -> f64 {
    let title = content(task.title.as_str());
    let best = |word: &String| {
        title
            .iter()
            .map(|other| strsim::normalized_damerau_levenshtein(word, other))
            .fold(0.0, f64::max)
    };
    wanted.iter().take(8).map(best).fold(1.0, f64::min)
}
