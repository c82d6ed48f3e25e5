-- What is spent, on what, and how much may be.

-- The ledger: one row for each call of a model, from before it is made. It outlives the task, the
-- run and the conversation that it was for, so it refers to none of them.
CREATE TABLE model_calls (
    id                     BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    purpose                TEXT    NOT NULL CHECK (purpose IN ('task', 'chat', 'extract', 'summary')),
    -- Which attempt at which step of a run it is, where it is one.
    run_id                 BLOB,
    place                  INTEGER CHECK (place > 0),
    attempt                INTEGER CHECK (attempt > 0),
    conversation_id        BLOB,
    task_id                BLOB,
    project_id             BLOB,
    agent                  TEXT    NOT NULL,
    -- Who answered; not known before.
    provider               TEXT,
    model                  TEXT,
    status                 TEXT    NOT NULL CHECK (status IN ('reserved', 'settled', 'unknown')),
    -- Money in millionths of a US dollar.
    reserved_usd_micros    INTEGER NOT NULL CHECK (reserved_usd_micros >= 0),
    reserved_input_tokens  INTEGER NOT NULL CHECK (reserved_input_tokens >= 0),
    reserved_output_tokens INTEGER NOT NULL CHECK (reserved_output_tokens >= 0),
    used_usd_micros        INTEGER CHECK (used_usd_micros >= 0),
    used_input_tokens      INTEGER CHECK (used_input_tokens >= 0),
    used_output_tokens     INTEGER CHECK (used_output_tokens >= 0),
    -- Where the person was, on which day it counts.
    day                    TEXT    NOT NULL,
    created_at             INTEGER NOT NULL,
    ended_at               INTEGER,
    CHECK ((run_id IS NULL) = (place IS NULL) AND (run_id IS NULL) = (attempt IS NULL)),
    CHECK ((status = 'reserved') = (ended_at IS NULL)),
    CHECK ((status = 'reserved') = (used_usd_micros IS NULL)),
    CHECK ((status = 'reserved') = (used_input_tokens IS NULL)),
    CHECK ((status = 'reserved') = (used_output_tokens IS NULL))
) STRICT, WITHOUT ROWID;
-- A step is reserved for once, and found again when it is settled.
CREATE UNIQUE INDEX model_calls_step ON model_calls (run_id, place, attempt) WHERE run_id IS NOT NULL;
CREATE INDEX model_calls_open    ON model_calls (id) WHERE status = 'reserved';
CREATE INDEX model_calls_task    ON model_calls (task_id, created_at) WHERE task_id IS NOT NULL;
CREATE INDEX model_calls_day     ON model_calls (day, created_at);
CREATE INDEX model_calls_created ON model_calls (created_at);

-- What was used up in each scope, kept with the ledger in one transaction, so that whether something
-- fits is read off a row.
CREATE TABLE spent (
    scope               TEXT    NOT NULL CHECK (scope IN ('everything', 'day', 'project', 'agent', 'task')),
    key                 TEXT    NOT NULL,
    usd_micros          INTEGER NOT NULL DEFAULT 0 CHECK (usd_micros >= 0),
    tokens              INTEGER NOT NULL DEFAULT 0 CHECK (tokens >= 0),
    turns               INTEGER NOT NULL DEFAULT 0 CHECK (turns >= 0),
    tool_calls          INTEGER NOT NULL DEFAULT 0 CHECK (tool_calls >= 0),
    wall_ms             INTEGER NOT NULL DEFAULT 0 CHECK (wall_ms >= 0),
    children            INTEGER NOT NULL DEFAULT 0 CHECK (children >= 0),
    -- What calls under way may use at most, not counted above.
    reserved_usd_micros INTEGER NOT NULL DEFAULT 0 CHECK (reserved_usd_micros >= 0),
    reserved_tokens     INTEGER NOT NULL DEFAULT 0 CHECK (reserved_tokens >= 0),
    -- With a task: until when its worker's time is counted.
    counted_until       INTEGER,
    updated_at          INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_updated ON spent (updated_at);

-- What the owner allows, where that is not what the settings say.
CREATE TABLE budgets (
    scope      TEXT    NOT NULL CHECK (scope IN ('everything', 'day', 'project', 'agent', 'task')),
    key        TEXT    NOT NULL,
    limits     TEXT    NOT NULL,
    updated_by TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- Turns, calls of tools, time and children; money and tokens have columns.
ALTER TABLE tasks ADD COLUMN budget_limits TEXT;

-- The steps that wait for a budget are looked through whenever there is more of one.
CREATE INDEX steps_budget ON steps (created_at) WHERE waiting_for = 'budget' AND discarded_at IS NULL;

-- Kinds of notices are words of the program, of which there are more with every part of it: the
-- table has no list of them.
CREATE TABLE notices_new (
    number       INTEGER NOT NULL PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    kind         TEXT    NOT NULL CHECK (kind <> ''),
    task_id      BLOB    REFERENCES tasks (id) ON DELETE CASCADE,
    about        TEXT    NOT NULL UNIQUE,
    text         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    channel      TEXT,
    taken_until  INTEGER,
    delivered_at INTEGER,
    CHECK ((channel IS NULL) = (taken_until IS NULL))
) STRICT;
INSERT INTO notices_new (number, id, kind, task_id, about, text, created_at, channel, taken_until, delivered_at)
SELECT number, id, kind, task_id, about, text, created_at, channel, taken_until, delivered_at FROM notices;
DROP TABLE notices;
ALTER TABLE notices_new RENAME TO notices;
CREATE INDEX notices_waiting ON notices (number) WHERE delivered_at IS NULL;
CREATE INDEX notices_task    ON notices (task_id) WHERE task_id IS NOT NULL;
