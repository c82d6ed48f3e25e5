//! Plans executed by the real operations over a store of their own, and where there is a sandbox, by
//! real programs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hearth_app::App;
use hearth_app::approvals::{Answer, ApprovalRef};
use hearth_app::holding::Claim;
use hearth_app::runs::{ListRuns, RunRef};
use hearth_app::tasks::{TaskRef, TaskView};
use hearth_domain::approval::ApprovalStatus;
use hearth_domain::run::RunStatus;
use hearth_domain::task::{NewTask, Task, TaskState, TaskStatus};
use hearth_domain::{Actor, RunId};
use hearth_sandbox::network::Resolve;
use hearth_sandbox::network::guard::Answer as Addresses;
use hearth_sandbox::outside::Environment;
use hearth_sandbox::{Config, Limits, Stage};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::facility::SandboxFacility;
use crate::run::{Means, Run as Work};
use crate::test_support::{actor, operations_from, seed, skip, stage_program, until};
use crate::web::Web;
use crate::workspace::root_of;

pub(crate) mod asking;
mod budget;
mod made;
mod order;
mod others;
mod programs;
mod web;

/// Knows no name, so that nothing but an address can be spoken to.
struct NoNames;

impl Resolve for NoNames {
    fn resolve(&self, _: String) -> Addresses {
        Box::pin(async { Err(std::io::Error::other("no such name")) })
    }
}

/// Seed's means, without Seed.
pub(crate) struct Floor {
    pub(crate) app: App,
    pub(crate) means: Means,
    hand_back: CancellationToken,
    _dir: TempDir,
}

impl Floor {
    pub(crate) fn new() -> Self {
        Self::over(tempfile::tempdir().unwrap(), 0)
    }

    /// Closes the store and opens it again, as a restart does.
    fn restarted(self) -> Self {
        let Self {
            app,
            means,
            _dir: dir,
            ..
        } = self;
        drop((app, means));
        Self::over(dir, 1_000_000)
    }

    fn over(dir: TempDir, used: u64) -> Self {
        let app = operations_from(dir.path(), used);
        Self::of(app, dir)
    }

    pub(crate) fn of(app: App, dir: TempDir) -> Self {
        let stage = Stage {
            program: stage_program(),
            args: vec![],
        };
        let means = Means {
            app: app.clone(),
            sandbox: SandboxFacility::new(Config::new(stage), app.clone()),
            web: Web::new(Arc::new(NoNames)).unwrap(),
            environment: Environment {
                path: "/usr/bin:/bin".into(),
                home: dir.path().to_str().unwrap().into(),
                lang: "C.UTF-8".into(),
                user: "hearth".into(),
            },
            models: crate::Models::default(),
            programs: Arc::new(Semaphore::new(4)),
            workspaces: dir.path().join("workspaces"),
        };
        Self {
            app,
            means,
            hand_back: CancellationToken::new(),
            _dir: dir,
        }
    }

    /// Returns the floor with a sandbox; none where there is none, which is said.
    pub(crate) async fn with_sandbox(test: &str) -> Option<Self> {
        let floor = Self::new();
        match floor.means.sandbox.get().await {
            Ok(_) => Some(floor),
            Err(missing) => {
                skip(test, &missing.to_string());
                None
            }
        }
    }

    pub(crate) async fn task(&self, plan: Value) -> Task {
        let mut new = NewTask::titled("work".parse().unwrap());
        new.context.insert("plan".into(), plan);
        let made = self.app.create_task(&Actor::Owner, new, None).await;
        made.unwrap().view.task
    }

    pub(crate) async fn claimed(&self, task: &Task) -> TaskView {
        let (id, claim) = (TaskRef::Id(task.id), Claim::new(seed()));
        let view = self.app.claim_task(&actor(), id, claim, None).await;
        view.unwrap()
    }

    pub(crate) fn worker(&self) -> Work {
        Work {
            means: self.means.clone(),
            agent: seed(),
            limits: Limits::default(),
            hand_back: self.hand_back.clone(),
        }
    }

    /// Works on a task until that ends, waits or was handed back.
    pub(crate) async fn work(&self, task: &Task) -> Task {
        let view = self.claimed(task).await;
        self.worker().work(view).await;
        self.get(task)
    }

    /// Makes a task of a plan and works on it.
    pub(crate) async fn execute(&self, plan: Value) -> Task {
        let task = self.task(plan).await;
        self.work(&task).await
    }

    pub(crate) fn get(&self, task: &Task) -> Task {
        self.app.get_task(TaskRef::Id(task.id)).unwrap().task
    }

    pub(crate) async fn view(&self, task: &Task) -> RunView {
        let which = ListRuns {
            task: Some(TaskRef::Id(task.id)),
            status: None,
        };
        let runs = self.app.list_runs(which, None, 1).await.unwrap().items;
        self.app.get_run(RunRef::Id(runs[0].id)).await.unwrap()
    }

    /// Where each attempt stands, in the order of the plan, those left out that do not count.
    pub(crate) async fn steps(&self, task: &Task) -> Vec<(String, u32, &'static str)> {
        let steps = self.view(task).await.steps;
        let live = steps.iter().filter(|step| step.discarded_at.is_none());
        live.map(|step| {
            let status = step.state.status().as_str();
            (step.name.to_string(), step.attempt, status)
        })
        .collect()
    }

    pub(crate) async fn answer(&self, task: &Task, words: &str) {
        let (id, words) = (TaskRef::Id(task.id), Some(words.to_owned()));
        let answered = self.app.answer_task(&Actor::Owner, id, words, None).await;
        answered.unwrap();
    }

    pub(crate) fn folder(&self, run: RunId) -> PathBuf {
        root_of(&self.means.workspaces, run).join("work")
    }
}

/// What came of a completed task.
pub(crate) fn result(task: &Task) -> Value {
    match &task.state {
        TaskState::Completed { result, .. } => result.clone().map_or(Value::Null, Value::from),
        other => panic!("{other:?}"),
    }
}

/// What a blocked task tells its owner.
pub(crate) fn story(task: &Task) -> &str {
    match &task.state {
        TaskState::Blocked { block } => &block.reason,
        other => panic!("{other:?}"),
    }
}

/// A step that reads a file which is not there.
fn failing(id: &str) -> Value {
    json!({"id": id, "tool": "read_file", "args": {"path": "nothing.txt"}, "after": []})
}

/// A step that needs no sandbox.
fn storing(id: &str, after: &[&str]) -> Value {
    let args = json!({"type": "note", "content": id});
    json!({"id": id, "tool": "store_artifact", "args": args, "after": after})
}
