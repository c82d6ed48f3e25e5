-- Runs, their steps, and what of it the owner allows.

-- The work on a task, which goes on after a crash as if there had been none.
CREATE TABLE runs (
    number      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id          BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    task_id     BLOB    NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    task_number INTEGER NOT NULL,
    agent       TEXT    NOT NULL,
    plan        TEXT    NOT NULL,
    fence       INTEGER NOT NULL CHECK (fence > 0),
    status      TEXT    NOT NULL
                        CHECK (status IN ('running', 'waiting', 'failed', 'completed', 'cancelled')),
    reason      TEXT,
    version     INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'cancelled')))
) STRICT;
-- At most one run of a task can go on.
CREATE UNIQUE INDEX runs_open ON runs (task_id) WHERE ended_at IS NULL;
CREATE INDEX runs_task   ON runs (task_id, number);
CREATE INDEX runs_status ON runs (status, number);

-- The journal: one row for each attempt at a step, changed as it goes from meant to done.
CREATE TABLE steps (
    run_id       BLOB    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    place        INTEGER NOT NULL CHECK (place > 0),
    attempt      INTEGER NOT NULL CHECK (attempt > 0),
    name         TEXT    NOT NULL,
    tool         TEXT    NOT NULL,
    args         TEXT    NOT NULL,
    repeat       TEXT    NOT NULL CHECK (repeat IN ('safe', 'restored', 'unsafe')),
    brings       TEXT    NOT NULL,
    decision     TEXT    NOT NULL,
    status       TEXT    NOT NULL
                         CHECK (status IN ('waiting', 'intended', 'acted', 'done', 'failed', 'interrupted')),
    waiting_for  TEXT    CHECK (waiting_for IN ('approval', 'answer', 'doubt')),
    approval_id  BLOB    REFERENCES approvals (id),
    outcome      TEXT,
    error        TEXT,
    fence        INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    acted_at     INTEGER,
    ended_at     INTEGER,
    discarded_at INTEGER,
    PRIMARY KEY (run_id, place, attempt),
    CHECK ((status = 'waiting') = (waiting_for IS NOT NULL)),
    CHECK ((approval_id IS NOT NULL) = (waiting_for IS 'approval')),
    CHECK ((status = 'failed') = (error IS NOT NULL)),
    CHECK ((status IN ('acted', 'done')) = (outcome IS NOT NULL)),
    CHECK ((status IN ('done', 'failed', 'interrupted')) = (ended_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Exact actions that were put to the owner.
CREATE TABLE approvals (
    number      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id          BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    run_id      BLOB    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    task_id     BLOB    NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    task_number INTEGER NOT NULL,
    place       INTEGER NOT NULL,
    tool        TEXT    NOT NULL,
    args        TEXT    NOT NULL,
    sha256      BLOB    NOT NULL CHECK (length(sha256) = 32),
    what        TEXT    NOT NULL,
    why         TEXT    NOT NULL,
    -- Whether no standing permission can stand in for it.
    is_once     INTEGER NOT NULL CHECK (is_once IN (0, 1)),
    status      TEXT    NOT NULL
                        CHECK (status IN ('pending', 'approved', 'denied', 'used', 'expired', 'withdrawn')),
    decided_by  TEXT,
    decided_at  INTEGER,
    note        TEXT,
    expires_at  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK (status NOT IN ('approved', 'denied', 'used') OR decided_at IS NOT NULL)
) STRICT;
CREATE INDEX approvals_status ON approvals (status, number);
CREATE INDEX approvals_run    ON approvals (run_id, place, number);
CREATE INDEX approvals_task   ON approvals (task_id);
CREATE INDEX approvals_open   ON approvals (expires_at) WHERE status IN ('pending', 'approved');

-- What the owner allows without being asked each time.
CREATE TABLE permissions (
    number       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    tool         TEXT    NOT NULL,
    shape        TEXT    NOT NULL,
    project_id   BLOB    REFERENCES projects (id) ON DELETE CASCADE,
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    uses         INTEGER NOT NULL DEFAULT 0,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;
CREATE INDEX permissions_tool    ON permissions (tool) WHERE revoked_at IS NULL;
CREATE INDEX permissions_project ON permissions (project_id) WHERE project_id IS NOT NULL;

-- Folders of the host that the owner opened to agents.
CREATE TABLE folders (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name       TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    access     TEXT    NOT NULL CHECK (access IN ('read', 'write')),
    project_id BLOB    REFERENCES projects (id) ON DELETE CASCADE,
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
-- A name means one folder.
CREATE UNIQUE INDEX folders_name ON folders (name) WHERE revoked_at IS NULL;
CREATE INDEX folders_project ON folders (project_id) WHERE project_id IS NOT NULL;
