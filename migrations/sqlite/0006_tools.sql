-- Tools that agents made: each row is one version, of which what it is never changes.
CREATE TABLE made_tools (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name            TEXT    NOT NULL,
    version         INTEGER NOT NULL CHECK (version > 0),
    description     TEXT    NOT NULL,
    parameters      TEXT    NOT NULL,
    code            TEXT    NOT NULL,
    examples        TEXT    NOT NULL,
    grants          TEXT    NOT NULL,
    sha256          BLOB    NOT NULL CHECK (length(sha256) = 32),
    status          TEXT    NOT NULL
                            CHECK (status IN ('enabled', 'disabled', 'set_aside', 'rolled_back')),
    -- Who put it where it stands; none where it stands there by itself.
    status_by       TEXT,
    status_reason   TEXT,
    -- The version that took its place.
    rolled_back_to  INTEGER,
    uses            INTEGER NOT NULL DEFAULT 0,
    failures        INTEGER NOT NULL DEFAULT 0,
    failures_in_row INTEGER NOT NULL DEFAULT 0,
    last_used_at    INTEGER,
    created_by      TEXT    NOT NULL,
    task_id         BLOB    REFERENCES tasks (id) ON DELETE SET NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (name, version),
    CHECK ((status IN ('disabled', 'rolled_back')) = (status_by IS NOT NULL)),
    CHECK ((status = 'rolled_back') = (rolled_back_to IS NOT NULL))
) STRICT;
CREATE INDEX made_tools_task ON made_tools (task_id) WHERE task_id IS NOT NULL;

-- What a version is stays as it was when it was made.
CREATE TRIGGER made_tools_are_kept
BEFORE UPDATE OF id, name, version, description, parameters, code, examples, grants, sha256, created_by,
    created_at ON made_tools
BEGIN
    SELECT RAISE(ABORT, 'a version of a tool does not change');
END;
