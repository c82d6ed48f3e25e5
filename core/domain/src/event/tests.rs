//! Every event as it is stored. A literal here that has to be changed means that old databases no
//! longer read.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::actor::Role;
use crate::approval::ApprovalStatus;
use crate::folder::Access;
use crate::id::{ApprovalId, FolderId, MemoryId, PermissionId, RunId, TelegramChatId, ToolId};
use crate::memory::MemoryFacts;
use crate::money::{Resource, Scope};
use crate::run::{RunStatus, StepStatus};
use crate::task::AttemptEnd;
use crate::telegram::TelegramChatFacts;
use crate::tool::{Grants, ToolStatus};

fn facts() -> TaskFacts {
    TaskFacts {
        task_id: TaskId(Uuid::from_u128(1)),
        number: 12,
        title: "Count".parse().unwrap(),
        project_id: Some(ProjectId(Uuid::from_u128(2))),
        status: TaskStatus::InProgress,
        version: 3,
        fence: 2,
        attempt: 2,
        assigned_to: Some("seed".parse().unwrap()),
    }
}

/// `fields` laid over the facts of a task, as they are stored.
fn task_payload(fields: Value) -> Value {
    let mut payload = json!({
        "task_id": "00000000-0000-0000-0000-000000000001", "number": 12, "title": "Count",
        "project_id": "00000000-0000-0000-0000-000000000002", "status": "in_progress", "version": 3,
        "fence": 2, "attempt": 2, "assigned_to": "seed",
    });
    let Value::Object(fields) = fields else {
        panic!("{fields} is no object")
    };
    payload.as_object_mut().unwrap().extend(fields);
    payload
}

fn project() -> ProjectFacts {
    ProjectFacts {
        project_id: ProjectId(Uuid::from_u128(2)),
        name: "notes".parse().unwrap(),
        status: ProjectStatus::Active,
        version: 1,
    }
}

fn project_payload() -> Value {
    json!({
        "project_id": "00000000-0000-0000-0000-000000000002", "name": "notes", "status": "active", "version": 1,
    })
}

fn agent() -> AgentFacts {
    AgentFacts {
        agent_id: AgentId(Uuid::from_u128(3)),
        name: "seed".parse().unwrap(),
        kind: "worker".parse().unwrap(),
        status: AgentStatus::Offline,
        last_seen_at: Timestamp::from_millis(1000),
    }
}

fn agent_payload() -> Value {
    json!({
        "agent_id": "00000000-0000-0000-0000-000000000003", "name": "seed", "type": "worker",
        "status": "offline", "last_seen_at": "1970-01-01T00:00:01.000Z",
    })
}

fn specialist() -> SpecialistFacts {
    SpecialistFacts {
        agent_id: AgentId(Uuid::from_u128(3)),
        name: "scribe".parse().unwrap(),
        created_by: "seed".parse().unwrap(),
        task_id: Some(TaskId(Uuid::from_u128(1))),
        tools: ["python", "http_get"]
            .map(|tool| tool.parse().unwrap())
            .into(),
        depth: 1,
        is_enabled: true,
        version: 2,
    }
}

fn specialist_payload() -> Value {
    json!({
        "agent_id": "00000000-0000-0000-0000-000000000003", "name": "scribe", "created_by": "seed",
        "task_id": "00000000-0000-0000-0000-000000000001", "tools": ["http_get", "python"], "depth": 1,
        "is_enabled": true, "version": 2,
    })
}

fn artifact() -> ArtifactFacts {
    ArtifactFacts {
        artifact_id: ArtifactId(Uuid::from_u128(4)),
        task_id: None,
        kind: "report".parse().unwrap(),
        name: Some("a \"b\".md".parse().unwrap()),
        media_type: "text/markdown".into(),
        size_bytes: u64::MAX,
        sha256: "ab".into(),
    }
}

fn artifact_payload() -> Value {
    json!({
        "artifact_id": "00000000-0000-0000-0000-000000000004", "task_id": null, "type": "report",
        "name": "a \"b\".md", "media_type": "text/markdown", "size_bytes": u64::MAX, "sha256": "ab",
    })
}

