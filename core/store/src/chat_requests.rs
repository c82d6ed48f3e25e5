//! Messages to the chief of staff that named an Idempotency-Key, so that a repeated one is answered
//! and not said again.

use hearth_domain::{MessageId, Timestamp};
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use crate::error::StoreError;
use crate::read_tx::Tx;
use crate::write_tx::WriteTx;

/// What a message with a key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatRequest {
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// The message as it was stored.
    pub message_id: MessageId,
    /// What was answered; none while it is not.
    pub answer_id: Option<MessageId>,
}

/// Returns what `actor`'s message under `key` led to.
pub fn find(tx: &impl Tx, actor: &str, key: &str) -> Result<Option<ChatRequest>, StoreError> {
    let mut statement = tx.conn().prepare_cached(
        "SELECT request, message_id, answer_id FROM chat_requests WHERE actor = ?1 AND key = ?2",
    )?;
    let found = statement
        .query_row([actor, key], |row| {
            Ok(ChatRequest {
                request: row.get(0)?,
                message_id: MessageId(row.get(1)?),
                answer_id: row.get::<_, Option<Uuid>>(2)?.map(MessageId),
            })
        })
        .optional()?;
    Ok(found)
}

/// Remembers a message that is to be answered.
pub fn insert(
    tx: &WriteTx<'_>,
    actor: &str,
    key: &str,
    request: [u8; 32],
    message: MessageId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO chat_requests (actor, key, request, message_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![actor, key, request, message.0, at.as_millis()],
    )?;
    Ok(())
}

/// Remembers what was answered; a key that was forgotten meanwhile stays so.
pub fn answer(
    tx: &WriteTx<'_>,
    actor: &str,
    key: &str,
    answer: MessageId,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE chat_requests SET answer_id = ?3 WHERE actor = ?1 AND key = ?2",
        params![actor, key, answer.0],
    )?;
    Ok(())
}

/// Forgets requests from before `moment`, a bounded number at a time; returns how many.
pub fn forget_before(tx: &WriteTx<'_>, moment: Timestamp) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM chat_requests WHERE (actor, key) IN
             (SELECT actor, key FROM chat_requests WHERE created_at < ?1 LIMIT 500)",
        [moment.as_millis()],
    )
}
