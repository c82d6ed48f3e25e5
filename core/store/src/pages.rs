//! Pages that were read, for a search without a network: put, search. An index and no entity, so no
//! event tells of it; the oldest make room.

use hearth_domain::web_page::{FoundPage, WebPage};
use rusqlite::{OptionalExtension, params};

use crate::columns::{Columns, read_all};
use crate::error::StoreError;
use crate::match_words::expressions;
use crate::page::rows_for;
use crate::read_tx::Tx;
use crate::text_index::{Indexed, Text, TextChange};
use crate::write_tx::WriteTx;

const ENTITY: &str = "page";
/// The most pages that are kept.
pub const KEPT_MAX: u64 = 5000;
/// The most bytes of text that are kept of all pages.
pub const BYTES_MAX: u64 = 200 * 1024 * 1024;
/// How many words of a page are shown around those that were looked for.
const SNIPPET_WORDS: u32 = 40;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// The most pages.
    pub pages: u64,
    /// The most bytes of text.
    pub bytes: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            pages: KEPT_MAX,
            bytes: BYTES_MAX,
        }
    }
}

/// Keeps a page as it was read, in the place of what was kept of its address; the oldest pages go
/// where there is no room. Returns how many went.
pub fn put(tx: &mut WriteTx<'_>, page: &WebPage, room: Room) -> Result<usize, StoreError> {
    let old = stored(tx, &page.url)?;
    let number = match &old {
        Some((number, _)) => *number,
        None => tx.next_number("pages")?,
    };
    let sql = match &old {
        Some(_) => {
            "UPDATE pages SET url = ?2, title = ?3, text = ?4, size_bytes = ?5, project_id = ?6,
                 task_number = ?7, private = ?8, fetched_at = ?9 WHERE number = ?1"
        }
        None => {
            "INSERT INTO pages (number, url, title, text, size_bytes, project_id, task_number,
                 private, fetched_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        }
    };
    tx.execute(
        sql,
        params![
            number,
            page.url,
            page.title,
            page.text,
            page.text.len() as u64,
            page.project_id.map(|id| id.0),
            page.task_number,
            page.is_private,
            page.fetched_at.as_millis(),
        ],
    )?;
    tx.index_text(TextChange {
        of: Indexed::Pages,
        number,
        old: old.map(|(_, text)| text),
        new: Some(Text {
            title: page.title.clone(),
            description: page.text.clone(),
        }),
    });
    make_room(tx, number, room)
}

/// Lets the oldest pages go, but for the one that has just come.
fn make_room(tx: &mut WriteTx<'_>, newest: i64, room: Room) -> Result<usize, StoreError> {
    let mut gone = 0;
    loop {
        let (count, bytes): (u64, u64) = tx
            .conn()
            .prepare_cached("SELECT count(*), ifnull(sum(size_bytes), 0) FROM pages")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if count <= room.pages && bytes <= room.bytes {
            return Ok(gone);
        }
        let sql = "SELECT number, title, text FROM pages WHERE number <> ?1
                   ORDER BY fetched_at, number LIMIT 1";
        let oldest = tx
            .conn()
            .prepare_cached(sql)?
            .query_row([newest], read_text)
            .optional()?;
        let Some((number, text)) = oldest else {
            return Ok(gone);
        };
        tx.execute("DELETE FROM pages WHERE number = ?1", [number])?;
        tx.index_text(TextChange {
            of: Indexed::Pages,
            number,
            old: Some(text),
            new: None,
        });
        gone += 1;
    }
}

/// Returns up to `limit` pages that hold the words of a query, best first: those with every word,
/// then those with some. Those that a run with private data read are found only `with_private`.
pub fn search(
    tx: &impl Tx,
    query: &str,
    with_private: bool,
    limit: usize,
) -> Result<Vec<FoundPage>, StoreError> {
    let Some((all, any)) = expressions(query) else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT p.url, p.title, snippet(page_text, 1, '', '', ' … ', {SNIPPET_WORDS}),
             p.task_number, p.fetched_at
         FROM page_text (?1) JOIN pages p ON p.number = page_text.rowid
         WHERE p.private <= ?2 ORDER BY page_text.rank, p.number LIMIT ?3"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let mut found: Vec<FoundPage> = Vec::new();
    for expression in [all, any] {
        let rows = statement.query(params![expression, with_private, rows_for(limit)])?;
        for page in read_all(ENTITY, rows, read)? {
            if found.len() < limit && found.iter().all(|known| known.url != page.url) {
                found.push(page);
            }
        }
    }
    Ok(found)
}

fn stored(tx: &impl Tx, url: &str) -> Result<Option<(i64, Text)>, StoreError> {
    let mut statement = tx
        .conn()
        .prepare_cached("SELECT number, title, text FROM pages WHERE url = ?1")?;
    Ok(statement.query_row([url], read_text).optional()?)
}

fn read_text(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Text)> {
    let text = Text {
        title: row.get(1)?,
        description: row.get(2)?,
    };
    Ok((row.get(0)?, text))
}

fn read(columns: &Columns<'_, '_>) -> Result<FoundPage, StoreError> {
    Ok(FoundPage {
        url: columns.text(0)?,
        title: columns.text(1)?,
        snippet: columns.text(2)?,
        task_number: columns.row.get(3)?,
        fetched_at: columns.time(4)?,
    })
}

#[cfg(test)]
mod tests;