fn notice() -> NoticeFacts {
    NoticeFacts {
        notice_id: NoticeId(Uuid::from_u128(7)),
        kind: NoticeKind::DueSoon,
        task_id: Some(TaskId(Uuid::from_u128(1))),
        text: "Soon.".into(),
    }
}

fn notice_payload() -> Value {
    json!({
        "notice_id": "00000000-0000-0000-0000-000000000007", "kind": "due_soon",
        "task_id": "00000000-0000-0000-0000-000000000001", "text": "Soon.",
    })
}

fn run() -> RunFacts {
    RunFacts {
        run_id: RunId(Uuid::from_u128(8)),
        number: 7,
        task_id: TaskId(Uuid::from_u128(1)),
        task_number: 12,
        agent: "seed".parse().unwrap(),
        status: RunStatus::Waiting,
        reason: Some("approval 3".into()),
        version: 2,
    }
}

fn run_payload() -> Value {
    json!({
        "run_id": "00000000-0000-0000-0000-000000000008", "number": 7,
        "task_id": "00000000-0000-0000-0000-000000000001", "task_number": 12, "agent": "seed",
        "status": "waiting", "reason": "approval 3", "version": 2,
    })
}

fn step() -> StepFacts {
    StepFacts {
        run_id: RunId(Uuid::from_u128(8)),
        run_number: 7,
        task_id: TaskId(Uuid::from_u128(1)),
        task_number: 12,
        place: 4,
        attempt: 1,
        name: "push".parse().unwrap(),
        tool: "run_command".parse().unwrap(),
        status: StepStatus::Intended,
    }
}

/// `fields` laid over the facts of a step, as they are stored.
fn step_payload(fields: Value) -> Value {
    let mut payload = json!({
        "run_id": "00000000-0000-0000-0000-000000000008", "run_number": 7,
        "task_id": "00000000-0000-0000-0000-000000000001", "task_number": 12, "place": 4,
        "attempt": 1, "name": "push", "tool": "run_command", "status": "intended",
    });
    let Value::Object(fields) = fields else {
        panic!("{fields} is no object")
    };
    payload.as_object_mut().unwrap().extend(fields);
    payload
}

fn approval() -> ApprovalFacts {
    ApprovalFacts {
        approval_id: ApprovalId(Uuid::from_u128(9)),
        number: 3,
        run_id: RunId(Uuid::from_u128(8)),
        task_id: TaskId(Uuid::from_u128(1)),
        task_number: 12,
        what: "run git push".into(),
        action_sha256: "ab".into(),
        status: ApprovalStatus::Pending,
    }
}

fn approval_payload() -> Value {
    json!({
        "approval_id": "00000000-0000-0000-0000-000000000009", "number": 3,
        "run_id": "00000000-0000-0000-0000-000000000008",
        "task_id": "00000000-0000-0000-0000-000000000001", "task_number": 12, "what": "run git push",
        "action_sha256": "ab", "status": "pending",
    })
}

fn permission() -> PermissionFacts {
    let shape =
        json!({"url": {"starts_with": "https://example.org/"}, "n": {"items": ["any", {"is": 1}]}});
    PermissionFacts {
        permission_id: PermissionId(Uuid::from_u128(10)),
        number: 4,
        tool: "http_get".parse().unwrap(),
        shape: serde_json::from_value(shape).unwrap(),
        project_id: None,
    }
}

fn permission_payload() -> Value {
    json!({
        "permission_id": "00000000-0000-0000-0000-00000000000a", "number": 4, "tool": "http_get",
        "shape": {"url": {"starts_with": "https://example.org/"}, "n": {"items": ["any", {"is": 1}]}},
        "project_id": null,
    })
}

fn folder() -> FolderFacts {
    FolderFacts {
        folder_id: FolderId(Uuid::from_u128(11)),
        name: "notes".parse().unwrap(),
        access: Access::Read,
        project_id: Some(ProjectId(Uuid::from_u128(2))),
    }
}

