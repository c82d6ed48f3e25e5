//! The payloads of events, as the OpenAPI document describes them for typed clients. What is sent
//! is the stored text; a test holds these against it.
#![expect(dead_code, reason = "these types describe and are never made")]

use hearth_domain::JsonObject;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar;
use super::shape::Shape;
use super::task::Evidence;
use super::time::Time;
use super::tool::Grants;

/// What every event about a project says of it.
#[derive(ToSchema)]
pub(crate) struct ProjectPayload {
    /// The project.
    project_id: Uuid,
    /// Its name.
    name: String,
    /// Its status.
    status: scalar::ProjectStatus,
    /// Its version.
    version: u64,
}

/// A project was deleted.
#[derive(ToSchema)]
pub(crate) struct ProjectDeletedPayload {
    /// The project.
    #[serde(flatten)]
    project: ProjectPayload,
    /// How many tasks went with it.
    deleted_tasks: u64,
}

/// What every event about a task says of it, as it is after the change.
#[derive(ToSchema)]
pub(crate) struct TaskPayload {
    /// The task.
    task_id: Uuid,
    /// Its short number.
    number: i64,
    /// Its title.
    title: String,
    /// Its project.
    #[schema(required = true)]
    project_id: Option<Uuid>,
    /// Its status.
    status: scalar::TaskStatus,
    /// Its version.
    version: u64,
    /// Its fence.
    fence: u64,
    /// Its attempt.
    attempt: u32,
    /// Who holds it or is to take it.
    #[schema(required = true)]
    assigned_to: Option<String>,
}

/// A task was made.
#[derive(ToSchema)]
pub(crate) struct TaskCreatedPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// How urgent it is.
    priority: scalar::Priority,
    /// Who made it.
    created_by: String,
}

/// An agent took a task.
#[derive(ToSchema)]
pub(crate) struct TaskClaimedPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// Who took it.
    agent: String,
    /// Until when, unless renewed.
    lease_expires_at: Time,
}

/// A task's fields changed.
#[derive(ToSchema)]
pub(crate) struct TaskUpdatedPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// The names of the fields that changed.
    changed: Vec<String>,
}

/// The holder tells how far it is.
#[derive(ToSchema)]
pub(crate) struct TaskProgressPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// What it is doing.
    message: String,
    /// How far it is, if it knows.
    #[schema(required = true, minimum = 0, maximum = 100)]
    percent: Option<u8>,
}

/// A task was done.
#[derive(ToSchema)]
pub(crate) struct TaskCompletedPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// Who did it.
    agent: String,
    /// What came of it.
    #[schema(value_type = Option<Object>, required = true)]
    result: Option<JsonObject>,
    /// What showed that it is done: one entry per acceptance check.
    evidence: Vec<Evidence>,
    /// The artifacts it has.
    artifacts: Vec<Uuid>,
    /// How long the last attempt took.
    duration_ms: u64,
}

/// A completion did not pass the acceptance checks.
#[derive(ToSchema)]
pub(crate) struct TaskAcceptanceFailedPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// Who said that it was done.
    agent: String,
    /// What did not hold: one entry per failed check.
    unmet: Vec<Evidence>,
    /// How many completions failed since somebody last looked at it, this one included.
    failures: u32,
}

/// A task needs somebody.
#[derive(ToSchema)]
pub(crate) struct TaskBlockedPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// Why.
    reason: String,
    /// Answers to choose from, if it is a question.
    options: Vec<String>,
}

/// A blocked task was answered.
#[derive(ToSchema)]
pub(crate) struct TaskAnsweredPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// The answer; null when it was only unblocked.
    #[schema(required = true)]
    answer: Option<String>,
}

/// Work on a task stopped without an end.
#[derive(ToSchema)]
pub(crate) struct TaskReleasedPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// Who had it.
    agent: String,
    /// Why it stopped.
    cause: scalar::ReleaseCause,
    /// What its holder said.
    #[schema(required = true)]
    reason: Option<String>,
}

