//! Events: what happened, in the past tense, in one increasing sequence.
//!
//! [`EventKind`] is a stored format: a variant or field, once written by a release, keeps its name
//! and meaning. This is the one place where domain types are serialized.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::agent::AgentStatus;
use crate::approval::ApprovalFacts;
use crate::clock::Timestamp;
use crate::conversation::Author;
use crate::field::{AgentName, JsonObject, Name, Title, Word};
use crate::folder::FolderFacts;
use crate::id::{
    AgentId, ArtifactId, ConversationId, EventId, MessageId, NoticeId, ProjectId, TaskId,
};
use crate::key::Grant;
use crate::memory::MemoryFacts;
use crate::money::BudgetFacts;
use crate::notice::NoticeKind;
use crate::permission::PermissionFacts;
use crate::priority::Priority;
use crate::project::ProjectStatus;
use crate::run::{RunFacts, StepFacts};
use crate::specialist::SpecialistFacts;
use crate::task::{Check, TaskStatus};
use crate::telegram::TelegramChatFacts;
use crate::tool::ToolFacts;

/// A position in the sequence of events; the first event has 1.
pub type Seq = i64;

/// What every event about a task says of it, as it is after the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskFacts {
    /// The task.
    pub task_id: TaskId,
    /// Its short number.
    pub number: i64,
    /// Its title.
    pub title: Title,
    /// Its project.
    pub project_id: Option<ProjectId>,
    /// Its status.
    pub status: TaskStatus,
    /// Its version.
    pub version: u64,
    /// Its fence.
    pub fence: u64,
    /// Its attempt.
    pub attempt: u32,
    /// Who holds it or is to take it.
    pub assigned_to: Option<AgentName>,
}

/// What every event about a project says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectFacts {
    /// The project.
    pub project_id: ProjectId,
    /// Its name.
    pub name: Name,
    /// Its status.
    pub status: ProjectStatus,
    /// Its version.
    pub version: u64,
}

/// What every event about an agent says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentFacts {
    /// The agent.
    pub agent_id: AgentId,
    /// Its name.
    pub name: AgentName,
    /// What sort it is.
    #[serde(rename = "type")]
    pub kind: Word,
    /// Whether it is there.
    pub status: AgentStatus,
    /// When it was last heard from.
    pub last_seen_at: Timestamp,
}

/// What every event about an artifact says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArtifactFacts {
    /// The artifact.
    pub artifact_id: ArtifactId,
    /// The task it belongs to.
    pub task_id: Option<TaskId>,
    /// What sort it is.
    #[serde(rename = "type")]
    pub kind: Word,
    /// What people call it.
    pub name: Option<Name>,
    /// What its bytes are.
    pub media_type: String,
    /// How many bytes.
    pub size_bytes: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
}

/// What every event about a notice says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeFacts {
    /// The notice.
    pub notice_id: NoticeId,
    /// What sort it is.
    pub kind: NoticeKind,
    /// The task it is about.
    pub task_id: Option<TaskId>,
    /// What there is to tell.
    pub text: String,
}

/// Why work on a task stopped without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseCause {
    /// Its holder gave it back.
    GivenBack,
    /// Its holder was not heard from until the lease ran out.
    LeaseExpired,
    /// The node was killed while one of its own agents held it.
    NodeRestarted,
    /// The node was stopped and handed it back first; this costs no attempt.
    NodeStopped,
    /// No language model answered; this costs no attempt.
    NoModel,
    /// Its run waits for tasks that it handed to others; this costs no attempt.
    WaitsForChildren,
    /// The agent that held it was paused at once; this costs no attempt.
    AgentPaused,
}

impl ReleaseCause {
    /// Whether the attempt counts among those that failed: the worker could have done better.
    pub fn costs_attempt(self) -> bool {
        match self {
            Self::GivenBack | Self::LeaseExpired | Self::NodeRestarted => true,
            Self::NodeStopped | Self::NoModel | Self::WaitsForChildren | Self::AgentPaused => false,
        }
    }
}

/// One acceptance check that held, and what showed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The check.
    pub check: Check,
    /// What was found.
    pub found: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload")]