fn tool() -> ToolFacts {
    ToolFacts {
        tool_id: ToolId(Uuid::from_u128(12)),
        name: "count_words".parse().unwrap(),
        version: 2,
        status: ToolStatus::Enabled,
        grants: Grants {
            network: vec!["example.org".into()],
            ..Grants::default()
        },
        sha256: "00".into(),
    }
}

/// `fields` laid over the facts of a tool, as they are stored.
fn tool_payload(fields: Value) -> Value {
    let mut payload = json!({
        "tool_id": "00000000-0000-0000-0000-00000000000c", "name": "count_words", "version": 2,
        "status": "enabled", "sha256": "00",
        "grants": {
            "host": {"http_get": [], "fs_read": [], "fs_write": [], "kv": false, "task": false},
            "reads": [], "writes": [], "network": ["example.org"], "workspace": false,
        },
    });
    let Value::Object(fields) = fields else {
        panic!("{fields} is no object")
    };
    payload.as_object_mut().unwrap().extend(fields);
    payload
}

fn chat() -> TelegramChatFacts {
    TelegramChatFacts {
        telegram_chat_id: TelegramChatId(Uuid::from_u128(12)),
        name: "Ada".into(),
    }
}

fn chat_payload() -> Value {
    json!({"telegram_chat_id": "00000000-0000-0000-0000-00000000000c", "name": "Ada"})
}

fn folder_payload() -> Value {
    json!({
        "folder_id": "00000000-0000-0000-0000-00000000000b", "name": "notes", "access": "read",
        "project_id": "00000000-0000-0000-0000-000000000002",
    })
}

fn budget(limit: Option<u64>) -> BudgetFacts {
    let day = Scope::Day("2026-11-25".parse().unwrap());
    BudgetFacts::new(&day, Resource::Usd, limit)
}

fn memory() -> MemoryFacts {
    MemoryFacts {
        memory_id: MemoryId(Uuid::from_u128(12)),
        number: 3,
        project_id: None,
        task_number: Some(12),
    }
}

fn memory_payload() -> Value {
    json!({
        "memory_id": "00000000-0000-0000-0000-00000000000c", "number": 3, "project_id": null,
        "task_number": 12,
    })
}