/// A task was cancelled or reopened.
#[derive(ToSchema)]
pub(crate) struct TaskReasonPayload {
    /// The task.
    #[serde(flatten)]
    task: TaskPayload,
    /// Why.
    #[schema(required = true)]
    reason: Option<String>,
}

/// What every event about an agent says of it.
#[derive(ToSchema)]
pub(crate) struct AgentPayload {
    /// The agent.
    agent_id: Uuid,
    /// Its name.
    name: String,
    /// What sort it is.
    r#type: String,
    /// Whether it is there.
    status: scalar::AgentStatus,
    /// When it was last heard from.
    last_seen_at: Time,
}

/// What every event about a specialist says of it.
#[derive(ToSchema)]
pub(crate) struct SpecialistPayload {
    /// The agent.
    agent_id: Uuid,
    /// Its name.
    name: String,
    /// Who made it.
    created_by: String,
    /// The task for which it was made.
    #[schema(required = true)]
    task_id: Option<Uuid>,
    /// The tools it may call.
    tools: Vec<String>,
    /// How many made each other above it, itself included.
    depth: u32,
    /// Whether it takes tasks.
    is_enabled: bool,
    /// Its version.
    version: u64,
}

/// What every event about an artifact says of it.
#[derive(ToSchema)]
pub(crate) struct ArtifactPayload {
    /// The artifact.
    artifact_id: Uuid,
    /// The task it belongs to.
    #[schema(required = true)]
    task_id: Option<Uuid>,
    /// What sort it is.
    r#type: String,
    /// What people call it.
    #[schema(required = true)]
    name: Option<String>,
    /// What its bytes are.
    media_type: String,
    /// How many bytes.
    size_bytes: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    sha256: String,
}

/// A conversation with the chief of staff began.
#[derive(ToSchema)]
pub(crate) struct ConversationStartedPayload {
    /// The conversation.
    conversation_id: Uuid,
}

/// Something was said in a conversation.
#[derive(ToSchema)]
pub(crate) struct ConversationMessageAddedPayload {
    /// The conversation.
    conversation_id: Uuid,
    /// The message.
    message_id: Uuid,
    /// Who said it.
    author: scalar::Author,
}

/// The chief of staff keeps in mind how far it is with an answer.
#[derive(ToSchema)]
pub(crate) struct ConversationNotedPayload {
    /// The conversation.
    conversation_id: Uuid,
}

/// There is something to tell the person.
#[derive(ToSchema)]
pub(crate) struct NoticePayload {
    /// The notice.
    notice_id: Uuid,
    /// What sort it is.
    kind: scalar::NoticeKind,
    /// The task it is about.
    #[schema(required = true)]
    task_id: Option<Uuid>,
    /// What there is to tell.
    text: String,
}

/// The person was told.
#[derive(ToSchema)]
pub(crate) struct NoticeDeliveredPayload {
    /// The notice.
    #[serde(flatten)]
    notice: NoticePayload,
    /// Over which channel.
    channel: String,
}

/// A key was made.
#[derive(ToSchema)]
pub(crate) struct KeyCreatedPayload {
    /// What its maker called it.
    name: String,
    /// What it allows.
    grant: GrantPayload,
}

/// What a key allows.
#[derive(ToSchema)]
pub(crate) struct GrantPayload {
    /// Its role.
    role: scalar::Role,
    /// Its agent; only with the role `agent`.
    agent: Option<String>,
}

/// A key stopped being valid.
#[derive(ToSchema)]
pub(crate) struct KeyRevokedPayload {
    /// What its maker called it.
    name: String,
}

/// What every event about a run says of it, as it is after the change.
#[derive(ToSchema)]
pub(crate) struct RunPayload {
    /// The run.
    run_id: Uuid,
    /// Its number.
    number: i64,
    /// Its task.
    task_id: Uuid,
    /// Its task's number.
    task_number: i64,
    /// Who works.
    agent: String,
    /// Where it stands.
    status: scalar::RunStatus,
    /// What it waits for, why it failed, or why it is no longer wanted.
    #[schema(required = true)]
    reason: Option<String>,
    /// Its version.
    version: u64,
}