pub enum EventKind {
    /// A project was made.
    #[serde(rename = "project.created")]
    ProjectCreated(ProjectFacts),
    /// A project's fields changed.
    #[serde(rename = "project.updated")]
    ProjectUpdated(ProjectFacts),
    /// A project was deleted, and its tasks with it.
    #[serde(rename = "project.deleted")]
    ProjectDeleted {
        /// The project.
        #[serde(flatten)]
        project: ProjectFacts,
        /// How many tasks went with it.
        deleted_tasks: u64,
    },
    /// A task was made.
    #[serde(rename = "task.created")]
    TaskCreated {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// How urgent it is.
        priority: Priority,
        /// Who made it.
        created_by: String,
    },
    /// An agent took a task.
    #[serde(rename = "task.claimed")]
    TaskClaimed {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// Who took it.
        agent: AgentName,
        /// Until when, unless renewed.
        lease_expires_at: Timestamp,
    },
    /// A task's fields changed.
    #[serde(rename = "task.updated")]
    TaskUpdated {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// The names of the fields that changed.
        changed: Vec<String>,
    },
    /// The holder tells how far it is.
    #[serde(rename = "task.progress")]
    TaskProgress {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// What it is doing.
        message: String,
        /// How far it is, from 0 to 100, if it knows.
        percent: Option<u8>,
    },
    /// A task was done.
    #[serde(rename = "task.completed")]
    TaskCompleted {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// Who did it.
        agent: AgentName,
        /// What came of it.
        result: Option<JsonObject>,
        /// What showed that it is done: one entry per acceptance check.
        evidence: Vec<Evidence>,
        /// The artifacts it has.
        artifacts: Vec<ArtifactId>,
        /// How long the last attempt took.
        duration_ms: u64,
    },
    /// A completion did not pass the task's acceptance checks.
    #[serde(rename = "task.acceptance_failed")]
    TaskAcceptanceFailed {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// Who said that it was done.
        agent: AgentName,
        /// What did not hold: one entry per failed check.
        unmet: Vec<Evidence>,
        /// How many completions failed since somebody last looked at it, this one included.
        failures: u32,
    },
    /// A task needs somebody.
    #[serde(rename = "task.blocked")]
    TaskBlocked {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// Why.
        reason: String,
        /// Answers to choose from, if it is a question.
        options: Vec<String>,
    },
    /// A blocked task was answered and waits to be taken up.
    #[serde(rename = "task.answered")]
    TaskAnswered {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// The answer; none when it was only unblocked.
        answer: Option<String>,
    },
    /// Work on a task stopped, and it waits to be taken up.
    #[serde(rename = "task.released")]
    TaskReleased {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// Who had it.
        agent: AgentName,
        /// Why it stopped.
        cause: ReleaseCause,
        /// What its holder said.
        reason: Option<String>,
    },
    /// A task is no longer wanted.
    #[serde(rename = "task.cancelled")]
    TaskCancelled {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// Why.
        reason: Option<String>,
    },
    /// An ended task is wanted again.
    #[serde(rename = "task.reopened")]
    TaskReopened {
        /// The task.
        #[serde(flatten)]
        task: TaskFacts,
        /// Why.
        reason: Option<String>,
    },
    /// An agent made itself known.
    #[serde(rename = "agent.registered")]
    AgentRegistered(AgentFacts),
    /// An agent that was offline was heard from.
    #[serde(rename = "agent.online")]
    AgentOnline(AgentFacts),
    /// An agent was not heard from for too long.
    #[serde(rename = "agent.offline")]
    AgentOffline(AgentFacts),
    /// An agent is to take no tasks for now.
    #[serde(rename = "agent.paused")]
    AgentPaused(AgentFacts),
    /// An agent that was paused may take tasks again.
    #[serde(rename = "agent.resumed")]
    AgentResumed(AgentFacts),
    /// A run made a specialist.
    #[serde(rename = "specialist.created")]
    SpecialistCreated(SpecialistFacts),
    /// A specialist takes tasks again.
    #[serde(rename = "specialist.enabled")]
    SpecialistEnabled(SpecialistFacts),
    /// A specialist takes no tasks any more.
    #[serde(rename = "specialist.disabled")]
    SpecialistDisabled(SpecialistFacts),
    /// A specialist is no more.
    #[serde(rename = "specialist.removed")]
    SpecialistRemoved(SpecialistFacts),
    /// An artifact was stored.
    #[serde(rename = "artifact.created")]
    ArtifactCreated(ArtifactFacts),
    /// An artifact that waited was given to a task.
    #[serde(rename = "artifact.attached")]
    ArtifactAttached(ArtifactFacts),
    /// A conversation with the chief of staff began.
    #[serde(rename = "conversation.started")]
    ConversationStarted {
        /// The conversation.
        conversation_id: ConversationId,
    },
    /// Something was said in a conversation. What was said is in the conversation alone.
    #[serde(rename = "conversation.message_added")]
    ConversationMessageAdded {
        /// The conversation.
        conversation_id: ConversationId,
        /// The message.
        message_id: MessageId,
        /// Who said it.
        author: Author,
    },
    /// The chief of staff keeps in mind how far it is with an answer.
    #[serde(rename = "conversation.noted")]
    ConversationNoted {
        /// The conversation.
        conversation_id: ConversationId,
    },
    /// There is something to tell the person.
    #[serde(rename = "notice.created")]
    NoticeCreated(NoticeFacts),
    /// The person was told.
    #[serde(rename = "notice.delivered")]
    NoticeDelivered {
        /// The notice.
        #[serde(flatten)]
        notice: NoticeFacts,
        /// Over which channel.
        channel: Word,
    },
    /// What was told did not arrive, and is to be told again.
    #[serde(rename = "notice.returned")]
    NoticeReturned {
        /// The notice.
        #[serde(flatten)]
        notice: NoticeFacts,
        /// Over which channel it did not arrive.
        channel: Word,
    },
    /// What there was to tell is not worth it any more.
    #[serde(rename = "notice.withdrawn")]
    NoticeWithdrawn(NoticeFacts),
    /// Work on a task began.
    #[serde(rename = "run.started")]
    RunStarted(RunFacts),
    /// It was taken up again.
    #[serde(rename = "run.resumed")]
    RunResumed(RunFacts),
    /// It waits for a person, or to be taken up again.
    #[serde(rename = "run.waiting")]
    RunWaiting(RunFacts),
    /// A step failed for good.
    #[serde(rename = "run.failed")]
    RunFailed(RunFacts),
    /// All its steps are done.
    #[serde(rename = "run.completed")]
    RunCompleted(RunFacts),
    /// It is no longer wanted.
    #[serde(rename = "run.cancelled")]
    RunCancelled(RunFacts),
    /// A step of a run waits for the owner.
    #[serde(rename = "step.waiting")]
    StepWaiting(StepFacts),
    /// A step is about to be made.
    #[serde(rename = "step.started")]
    StepStarted(StepFacts),
    /// A step was made; its result is not kept yet.
    #[serde(rename = "step.acted")]
    StepActed(StepFacts),
    /// A step brought its result.
    #[serde(rename = "step.completed")]
    StepCompleted {
        /// The step.
        #[serde(flatten)]
        step: StepFacts,
        /// How it went, in a few words.
        note: String,
    },
    /// A step brought none.
    #[serde(rename = "step.failed")]
    StepFailed {
        /// The step.
        #[serde(flatten)]
        step: StepFacts,
        /// Why.
        error: String,
    },
    /// A step was stopped, or cut off with the node.
    #[serde(rename = "step.interrupted")]
    StepInterrupted(StepFacts),
    /// A step counts no more, and is done anew.
    #[serde(rename = "step.discarded")]
    StepDiscarded(StepFacts),
    /// An action was put to the owner.
    #[serde(rename = "approval.requested")]
    ApprovalRequested(ApprovalFacts),
    /// The owner said yes.
    #[serde(rename = "approval.approved")]
    ApprovalApproved(ApprovalFacts),
    /// The owner said no.
    #[serde(rename = "approval.denied")]
    ApprovalDenied(ApprovalFacts),
    /// The action was made.
    #[serde(rename = "approval.used")]
    ApprovalUsed(ApprovalFacts),
    /// Nobody answered, or the yes was not used, in time.
    #[serde(rename = "approval.expired")]
    ApprovalExpired(ApprovalFacts),
    /// The action is no longer wanted.
    #[serde(rename = "approval.withdrawn")]
    ApprovalWithdrawn(ApprovalFacts),
    /// The owner allowed a shape of calls.
    #[serde(rename = "permission.granted")]
    PermissionGranted(PermissionFacts),
    /// The owner took that back.
    #[serde(rename = "permission.revoked")]
    PermissionRevoked(PermissionFacts),
    /// The owner opened a folder to agents.
    #[serde(rename = "folder.granted")]
    FolderGranted(FolderFacts),
    /// The owner closed it again.
    #[serde(rename = "folder.revoked")]
    FolderRevoked(FolderFacts),
    /// A chat of Telegram's was paired with the owner.
    #[serde(rename = "telegram_chat.paired")]
    TelegramChatPaired(TelegramChatFacts),
    /// It was removed again.
    #[serde(rename = "telegram_chat.removed")]
    TelegramChatRemoved(TelegramChatFacts),
    /// Something did not fit into what is left of a budget, and was not done.
    #[serde(rename = "budget.reached")]
    BudgetReached {
        /// The budget.
        #[serde(flatten)]
        budget: BudgetFacts,
        /// What was spent of it, what is reserved included.
        spent: u64,
        /// What was asked for.
        asked: u64,
        /// The task that waits for more, where one does.
        task_id: Option<TaskId>,
    },
    /// Most of a budget was spent.
    #[serde(rename = "budget.low")]
    BudgetLow {
        /// The budget.
        #[serde(flatten)]
        budget: BudgetFacts,
        /// What was spent of it.
        spent: u64,
    },
    /// The owner allowed more.
    #[serde(rename = "budget.raised")]
    BudgetRaised {
        /// The budget, as it is after that.
        #[serde(flatten)]
        budget: BudgetFacts,
        /// What the limit was before.
        was: Option<u64>,
    },
    /// The owner allowed less.
    #[serde(rename = "budget.lowered")]
    BudgetLowered {
        /// The budget, as it is after that.
        #[serde(flatten)]
        budget: BudgetFacts,
        /// What the limit was before; none where there was none.
        was: Option<u64>,
    },
    /// A version of a tool was made.
    #[serde(rename = "tool.created")]
    ToolCreated(ToolFacts),
    /// It may be called again.
    #[serde(rename = "tool.enabled")]
    ToolEnabled(ToolFacts),
    /// The owner does not want it called.
    #[serde(rename = "tool.disabled")]
    ToolDisabled {
        /// The version.
        #[serde(flatten)]
        tool: ToolFacts,
        /// Why, if they said.
        reason: Option<String>,
    },
    /// It failed too often in a row.
    #[serde(rename = "tool.set_aside")]
    ToolSetAside {
        /// The version.
        #[serde(flatten)]
        tool: ToolFacts,
        /// How it failed last.
        reason: String,
    },
    /// The owner went back to a version before it.
    #[serde(rename = "tool.rolled_back")]
    ToolRolledBack {
        /// The version.
        #[serde(flatten)]
        tool: ToolFacts,
        /// The version that takes its place.
        to_version: u32,
    },
    /// Something is kept in mind.
    #[serde(rename = "memory.remembered")]
    MemoryRemembered(MemoryFacts),
    /// It is not any more.
    #[serde(rename = "memory.forgotten")]
    MemoryForgotten(MemoryFacts),
    /// A key was made.
    #[serde(rename = "key.created")]
    KeyCreated {
        /// What its maker called it.
        name: Name,
        /// What it allows.
        grant: Grant,
    },
    /// A key stopped being valid.
    #[serde(rename = "key.revoked")]
    KeyRevoked {
        /// What its maker called it.
        name: Name,
    },
}