/// One of each, with its payload as it is stored.
fn one_of_each() -> Vec<(EventKind, Value)> {
    let seed = || AgentName::from_stored("seed".into());
    let check = || Check::Artifact {
        of_type: Some("report".parse().unwrap()),
        min_bytes: Some(1),
    };
    vec![
        (EventKind::ProjectCreated(project()), project_payload()),
        (EventKind::ProjectUpdated(project()), project_payload()),
        (
            EventKind::ProjectDeleted {
                project: project(),
                deleted_tasks: 5,
            },
            json!({
                "project_id": "00000000-0000-0000-0000-000000000002", "name": "notes", "status": "active",
                "version": 1, "deleted_tasks": 5,
            }),
        ),
        (
            EventKind::TaskCreated {
                task: facts(),
                priority: Priority::High,
                created_by: "owner".into(),
            },
            task_payload(json!({"priority": "high", "created_by": "owner"})),
        ),
        (
            EventKind::TaskClaimed {
                task: facts(),
                agent: seed(),
                lease_expires_at: Timestamp::from_millis(61_000),
            },
            task_payload(json!({"agent": "seed", "lease_expires_at": "1970-01-01T00:01:01.000Z"})),
        ),
        (
            EventKind::TaskUpdated {
                task: facts(),
                changed: vec!["title".into()],
            },
            task_payload(json!({"changed": ["title"]})),
        ),
        (
            EventKind::TaskProgress {
                task: facts(),
                message: "half".into(),
                percent: Some(50),
            },
            task_payload(json!({"message": "half", "percent": 50})),
        ),
        (
            EventKind::TaskCompleted {
                task: facts(),
                agent: seed(),
                result: json!({"words": 3, "nested": {"π": [1.5, null]}})
                    .as_object()
                    .cloned(),
                evidence: vec![Evidence {
                    check: check(),
                    found: "one".into(),
                }],
                artifacts: vec![ArtifactId(Uuid::from_u128(4))],
                duration_ms: 1234,
            },
            task_payload(json!({
                "agent": "seed", "result": {"words": 3, "nested": {"π": [1.5, null]}},
                "evidence": [{"check": {"kind": "artifact", "type": "report", "min_bytes": 1}, "found": "one"}],
                "artifacts": ["00000000-0000-0000-0000-000000000004"], "duration_ms": 1234,
            })),
        ),
        (
            EventKind::TaskAcceptanceFailed {
                task: facts(),
                agent: seed(),
                unmet: vec![Evidence {
                    check: Check::Command {
                        argv: vec!["true".into()],
                    },
                    found: "it exited with 1".into(),
                }],
                failures: 2,
            },
            task_payload(json!({
                "agent": "seed", "failures": 2, "unmet": [
                    {"check": {"kind": "command", "argv": ["true"]}, "found": "it exited with 1"}],
            })),
        ),
        (
            EventKind::TaskBlocked {
                task: facts(),
                reason: "which?\n\u{1f525}".into(),
                options: vec!["a".into()],
            },
            task_payload(json!({"reason": "which?\n\u{1f525}", "options": ["a"]})),
        ),
        (
            EventKind::TaskAnswered {
                task: facts(),
                answer: Some("a".into()),
            },
            task_payload(json!({"answer": "a"})),
        ),
        (
            EventKind::TaskReleased {
                task: facts(),
                agent: seed(),
                cause: ReleaseCause::LeaseExpired,
                reason: None,
            },
            task_payload(json!({"agent": "seed", "cause": "lease_expired", "reason": null})),
        ),
        (
            EventKind::TaskCancelled {
                task: facts(),
                reason: Some("enough".into()),
            },
            task_payload(json!({"reason": "enough"})),
        ),
        (
            EventKind::TaskReopened {
                task: facts(),
                reason: None,
            },
            task_payload(json!({"reason": null})),
        ),
        (EventKind::AgentRegistered(agent()), agent_payload()),
        (EventKind::AgentOnline(agent()), agent_payload()),
        (EventKind::AgentOffline(agent()), agent_payload()),
        (EventKind::AgentPaused(agent()), agent_payload()),
        (EventKind::AgentResumed(agent()), agent_payload()),
        (
            EventKind::SpecialistCreated(specialist()),
            specialist_payload(),
        ),
        (
            EventKind::SpecialistEnabled(specialist()),
            specialist_payload(),
        ),
        (
            EventKind::SpecialistDisabled(specialist()),
            specialist_payload(),
        ),
        (
            EventKind::SpecialistRemoved(specialist()),
            specialist_payload(),
        ),
        (EventKind::ArtifactCreated(artifact()), artifact_payload()),
        (EventKind::ArtifactAttached(artifact()), artifact_payload()),
        (
            EventKind::ConversationStarted {
                conversation_id: ConversationId(Uuid::from_u128(5)),
            },
            json!({"conversation_id": "00000000-0000-0000-0000-000000000005"}),
        ),
        (
            EventKind::ConversationMessageAdded {
                conversation_id: ConversationId(Uuid::from_u128(5)),
                message_id: MessageId(Uuid::from_u128(6)),
                author: Author::ChiefOfStaff,
            },
            json!({
                "conversation_id": "00000000-0000-0000-0000-000000000005",
                "message_id": "00000000-0000-0000-0000-000000000006", "author": "chief_of_staff",
            }),
        ),
        (
            EventKind::ConversationNoted {
                conversation_id: ConversationId(Uuid::from_u128(5)),
            },
            json!({"conversation_id": "00000000-0000-0000-0000-000000000005"}),
        ),
        (EventKind::NoticeCreated(notice()), notice_payload()),
        (
            EventKind::NoticeDelivered {
                notice: notice(),
                channel: "chat".parse().unwrap(),
            },
            json!({
                "notice_id": "00000000-0000-0000-0000-000000000007", "kind": "due_soon",
                "task_id": "00000000-0000-0000-0000-000000000001", "text": "Soon.", "channel": "chat",
            }),
        ),
        (
            EventKind::NoticeReturned {
                notice: notice(),
                channel: "telegram".parse().unwrap(),
            },
            json!({
                "notice_id": "00000000-0000-0000-0000-000000000007", "kind": "due_soon",
                "task_id": "00000000-0000-0000-0000-000000000001", "text": "Soon.", "channel": "telegram",
            }),
        ),
        (EventKind::NoticeWithdrawn(notice()), notice_payload()),
        (EventKind::RunStarted(run()), run_payload()),
        (EventKind::RunResumed(run()), run_payload()),
        (EventKind::RunWaiting(run()), run_payload()),
        (EventKind::RunFailed(run()), run_payload()),
        (EventKind::RunCompleted(run()), run_payload()),
        (EventKind::RunCancelled(run()), run_payload()),
        (EventKind::StepWaiting(step()), step_payload(json!({}))),
        (EventKind::StepStarted(step()), step_payload(json!({}))),
        (EventKind::StepActed(step()), step_payload(json!({}))),
        (
            EventKind::StepCompleted {
                step: step(),
                note: "finished".into(),
            },
            step_payload(json!({"note": "finished"})),
        ),
        (
            EventKind::StepFailed {
                step: step(),
                error: "it exited with 1".into(),
            },
            step_payload(json!({"error": "it exited with 1"})),
        ),
        (EventKind::StepInterrupted(step()), step_payload(json!({}))),
        (EventKind::StepDiscarded(step()), step_payload(json!({}))),
        (EventKind::ApprovalRequested(approval()), approval_payload()),
        (EventKind::ApprovalApproved(approval()), approval_payload()),
        (EventKind::ApprovalDenied(approval()), approval_payload()),
        (EventKind::ApprovalUsed(approval()), approval_payload()),
        (EventKind::ApprovalExpired(approval()), approval_payload()),
        (EventKind::ApprovalWithdrawn(approval()), approval_payload()),
        (
            EventKind::PermissionGranted(permission()),
            permission_payload(),
        ),
        (
            EventKind::PermissionRevoked(permission()),
            permission_payload(),
        ),
        (EventKind::FolderGranted(folder()), folder_payload()),
        (EventKind::FolderRevoked(folder()), folder_payload()),
        (EventKind::TelegramChatPaired(chat()), chat_payload()),
        (EventKind::TelegramChatRemoved(chat()), chat_payload()),
        (
            EventKind::BudgetReached {
                budget: budget(Some(5_000_000)),
                spent: 4_900_000,
                asked: 200_000,
                task_id: Some(TaskId(Uuid::from_u128(1))),
            },
            json!({
                "scope": "day", "key": "2026-11-25", "resource": "usd", "limit": 5_000_000,
                "spent": 4_900_000, "asked": 200_000,
                "task_id": "00000000-0000-0000-0000-000000000001",
            }),
        ),
        (
            EventKind::BudgetLow {
                budget: budget(Some(5_000_000)),
                spent: 4_000_000,
            },
            json!({
                "scope": "day", "key": "2026-11-25", "resource": "usd", "limit": 5_000_000,
                "spent": 4_000_000,
            }),
        ),
        (
            EventKind::BudgetRaised {
                budget: budget(None),
                was: Some(5_000_000),
            },
            json!({
                "scope": "day", "key": "2026-11-25", "resource": "usd", "limit": null,
                "was": 5_000_000,
            }),
        ),
        (
            EventKind::BudgetLowered {
                budget: budget(Some(0)),
                was: None,
            },
            json!({"scope": "day", "key": "2026-11-25", "resource": "usd", "limit": 0, "was": null}),
        ),
        (EventKind::ToolCreated(tool()), tool_payload(json!({}))),
        (EventKind::ToolEnabled(tool()), tool_payload(json!({}))),
        (
            EventKind::ToolDisabled {
                tool: tool(),
                reason: None,
            },
            tool_payload(json!({"reason": null})),
        ),
        (
            EventKind::ToolSetAside {
                tool: tool(),
                reason: "KeyError".into(),
            },
            tool_payload(json!({"reason": "KeyError"})),
        ),
        (
            EventKind::ToolRolledBack {
                tool: tool(),
                to_version: 1,
            },
            tool_payload(json!({"to_version": 1})),
        ),
        (EventKind::MemoryRemembered(memory()), memory_payload()),
        (EventKind::MemoryForgotten(memory()), memory_payload()),
        (
            EventKind::KeyCreated {
                name: "laptop".parse().unwrap(),
                grant: Grant::new(Role::Agent, Some(seed())).unwrap(),
            },
            json!({"name": "laptop", "grant": {"role": "agent", "agent": "seed"}}),
        ),
        (
            EventKind::KeyRevoked {
                name: "laptop".parse().unwrap(),
            },
            json!({"name": "laptop"}),
        ),
    ]
}

