//! Which tables and columns there are, and how each column is written. A test holds the lists
//! against a fresh database, so that none can be forgotten.

use std::borrow::Cow;

use crate::dump::value::Encoding::{self, Flag, Hash, Integer, Json, Real, Text, Time, Uuid};

/// One table of rows.
#[derive(Debug)]
pub(super) struct Table {
    /// What a row is called in an export.
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    /// What rows are ordered by.
    pub(super) key: &'static [&'static str],
    /// The sets of columns of which no two rows have the same values, the key included.
    pub(super) unique: &'static [&'static [&'static str]],
    pub(super) columns: &'static [(&'static str, Encoding)],
}

/// Every table of rows. What others refer to comes first.
pub(super) const TABLES: &[Table] = &[
    Table {
        kind: "project",
        name: "projects",
        key: &["id"],
        unique: &[&["id"], &["name"]],
        columns: &[
            ("id", Uuid),
            ("name", Text),
            ("description", Text),
            ("status", Text),
            ("metadata", Json),
            ("version", Integer),
            ("created_at", Time),
            ("updated_at", Time),
        ],
    },
    Table {
        kind: "task",
        name: "tasks",
        key: &["number"],
        unique: &[&["number"], &["id"], &["series_id", "occasion_at"]],
        columns: &[
            ("number", Integer),
            ("id", Uuid),
            ("project_id", Uuid),
            ("parent_id", Uuid),
            ("title", Text),
            ("description", Text),
            ("status", Text),
            ("priority", Integer),
            ("assigned_to", Text),
            ("reserved_for", Text),
            ("worker", Text),
            ("lease_holder", Text),
            ("lease_expires_at", Time),
            ("lease_ms", Integer),
            ("blocked_reason", Text),
            ("blocked_options", Json),
            ("blocked_cause", Text),
            ("result", Json),
            ("completed_at", Time),
            ("cancelled_at", Time),
            ("cancelled_reason", Text),
            ("context", Json),
            ("has_plan", Flag),
            ("depends_on", Json),
            ("labels", Json),
            ("due_at", Time),
            ("not_before", Time),
            ("attempt", Integer),
            ("max_attempts", Integer),
            ("failed_attempts", Json),
            ("failed_checks", Json),
            ("fence", Integer),
            ("acceptance", Json),
            ("budget_usd", Real),
            ("budget_tokens", Integer),
            ("estimate_minutes", Integer),
            ("recurrence", Text),
            ("series_id", Uuid),
            ("occasion_at", Time),
            ("version", Integer),
            ("created_at", Time),
            ("updated_at", Time),
            ("started_at", Time),
            ("created_by", Text),
            ("updated_by", Text),
        ],
    },
    Table {
        kind: "task_label",
        name: "task_labels",
        key: &["label", "number"],
        unique: &[&["label", "number"]],
        columns: &[("label", Text), ("number", Integer)],
    },
    Table {
        kind: "task_dependency",
        name: "task_dependencies",
        key: &["task_id", "depends_on_id"],
        unique: &[&["task_id", "depends_on_id"]],
        columns: &[("task_id", Uuid), ("depends_on_id", Uuid)],
    },
    Table {
        kind: "agent",
        name: "agents",
        key: &["id"],
        unique: &[&["id"], &["name"]],
        columns: &[
            ("id", Uuid),
            ("name", Text),
            ("type", Text),
            ("status", Text),
            ("capabilities", Json),
            ("metadata", Json),
            ("created_at", Time),
            ("last_seen_at", Time),
        ],
    },
    Table {
        kind: "artifact",
        name: "artifacts",
        key: &["id"],
        unique: &[&["id"]],
        columns: &[
            ("id", Uuid),
            ("task_id", Uuid),
            ("type", Text),
            ("name", Text),
            ("media_type", Text),
            ("size_bytes", Integer),
            ("sha256", Hash),
            ("metadata", Json),
            ("created_by", Text),
            ("created_at", Time),
        ],
    },
    Table {
        kind: "api_key",
        name: "api_keys",
        key: &["id"],
        unique: &[&["id"], &["sha256"]],
        columns: &[
            ("id", Uuid),
            ("name", Text),
            ("role", Text),
            ("agent", Text),
            ("sha256", Hash),
            ("created_at", Time),
            ("last_used_at", Time),
            ("revoked_at", Time),
        ],
    },
    Table {
        kind: "idempotency_key",
        name: "idempotency_keys",
        key: &["actor", "key"],
        unique: &[&["actor", "key"]],
        columns: &[
            ("actor", Text),
            ("key", Text),
            ("request", Hash),
            ("task_id", Uuid),
            ("created_at", Time),
        ],
    },
    Table {
        kind: "conversation",
        name: "conversations",
        key: &["id"],
        unique: &[&["id"]],
        columns: &[
            ("id", Uuid),
            ("started_by", Text),
            ("memory", Json),
            ("version", Integer),
            ("created_at", Time),
            ("updated_at", Time),
        ],
    },
    Table {
        kind: "message",
        name: "messages",
        key: &["number"],
        unique: &[&["number"], &["id"]],
        columns: &[
            ("number", Integer),
            ("id", Uuid),
            ("conversation_id", Uuid),
            ("author", Text),
            ("text", Text),
            ("actions", Json),
            ("created_at", Time),
        ],
    },
    Table {
        kind: "chat_request",
        name: "chat_requests",
        key: &["actor", "key"],
        unique: &[&["actor", "key"]],
        columns: &[
            ("actor", Text),
            ("key", Text),
            ("request", Hash),
            ("message_id", Uuid),
            ("answer_id", Uuid),
            ("created_at", Time),
        ],
    },
    Table {
        kind: "notice",
        name: "notices",
        key: &["number"],
        unique: &[&["number"], &["id"], &["about"]],
        columns: &[
            ("number", Integer),
            ("id", Uuid),
            ("kind", Text),
            ("task_id", Uuid),
            ("about", Text),
            ("text", Text),
            ("created_at", Time),
            ("channel", Text),
            ("taken_until", Time),
            ("delivered_at", Time),
        ],
    },
    Table {
        kind: "run",
        name: "runs",
        key: &["number"],
        unique: &[&["number"], &["id"]],
        columns: &[
            ("number", Integer),
            ("id", Uuid),
            ("task_id", Uuid),
            ("task_number", Integer),
            ("agent", Text),
            ("plan", Json),
            ("fence", Integer),
            ("status", Text),
            ("reason", Text),
            ("version", Integer),
            ("started_at", Time),
            ("updated_at", Time),
            ("ended_at", Time),
        ],
    },
    Table {
        kind: "approval",
        name: "approvals",
        key: &["number"],
        unique: &[&["number"], &["id"]],
        columns: &[
            ("number", Integer),
            ("id", Uuid),
            ("run_id", Uuid),
            ("task_id", Uuid),
            ("task_number", Integer),
            ("place", Integer),
            ("tool", Text),
            ("args", Json),
            ("sha256", Hash),
            ("what", Text),
            ("why", Text),
            ("is_once", Flag),
            ("status", Text),
            ("decided_by", Text),
            ("decided_at", Time),
            ("note", Text),
            ("expires_at", Time),
            ("created_at", Time),
        ],
    },
    Table {
        kind: "step",
        name: "steps",
        key: &["run_id", "place", "attempt"],
        unique: &[&["run_id", "place", "attempt"]],
        columns: &[
            ("run_id", Uuid),
            ("place", Integer),
            ("attempt", Integer),
            ("name", Text),
            ("tool", Text),
            ("args", Json),
            ("repeat", Text),
            ("brings", Json),
            ("decision", Json),
            ("status", Text),
            ("waiting_for", Text),
            ("approval_id", Uuid),
            ("child_id", Uuid),
            ("outcome", Json),
            ("error", Text),
            ("fence", Integer),
            ("created_at", Time),
            ("acted_at", Time),
            ("ended_at", Time),
            ("discarded_at", Time),
        ],
    },
    Table {
        kind: "permission",
        name: "permissions",
        key: &["number"],
        unique: &[&["number"], &["id"]],
        columns: &[
            ("number", Integer),
            ("id", Uuid),
            ("tool", Text),
            ("shape", Json),
            ("project_id", Uuid),
            ("created_by", Text),
            ("created_at", Time),
            ("uses", Integer),
            ("last_used_at", Time),
            ("revoked_at", Time),
        ],
    },
    Table {
        kind: "folder",
        name: "folders",
        key: &["id"],
        unique: &[&["id"]],
        columns: &[
            ("id", Uuid),
            ("name", Text),
            ("path", Text),
            ("access", Text),
            ("project_id", Uuid),
            ("created_by", Text),
            ("created_at", Time),
            ("revoked_at", Time),
        ],
    },
    Table {
        kind: "event",
        name: "events",
        key: &["seq"],
        unique: &[&["seq"]],
        columns: &[
            ("seq", Integer),
            ("id", Uuid),
            ("type", Text),
            ("entity_type", Text),
            ("entity_id", Uuid),
            ("agent_name", Text),
            ("payload", Json),
            ("timestamp", Time),
        ],
    },
];

