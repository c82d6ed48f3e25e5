//! Pages of the web that agents have read, as far as they are kept for a search on the machine.

use crate::clock::Timestamp;
use crate::id::ProjectId;

/// A page as it was read last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebPage {
    /// Its address, after all redirects.
    pub url: String,
    /// What it calls itself.
    pub title: String,
    /// What it says: the readable part.
    pub text: String,
    /// The project of the task that it was read for.
    pub project_id: Option<ProjectId>,
    /// The number of that task.
    pub task_number: Option<i64>,
    /// Whether the run that read it had taken in private data, of which its address may tell.
    pub is_private: bool,
    /// When it was read.
    pub fetched_at: Timestamp,
}

/// A page that holds the words of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPage {
    /// Its address.
    pub url: String,
    /// What it calls itself.
    pub title: String,
    /// Where the words are, in their surroundings.
    pub snippet: String,
    /// The number of the task that it was read for.
    pub task_number: Option<i64>,
    /// When it was read.
    pub fetched_at: Timestamp,
}
