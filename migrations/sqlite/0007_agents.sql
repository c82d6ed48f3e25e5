-- Specialists; agents that are paused; a fair share between projects.

-- Since when an agent takes no tasks.
ALTER TABLE agents ADD COLUMN paused_at INTEGER;

-- Agents that runs made; each is an agent as well.
CREATE TABLE specialists (
    name         TEXT    NOT NULL PRIMARY KEY,
    agent_id     BLOB    NOT NULL UNIQUE REFERENCES agents (id) ON DELETE CASCADE,
    instructions TEXT    NOT NULL,
    tools        TEXT    NOT NULL,
    asks_before  TEXT    NOT NULL,
    limits       TEXT    NOT NULL,
    depth        INTEGER NOT NULL CHECK (depth BETWEEN 1 AND 3),
    -- The specialist that made it.
    parent       TEXT,
    created_by   TEXT    NOT NULL,
    task_id      BLOB    REFERENCES tasks (id) ON DELETE SET NULL,
    is_enabled   INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX specialists_task ON specialists (task_id) WHERE task_id IS NOT NULL;

-- With the project too, so that tasks of projects that are passed over are not read either.
DROP INDEX tasks_claimable;
CREATE INDEX tasks_claimable ON tasks (priority DESC, number, has_plan, not_before, reserved_for, depends_on, project_id)
    WHERE status = 'pending';
