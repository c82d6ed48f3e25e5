-- Recurring tasks, acceptance checks that are run, conversations, notices.

-- Rebuilt, because a check on a column cannot be changed in place.
CREATE TABLE tasks_rebuilt (
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
    blocked_cause      TEXT CHECK (blocked_cause IN ('holder', 'attempts_used', 'checks_failed')),
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
    failed_checks      TEXT,
    fence              INTEGER NOT NULL DEFAULT 0,
    acceptance         TEXT,
    budget_usd         REAL,
    budget_tokens      INTEGER,
    estimate_minutes   INTEGER,
    -- The first task of the series, what this one is for, and the rule by which the series goes on
    -- after it; none where it ends.
    recurrence         TEXT,
    series_id          BLOB    CHECK (length(series_id) = 16),
    occasion_at        INTEGER,
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
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CHECK ((series_id IS NULL) = (occasion_at IS NULL)),
    CHECK (recurrence IS NULL OR series_id IS NOT NULL)
) STRICT;

INSERT INTO tasks_rebuilt (
    number, id, project_id, parent_id, title, description, status, priority, assigned_to,
    reserved_for, worker, lease_holder, lease_expires_at, lease_ms, blocked_reason,
    blocked_options, blocked_cause, result, completed_at, cancelled_at, cancelled_reason,
    context, has_plan, depends_on, labels, due_at, not_before, attempt, max_attempts,
    failed_attempts, fence, acceptance, budget_usd, budget_tokens, version, created_at,
    updated_at, started_at, created_by, updated_by
) SELECT
    number, id, project_id, parent_id, title, description, status, priority, assigned_to,
    reserved_for, worker, lease_holder, lease_expires_at, lease_ms, blocked_reason,
    blocked_options, blocked_cause, result, completed_at, cancelled_at, cancelled_reason,
    context, has_plan, depends_on, labels, due_at, not_before, attempt, max_attempts,
    failed_attempts, fence, acceptance, budget_usd, budget_tokens, version, created_at,
    updated_at, started_at, created_by, updated_by
FROM tasks;
-- The numbers of deleted tasks stay used.
DELETE FROM sqlite_sequence WHERE name = 'tasks_rebuilt';
UPDATE sqlite_sequence SET name = 'tasks_rebuilt' WHERE name = 'tasks';
DROP TABLE tasks;
ALTER TABLE tasks_rebuilt RENAME TO tasks;

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
-- One task for each occasion of a series; its last is where the series goes on.
CREATE UNIQUE INDEX tasks_series ON tasks (series_id, occasion_at) WHERE series_id IS NOT NULL;

-- Threads with the chief of staff. What it keeps in mind is JSON.
CREATE TABLE conversations (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    started_by TEXT    NOT NULL,
    memory     TEXT    NOT NULL DEFAULT '{}',
    version    INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_starter ON conversations (started_by, updated_at);

-- In the order in which they were said.
CREATE TABLE messages (
    number          INTEGER NOT NULL PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    conversation_id BLOB    NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    author          TEXT    NOT NULL CHECK (author IN ('person', 'chief_of_staff')),
    text            TEXT    NOT NULL,
    actions         TEXT    NOT NULL DEFAULT '[]',
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_conversation ON messages (conversation_id, number);

-- What there is to tell the person: an outbox. What it is about is told once.
CREATE TABLE notices (
    number       INTEGER NOT NULL PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    kind         TEXT    NOT NULL
                         CHECK (kind IN ('due_soon', 'overdue', 'blocked', 'caught_up', 'inbox_file')),
    task_id      BLOB    REFERENCES tasks (id) ON DELETE CASCADE,
    about        TEXT    NOT NULL UNIQUE,
    text         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    channel      TEXT,
    taken_until  INTEGER,
    delivered_at INTEGER,
    CHECK ((channel IS NULL) = (taken_until IS NULL))
) STRICT;
CREATE INDEX notices_waiting ON notices (number) WHERE delivered_at IS NULL;
CREATE INDEX notices_task    ON notices (task_id) WHERE task_id IS NOT NULL;
