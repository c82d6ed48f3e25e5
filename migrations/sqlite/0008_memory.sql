-- What agents and people keep in mind, and the pages that agents have read.

-- A memory that is forgotten loses its words; its number and where it came from stay.
CREATE TABLE memories (
    number       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    about        TEXT    NOT NULL DEFAULT '',
    text         TEXT    NOT NULL,
    project_id   BLOB    REFERENCES projects (id) ON DELETE CASCADE,
    task_id      BLOB    REFERENCES tasks (id) ON DELETE SET NULL,
    task_number  INTEGER,
    run_id       BLOB    REFERENCES runs (id) ON DELETE SET NULL,
    -- What its run had taken in by then.
    untrusted    INTEGER NOT NULL CHECK (untrusted IN (0, 1)),
    private      INTEGER NOT NULL CHECK (private IN (0, 1)),
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    forgotten_at INTEGER,
    CHECK ((forgotten_at IS NULL) = (text != ''))
) STRICT;
CREATE INDEX memories_project ON memories (project_id, untrusted, private) WHERE forgotten_at IS NULL;
CREATE INDEX memories_task    ON memories (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX memories_run     ON memories (run_id) WHERE run_id IS NOT NULL;

-- With positions and sizes, unlike that of tasks: here the best match comes first.
CREATE VIRTUAL TABLE memory_text USING fts5 (
    about, text,
    content = 'memories', content_rowid = 'number',
    tokenize = 'porter unicode61 remove_diacritics 2'
);

-- Pages as they were read last, for a search without a network. An index and no entity: no event
-- tells of it, and the oldest make room.
CREATE TABLE pages (
    number      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    url         TEXT    NOT NULL UNIQUE,
    title       TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    size_bytes  INTEGER NOT NULL CHECK (size_bytes >= 0),
    project_id  BLOB    REFERENCES projects (id) ON DELETE SET NULL,
    task_number INTEGER,
    -- Whether the run that read it had taken in private data: the address may tell of it.
    private     INTEGER NOT NULL CHECK (private IN (0, 1)),
    fetched_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX pages_age     ON pages (fetched_at, size_bytes);
CREATE INDEX pages_project ON pages (project_id) WHERE project_id IS NOT NULL;

CREATE VIRTUAL TABLE page_text USING fts5 (
    title, text,
    content = 'pages', content_rowid = 'number',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