/// The last number that was given away, in tables that never give one twice. Kept by SQLite; a row
/// is not compared, but the greater number stays.
pub(super) const SEQUENCES: Table = Table {
    kind: "sequence",
    name: "sqlite_sequence",
    key: &["name"],
    unique: &[&["name"]],
    columns: &[("name", Text), ("seq", Integer)],
};

/// An index of words over a table's rows, which is made anew from them.
#[derive(Debug)]
pub(super) struct TextIndex {
    pub(super) name: &'static str,
    pub(super) of: &'static str,
}

/// Every such index.
pub(super) const TEXT_INDEXES: &[TextIndex] = &[TextIndex {
    name: "task_text",
    of: "tasks",
}];

impl Table {
    /// Returns the column that a field stands for, and how it is written.
    pub(super) fn column(&self, field: &str) -> Option<(&'static str, Encoding)> {
        let mut columns = self.columns.iter();
        columns
            .find(|(column, _)| field_of(self, column) == field)
            .copied()
    }
}

/// Returns what a column is called in an export. In each line, `kind` says what sort of line it is.
pub(super) fn field_of(table: &Table, column: &'static str) -> Cow<'static, str> {
    match column {
        "kind" => format!("{}_kind", table.kind).into(),
        column => column.into(),
    }
}

/// Returns the table whose rows are called so.
pub(super) fn find(kind: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.kind == kind)
}
