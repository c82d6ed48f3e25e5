//! The full-text indexes: of tasks' titles and descriptions, of memories, of pages.
//!
//! They are written once per commit, outside any savepoint: at the end of each savepoint an index
//! would write out all that it holds, which cost more than everything else a small change does.

use rusqlite::{Connection, params};

/// What an index is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexed {
    /// Tasks: title and description.
    Tasks,
    /// Memories: what they are about, and their text.
    Memories,
    /// Pages: title and text.
    Pages,
}

impl Indexed {
    /// Returns the statements that take a text out, and put one in.
    fn statements(self) -> (&'static str, &'static str) {
        match self {
            Self::Tasks => (
                "INSERT INTO task_text (task_text, rowid, title, description) VALUES ('delete', ?1, ?2, ?3)",
                "INSERT INTO task_text (rowid, title, description) VALUES (?1, ?2, ?3)",
            ),
            Self::Memories => (
                "INSERT INTO memory_text (memory_text, rowid, about, text) VALUES ('delete', ?1, ?2, ?3)",
                "INSERT INTO memory_text (rowid, about, text) VALUES (?1, ?2, ?3)",
            ),
            Self::Pages => (
                "INSERT INTO page_text (page_text, rowid, title, text) VALUES ('delete', ?1, ?2, ?3)",
                "INSERT INTO page_text (rowid, title, text) VALUES (?1, ?2, ?3)",
            ),
        }
    }
}

/// A title and a description, or what stands for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) title: String,
    pub(crate) description: String,
}

/// A change of what a number is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextChange {
    pub(crate) of: Indexed,
    pub(crate) number: i64,
    /// What is in the index.
    pub(crate) old: Option<Text>,
    /// What is to be in it.
    pub(crate) new: Option<Text>,
}

/// Makes the changes, in order.
pub(crate) fn apply(conn: &Connection, changes: &[TextChange]) -> rusqlite::Result<()> {
    for change in changes {
        let (take_out, put_in) = change.of.statements();
        for (sql, text) in [(take_out, &change.old), (put_in, &change.new)] {
            if let Some(Text { title, description }) = text {
                conn.prepare_cached(sql)?
                    .execute(params![change.number, title, description])?;
            }
        }
    }
    Ok(())
}