/// The sort of thing an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntityType {
    /// A project.
    Project,
    /// A task.
    Task,
    /// An agent.
    Agent,
    /// An artifact.
    Artifact,
    /// A conversation.
    Conversation,
    /// A notice.
    Notice,
    /// A run, of whose steps events tell too.
    Run,
    /// An approval.
    Approval,
    /// A standing permission.
    Permission,
    /// A granted folder.
    Folder,
    /// A paired chat of Telegram's.
    TelegramChat,
    /// A tool that was made.
    Tool,
    /// A memory.
    Memory,
    /// A key.
    Key,
    /// A budget.
    Budget,
}

impl EntityType {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Task => "task",
            Self::Agent => "agent",
            Self::Artifact => "artifact",
            Self::Conversation => "conversation",
            Self::Notice => "notice",
            Self::Run => "run",
            Self::Approval => "approval",
            Self::Permission => "permission",
            Self::Folder => "folder",
            Self::TelegramChat => "telegram_chat",
            Self::Tool => "tool",
            Self::Memory => "memory",
            Self::Key => "key",
            Self::Budget => "budget",
        }
    }
}

impl EventKind {
    /// Every type name, in the order of the variants.
    pub const TYPES: [&'static str; 70] = [
        "project.created",
        "project.updated",
        "project.deleted",
        "task.created",
        "task.claimed",
        "task.updated",
        "task.progress",
        "task.completed",
        "task.acceptance_failed",
        "task.blocked",
        "task.answered",
        "task.released",
        "task.cancelled",
        "task.reopened",
        "agent.registered",
        "agent.online",
        "agent.offline",
        "agent.paused",
        "agent.resumed",
        "specialist.created",
        "specialist.enabled",
        "specialist.disabled",
        "specialist.removed",
        "artifact.created",
        "artifact.attached",
        "conversation.started",
        "conversation.message_added",
        "conversation.noted",
        "notice.created",
        "notice.delivered",
        "notice.returned",
        "notice.withdrawn",
        "run.started",
        "run.resumed",
        "run.waiting",
        "run.failed",
        "run.completed",
        "run.cancelled",
        "step.waiting",
        "step.started",
        "step.acted",
        "step.completed",
        "step.failed",
        "step.interrupted",
        "step.discarded",
        "approval.requested",
        "approval.approved",
        "approval.denied",
        "approval.used",
        "approval.expired",
        "approval.withdrawn",
        "permission.granted",
        "permission.revoked",
        "folder.granted",
        "folder.revoked",
        "telegram_chat.paired",
        "telegram_chat.removed",
        "budget.reached",
        "budget.low",
        "budget.raised",
        "budget.lowered",
        "tool.created",
        "tool.enabled",
        "tool.disabled",
        "tool.set_aside",
        "tool.rolled_back",
        "memory.remembered",
        "memory.forgotten",
        "key.created",
        "key.revoked",
    ];