/// What every event about an attempt at a step says of it.
#[derive(ToSchema)]
pub(crate) struct StepPayload {
    /// The run.
    run_id: Uuid,
    /// The run's number.
    run_number: i64,
    /// The task.
    task_id: Uuid,
    /// The task's number.
    task_number: i64,
    /// Which step of the plan, from 1 on.
    place: u32,
    /// Which attempt at it, from 1 on.
    attempt: u32,
    /// What the plan calls it.
    name: String,
    /// The tool.
    tool: String,
    /// Where it stands.
    status: scalar::StepStatus,
}

/// An attempt brought its result.
#[derive(ToSchema)]
pub(crate) struct StepCompletedPayload {
    /// The attempt.
    #[serde(flatten)]
    step: StepPayload,
    /// How it went, in a few words.
    note: String,
}

/// An attempt brought none.
#[derive(ToSchema)]
pub(crate) struct StepFailedPayload {
    /// The attempt.
    #[serde(flatten)]
    step: StepPayload,
    /// Why.
    error: String,
}

/// What every event about an approval says of it.
#[derive(ToSchema)]
pub(crate) struct ApprovalPayload {
    /// The approval.
    approval_id: Uuid,
    /// Its number.
    number: i64,
    /// The run that wants to act.
    run_id: Uuid,
    /// The run's task.
    task_id: Uuid,
    /// The task's number.
    task_number: i64,
    /// What is to be done, in words.
    what: String,
    /// SHA-256 of the exact action, in hexadecimal.
    action_sha256: String,
    /// Where it stands.
    status: scalar::ApprovalStatus,
}

/// What every event about a standing permission says of it.
#[derive(ToSchema)]
pub(crate) struct PermissionPayload {
    /// The permission.
    permission_id: Uuid,
    /// Its number.
    number: i64,
    /// Which tool.
    tool: String,
    /// Which arguments.
    shape: Shape<'static>,
    /// For which project's tasks.
    #[schema(required = true)]
    project_id: Option<Uuid>,
}

/// What every event about a folder says of it; not where it is.
#[derive(ToSchema)]
pub(crate) struct FolderPayload {
    /// The folder.
    folder_id: Uuid,
    /// What agents call it.
    name: String,
    /// What they may do there.
    access: scalar::Access,
    /// For which project's tasks.
    #[schema(required = true)]
    project_id: Option<Uuid>,
}

/// What every event about a chat of Telegram's says of it; not its number.
#[derive(ToSchema)]
pub(crate) struct TelegramChatPayload {
    /// The chat.
    telegram_chat_id: Uuid,
    /// What it is called.
    name: String,
}

/// What every event about a budget says of it. Amounts are millionths of a US dollar, tokens, turns,
/// calls of tools, milliseconds, or tasks, whatever the resource is.
#[derive(ToSchema)]
pub(crate) struct EventBudget {
    /// What sort of thing it is for.
    scope: scalar::ScopeKind,
    /// Which one: a UUID, an agent's name, a date, `each` or `all`.
    key: String,
    /// What is limited.
    resource: scalar::Resource,
    /// The limit; null where there is none any more.
    #[schema(required = true)]
    limit: Option<u64>,
}

/// Something did not fit into what is left of a budget, and was not done.
#[derive(ToSchema)]
pub(crate) struct BudgetReachedPayload {
    /// The budget.
    #[serde(flatten)]
    budget: EventBudget,
    /// What was spent of it, what is set aside included.
    spent: u64,
    /// What was asked for.
    asked: u64,
    /// The task that waits for more, where one does.
    #[schema(required = true)]
    task_id: Option<Uuid>,
}

/// Most of a budget was spent.
#[derive(ToSchema)]
pub(crate) struct BudgetLowPayload {
    /// The budget.
    #[serde(flatten)]
    budget: EventBudget,
    /// What was spent of it.
    spent: u64,
}

/// The owner allowed more, or less.
#[derive(ToSchema)]
pub(crate) struct BudgetChangedPayload {
    /// The budget, as it is after that.
    #[serde(flatten)]
    budget: EventBudget,
    /// What the limit was before; null where there was none.
    #[schema(required = true)]
    was: Option<u64>,
}

