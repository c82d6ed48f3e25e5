//! The full-text index of tasks' titles and descriptions.
//!
//! It is written once per commit, outside any savepoint: at the end of each savepoint the index
//! would write out all that it holds, which cost more than everything else a small change does.

use rusqlite::{Connection, params};

/// A title and a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) title: String,
    pub(crate) description: String,
}

/// A change of what a task's number is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextChange {
    pub(crate) number: i64,
    /// What is in the index.
    pub(crate) old: Option<Text>,
    /// What is to be in it.
    pub(crate) new: Option<Text>,
}

/// Makes the changes, in order.
pub(crate) fn apply(conn: &Connection, changes: &[TextChange]) -> rusqlite::Result<()> {
    for TextChange { number, old, new } in changes {
        if let Some(Text { title, description }) = old {
            conn.prepare_cached(
                "INSERT INTO task_text (task_text, rowid, title, description) VALUES ('delete', ?1, ?2, ?3)",
            )?
            .execute(params![number, title, description])?;
        }
        if let Some(Text { title, description }) = new {
            conn.prepare_cached(
                "INSERT INTO task_text (rowid, title, description) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![number, title, description])?;
        }
    }
    Ok(())
}
