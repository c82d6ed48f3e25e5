//! What the tests of this crate share: the operations over a store of their own, and the way to the
//! real sandbox.

use std::collections::VecDeque;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hearth_app::App;
use hearth_domain::field::AgentName;
use hearth_domain::money::Usage;
use hearth_domain::{Actor, Clock, IdSource, Timestamp};
use hearth_store::Store;
use uuid::Uuid;

use crate::model::{Answer, AnswerFuture, AskError, Heard, Profile, Provider, Request, ToolCall};

pub(crate) struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000)
    }

    fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }
}

#[derive(Default)]
pub(crate) struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next_uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

/// Returns the operations on a store of their own.
pub(crate) fn operations(dir: &Path) -> App {
    operations_from(dir, 0)
}

/// Returns the operations on the store that lies there, with identifiers after `used`.
pub(crate) fn operations_from(dir: &Path, used: u64) -> App {
    operations_at(dir, used, Arc::new(StillClock))
}

/// As [`operations_from`], by a clock.
pub(crate) fn operations_at(dir: &Path, used: u64, clock: Arc<dyn Clock>) -> App {
    let ids: Arc<dyn IdSource> = Arc::new(SequentialIds(AtomicU64::new(used)));
    let path = dir.join("hearth.db");
    let store = Store::open(&hearth_store::Config { path }, Arc::clone(&ids)).unwrap();
    let config = hearth_app::Config {
        artifacts_dir: dir.join("artifacts"),
        artifact_max_bytes: 10_000_000,
        offline_after: Duration::from_mins(1),
        remind_before: Duration::from_hours(1),
        budgets: hearth_app::money::DefaultLimits::default(),
        day: hearth_domain::day_times::DayTimes::default(),
    };
    App::new(store, clock, ids, config).unwrap()
}

pub(crate) fn seed() -> AgentName {
    "seed".parse().unwrap()
}

pub(crate) fn actor() -> Actor {
    Actor::Agent(seed())
}

/// Returns the stage's program, which is built beside the test programs.
pub(crate) fn stage_program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors()
        .map(|folder| folder.join("hearth-sandbox-stage"))
        .find(|path| path.is_file())
        .expect("build it: cargo build --workspace")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the file to count skipped tests in is told by ./test"
)]
pub(crate) fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("HEARTH_SKIP_LOG") {
        let log = fs::OpenOptions::new().create(true).append(true).open(path);
        writeln!(log.unwrap(), "{test}: {reason}").unwrap();
    }
}

pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waited)
        .await
        .unwrap();
}

/// A model that answers from a list, and keeps what it was asked.
#[derive(Default)]
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<Result<Answer, AskError>>>,
    asked: Mutex<Vec<Request>>,
}

impl Scripted {
    pub(crate) fn new(answers: impl IntoIterator<Item = Result<Answer, AskError>>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
        })
    }

    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

/// The answer of a model that says something.
#[expect(clippy::unnecessary_wraps, reason = "a script holds failures as well")]
pub(crate) fn says(text: &str) -> Result<Answer, AskError> {
    Ok(Answer {
        text: text.into(),
        provider: "scripted".into(),
        model: "script".into(),
        usage: Usage {
            usd_micros: 100,
            input_tokens: 50,
            output_tokens: 10,
        },
        ..Answer::default()
    })
}

/// The answer of a model that calls a tool.
pub(crate) fn calls(tool: &str, args: serde_json::Value) -> Result<Answer, AskError> {
    says("").map(|answer| Answer {
        calls: vec![ToolCall {
            id: format!("call-{tool}"),
            name: tool.into(),
            args,
        }],
        ..answer
    })
}

impl Provider for Scripted {
    fn profile(&self) -> Profile {
        Profile {
            provider: "scripted".into(),
            model: "script".into(),
            context_tokens: 32_000,
            has_tools: true,
            has_streamed_tools: true,
            input_price: 1_000_000,
            output_price: 2_000_000,
        }
    }

    fn ask<'a>(&'a self, request: &'a Request, heard: Heard<'a>) -> AnswerFuture<'a> {
        self.asked.lock().unwrap().push(request.clone());
        let next = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            let answer =
                next.unwrap_or_else(|| Err(AskError::None("the script is over".into())))?;
            if let Some(heard) = heard {
                heard(&answer.text);
            }
            Ok(answer)
        })
    }
}
