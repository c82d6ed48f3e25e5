//! Conversations and what was said in them: get, list, insert, save.

use hearth_domain::conversation::{Conversation, Message};
use hearth_domain::policy::Labels;
use hearth_domain::{Change, ConversationId, MessageId, Timestamp};
use rusqlite::params;

use crate::columns::{Columns, read_all, read_one, to_json};
use crate::error::StoreError;
use crate::page::{Page, rows_for};
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

const ENTITY: &str = "conversation";
const COLUMNS: &str = "id, started_by, memory, version, created_at, updated_at";
const MESSAGE: &str = "message";
const MESSAGE_COLUMNS: &str =
    "number, id, conversation_id, author, text, actions, created_at, untrusted, private";

/// A position among the messages of a conversation.
pub type MessageCursor = i64;

/// Returns a conversation.
pub fn get(tx: &impl Tx, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM conversations WHERE id = ?1");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([id.0])?;
    read_one(ENTITY, found, read)
}

/// Returns up to `limit` conversations that `started_by` began, or anybody, the last begun first.
pub fn list(
    tx: &impl Tx,
    started_by: Option<&str>,
    cursor: Option<ConversationId>,
    limit: usize,
) -> Result<Page<Conversation, ConversationId>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conversations
         WHERE (?1 IS NULL OR started_by = ?1) AND (?2 IS NULL OR id < ?2)
         ORDER BY id DESC LIMIT ?3"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![started_by, cursor.map(|id| id.0), rows_for(limit)])?;
    let items = read_all(ENTITY, found, read)?;
    Ok(Page::cut(items, limit, |last| last.id))
}

/// Returns up to `limit` messages of a conversation after `cursor`, in the order in which they were
/// said.
pub fn messages(
    tx: &impl Tx,
    conversation: ConversationId,
    cursor: Option<MessageCursor>,
    limit: usize,
) -> Result<Page<Message, MessageCursor>, StoreError> {
    let page = numbered_messages(tx, conversation, cursor, limit)?;
    Ok(Page {
        items: page.items.into_iter().map(|(_, message)| message).collect(),
        next: page.next,
    })
}

/// As [`messages`], each with its position.
pub fn numbered_messages(
    tx: &impl Tx,
    conversation: ConversationId,
    cursor: Option<MessageCursor>,
    limit: usize,
) -> Result<Page<(MessageCursor, Message), MessageCursor>, StoreError> {
    let sql = format!(
        "SELECT {MESSAGE_COLUMNS} FROM messages WHERE conversation_id = ?1 AND number > ?2
         ORDER BY number LIMIT ?3"
    );
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query(params![
        conversation.0,
        cursor.unwrap_or(0),
        rows_for(limit)
    ])?;
    let numbered = read_all(MESSAGE, found, |columns| {
        Ok((columns.integer(0)?, read_message(columns)?))
    })?;
    Ok(Page::cut(numbered, limit, |(number, _)| *number))
}

/// Returns a message.
pub fn message(tx: &impl Tx, id: MessageId) -> Result<Option<Message>, StoreError> {
    let sql = format!("SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = ?1");
    let mut statement = tx.conn().prepare_cached(&sql)?;
    let found = statement.query([id.0])?;
    read_one(MESSAGE, found, read_message)
}

/// Returns the labels of all that was said in a conversation.
pub fn labels_of(tx: &impl Tx, conversation: ConversationId) -> Result<Labels, StoreError> {
    let sql = "SELECT coalesce(max(untrusted), 0), coalesce(max(private), 0)
               FROM messages WHERE conversation_id = ?1";
    let labels = |row: &rusqlite::Row<'_>| {
        Ok(Labels {
            untrusted: row.get(0)?,
            private: row.get(1)?,
        })
    };
    let mut statement = tx.conn().prepare_cached(sql)?;
    Ok(statement.query_row([conversation.0], labels)?)
}

/// Stores a conversation that began.
pub fn insert(
    tx: &mut WriteTx<'_>,
    change: Change<Conversation>,
) -> Result<Conversation, StoreError> {
    let Change { after, event } = change;
    tx.execute(
        "INSERT INTO conversations (id, started_by, memory, version, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            after.id.0,
            after.started_by,
            to_json(ENTITY, "memory", &after.memory)?,
            after.version,
            after.created_at.as_millis(),
            after.updated_at.as_millis(),
        ],
    )?;
    tx.append(after.id.0, &after.started_by, after.created_at, &event)?;
    Ok(after)
}

/// Stores what was said, with the conversation as it is after; `by` said it.
pub fn save(
    tx: &mut WriteTx<'_>,
    (change, message): (Change<Conversation>, Message),
    by: &str,
) -> Result<(Conversation, Message), StoreError> {
    let Change { after, event } = change;
    update(tx, &after)?;
    tx.execute(
        "INSERT INTO messages (id, conversation_id, author, text, actions, created_at, untrusted,
             private)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            message.id.0,
            message.conversation_id.0,
            message.author.as_str(),
            message.text,
            to_json(MESSAGE, "actions", &message.actions)?,
            message.created_at.as_millis(),
            message.labels.untrusted,
            message.labels.private,
        ],
    )?;
    tx.append(after.id.0, by, message.created_at, &event)?;
    Ok((after, message))
}

/// Stores what is kept in mind; `by` keeps it.
pub fn save_note(
    tx: &mut WriteTx<'_>,
    change: Change<Conversation>,
    by: &str,
    at: Timestamp,
) -> Result<Conversation, StoreError> {
    let Change { after, event } = change;
    update(tx, &after)?;
    tx.append(after.id.0, by, at, &event)?;
    Ok(after)
}

/// The only UPDATE of the table: refuses unless the row is of the version before.
fn update(tx: &WriteTx<'_>, after: &Conversation) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE conversations SET memory = ?3, version = ?2, updated_at = ?4
         WHERE id = ?1 AND version = ?2 - 1",
        params![
            after.id.0,
            after.version,
            to_json(ENTITY, "memory", &after.memory)?,
            after.updated_at.as_millis(),
        ],
    )?;
    if changed != 1 {
        return Err(StoreError::Stale {
            entity: ENTITY,
            id: after.id.0,
        });
    }
    Ok(())
}

fn read(columns: &Columns<'_, '_>) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: ConversationId(columns.uuid(0)?),
        started_by: columns.text(1)?,
        memory: columns.object("memory", 2)?,
        version: columns.count("version", 3)?,
        created_at: columns.time(4)?,
        updated_at: columns.time(5)?,
    })
}

fn read_message(columns: &Columns<'_, '_>) -> Result<Message, StoreError> {
    Ok(Message {
        id: MessageId(columns.uuid(1)?),
        conversation_id: ConversationId(columns.uuid(2)?),
        author: columns.word("author", 3)?,
        text: columns.text(4)?,
        actions: columns.json("actions", 5)?,
        created_at: columns.time(6)?,
        labels: Labels {
            untrusted: columns.row.get(7)?,
            private: columns.row.get(8)?,
        },
    })
}
