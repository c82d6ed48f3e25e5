//! Every route and every role, in one table.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::at_work::{AtWork, make_tool};
use super::support::{Answer, TestApi};

/// What one route answers to each role.
struct Row {
    route: &'static str,
    /// The route with its names filled in; of a task that seed holds unless it says otherwise.
    path: &'static str,
    body: Value,
    admin: u16,
    /// The agent `seed`, which holds task 1.
    seed: u16,
    viewer: u16,
}

fn row(
    route: &'static str,
    path: &'static str,
    body: Value,
    (admin, seed, viewer): (u16, u16, u16),
) -> Row {
    Row {
        route,
        path,
        body,
        admin,
        seed,
        viewer,
    }
}

/// A form with a recording.
const RECORDING: &str =
    "--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhello\r\n--B--\r\n";

/// Task 1 is held by seed, task 2 by another agent, task 3 is pending, task 4 blocked, task 5
/// cancelled, and the run of task 6 waits for approval 1.
fn table() -> Vec<Row> {
    let none = || Value::Null;
    let hold = || json!({"agent": "seed", "fence": 1});
    let reason = || json!({"agent": "seed", "fence": 1, "reason": "r"});
    let all = (200, 200, 200);
    let project = "/api/v1/projects/{project}";
    vec![
        row(
            "POST /api/v1/projects",
            "/api/v1/projects",
            json!({"name": "new"}),
            (201, 403, 403),
        ),
        row("GET /api/v1/projects", "/api/v1/projects", none(), all),
        row("GET /api/v1/projects/{id}", project, none(), all),
        row(
            "PATCH /api/v1/projects/{id}",
            project,
            json!({"status": "paused"}),
            (200, 403, 403),
        ),
        row(
            "DELETE /api/v1/projects/{id}",
            project,
            none(),
            (204, 403, 403),
        ),
        row(
            "POST /api/v1/tasks",
            "/api/v1/tasks",
            json!({"title": "t"}),
            (201, 201, 403),
        ),
        row("GET /api/v1/tasks", "/api/v1/tasks", none(), all),
        row("GET /api/v1/tasks/{id}", "/api/v1/tasks/2", none(), all),
        row(
            "PATCH /api/v1/tasks/{id}",
            "/api/v1/tasks/1",
            json!({"title": "x", "fence": 1}),
            (200, 200, 403),
        ),
        row(
            "PATCH /api/v1/tasks/{id}",
            "/api/v1/tasks/2",
            json!({"title": "x", "fence": 1}),
            (200, 403, 403),
        ),
        row(
            "PATCH /api/v1/tasks/{id}",
            "/api/v1/tasks/3",
            json!({"title": "x"}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tasks/claim",
            "/api/v1/tasks/claim",
            json!({"agent": "seed"}),
            (200, 200, 403),
        ),
        row(
            "POST /api/v1/tasks/claim",
            "/api/v1/tasks/claim",
            json!({"agent": "other"}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/claim",
            "/api/v1/tasks/3/claim",
            json!({"agent": "seed"}),
            (200, 200, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/claim",
            "/api/v1/tasks/3/claim",
            json!({"agent": "other"}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/heartbeat",
            "/api/v1/tasks/1/heartbeat",
            hold(),
            (200, 200, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/heartbeat",
            "/api/v1/tasks/2/heartbeat",
            json!({"agent": "other", "fence": 1}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/complete",
            "/api/v1/tasks/1/complete",
            hold(),
            (200, 200, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/complete",
            "/api/v1/tasks/2/complete",
            json!({"agent": "other", "fence": 1}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/block",
            "/api/v1/tasks/1/block",
            reason(),
            (200, 200, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/release",
            "/api/v1/tasks/1/release",
            reason(),
            (200, 200, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/answer",
            "/api/v1/tasks/4/answer",
            json!({"answer": "a"}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/cancel",
            "/api/v1/tasks/1/cancel",
            json!({}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tasks/{id}/reopen",
            "/api/v1/tasks/5/reopen",
            json!({}),
            (200, 403, 403),
        ),
        row(
            "GET /api/v1/tasks/{id}/artifacts",
            "/api/v1/tasks/1/artifacts",
            none(),
            all,
        ),
        row("GET /api/v1/events", "/api/v1/events", none(), all),
        row(
            "GET /api/v1/events/stream",
            "/api/v1/events/stream",
            none(),
            (426, 426, 426),
        ),
        row(
            "POST /api/v1/agents/register",
            "/api/v1/agents/register",
            json!({"name": "seed", "type": "x"}),
            (200, 200, 403),
        ),
        row(
            "POST /api/v1/agents/register",
            "/api/v1/agents/register",
            json!({"name": "other", "type": "x"}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/agents/{name}/heartbeat",
            "/api/v1/agents/seed/heartbeat",
            json!({}),
            (200, 200, 403),
        ),
        row(
            "POST /api/v1/agents/{name}/heartbeat",
            "/api/v1/agents/other/heartbeat",
            json!({}),
            (200, 403, 403),
        ),
        row("GET /api/v1/agents", "/api/v1/agents", none(), all),
        row(
            "GET /api/v1/agents/{name}",
            "/api/v1/agents/seed",
            none(),
            all,
        ),
        row(
            "POST /api/v1/agents/{name}/pause",
            "/api/v1/agents/seed/pause",
            json!({"now": true}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/agents/{name}/resume",
            "/api/v1/agents/seed/resume",
            none(),
            (200, 403, 403),
        ),
        row(
            "GET /api/v1/specialists",
            "/api/v1/specialists",
            none(),
            all,
        ),
        row(
            "GET /api/v1/specialists/{name}",
            "/api/v1/specialists/scribe",
            none(),
            all,
        ),
        row(
            "POST /api/v1/specialists/{name}/enable",
            "/api/v1/specialists/scribe/enable",
            none(),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/specialists/{name}/disable",
            "/api/v1/specialists/scribe/disable",
            none(),
            (200, 403, 403),
        ),
        row(
            "DELETE /api/v1/specialists/{name}",
            "/api/v1/specialists/scribe",
            none(),
            (204, 403, 403),
        ),
        row(
            "POST /api/v1/artifacts",
            "/api/v1/artifacts",
            json!({"type": "x", "content": "y"}),
            (201, 201, 403),
        ),
        row(
            "POST /api/v1/artifacts",
            "/api/v1/artifacts",
            json!({"type": "x", "content": "y", "task_id": 2, "fence": 1}),
            (201, 403, 403),
        ),
        row(
            "GET /api/v1/artifacts/{id}",
            "/api/v1/artifacts/{artifact}",
            none(),
            all,
        ),
        row(
            "GET /api/v1/artifacts/{id}/content",
            "/api/v1/artifacts/{artifact}/content",
            none(),
            all,
        ),
        row(
            "POST /api/v1/keys",
            "/api/v1/keys",
            json!({"name": "k", "role": "viewer"}),
            (201, 403, 403),
        ),
        row("GET /api/v1/keys", "/api/v1/keys", none(), (200, 403, 403)),
        row(
            "DELETE /api/v1/keys/{id}",
            "/api/v1/keys/{key}",
            none(),
            (204, 403, 403),
        ),
        row(
            "POST /api/v1/tasks/quick-add",
            "/api/v1/tasks/quick-add",
            json!({"text": "Call Ada"}),
            (201, 201, 403),
        ),
        row(
            "POST /api/v1/tasks/quick-add",
            "/api/v1/tasks/quick-add",
            json!({"text": "Call Ada", "preview": true}),
            all,
        ),
        row("POST /chat", "/chat", json!({"message": "hello"}), all),
        row(
            "POST /api/v1/chat",
            "/api/v1/chat",
            json!({"message": "hello"}),
            all,
        ),
        row(
            "POST /api/v1/chat",
            "/api/v1/chat",
            json!({"message": "hello", "conversation_id": "{conversation}"}),
            (200, 422, 422),
        ),
        row(
            "POST /v1/audio/transcriptions",
            "/v1/audio/transcriptions",
            Value::from(RECORDING),
            (200, 200, 403),
        ),
        row(
            "POST /v1/audio/speech",
            "/v1/audio/speech",
            json!({"input": "hello"}),
            (200, 200, 403),
        ),
        row(
            "POST /api/v1/voice/utterance",
            "/api/v1/voice/utterance",
            Value::from(RECORDING),
            (200, 200, 403),
        ),
        row(
            "GET /api/v1/voice/ptt",
            "/api/v1/voice/ptt",
            none(),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/voice/ptt",
            "/api/v1/voice/ptt",
            json!({"action": "down"}),
            (200, 403, 403),
        ),
        row(
            "GET /api/v1/conversations",
            "/api/v1/conversations",
            none(),
            all,
        ),
        row(
            "GET /api/v1/conversations/{id}/messages",
            "/api/v1/conversations/{conversation}/messages",
            none(),
            (200, 404, 404),
        ),
        row(
            "GET /api/v1/notices",
            "/api/v1/notices",
            none(),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/notices/take",
            "/api/v1/notices/take",
            json!({"channel": "chat"}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/notices/{id}/deliver",
            "/api/v1/notices/{notice}/deliver",
            json!({"channel": "chat"}),
            (200, 403, 403),
        ),
        row("GET /api/v1/budgets", "/api/v1/budgets", none(), all),
        row(
            "PUT /api/v1/budgets/{scope}/{key}",
            "/api/v1/budgets/task/1",
            json!({"usd": 2}),
            (200, 403, 403),
        ),
        row("GET /api/v1/spending", "/api/v1/spending", none(), all),
        row("GET /api/v1/runs", "/api/v1/runs", none(), all),
        row("GET /api/v1/runs/{id}", "/api/v1/runs/1", none(), all),
        row(
            "GET /api/v1/runs/{id}/steps",
            "/api/v1/runs/1/steps",
            none(),
            all,
        ),
        row(
            "POST /api/v1/runs/{id}/retry",
            "/api/v1/runs/1/retry",
            json!({"from": "count"}),
            (200, 403, 403),
        ),
        row("GET /api/v1/approvals", "/api/v1/approvals", none(), all),
        row(
            "GET /api/v1/approvals/{id}",
            "/api/v1/approvals/1",
            none(),
            all,
        ),
        row(
            "POST /api/v1/approvals/{id}",
            "/api/v1/approvals/1",
            json!({"decision": "approve"}),
            (200, 403, 403),
        ),
        row(
            "GET /api/v1/permissions",
            "/api/v1/permissions",
            none(),
            all,
        ),
        row(
            "POST /api/v1/permissions",
            "/api/v1/permissions",
            json!({"tool": "http_get", "shape": {"url": "any"}}),
            (201, 403, 403),
        ),
        row(
            "DELETE /api/v1/permissions/{number}",
            "/api/v1/permissions/1",
            none(),
            (204, 403, 403),
        ),
        row(
            "GET /api/v1/folders",
            "/api/v1/folders",
            none(),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/folders",
            "/api/v1/folders",
            json!({"name": "notes", "path": "{folder}"}),
            (201, 403, 403),
        ),
        row(
            "DELETE /api/v1/folders/{name}",
            "/api/v1/folders/open",
            none(),
            (204, 403, 403),
        ),
        row("GET /api/v1/model", "/api/v1/model", none(), all),
        row(
            "POST /api/v1/model/test",
            "/api/v1/model/test",
            none(),
            (503, 403, 403),
        ),
        row("GET /api/v1/tools", "/api/v1/tools", none(), all),
        row(
            "GET /api/v1/tools/{name}",
            "/api/v1/tools/count_words",
            none(),
            all,
        ),
        row(
            "POST /api/v1/tools/{name}/enable",
            "/api/v1/tools/count_words/enable",
            json!({"version": 1}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tools/{name}/disable",
            "/api/v1/tools/count_words/disable",
            json!({"version": 2}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tools/{name}/rollback",
            "/api/v1/tools/count_words/rollback",
            json!({}),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/tools/{name}/test",
            "/api/v1/tools/count_words/test",
            json!({}),
            (200, 403, 403),
        ),
        row("GET /api/v1/memories", "/api/v1/memories", none(), all),
        row(
            "POST /api/v1/memories",
            "/api/v1/memories",
            json!({"text": "tea"}),
            (201, 403, 403),
        ),
        row(
            "GET /api/v1/memories/{number}",
            "/api/v1/memories/1",
            none(),
            all,
        ),
        row(
            "DELETE /api/v1/memories/{number}",
            "/api/v1/memories/1",
            none(),
            (204, 403, 403),
        ),
        row(
            "GET /api/v1/telegram",
            "/api/v1/telegram",
            none(),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/telegram/connect",
            "/api/v1/telegram/connect",
            none(),
            (200, 403, 403),
        ),
        row(
            "POST /api/v1/telegram/pairing",
            "/api/v1/telegram/pairing",
            none(),
            (201, 403, 403),
        ),
        row(
            "DELETE /api/v1/telegram/chats/{id}",
            "/api/v1/telegram/chats/{telegram_chat}",
            none(),
            (204, 403, 403),
        ),
        row("GET /api/v1/me", "/api/v1/me", none(), all),
        row("GET /api/v1/status", "/api/v1/status", none(), all),
        row(
            "GET /api/v1/openapi.json",
            "/api/v1/openapi.json",
            none(),
            all,
        ),
        row("GET /metrics", "/metrics", none(), all),
        row("GET /healthz", "/healthz", none(), all),
        row("GET /readyz", "/readyz", none(), all),
    ]
}

/// Routes that are open without a key.
const OPEN: [&str; 2] = ["GET /healthz", "GET /readyz"];

#[tokio::test]
async fn each_role_may_what_the_table_says_on_every_route() {
    // What reads or is refused leaves everything as it was, for the next row to use.
    let mut ready: Option<Prepared> = None;
    for row in table() {
        let is_open = OPEN.contains(&row.route);
        for (role, expected) in [
            ("nobody", if is_open { 200 } else { 401 }),
            ("viewer", row.viewer),
            ("seed", row.seed),
            ("admin", row.admin),
        ] {
            let prepared = match ready.take() {
                Some(prepared) => prepared,
                None => Prepared::new().await,
            };
            let answer = prepared.ask(&row, role).await;

            let told = format!("{role} {} {}: {}", row.route, row.path, answer.text());
            assert_eq!(answer.status.as_u16(), expected, "{told}");
            if expected == 403 && row.path.starts_with("/v1/") {
                let body: Value = serde_json::from_slice(&answer.bytes).unwrap();
                assert_eq!(body["error"]["code"], "denied", "{told}");
            } else if expected == 403 {
                assert_eq!(answer.problem()["code"], "denied", "{told}");
            }
            let changed = answer.status.is_success() && !row.route.starts_with("GET ");
            ready = (!changed).then_some(prepared);
        }
    }
}

#[test]
fn the_table_covers_every_route() {
    let tested: BTreeSet<String> = table().iter().map(|row| row.route.to_owned()).collect();

    assert_eq!(tested, super::document::routes());
}

/// An interface with what the table works on.
struct Prepared {
    api: TestApi,
    project: String,
    artifact: String,
    conversation: String,
    notice: String,
    telegram_chat: String,
    /// A folder that was not opened yet.
    folder: tempfile::TempDir,
}

impl Prepared {
    async fn new() -> Self {
        let api = TestApi::start().await;
        let project = api.post("/api/v1/projects", json!({"name": "p"})).await;
        let project = last_part(project.header("location"));
        for number in 1..=5 {
            let urgent = if number == 3 { "high" } else { "low" };
            let body = json!({"title": "t", "priority": urgent});
            api.post("/api/v1/tasks", body).await;
        }
        for (task, agent) in [(1, "seed"), (2, "other"), (4, "other")] {
            let path = format!("/api/v1/tasks/{task}/claim");
            api.post(&path, json!({ "agent": agent })).await;
        }
        let block = json!({"agent": "other", "fence": 1, "reason": "?"});
        api.post("/api/v1/tasks/4/block", block).await;
        api.post("/api/v1/tasks/5/cancel", json!({})).await;
        for name in ["seed", "other"] {
            let body = json!({"name": name, "type": "x"});
            api.post("/api/v1/agents/register", body).await;
        }
        for number in 1..=2 {
            make_tool(&api, 1, &format!("def run(): return {number}")).await;
        }
        let first = json!({"version": 1});
        api.post("/api/v1/tools/count_words/disable", first).await;
        let artifact = json!({"type": "x", "content": "y"});
        let artifact = api.post("/api/v1/artifacts", artifact).await;
        let artifact = last_part(artifact.header("location"));
        let said = api.post("/chat", json!({"message": "hello"})).await;
        let said = said.expect(http::StatusCode::OK);
        // Of the task that an agent blocked.
        let notices = api.get("/api/v1/notices").await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        api.claimed_task("t").await;
        let at_work = AtWork::at(&api, 6, 1).await;
        at_work.makes("scribe").await;
        at_work.asks().await;
        let folder = tempfile::tempdir().unwrap();
        let open = json!({"name": "open", "path": folder.path()});
        api.post("/api/v1/folders", open).await;
        let allow = json!({"tool": "http_get", "shape": {"url": "any"}});
        api.post("/api/v1/permissions", allow).await;
        api.post("/api/v1/memories", json!({"text": "tea"})).await;
        let telegram_chat = api.telegram_chat().await;
        Self {
            telegram_chat,
            project,
            artifact,
            conversation: text(&said["conversation_id"]),
            notice: text(&notices["items"][0]["id"]),
            folder,
            api,
        }
    }

    async fn ask(&self, row: &Row, role: &str) -> Answer {
        let filled = |text: &str| {
            text.replace("{conversation}", &self.conversation)
                .replace("{folder}", self.folder.path().to_str().unwrap())
        };
        let path = filled(row.path)
            .replace("{project}", &self.project)
            .replace("{notice}", &self.notice)
            .replace("{telegram_chat}", &self.telegram_chat)
            .replace("{artifact}", &self.artifact)
            .replace("{key}", &self.api.viewer_id.to_string());
        let key = match role {
            "admin" => Some(self.api.admin.as_str()),
            "seed" => Some(self.api.seed.as_str()),
            "viewer" => Some(self.api.viewer.as_str()),
            _ => None,
        };
        let (method, _) = row.route.split_once(' ').unwrap();
        let mut call = self.api.call(method, &path).key(key);
        if let Some(form) = row.body.as_str() {
            let kind = "multipart/form-data; boundary=B";
            call = call.header("content-type", kind).bytes(form.to_owned());
        } else if !row.body.is_null() {
            let body = filled(&row.body.to_string());
            call = call.json(serde_json::from_str(&body).unwrap());
        }
        call.send().await
    }
}

fn last_part(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}
