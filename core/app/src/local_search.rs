//! Searching on the machine alone: pages that agents have read, memories, tasks. And keeping pages
//! for that.

use hearth_domain::memory::Memory;
use hearth_domain::task::Task;
use hearth_domain::web_page::{FoundPage, WebPage};
use hearth_domain::{Actor, TaskId, Timestamp};
use hearth_store::memories;
use hearth_store::pages::{self, Room};
use hearth_store::tasks::{self, Order, TaskFilter};

use crate::app::App;
use crate::authority::{must_act_as, must_work};
use crate::error::AppError;
use crate::holding::Hold;
use crate::memories::held;
use crate::trust;

/// The most things that one search finds.
pub const FOUND_MAX: usize = 10;
/// How much of a task's description is shown, in characters.
const SNIPPET_CHARS: usize = 300;

/// A page as it was just read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JustRead {
    /// Its address, after all redirects.
    pub url: String,
    /// What it calls itself.
    pub title: String,
    /// Its readable part.
    pub text: String,
}

/// Something on the machine that holds the words of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is called.
    pub title: String,
    /// Where it is: the address of a page, `memory 3`, `task #12`.
    pub place: String,
    /// What it says.
    pub snippet: String,
    /// Where it came from: `page read for task #12 on 2026-11-03`.
    pub provenance: String,
}

impl App {
    /// Keeps a page that was read for a task that the caller holds, so that it is found without a
    /// network; what was kept of its address gives way, and the oldest pages where there is no room.
    ///
    /// # Errors
    /// The caller does not hold the task, or it has no run.
    pub async fn keep_page(
        &self,
        actor: &Actor,
        hold: Hold,
        task: TaskId,
        page: JustRead,
    ) -> Result<(), AppError> {
        must_work(actor, "keep a page")?;
        must_act_as(actor, &hold.agent)?;
        let now = self.now();
        self.store()
            .write(move |tx| {
                let (run, task) = held(tx, task, &hold)?;
                let page = WebPage {
                    url: page.url,
                    title: page.title,
                    text: page.text,
                    project_id: task.project_id,
                    task_number: Some(task.number),
                    is_private: trust::of_run(tx, &run)?.private,
                    fetched_at: now,
                };
                pages::put(tx, &page, Room::default())?;
                Ok(())
            })
            .await
    }

    /// Returns up to `count` things on the machine (at most [`FOUND_MAX`]) that hold words of a query,
    /// for the run of a task that the caller holds: memories, pages and tasks in turn, the best match
    /// of each first. Nothing with a label that the run has not, and not the task itself.
    ///
    /// # Errors
    /// The caller does not hold the task, or it has no run.
    pub async fn search_here(
        &self,
        actor: &Actor,
        hold: Hold,
        task: TaskId,
        query: &str,
        count: usize,
    ) -> Result<Vec<Found>, AppError> {
        must_work(actor, "search")?;
        must_act_as(actor, &hold.agent)?;
        let (query, count) = (query.to_owned(), count.min(FOUND_MAX));
        self.store()
            .read(move |tx| {
                let (run, task) = held(tx, task, &hold)?;
                let labels = trust::of_run(tx, &run)?;
                let known = memories::search(tx, &query, task.project_id, labels, count)?;
                let read = pages::search(tx, &query, labels.private, count)?;
                let filter = TaskFilter {
                    text: Some(query),
                    ..TaskFilter::default()
                };
                let newest = Order::CreatedDescending;
                // One more, as the task itself may be among them.
                let listed = tasks::list(tx, &filter, newest, None, count + 1)?.items;
                let is_known = |other: &Task| labels.and(other.trust) == labels;
                let others = listed
                    .iter()
                    .filter(|other| other.id != task.id && is_known(other));
                Ok(in_turn(
                    [
                        known.iter().map(of_memory).collect(),
                        read.into_iter().map(of_page).collect(),
                        others.map(of_task).collect(),
                    ],
                    count,
                ))
            })
            .await
    }
}

/// Takes the first of each list, then the second of each, and so on.
fn in_turn(lists: [Vec<Found>; 3], count: usize) -> Vec<Found> {
    let mut lists = lists.map(Vec::into_iter);
    let mut all = Vec::new();
    while all.len() < count {
        let before = all.len();
        all.extend(lists.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            break;
        }
    }
    all.truncate(count);
    all
}

fn of_memory(memory: &Memory) -> Found {
    Found {
        title: if memory.about.is_empty() {
            format!("memory {}", memory.number)
        } else {
            memory.about.clone()
        },
        place: format!("memory {}", memory.number),
        snippet: memory.text.clone(),
        provenance: format!("memory {}", memory.provenance()),
    }
}

fn of_page(page: FoundPage) -> Found {
    let read_for = match page.task_number {
        Some(number) => format!("page read for task #{number}"),
        None => "page read".into(),
    };
    Found {
        provenance: format!("{read_for} on {}", day(page.fetched_at)),
        title: page.title,
        place: page.url,
        snippet: page.snippet,
    }
}

fn of_task(task: &Task) -> Found {
    let status = task.state.status();
    Found {
        title: task.title.as_str().to_owned(),
        place: format!("task #{}", task.number),
        snippet: task.description.chars().take(SNIPPET_CHARS).collect(),
        provenance: format!(
            "task of {} on {}, {status}",
            task.created_by,
            day(task.created_at)
        ),
    }
}

fn day(at: Timestamp) -> String {
    let at = at.to_string();
    at.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
