//! What the node's objects say, as far as commands show it.
//!
//! A field that is missing or new does no harm, so that a program and a node of neighbouring
//! versions understand each other.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::output::note;

/// A page of a list.
#[derive(Debug, Clone, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Says on standard error how to see the rest of the list that `command` gave, or that there
    /// is nothing on it.
    pub fn note_rest(&self, command: &str) {
        if let Some(cursor) = &self.next_cursor {
            note(&format!(
                "there are more: {command} --cursor {cursor}, with the same filters"
            ));
        } else if self.items.is_empty() {
            note("there are none");
        }
    }
}

macro_rules! wire {
    ($($(#[$doc:meta])* $name:ident { $($(#[$serde:meta])? $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default)]
        #[expect(missing_docs, reason = "the interface's own names, told of in its document")]
        pub struct $name { $($(#[$serde])? pub $field: $type),* }
    )*};
}

wire! {
    /// What the node says of its settings.
    Settings {
        restart_for: Vec<WaitingSetting>,
    }

    /// A setting that counts when the node is started again.
    WaitingSetting {
        setting: String,
        running: Value,
        at_restart: Value,
    }

    /// How talking over Telegram stands.
    TelegramState {
        facility: Option<FacilityRecord>,
        bot: Option<String>,
        chats: Vec<TelegramChat>,
        updates_waiting: u64,
        messages_waiting: u64,
        messages_dead: u64,
        dead_letters: Vec<DeadLetter>,
        unread_kinds: u64,
    }

    /// Whether a part of the node works.
    FacilityRecord {
        is_available: bool,
        reason: String,
        remedy: String,
    }

    /// A chat that may talk.
    TelegramChat {
        id: String,
        chat: i64,
        name: String,
        paired_by: String,
        closed_at: Option<String>,
        created_at: String,
    }

    /// A message that could not be delivered.
    DeadLetter {
        chat: i64,
        text: String,
        error: String,
        at: String,
    }

    /// A code that pairs a chat.
    TelegramPairing {
        code: String,
        expires_at: String,
        bot: String,
        link: String,
    }

    /// The language models.
    ModelList {
        providers: Vec<ModelRecord>,
        max_output_tokens: u32,
    }

    /// One language model, and how it does.
    ModelRecord {
        provider: String,
        model: String,
        origin: String,
        is_current: bool,
        standing: String,
        reason: String,
        detail: String,
        remedy: String,
        retry_in_seconds: Option<u64>,
        context_tokens: u64,
        has_tools: bool,
        input_price: f64,
        output_price: f64,
        is_price_assumed: bool,
    }

    /// What came of trying a language model out.
    ModelTest {
        provider: String,
        model: String,
        answer: String,
        elapsed_ms: u64,
        input_tokens: u64,
        output_tokens: u64,
        cost: f64,
        is_estimated: bool,
    }

    /// Who a key is for.
    Me {
        role: String,
        agent: Option<String>,
    }

    /// A task.
    Task {
        id: String,
        number: i64,
        project_id: Option<String>,
        parent_id: Option<String>,
        title: String,
        description: String,
        status: String,
        priority: String,
        assigned_to: Option<String>,
        context: Map<String, Value>,
        result: Option<Value>,
        blocked_reason: Option<String>,
        blocked_options: Option<Vec<String>>,
        cancelled_reason: Option<String>,
        depends_on: Vec<String>,
        labels: Vec<String>,
        due_at: Option<String>,
        recurrence: Option<String>,
        estimate_minutes: Option<u32>,
        not_before: Option<String>,
        attempt: u32,
        max_attempts: u32,
        fence: u64,
        lease_expires_at: Option<String>,
        acceptance: Vec<Value>,
        failed_checks: Vec<FailedCheck>,
        created_at: String,
        updated_at: String,
        completed_at: Option<String>,
        created_by: String,
        waiting_for: Option<String>,
        trust: Trust,
    }

    /// Whose words something is made of.
    Trust {
        untrusted: bool,
        private: bool,
    }

    /// An answer of the chief of staff.
    ChatAnswer {
        response: String,
        conversation_id: String,
    }

    /// What was heard in a recording, and what was answered.
    Uttered {
        transcript: HeardText,
        response: Option<String>,
        conversation_id: Option<String>,
    }

    /// What was heard.
    HeardText {
        text: String,
    }

    /// What the node does with its microphone.
    PushToTalk {
        state: String,
        is_armed: bool,
        waiting: u64,
        problem: String,
        recorded: u64,
        turns: u64,
        last: Option<PushToTalkTurn>,
    }

    /// What was said last, and what came of it.
    PushToTalkTurn {
        heard: String,
        response: String,
        is_cut: bool,
        problem: String,
    }

    /// A conversation.
    Conversation {
        id: String,
        updated_at: String,
    }

    /// Something to tell the person.
    Notice {
        id: String,
        text: String,
    }

    /// How a line was understood.
    Understood {
        summary: String,
        title: String,
        project: Option<String>,
        labels: Vec<String>,
        priority: Option<String>,
        due_at: Option<String>,
        recurrence: Option<String>,
        after: Vec<i64>,
        assigned_to: Option<String>,
        estimate_minutes: Option<u32>,
        doubts: Vec<Doubt>,
    }

    /// Something in a line that could not be understood.
    Doubt {
        field: String,
        problem: String,
    }

    /// What came of a line.
    FromLine {
        understood: Understood,
    }

    /// A completion that did not pass the acceptance checks.
    FailedCheck {
        agent: String,
        attempt: u32,
        at: String,
        unmet: Vec<Evidence>,
    }

    /// A check, and what was found.
    Evidence {
        check: Value,
        found: String,
    }

    /// A run.
    RunRecord {
        id: String,
        number: i64,
        task_id: String,
        task_number: i64,
        agent: String,
        status: String,
        reason: Option<String>,
        started_at: String,
        updated_at: String,
        ended_at: Option<String>,
        trust: Trust,
    }

    /// An attempt at a step of a run.
    Step {
        place: u32,
        attempt: u32,
        name: String,
        tool: String,
        args: Map<String, Value>,
        decision: Decision,
        repeat: String,
        status: String,
        waiting_for: Option<Waiting>,
        result: Option<Value>,
        artifacts: Vec<String>,
        note: Option<String>,
        error: Option<String>,
        created_at: String,
        acted_at: Option<String>,
        ended_at: Option<String>,
        discarded_at: Option<String>,
    }

    /// What the policy said of a step.
    Decision {
        verdict: String,
        reason: String,
        permission: Option<i64>,
        approval: Option<i64>,
    }

    /// What a step waits for.
    Waiting {
        kind: String,
        approval: Option<i64>,
    }

    /// An exact action put to the owner.
    Approval {
        id: String,
        number: i64,
        task_number: i64,
        place: u32,
        tool: String,
        args: Map<String, Value>,
        action_sha256: String,
        what: String,
        why: String,
        is_once: bool,
        status: String,
        decided_by: Option<String>,
        decided_at: Option<String>,
        note: Option<String>,
        expires_at: String,
        created_at: String,
    }

    /// What became of an answer to an approval.
    DecidedApproval {
        approval: Approval,
        permission: Option<Permission>,
    }

    /// What is allowed without asking.
    Permission {
        number: i64,
        tool: String,
        shape: Value,
        project_id: Option<String>,
        uses: u64,
        last_used_at: Option<String>,
        revoked_at: Option<String>,
    }

    /// What may be used up in one scope, and what was.
    Account {
        name: String,
        limits: Map<String, Value>,
        spent: Map<String, Value>,
        left: Map<String, Value>,
    }

    /// What was spent on one thing.
    Spending {
        name: String,
        calls: u64,
        usd: f64,
        input_tokens: u64,
        output_tokens: u64,
    }

    /// What is spent on models today.
    SpentToday {
        usd: f64,
        reserved_usd: f64,
        limit_usd: Option<f64>,
        tokens: u64,
    }

    /// Something that is remembered.
    MemoryRecord {
        number: i64,
        text: String,
        about: String,
        project_id: Option<String>,
        untrusted: bool,
        private: bool,
        provenance: String,
        forgotten_at: Option<String>,
    }

    /// A folder that is open to agents.
    Folder {
        name: String,
        path: String,
        access: String,
        project_id: Option<String>,
        revoked_at: Option<String>,
    }

    /// A version of a tool that an agent made.
    Tool {
        name: String,
        version: u32,
        description: String,
        status: String,
        status_by: Option<String>,
        status_reason: Option<String>,
        rolled_back_to: Option<u32>,
        grants: Value,
        sha256: String,
        uses: u64,
        failures: u64,
        failures_in_row: u32,
        last_used_at: Option<String>,
        created_by: String,
        created_at: String,
    }

    /// A version with its code, where that was asked for.
    ToolVersion {
        #[serde(flatten)] tool: Tool,
        parameters: Value,
        code: String,
        examples: Vec<Value>,
    }

    /// A tool with its versions.
    ToolHistory {
        name: String,
        current_version: u32,
        versions: Vec<ToolVersion>,
    }

    /// What came of testing a tool.
    ToolTest {
        name: String,
        version: u32,
        passed: bool,
        examples: Vec<TriedExample>,
    }

    /// What came of trying one example.
    TriedExample {
        outcome: String,
        story: Option<String>,
    }

    /// A project.
    Project {
        id: String,
        name: String,
        description: String,
        status: String,
        created_at: String,
        updated_at: String,
    }

    /// An agent.
    Agent {
        name: String,
        #[serde(rename = "type")] kind: String,
        status: String,
        capabilities: Vec<String>,
        created_at: String,
        last_seen_at: String,
        paused_at: Option<String>,
    }

    /// An agent that was paused.
    AgentPause {
        agent: Agent,
        handed_back: Vec<i64>,
    }

    /// An agent that a run made.
    Specialist {
        name: String,
        instructions: String,
        tools: Vec<String>,
        asks_before: Vec<String>,
        limits: Map<String, Value>,
        depth: u32,
        parent: Option<String>,
        created_by: String,
        task_id: Option<String>,
        is_enabled: bool,
    }

    /// An artifact.
    Artifact {
        id: String,
        task_id: Option<String>,
        #[serde(rename = "type")] kind: String,
        name: Option<String>,
        media_type: String,
        size_bytes: u64,
        sha256: String,
        storage_url: String,
        created_by: Option<String>,
        created_at: String,
        trust: Trust,
    }

    /// An event.
    Event {
        seq: i64,
        #[serde(rename = "type")] kind: String,
        entity_type: String,
        entity_id: String,
        agent_name: Option<String>,
        payload: Map<String, Value>,
        timestamp: String,
    }

    /// A key, without the key itself.
    KeyRecord {
        id: String,
        name: String,
        role: String,
        agent: Option<String>,
        created_at: String,
        last_used_at: Option<String>,
        revoked_at: Option<String>,
    }
}

impl Trust {
    /// Returns it in words; empty where there is nothing to say.
    pub fn words(&self) -> String {
        let words = [(self.untrusted, "untrusted"), (self.private, "private")];
        let words: Vec<&str> = words
            .into_iter()
            .filter_map(|(is_so, word)| is_so.then_some(word))
            .collect();
        words.join(", ")
    }
}

impl Step {
    /// Whether it counts.
    pub fn is_live(&self) -> bool {
        self.discarded_at.is_none()
    }

    /// Returns the number of the approval that it waits for.
    pub fn approval(&self) -> Option<i64> {
        self.waiting_for
            .as_ref()
            .and_then(|waiting| waiting.approval)
    }

    /// Whether it waits for an answer in words.
    pub fn is_question(&self) -> bool {
        let waiting = self.waiting_for.as_ref();
        waiting.is_some_and(|waiting| matches!(waiting.kind.as_str(), "answer" | "doubt"))
    }

    /// Whether it waits for a task of another agent.
    pub fn is_handed_on(&self) -> bool {
        let waiting = self.waiting_for.as_ref();
        waiting.is_some_and(|waiting| waiting.kind == "child")
    }
}
