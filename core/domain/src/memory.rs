//! Memories: what an agent or a person wants known later, with where it came from.

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::field::{InvalidField, line, prose};
use crate::id::{MemoryId, ProjectId, RunId, TaskId};
use crate::policy::Labels;

/// The longest memory, in characters: about a page.
pub const TEXT_MAX: usize = 4000;
/// The longest text of what a memory is about, in characters.
pub const ABOUT_MAX: usize = 200;

/// Something that is kept in mind.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// Its short number, for people; never used again.
    pub number: i64,
    /// Identifies it.
    pub id: MemoryId,
    /// What is to be known; empty once it is forgotten.
    pub text: String,
    /// What it is about, in a few words that it is found by as well; may be empty.
    pub about: String,
    /// For which project's tasks; for all where it names none.
    pub project_id: Option<ProjectId>,
    /// The run that it came from, if it came from one.
    pub origin: Option<Origin>,
    /// What the run had taken in by then. What is made of the memory inherits it.
    pub labels: Labels,
    /// Who remembered it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was forgotten.
    pub forgotten_at: Option<Timestamp>,
}

/// The work that a memory came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The task, unless that is gone.
    pub task_id: Option<TaskId>,
    /// Its number.
    pub task_number: i64,
    /// The run, unless that is gone.
    pub run_id: Option<RunId>,
}

/// What a memory is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMemory {
    /// See [`Memory::text`].
    pub text: String,
    /// See [`Memory::about`].
    pub about: String,
    /// See [`Memory::project_id`].
    pub project_id: Option<ProjectId>,
    /// See [`Memory::origin`].
    pub origin: Option<Origin>,
    /// See [`Memory::labels`].
    pub labels: Labels,
}

/// What every event about a memory says of it. Not its text: what is forgotten is to be gone, and
/// events stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryFacts {
    /// The memory.
    pub memory_id: MemoryId,
    /// Its number.
    pub number: i64,
    /// For which project's tasks.
    pub project_id: Option<ProjectId>,
    /// The task that it came from.
    pub task_number: Option<i64>,
}

impl NewMemory {
    /// Checks its words, and takes the blanks around them away.
    ///
    /// # Errors
    /// The text is empty or too long; what it is about is more than a line.
    pub fn check(mut self) -> Result<Self, InvalidField> {
        self.text = prose("text", self.text.trim(), TEXT_MAX)?;
        if self.text.is_empty() {
            return Err(InvalidField::new("text", "must not be empty"));
        }
        self.about = match self.about.trim() {
            "" => String::new(),
            about => line("about", about, ABOUT_MAX)?,
        };
        Ok(self)
    }
}

impl Memory {
    /// Keeps something in mind that was checked.
    pub fn remember(
        id: MemoryId,
        number: i64,
        new: NewMemory,
        by: &str,
        now: Timestamp,
    ) -> Change<Self> {
        let after = Self {
            number,
            id,
            text: new.text,
            about: new.about,
            project_id: new.project_id,
            origin: new.origin,
            labels: new.labels,
            created_by: by.to_owned(),
            created_at: now,
            forgotten_at: None,
        };
        let event = EventKind::MemoryRemembered(after.facts());
        Change { after, event }
    }

    /// Forgets it, words and all; `None` where it was forgotten before.
    pub fn forget(mut self, now: Timestamp) -> Option<Change<Self>> {
        if self.forgotten_at.is_some() {
            return None;
        }
        self.forgotten_at = Some(now);
        self.text.clear();
        self.about.clear();
        let event = EventKind::MemoryForgotten(self.facts());
        Some(Change { after: self, event })
    }

    /// Says where it came from: `from task #12 by seed on 2026-11-03`.
    pub fn provenance(&self) -> String {
        let at = self.created_at.to_string();
        let day = at.split('T').next().unwrap_or_default();
        let by = &self.created_by;
        match self.origin {
            Some(origin) => format!("from task #{} by {by} on {day}", origin.task_number),
            None => format!("by {by} on {day}"),
        }
    }

    fn facts(&self) -> MemoryFacts {
        MemoryFacts {
            memory_id: self.id,
            number: self.number,
            project_id: self.project_id,
            task_number: self.origin.map(|origin| origin.task_number),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn new(text: &str, about: &str) -> NewMemory {
        NewMemory {
            text: text.into(),
            about: about.into(),
            project_id: None,
            origin: None,
            labels: Labels::default(),
        }
    }

    fn memory(origin: Option<Origin>) -> Memory {
        let new = NewMemory {
            origin,
            ..new("Ada likes tea", "tea")
        };
        let day = Timestamp::from_millis(1_793_664_000_000);
        Memory::remember(MemoryId(Uuid::from_u128(1)), 3, new, "seed", day).after
    }

    #[test]
    fn words_are_checked_and_trimmed() {
        let checked = new("  Ada likes tea\n", " ").check().unwrap();
        assert_eq!(
            (checked.text.as_str(), checked.about.as_str()),
            ("Ada likes tea", "")
        );
        for (text, about, field) in [
            (" ", "", "text"),
            ("a\0b", "", "text"),
            ("x", "two\nlines", "about"),
        ] {
            assert_eq!(new(text, about).check().unwrap_err().field, field);
        }
        assert!(new(&"x".repeat(TEXT_MAX), "").check().is_ok());
        assert!(new(&"x".repeat(TEXT_MAX + 1), "").check().is_err());
    }

    #[test]
    fn it_says_where_it_came_from() {
        let origin = Origin {
            task_id: None,
            task_number: 12,
            run_id: None,
        };

        let told = memory(Some(origin)).provenance();

        assert_eq!(told, "from task #12 by seed on 2026-11-03");
        assert_eq!(memory(None).provenance(), "by seed on 2026-11-03");
    }

    #[test]
    fn what_is_forgotten_is_gone_and_only_once() {
        let gone = memory(None)
            .forget(Timestamp::from_millis(5))
            .unwrap()
            .after;

        assert_eq!((gone.text.as_str(), gone.about.as_str()), ("", ""));
        assert_eq!(gone.number, 3);
        assert_eq!(gone.forget(Timestamp::from_millis(6)), None);
    }
}
