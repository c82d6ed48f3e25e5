-- Steps also wait for a budget to be raised, and for a task that was handed to another agent.

CREATE TABLE steps_new (
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
    waiting_for  TEXT    CHECK (waiting_for IN ('approval', 'answer', 'doubt', 'budget', 'child')),
    approval_id  BLOB    REFERENCES approvals (id),
    -- The task that was handed to another agent.
    child_id     BLOB    REFERENCES tasks (id) ON DELETE CASCADE,
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
    CHECK ((child_id IS NOT NULL) = (waiting_for IS 'child')),
    CHECK ((status = 'failed') = (error IS NOT NULL)),
    CHECK ((status IN ('acted', 'done')) = (outcome IS NOT NULL)),
    CHECK ((status IN ('done', 'failed', 'interrupted')) = (ended_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

INSERT INTO steps_new (run_id, place, attempt, name, tool, args, repeat, brings, decision, status,
    waiting_for, approval_id, outcome, error, fence, created_at, acted_at, ended_at, discarded_at)
SELECT run_id, place, attempt, name, tool, args, repeat, brings, decision, status,
    waiting_for, approval_id, outcome, error, fence, created_at, acted_at, ended_at, discarded_at
FROM steps;
DROP TABLE steps;
ALTER TABLE steps_new RENAME TO steps;

CREATE INDEX steps_child ON steps (child_id) WHERE child_id IS NOT NULL;
