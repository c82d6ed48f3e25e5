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

#[cfg(test)]
mod tests {
    use hearth_domain::conversation::{Author, Conversation, Message};
    use hearth_domain::{ConversationId, JsonObject};

    use super::*;
    use crate::conversations;
    use crate::test_support::{TestStore, at};

    #[tokio::test]
    async fn a_request_is_remembered_with_its_answer_until_it_is_old() {
        let test = TestStore::new();
        let id = ConversationId(Uuid::from_u128(1));
        let message = move |number| Message {
            id: MessageId(Uuid::from_u128(number)),
            conversation_id: id,
            author: Author::Person,
            text: "hello".into(),
            actions: Vec::new(),
            created_at: at(5),
            labels: hearth_domain::policy::Labels::default(),
        };
        let written = test.store.write(move |tx| {
            let begun = conversations::insert(tx, Conversation::start(id, "owner", at(5)))?;
            let (begun, said) = conversations::save(tx, begun.say(message(2)), "owner")?;
            insert(tx, "owner", "k", [1; 32], said.id, at(5))?;
            let noted = conversations::save_note(tx, begun.note(JsonObject::new()), "cos", at(6))?;
            let (_, answer_said) = conversations::save(tx, noted.say(message(3)), "cos")?;
            let unanswered = find(tx, "owner", "k")?;
            answer(tx, "owner", "k", answer_said.id)?;
            Ok::<_, StoreError>(unanswered)
        });
        let unanswered = written.await.unwrap().unwrap();
        let look = |actor: &str| test.store.read_now(|tx| find(tx, actor, "k")).unwrap();

        assert_eq!(unanswered.answer_id, None);
        let answered = look("owner").unwrap();
        assert_eq!(answered.message_id, MessageId(Uuid::from_u128(2)));
        assert_eq!(answered.answer_id, Some(MessageId(Uuid::from_u128(3))));
        assert_eq!(look("seed"), None);
        let forget = |moment| test.store.write(move |tx| forget_before(tx, at(moment)));
        assert_eq!(forget(5).await.unwrap(), 0);
        assert_eq!(forget(6).await.unwrap(), 1);
        assert_eq!(look("owner"), None);
    }
}
