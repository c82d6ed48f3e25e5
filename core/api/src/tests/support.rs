//! A router on a store of its own, with a clock and identifiers that tests decide.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use hearth_app::chat::{ChiefOfStaff, Reply, ReplyFuture, Turn};
use hearth_app::made_tools::{TestFuture, ToolTester, Tried};
use hearth_app::voice::Voice;
use hearth_app::{App, AppError, UnavailableCause};
use hearth_domain::conversation::Action;
use hearth_domain::field::{AgentName, Name};
use hearth_domain::key::Grant;
use hearth_domain::tool::MadeTool;
use hearth_domain::{Actor, Clock, IdSource, KeyId, Timestamp};
use hearth_store::Store;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use super::voice::{Key, Parrot};
use crate::routes::stream::Pace;
use crate::{Config, LiveLimit, Metrics};

/// The largest artifact in these tests.
pub(crate) const UPLOAD_MAX: u64 = 4 * 1024 * 1024;

pub(crate) struct FakeClock(AtomicI64);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }
}

struct Sequence(AtomicU64);

impl IdSource for Sequence {
    fn next_uuid(&self) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(number))
    }
}

/// A node's interface, with a key of each role.
pub(crate) struct TestApi {
    pub(crate) router: Router,
    pub(crate) app: App,
    pub(crate) config: Config,
    pub(crate) shutdown: CancellationToken,
    pub(crate) admin: String,
    /// The key of the agent `seed`.
    pub(crate) seed: String,
    pub(crate) viewer: String,
    pub(crate) viewer_id: KeyId,
    pub(crate) echo: Arc<Echo>,
    pub(super) parrot: Arc<Parrot>,
    clock: Arc<FakeClock>,
    _dir: TempDir,
}

