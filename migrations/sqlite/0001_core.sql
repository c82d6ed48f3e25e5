-- The tables of the core. Identifiers are 16-byte UUIDs, times are milliseconds since 1970 in UTC.

CREATE TABLE projects (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name        TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL DEFAULT '',
    status      TEXT    NOT NULL DEFAULT 'active'
                        CHECK (status IN ('active', 'paused', 'completed', 'archived')),
    metadata    TEXT    NOT NULL DEFAULT '{}',
    version     INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

-- The number is the row's key: it orders tasks by age, so a list by age needs no index of its own,
-- and every index below ends with it.
CREATE TABLE tasks (
    number             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id                 BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    project_id         BLOB    REFERENCES projects (id) ON DELETE CASCADE,
    parent_id          BLOB    REFERENCES tasks (id) ON DELETE SET NULL,
    title              TEXT    NOT NULL,
    description        TEXT    NOT NULL DEFAULT '',
    status             TEXT    NOT NULL
                               CHECK (status IN ('pending', 'in_progress', 'blocked', 'completed', 'cancelled')),
    -- low 0, medium 1, high 2, critical 3: a number, because it is sorted by.
    priority           INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    -- Whom the task is with; follows from status, reserved_for and worker.
    assigned_to        TEXT,
    reserved_for       TEXT,
    worker             TEXT,
    lease_holder       TEXT,
    lease_expires_at   INTEGER,
    lease_ms           INTEGER,
    blocked_reason     TEXT,
    blocked_options    TEXT,
    blocked_cause      TEXT CHECK (blocked_cause IN ('holder', 'attempts_used')),
    result             TEXT,
    completed_at       INTEGER,
    cancelled_at       INTEGER,
    cancelled_reason   TEXT,
    context            TEXT    NOT NULL DEFAULT '{}',
    has_plan           INTEGER NOT NULL DEFAULT 0 CHECK (has_plan IN (0, 1)),
    depends_on         TEXT,
    labels             TEXT,
    due_at             INTEGER,
    not_before         INTEGER,
    attempt            INTEGER NOT NULL DEFAULT 0,
    max_attempts       INTEGER NOT NULL,
    failed_attempts    TEXT,
    fence              INTEGER NOT NULL DEFAULT 0,
    acceptance         TEXT,
    budget_usd         REAL,
    budget_tokens      INTEGER,
    version            INTEGER NOT NULL DEFAULT 1,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    started_at         INTEGER,
    created_by         TEXT    NOT NULL,
    updated_by         TEXT    NOT NULL,
    -- What belongs to one state is there in that state and in no other.
    CHECK ((status = 'in_progress') = (lease_holder IS NOT NULL)),
    CHECK ((lease_holder IS NULL) = (lease_expires_at IS NULL)),
    CHECK ((status = 'blocked') = (blocked_reason IS NOT NULL)),
    CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
) STRICT;

CREATE INDEX tasks_status     ON tasks (status);
CREATE INDEX tasks_priority   ON tasks (priority);
CREATE INDEX tasks_assigned   ON tasks (assigned_to) WHERE assigned_to IS NOT NULL;
CREATE INDEX tasks_project    ON tasks (project_id)  WHERE project_id IS NOT NULL;
CREATE INDEX tasks_parent     ON tasks (parent_id)   WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_created_by ON tasks (created_by);
CREATE INDEX tasks_updated    ON tasks (updated_at);
CREATE INDEX tasks_due        ON tasks (due_at)      WHERE due_at IS NOT NULL;
CREATE INDEX tasks_lease      ON tasks (lease_expires_at) WHERE lease_expires_at IS NOT NULL;
-- What a claim looks through: best first, with all it asks of a row, so that rows it passes over
-- are not read.
CREATE INDEX tasks_claimable  ON tasks (priority DESC, number, has_plan, not_before, reserved_for, depends_on)
    WHERE status = 'pending';

CREATE TABLE task_labels (
    label  TEXT    NOT NULL,
    number INTEGER NOT NULL REFERENCES tasks (number) ON DELETE CASCADE,
    PRIMARY KEY (label, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_labels_task ON task_labels (number);

CREATE TABLE task_dependencies (
    task_id       BLOB NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    depends_on_id BLOB NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    PRIMARY KEY (task_id, depends_on_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_dependencies_back ON task_dependencies (depends_on_id);

-- Full text of titles and descriptions. Word lists only (detail=none) and no sizes: Hearth asks
-- which tasks hold the words, and never ranks them. Filled by the program rather than by triggers:
-- inside a savepoint, each change would be written out by itself.
CREATE VIRTUAL TABLE task_text USING fts5 (
    title, description,
    content = 'tasks', content_rowid = 'number', detail = none, columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);
-- What happened, in the order it was committed. Only ever appended to, so the next seq is always
-- one more than the greatest.
CREATE TABLE events (
    seq         INTEGER NOT NULL PRIMARY KEY,
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    type        TEXT    NOT NULL,
    entity_type TEXT    NOT NULL,
    entity_id   BLOB    NOT NULL CHECK (length(entity_id) = 16),
    agent_name  TEXT    NOT NULL,
    payload     TEXT    NOT NULL DEFAULT '{}',
    timestamp   INTEGER NOT NULL
) STRICT;
CREATE INDEX events_entity ON events (entity_id);
CREATE INDEX events_type   ON events (type);
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN
    SELECT raise(ABORT, 'events are never deleted');
END;
CREATE TRIGGER events_keep BEFORE UPDATE ON events BEGIN
    SELECT raise(ABORT, 'events are never changed');
END;

CREATE TABLE agents (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name         TEXT    NOT NULL UNIQUE,
    type         TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('active', 'idle', 'busy', 'offline')),
    capabilities TEXT    NOT NULL DEFAULT '[]',
    metadata     TEXT    NOT NULL DEFAULT '{}',
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX agents_seen ON agents (last_seen_at) WHERE status <> 'offline';

CREATE TABLE artifacts (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    task_id    BLOB    REFERENCES tasks (id) ON DELETE CASCADE,
    type       TEXT    NOT NULL,
    name       TEXT,
    media_type TEXT    NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    metadata   TEXT    NOT NULL DEFAULT '{}',
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX artifacts_task ON artifacts (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX artifacts_hash ON artifacts (sha256);

CREATE TABLE api_keys (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('admin', 'agent', 'viewer')),
    agent        TEXT    CHECK ((role = 'agent') = (agent IS NOT NULL)),
    sha256       BLOB    NOT NULL UNIQUE CHECK (length(sha256) = 32),
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

-- Answers to requests that named an Idempotency-Key, so that a repeated one is not done twice.
CREATE TABLE idempotency_keys (
    actor      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    request    BLOB    NOT NULL CHECK (length(request) = 32),
    task_id    BLOB    NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age  ON idempotency_keys (created_at);
CREATE INDEX idempotency_task ON idempotency_keys (task_id);
