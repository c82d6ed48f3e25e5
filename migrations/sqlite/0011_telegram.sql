-- Talking over Telegram: who may, what came in, what is to go out.

-- Bots that this node was, with what it has of each.
CREATE TABLE telegram_bots (
    bot            INTEGER NOT NULL PRIMARY KEY,
    name           TEXT    NOT NULL,
    -- The last update that is kept here, and when it came.
    last_update    INTEGER,
    last_update_at INTEGER,
    -- Updates of kinds that nobody here reads.
    unread_kinds   INTEGER NOT NULL DEFAULT 0,
    CHECK ((last_update IS NULL) = (last_update_at IS NULL))
) STRICT;

-- Chats that were paired with the owner.
CREATE TABLE telegram_chats (
    chat            INTEGER NOT NULL PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    user            INTEGER NOT NULL,
    name            TEXT    NOT NULL,
    conversation_id BLOB    REFERENCES conversations (id) ON DELETE SET NULL,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX telegram_chats_user         ON telegram_chats (user);
CREATE INDEX telegram_chats_conversation ON telegram_chats (conversation_id);

-- Chats that were told once that this is somebody else's assistant.
CREATE TABLE telegram_refusals (
    chat       INTEGER NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT;

-- What came in. Its words go once it is dealt with; its number stays a while, so that it is known again.
CREATE TABLE telegram_updates (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    bot        INTEGER NOT NULL,
    update_id  INTEGER NOT NULL,
    chat       INTEGER NOT NULL,
    user       INTEGER NOT NULL,
    arrival    TEXT,
    created_at INTEGER NOT NULL,
    done_at    INTEGER,
    UNIQUE (bot, update_id),
    CHECK ((arrival IS NULL) = (done_at IS NOT NULL))
) STRICT;
CREATE INDEX telegram_updates_waiting ON telegram_updates (number) WHERE done_at IS NULL;
CREATE INDEX telegram_updates_done    ON telegram_updates (done_at) WHERE done_at IS NOT NULL;

-- What goes out. Its words go once it was taken, or given up.
CREATE TABLE telegram_messages (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    -- What it is for, such as one part of the answer to one update. No two have the same.
    key        TEXT    NOT NULL UNIQUE,
    chat       INTEGER NOT NULL,
    content    TEXT,
    status     TEXT    NOT NULL CHECK (status IN ('waiting', 'sent', 'dead')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    -- Whether an attempt was begun of which nobody knows what became of it.
    is_unsure  INTEGER NOT NULL DEFAULT 0 CHECK (is_unsure IN (0, 1)),
    next_at    INTEGER NOT NULL,
    error      TEXT,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    CHECK ((status = 'waiting') = (ended_at IS NULL)),
    CHECK ((status = 'sent') = (content IS NULL))
) STRICT;
CREATE INDEX telegram_messages_waiting ON telegram_messages (chat, number) WHERE status = 'waiting';
CREATE INDEX telegram_messages_ended   ON telegram_messages (ended_at) WHERE ended_at IS NOT NULL;