impl TestApi {
    /// Makes the node a bot and pairs a chat; returns the chat's identifier.
    pub(crate) async fn telegram_chat(&self) -> String {
        use hearth_app::telegram::{Bot, Content, Incoming};
        use hearth_domain::telegram::{Arrival, Peer};

        let bot = Bot {
            id: 77,
            name: "hearth_bot".into(),
        };
        self.app.note_telegram_bot(Some(bot)).await.unwrap();
        let peer = Peer {
            chat: 5,
            user: 5,
            is_private: true,
            name: "Ada".into(),
        };
        // By a code, as who is paired by the settings is not to be removed.
        let pairing = self.app.pair_telegram(&Actor::Owner).await.unwrap();
        let arrival = Arrival::Text {
            message: 1,
            text: pairing.code,
        };
        let update = Incoming {
            update_id: 1,
            content: Content::From(peer, arrival),
        };
        let taken = self.app.take_telegram_updates(77, vec![update]);
        taken.await.unwrap();
        let state = self.get("/api/v1/telegram").await;
        state["chats"][0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn start() -> Self {
        Self::start_with(Pace::default(), 8).await
    }

    pub(crate) async fn start_with(pace: Pace, max_subscribers: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // 2026-11-23T09:00:00Z
        let clock = Arc::new(FakeClock(AtomicI64::new(1_795_424_400_000)));
        let ids: Arc<dyn IdSource> = Arc::new(Sequence(AtomicU64::new(1)));
        let path = dir.path().join("hearth.db");
        let store = Store::open(&hearth_store::Config { path }, Arc::clone(&ids)).unwrap();
        let app_config = hearth_app::Config {
            artifacts_dir: dir.path().join("artifacts"),
            artifact_max_bytes: UPLOAD_MAX,
            offline_after: Duration::from_mins(1),
            remind_before: Duration::from_hours(1),
            budgets: hearth_app::money::DefaultLimits::default(),
            day: hearth_domain::day_times::DayTimes::default(),
        };
        let app = App::new(store, Arc::clone(&clock) as Arc<dyn Clock>, ids, app_config).unwrap();
        let echo = Arc::new(Echo::default());
        app.set_chief_of_staff(Arc::clone(&echo) as Arc<dyn ChiefOfStaff>);
        app.set_tool_tester(Arc::new(AllPass));
        let parrot = Arc::new(Parrot::default());
        app.set_voice(Arc::clone(&parrot) as Arc<dyn Voice>);
        app.set_push_to_talk(Arc::new(Key::default()));
        let mut keys = Vec::new();
        for (name, grant) in [
            ("owner's", Grant::Admin),
            (
                "seed's",
                Grant::Agent(AgentName::parse("agent", "seed").unwrap()),
            ),
            ("page", Grant::Viewer),
        ] {
            let name = Name::parse("name", name).unwrap();
            let (key, secret) = app.create_key(&Actor::System, name, grant).await.unwrap();
            keys.push((key.id, secret.reveal().to_owned()));
        }
        let config = Config {
            allowed_hosts: vec!["hearth.example".into()],
            max_body_bytes: LiveLimit::new(1024 * 1024),
            max_audio_bytes: LiveLimit::new(64 * 1024),
            max_connections: 64,
            max_subscribers,
            version: "0.0.0-test",
        };
        let shutdown = CancellationToken::new();
        let router = crate::router::assemble(
            app.clone(),
            config.clone(),
            Metrics::install(),
            shutdown.clone(),
            pace,
        );
        let mut keys = keys.into_iter();
        let mut next = || keys.next().unwrap();
        let ((_, admin), (_, seed), (viewer_id, viewer)) = (next(), next(), next());
        Self {
            router,
            app,
            config,
            shutdown,
            admin,
            seed,
            viewer,
            viewer_id,
            echo,
            parrot,
            clock,
            _dir: dir,
        }
    }

    pub(crate) fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    /// Begins a request in the owner's name.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        let method: Method = method.parse().unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost:4747")
            .header("x-request-id", "test");
        Call {
            router: self.router.clone(),
            request,
            key: Some(self.admin.clone()),
            body: Body::empty(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call("GET", path).send().await.expect(StatusCode::OK)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(body).send().await
    }

    /// Makes a task and returns it.
    pub(crate) async fn task(&self, title: &str) -> Value {
        let body = serde_json::json!({ "title": title });
        self.post("/api/v1/tasks", body)
            .await
            .expect(StatusCode::CREATED)
    }

    /// Makes a task, has seed claim it, and returns it.
    pub(crate) async fn claimed_task(&self, title: &str) -> Value {
        let task = self.task(title).await;
        let path = format!("/api/v1/tasks/{}/claim", task["number"]);
        self.post(&path, serde_json::json!({ "agent": "seed" }))
            .await
            .expect(StatusCode::OK)
    }
}

/// Answers with what was said; what it was told last is what it remembers. Told to speak `slowly`, or
/// to `break off`, it waits after each sentence.
#[derive(Default)]
pub(crate) struct Echo {
    /// Lets it say the next sentence.
    pub(crate) go_on: Notify,
    /// It was let.
    pub(crate) went_on: Notify,
}

impl Echo {
    async fn speak(&self, turn: &Turn) -> Result<String, AppError> {
        for said in ["One.", "One. Two.", "Three."] {
            turn.tell(said);
            self.go_on.notified().await;
            self.went_on.notify_one();
            if turn.text() == "break off" {
                return Err(AppError::Unavailable {
                    cause: UnavailableCause::Busy,
                    detail: "the model is gone".into(),
                });
            }
        }
        Ok("Three. Four.".into())
    }
}

impl ChiefOfStaff for Echo {
    fn reply<'a>(&'a self, turn: &'a mut Turn) -> ReplyFuture<'a> {
        let message = turn.text().to_owned();
        let before = turn.conversation().memory.get("last").cloned();
        let mut reply = Reply {
            text: format!(
                "You said {message}. Before: {}.",
                before.unwrap_or_default()
            ),
            actions: vec![Action {
                event: "task.created".into(),
                entity_id: uuid::Uuid::nil(),
                number: Some(1),
                name: message.clone(),
            }],
            memory: serde_json::Map::from_iter([("last".to_owned(), message.clone().into())]),
            ..Reply::default()
        };
        Box::pin(async move {
            turn.note(reply.memory.clone()).await?;
            if message == "slowly" || message == "break off" {
                reply.text = self.speak(turn).await?;
            }
            Ok(reply)
        })
    }
}

/// Says of each example that it passed, but for those that need rights.
struct AllPass;

impl ToolTester for AllPass {
    fn test<'a>(&'a self, tool: &'a MadeTool) -> TestFuture<'a> {
        let tried = tool.definition.examples.iter().map(|example| {
            if example.needs_grants {
                Tried::NotTried
            } else {
                Tried::Passed
            }
        });
        Box::pin(std::future::ready(Ok(tried.collect())))
    }
}

/// Writes JSON for a snapshot.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

pub(crate) struct Call {
    router: Router,
    request: http::request::Builder,
    key: Option<String>,
    body: Body,
}

impl Call {
    pub(crate) fn key(mut self, key: Option<&str>) -> Self {
        self.key = key.map(str::to_owned);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request = self.request.header(name, value.as_ref());
        self
    }

    /// Replaces a header.
    pub(crate) fn set(mut self, name: &'static str, value: &str) -> Self {
        let headers = self.request.headers_mut().unwrap();
        headers.insert(name, value.parse().unwrap());
        self
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "bodies are written where they are sent"
    )]
    pub(crate) fn json(self, body: Value) -> Self {
        self.header("content-type", "application/json")
            .bytes(body.to_string())
    }

    pub(crate) fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::from(body.into());
        self
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let mut request = self.request;
        if let Some(key) = self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let response = self
            .router
            .oneshot(request.body(self.body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns the JSON body of an answer with `status`.
    #[track_caller]
    pub(crate) fn expect(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.bytes.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// Returns the problem of a refusal, which has the form that all have.
    #[track_caller]
    pub(crate) fn problem(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{} {}",
            self.status,
            self.text()
        );
        let problem: Value = serde_json::from_slice(&self.bytes).unwrap();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:hearth:{code}"));
        problem
    }
}