#[test]
fn every_event_is_stored_as_it_always_was_and_reads_back() {
    for (kind, expected) in one_of_each() {
        let stored = kind.payload_json().unwrap();

        let payload: Value = serde_json::from_str(&stored).unwrap();
        assert_eq!(payload, expected, "{}", kind.type_name());
        let read = EventKind::from_stored(kind.type_name(), &stored).unwrap();
        assert_eq!(read, kind);
    }
}

#[test]
fn every_event_reads_back_from_the_payload_of_an_earlier_release() {
    for (kind, stored) in one_of_each() {
        let read = EventKind::from_stored(kind.type_name(), &stored.to_string()).unwrap();
        assert_eq!(read, kind);
    }
}

#[test]
fn the_list_of_types_is_complete_and_in_order() {
    let names: Vec<&str> = one_of_each()
        .iter()
        .map(|(kind, _)| kind.type_name())
        .collect();
    assert_eq!(names, EventKind::TYPES);
}

#[test]
fn the_type_in_json_is_the_type_by_name() {
    for (kind, _) in one_of_each() {
        let whole = serde_json::to_value(&kind).unwrap();
        assert_eq!(whole["type"], kind.type_name());
        let (entity, _) = kind.type_name().split_once('.').unwrap();
        // A step is a part of its run, and its events are the run's; a specialist is an agent.
        let entity = match entity {
            "step" => "run",
            "specialist" => "agent",
            other => other,
        };
        assert_eq!(kind.entity_type().as_str(), entity);
    }
}