/// What every event about a tool says of it.
#[derive(ToSchema)]
pub(crate) struct ToolPayload {
    /// The version.
    tool_id: Uuid,
    /// Its name.
    name: String,
    /// Which version.
    version: u32,
    /// Where it stands.
    status: scalar::ToolStatus,
    /// What it may do.
    grants: Grants,
    /// SHA-256 of all that it is, in hexadecimal.
    sha256: String,
}

/// The owner does not want a tool called.
#[derive(ToSchema)]
pub(crate) struct ToolDisabledPayload {
    /// The version.
    #[serde(flatten)]
    tool: ToolPayload,
    /// Why, if they said.
    #[schema(required = true)]
    reason: Option<String>,
}

/// A tool failed too often in a row.
#[derive(ToSchema)]
pub(crate) struct ToolSetAsidePayload {
    /// The version.
    #[serde(flatten)]
    tool: ToolPayload,
    /// How it failed last.
    reason: String,
}

/// The owner went back to an earlier version of a tool.
#[derive(ToSchema)]
pub(crate) struct ToolRolledBackPayload {
    /// The version.
    #[serde(flatten)]
    tool: ToolPayload,
    /// The version that takes its place.
    to_version: u32,
}

/// What every event about a memory says of it; not its text.
#[derive(ToSchema)]
pub(crate) struct MemoryPayload {
    /// The memory.
    memory_id: Uuid,
    /// Its number.
    number: i64,
    /// For which project's tasks.
    #[schema(required = true)]
    project_id: Option<Uuid>,
    /// The number of the task that it came from.
    #[schema(required = true)]
    task_number: Option<i64>,
}