    /// Returns the type name, such as `task.created`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::ProjectCreated(_) => "project.created",
            Self::ProjectUpdated(_) => "project.updated",
            Self::ProjectDeleted { .. } => "project.deleted",
            Self::TaskCreated { .. } => "task.created",
            Self::TaskClaimed { .. } => "task.claimed",
            Self::TaskUpdated { .. } => "task.updated",
            Self::TaskProgress { .. } => "task.progress",
            Self::TaskCompleted { .. } => "task.completed",
            Self::TaskAcceptanceFailed { .. } => "task.acceptance_failed",
            Self::TaskBlocked { .. } => "task.blocked",
            Self::TaskAnswered { .. } => "task.answered",
            Self::TaskReleased { .. } => "task.released",
            Self::TaskCancelled { .. } => "task.cancelled",
            Self::TaskReopened { .. } => "task.reopened",
            Self::AgentRegistered(_) => "agent.registered",
            Self::AgentOnline(_) => "agent.online",
            Self::AgentOffline(_) => "agent.offline",
            Self::AgentPaused(_) => "agent.paused",
            Self::AgentResumed(_) => "agent.resumed",
            Self::SpecialistCreated(_) => "specialist.created",
            Self::SpecialistEnabled(_) => "specialist.enabled",
            Self::SpecialistDisabled(_) => "specialist.disabled",
            Self::SpecialistRemoved(_) => "specialist.removed",
            Self::ArtifactCreated(_) => "artifact.created",
            Self::ArtifactAttached(_) => "artifact.attached",
            Self::ConversationStarted { .. } => "conversation.started",
            Self::ConversationMessageAdded { .. } => "conversation.message_added",
            Self::ConversationNoted { .. } => "conversation.noted",
            Self::NoticeCreated(_) => "notice.created",
            Self::NoticeDelivered { .. } => "notice.delivered",
            Self::NoticeReturned { .. } => "notice.returned",
            Self::NoticeWithdrawn(_) => "notice.withdrawn",
            Self::RunStarted(_) => "run.started",
            Self::RunResumed(_) => "run.resumed",
            Self::RunWaiting(_) => "run.waiting",
            Self::RunFailed(_) => "run.failed",
            Self::RunCompleted(_) => "run.completed",
            Self::RunCancelled(_) => "run.cancelled",
            Self::StepWaiting(_) => "step.waiting",
            Self::StepStarted(_) => "step.started",
            Self::StepActed(_) => "step.acted",
            Self::StepCompleted { .. } => "step.completed",
            Self::StepFailed { .. } => "step.failed",
            Self::StepInterrupted(_) => "step.interrupted",
            Self::StepDiscarded(_) => "step.discarded",
            Self::ApprovalRequested(_) => "approval.requested",
            Self::ApprovalApproved(_) => "approval.approved",
            Self::ApprovalDenied(_) => "approval.denied",
            Self::ApprovalUsed(_) => "approval.used",
            Self::ApprovalExpired(_) => "approval.expired",
            Self::ApprovalWithdrawn(_) => "approval.withdrawn",
            Self::PermissionGranted(_) => "permission.granted",
            Self::PermissionRevoked(_) => "permission.revoked",
            Self::FolderGranted(_) => "folder.granted",
            Self::FolderRevoked(_) => "folder.revoked",
            Self::TelegramChatPaired(_) => "telegram_chat.paired",
            Self::TelegramChatRemoved(_) => "telegram_chat.removed",
            Self::BudgetReached { .. } => "budget.reached",
            Self::BudgetLow { .. } => "budget.low",
            Self::BudgetRaised { .. } => "budget.raised",
            Self::BudgetLowered { .. } => "budget.lowered",
            Self::ToolCreated(_) => "tool.created",
            Self::ToolEnabled(_) => "tool.enabled",
            Self::ToolDisabled { .. } => "tool.disabled",
            Self::ToolSetAside { .. } => "tool.set_aside",
            Self::ToolRolledBack { .. } => "tool.rolled_back",
            Self::MemoryRemembered(_) => "memory.remembered",
            Self::MemoryForgotten(_) => "memory.forgotten",
            Self::KeyCreated { .. } => "key.created",
            Self::KeyRevoked { .. } => "key.revoked",
        }
    }

    /// Returns what sort of thing the event is about.
    pub fn entity_type(&self) -> EntityType {
        match self {
            Self::ProjectCreated(_) | Self::ProjectUpdated(_) | Self::ProjectDeleted { .. } => {
                EntityType::Project
            }
            Self::TaskCreated { .. }
            | Self::TaskClaimed { .. }
            | Self::TaskUpdated { .. }
            | Self::TaskProgress { .. }
            | Self::TaskCompleted { .. }
            | Self::TaskAcceptanceFailed { .. }
            | Self::TaskBlocked { .. }
            | Self::TaskAnswered { .. }
            | Self::TaskReleased { .. }
            | Self::TaskCancelled { .. }
            | Self::TaskReopened { .. } => EntityType::Task,
            Self::AgentRegistered(_)
            | Self::AgentOnline(_)
            | Self::AgentOffline(_)
            | Self::AgentPaused(_)
            | Self::AgentResumed(_)
            | Self::SpecialistCreated(_)
            | Self::SpecialistEnabled(_)
            | Self::SpecialistDisabled(_)
            | Self::SpecialistRemoved(_) => EntityType::Agent,
            Self::ArtifactCreated(_) | Self::ArtifactAttached(_) => EntityType::Artifact,
            Self::ConversationStarted { .. }
            | Self::ConversationMessageAdded { .. }
            | Self::ConversationNoted { .. } => EntityType::Conversation,
            Self::NoticeCreated(_)
            | Self::NoticeDelivered { .. }
            | Self::NoticeReturned { .. }
            | Self::NoticeWithdrawn(_) => EntityType::Notice,
            Self::RunStarted(_)
            | Self::RunResumed(_)
            | Self::RunWaiting(_)
            | Self::RunFailed(_)
            | Self::RunCompleted(_)
            | Self::RunCancelled(_)
            | Self::StepWaiting(_)
            | Self::StepStarted(_)
            | Self::StepActed(_)
            | Self::StepCompleted { .. }
            | Self::StepFailed { .. }
            | Self::StepInterrupted(_)
            | Self::StepDiscarded(_) => EntityType::Run,
            Self::ApprovalRequested(_)
            | Self::ApprovalApproved(_)
            | Self::ApprovalDenied(_)
            | Self::ApprovalUsed(_)
            | Self::ApprovalExpired(_)
            | Self::ApprovalWithdrawn(_) => EntityType::Approval,
            Self::PermissionGranted(_) | Self::PermissionRevoked(_) => EntityType::Permission,
            Self::FolderGranted(_) | Self::FolderRevoked(_) => EntityType::Folder,
            Self::TelegramChatPaired(_) | Self::TelegramChatRemoved(_) => EntityType::TelegramChat,
            Self::BudgetReached { .. }
            | Self::BudgetLow { .. }
            | Self::BudgetRaised { .. }
            | Self::BudgetLowered { .. } => EntityType::Budget,
            Self::ToolCreated(_)
            | Self::ToolEnabled(_)
            | Self::ToolDisabled { .. }
            | Self::ToolSetAside { .. }
            | Self::ToolRolledBack { .. } => EntityType::Tool,
            Self::MemoryRemembered(_) | Self::MemoryForgotten(_) => EntityType::Memory,
            Self::KeyCreated { .. } | Self::KeyRevoked { .. } => EntityType::Key,
        }
    }

    /// Returns the payload as JSON text.
    ///
    /// # Errors
    /// Never in practice: every field is a string, a number or a list of these.
    pub fn payload_json(&self) -> Result<String, serde_json::Error> {
        // The adjacently tagged form is `{"type":"...","payload":{...}}`; the payload is what
        // stands between the known head and the last brace.
        let whole = serde_json::to_string(self)?;
        let head = r#"{"type":"","payload":"#.len() + self.type_name().len();
        Ok(whole.get(head..whole.len() - 1).unwrap_or("{}").to_owned())
    }

    /// Reads a stored event back.
    ///
    /// # Errors
    /// A type this version does not know, or a payload that does not fit it.
    pub fn from_stored(type_name: &str, payload: &str) -> Result<Self, serde_json::Error> {
        let payload: &RawValue = serde_json::from_str(payload)?;
        serde_json::from_value(serde_json::json!({ "type": type_name, "payload": payload }))
    }
}

/// An event as it lies in the store.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its position.
    pub seq: Seq,
    /// Its identifier.
    pub id: EventId,
    /// Its type, such as `task.created`.
    pub type_name: String,
    /// What sort of thing it is about.
    pub entity_type: String,
    /// Which one.
    pub entity_id: uuid::Uuid,
    /// Who caused it.
    pub agent_name: String,
    /// The payload as JSON text, as it was stored.
    pub payload: Box<RawValue>,
    /// When it happened.
    pub timestamp: Timestamp,
}

impl Event {
    /// Returns what happened.
    ///
    /// # Errors
    /// An event of a type that this version does not know.
    pub fn kind(&self) -> Result<EventKind, serde_json::Error> {
        EventKind::from_stored(&self.type_name, self.payload.get())
    }
}

#[cfg(test)]
mod tests;
