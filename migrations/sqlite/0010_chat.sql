-- Messages to the chief of staff that came with an Idempotency-Key, and their answers.

CREATE TABLE chat_requests (
    actor      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    request    BLOB    NOT NULL CHECK (length(request) = 32),
    -- What was said.
    message_id BLOB    NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    -- What was answered; null while it is not.
    answer_id  BLOB    REFERENCES messages (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX chat_requests_age     ON chat_requests (created_at);
CREATE INDEX chat_requests_message ON chat_requests (message_id);
CREATE INDEX chat_requests_answer  ON chat_requests (answer_id);