/// Which payload goes with which type of event: one property for each type.
#[derive(ToSchema)]
pub(crate) struct EventPayloads {
    #[schema(rename = "project.created")]
    project_created: ProjectPayload,
    #[schema(rename = "project.updated")]
    project_updated: ProjectPayload,
    #[schema(rename = "project.deleted")]
    project_deleted: ProjectDeletedPayload,
    #[schema(rename = "task.created")]
    task_created: TaskCreatedPayload,
    #[schema(rename = "task.claimed")]
    task_claimed: TaskClaimedPayload,
    #[schema(rename = "task.updated")]
    task_updated: TaskUpdatedPayload,
    #[schema(rename = "task.progress")]
    task_progress: TaskProgressPayload,
    #[schema(rename = "task.completed")]
    task_completed: TaskCompletedPayload,
    #[schema(rename = "task.acceptance_failed")]
    task_acceptance_failed: TaskAcceptanceFailedPayload,
    #[schema(rename = "task.blocked")]
    task_blocked: TaskBlockedPayload,
    #[schema(rename = "task.answered")]
    task_answered: TaskAnsweredPayload,
    #[schema(rename = "task.released")]
    task_released: TaskReleasedPayload,
    #[schema(rename = "task.cancelled")]
    task_cancelled: TaskReasonPayload,
    #[schema(rename = "task.reopened")]
    task_reopened: TaskReasonPayload,
    #[schema(rename = "agent.registered")]
    agent_registered: AgentPayload,
    #[schema(rename = "agent.online")]
    agent_online: AgentPayload,
    #[schema(rename = "agent.offline")]
    agent_offline: AgentPayload,
    #[schema(rename = "agent.paused")]
    agent_paused: AgentPayload,
    #[schema(rename = "agent.resumed")]
    agent_resumed: AgentPayload,
    #[schema(rename = "specialist.created")]
    specialist_created: SpecialistPayload,
    #[schema(rename = "specialist.enabled")]
    specialist_enabled: SpecialistPayload,
    #[schema(rename = "specialist.disabled")]
    specialist_disabled: SpecialistPayload,
    #[schema(rename = "specialist.removed")]
    specialist_removed: SpecialistPayload,
    #[schema(rename = "artifact.created")]
    artifact_created: ArtifactPayload,
    #[schema(rename = "artifact.attached")]
    artifact_attached: ArtifactPayload,
    #[schema(rename = "conversation.started")]
    conversation_started: ConversationStartedPayload,
    #[schema(rename = "conversation.message_added")]
    conversation_message_added: ConversationMessageAddedPayload,
    #[schema(rename = "conversation.noted")]
    conversation_noted: ConversationNotedPayload,
    #[schema(rename = "notice.created")]
    notice_created: NoticePayload,
    #[schema(rename = "notice.delivered")]
    notice_delivered: NoticeDeliveredPayload,
    #[schema(rename = "notice.returned")]
    notice_returned: NoticeDeliveredPayload,
    #[schema(rename = "notice.withdrawn")]
    notice_withdrawn: NoticePayload,
    #[schema(rename = "key.created")]
    key_created: KeyCreatedPayload,
    #[schema(rename = "key.revoked")]
    key_revoked: KeyRevokedPayload,
    #[schema(rename = "run.started")]
    run_started: RunPayload,
    #[schema(rename = "run.resumed")]
    run_resumed: RunPayload,
    #[schema(rename = "run.waiting")]
    run_waiting: RunPayload,
    #[schema(rename = "run.failed")]
    run_failed: RunPayload,
    #[schema(rename = "run.completed")]
    run_completed: RunPayload,
    #[schema(rename = "run.cancelled")]
    run_cancelled: RunPayload,
    #[schema(rename = "step.waiting")]
    step_waiting: StepPayload,
    #[schema(rename = "step.started")]
    step_started: StepPayload,
    #[schema(rename = "step.acted")]
    step_acted: StepPayload,
    #[schema(rename = "step.completed")]
    step_completed: StepCompletedPayload,
    #[schema(rename = "step.failed")]
    step_failed: StepFailedPayload,
    #[schema(rename = "step.interrupted")]
    step_interrupted: StepPayload,
    #[schema(rename = "step.discarded")]
    step_discarded: StepPayload,
    #[schema(rename = "approval.requested")]
    approval_requested: ApprovalPayload,
    #[schema(rename = "approval.approved")]
    approval_approved: ApprovalPayload,
    #[schema(rename = "approval.denied")]
    approval_denied: ApprovalPayload,
    #[schema(rename = "approval.used")]
    approval_used: ApprovalPayload,
    #[schema(rename = "approval.expired")]
    approval_expired: ApprovalPayload,
    #[schema(rename = "approval.withdrawn")]
    approval_withdrawn: ApprovalPayload,
    #[schema(rename = "permission.granted")]
    permission_granted: PermissionPayload,
    #[schema(rename = "permission.revoked")]
    permission_revoked: PermissionPayload,
    #[schema(rename = "folder.granted")]
    folder_granted: FolderPayload,
    #[schema(rename = "folder.revoked")]
    folder_revoked: FolderPayload,
    #[schema(rename = "telegram_chat.paired")]
    telegram_chat_paired: TelegramChatPayload,
    #[schema(rename = "telegram_chat.removed")]
    telegram_chat_removed: TelegramChatPayload,
    #[schema(rename = "budget.reached")]
    budget_reached: BudgetReachedPayload,
    #[schema(rename = "budget.low")]
    budget_low: BudgetLowPayload,
    #[schema(rename = "budget.raised")]
    budget_raised: BudgetChangedPayload,
    #[schema(rename = "budget.lowered")]
    budget_lowered: BudgetChangedPayload,
    #[schema(rename = "tool.created")]
    tool_created: ToolPayload,
    #[schema(rename = "tool.enabled")]
    tool_enabled: ToolPayload,
    #[schema(rename = "tool.disabled")]
    tool_disabled: ToolDisabledPayload,
    #[schema(rename = "tool.set_aside")]
    tool_set_aside: ToolSetAsidePayload,
    #[schema(rename = "tool.rolled_back")]
    tool_rolled_back: ToolRolledBackPayload,
    #[schema(rename = "memory.remembered")]
    memory_remembered: MemoryPayload,
    #[schema(rename = "memory.forgotten")]
    memory_forgotten: MemoryPayload,
}