#[test]
fn keys_of_each_role_are_told_apart() {
    for (grant, expected) in [
        (Grant::Admin, json!({"role": "admin"})),
        (Grant::Viewer, json!({"role": "viewer"})),
    ] {
        let kind = EventKind::KeyCreated {
            name: "k".parse().unwrap(),
            grant,
        };
        let stored = kind.payload_json().unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&stored).unwrap()["grant"],
            expected
        );
        assert_eq!(
            EventKind::from_stored("key.created", &stored).unwrap(),
            kind
        );
    }
}

#[test]
fn the_end_of_an_attempt_is_stored_as_it_always_was() {
    let end = AttemptEnd {
        attempt: 1,
        agent: "seed".parse().unwrap(),
        started_at: Timestamp::from_millis(1000),
        ended_at: Timestamp::from_millis(2000),
        cause: ReleaseCause::NodeRestarted,
        reason: None,
    };
    let stored = serde_json::to_value(&end).unwrap();
    assert_eq!(
        stored,
        json!({
            "attempt": 1, "agent": "seed", "started_at": "1970-01-01T00:00:01.000Z",
            "ended_at": "1970-01-01T00:00:02.000Z", "cause": "node_restarted", "reason": null,
        })
    );
    assert_eq!(serde_json::from_value::<AttemptEnd>(stored).unwrap(), end);
}

#[test]
fn an_unknown_type_or_a_payload_that_does_not_fit_is_an_error() {
    assert!(EventKind::from_stored("task.exploded", "{}").is_err());
    assert!(EventKind::from_stored("task.created", "{}").is_err());
    assert!(EventKind::from_stored("key.revoked", "not json").is_err());
}
