//! Runs against their tasks, their approvals and the clock.

mod answers;
mod bounds;
mod children;
mod following;
mod journal;
mod property;
mod retry;

use std::time::Duration;

use hearth_domain::action::Action;
use hearth_domain::approval::Approval;
use hearth_domain::policy::{Bounds, Labels, Reach};
use hearth_domain::run::{Repeat, RunStatus, Step, StepEnd, StepState, WaitingFor};
use hearth_domain::task::{NewTask, Task, TaskStatus};
use hearth_domain::{Actor, RunId};
use serde_json::{Value, json};

use super::journal::{Entry, Intent, Meant, Rest};
use super::*;
use crate::approvals::{Answer, ApprovalRef};
use crate::holding::Hold;
use crate::test_support::{TestApp, agent, as_agent, by_id, code, titled};

pub(crate) const BOUNDS: Bounds = Bounds {
    calls_max: 50,
    time_max: Duration::from_mins(1),
};

/// A task with a plan, and what its worker does with it.
pub(crate) struct Bench {
    pub(crate) test: TestApp,
    pub(crate) task: Task,
}

impl Bench {
    /// A plan of three steps, each waiting for the one before it.
    pub(crate) async fn new() -> Self {
        Self::with(titled("work")).await
    }

    pub(crate) async fn with(new: NewTask) -> Self {
        Self::on(TestApp::new(), new).await
    }

    pub(crate) async fn on(test: TestApp, mut new: NewTask) -> Self {
        new.context.insert("plan".into(), plan());
        let task = test.create(new).await;
        Self { test, task }
    }

    pub(crate) fn app(&self) -> &App {
        &self.test.app
    }

    /// Claims the task and takes its run up.
    pub(crate) async fn up(&self) -> (Hold, RunView) {
        let hold = self.test.claim(&self.task, "seed").await;
        let view = self.begin(&hold, plan()).await.unwrap();
        (hold, view)
    }

    pub(crate) async fn begin(&self, hold: &Hold, plan: Value) -> Result<RunView, AppError> {
        let id = by_id(&self.task);
        self.app().begin_run(&seed(), id, hold.clone(), plan).await
    }

    pub(crate) async fn intend(
        &self,
        hold: &Hold,
        run: RunId,
        meant: Meant,
    ) -> Result<Intent, AppError> {
        self.app()
            .intend_step(&seed(), hold.clone(), run, meant, BOUNDS)
            .await
    }

    /// Writes down a call that is to be made now.
    pub(crate) async fn go(&self, hold: &Hold, run: RunId, meant: Meant) -> Step {
        match self.intend(hold, run, meant).await.unwrap() {
            Intent::Go(step) => step,
            other => panic!("{other:?}"),
        }
    }

    /// Writes down a call that the owner is asked about.
    pub(crate) async fn wait(&self, hold: &Hold, run: RunId, meant: Meant) -> Approval {
        let Intent::Waits(step) = self.intend(hold, run, meant).await.unwrap() else {
            panic!("it does not wait");
        };
        let StepState::Waiting(WaitingFor::Approval(id)) = step.state else {
            panic!("{step:?}");
        };
        self.app().get_approval(ApprovalRef::Id(id)).unwrap()
    }

    pub(crate) async fn record(
        &self,
        hold: &Hold,
        step: &Step,
        entry: Entry,
    ) -> Result<Step, AppError> {
        self.app()
            .record_step(&seed(), hold.clone(), step.clone(), entry, None)
            .await
    }

    /// Makes a call from beginning to end.
    pub(crate) async fn done(&self, hold: &Hold, run: RunId, meant: Meant) -> Step {
        let step = self.go(hold, run, meant).await;
        let acted = self.record(hold, &step, Entry::Acted(json!({}))).await;
        let end = Entry::Done(StepEnd::default());
        self.record(hold, &acted.unwrap(), end).await.unwrap()
    }

    pub(crate) async fn ask(
        &self,
        hold: &Hold,
        run: RunId,
        meant: Meant,
        waits_for: WaitingFor,
    ) -> Result<Step, AppError> {
        self.app()
            .ask_in_step(&seed(), hold.clone(), run, meant, waits_for)
            .await
    }

    pub(crate) async fn rest(&self, hold: &Hold, run: RunId, rest: Rest) -> Result<bool, AppError> {
        self.app().rest_run(&seed(), hold.clone(), run, rest).await
    }

    pub(crate) async fn approve(&self, approval: &Approval) -> Approval {
        let answer = Answer::Approve {
            note: None,
            remember: None,
        };
        let id = ApprovalRef::Id(approval.id);
        let answered = self.app().answer_approval(&Actor::Owner, id, answer).await;
        answered.unwrap().approval
    }

    pub(crate) async fn deny(&self, approval: &Approval, why: &str) -> Approval {
        let answer = Answer::Deny {
            note: Some(why.into()),
        };
        let id = ApprovalRef::Id(approval.id);
        let answered = self.app().answer_approval(&Actor::Owner, id, answer).await;
        answered.unwrap().approval
    }

    pub(crate) async fn answer(&self, words: &str) -> Result<Task, AppError> {
        let (id, words) = (by_id(&self.task), Some(words.to_owned()));
        let view = self.app().answer_task(&Actor::Owner, id, words, None).await;
        view.map(|view| view.task)
    }

    pub(crate) async fn release(&self, hold: &Hold) {
        let cause = hearth_domain::event::ReleaseCause::GivenBack;
        let id = by_id(&self.task);
        self.app()
            .release_task(&seed(), id, hold.clone(), cause, None, None)
            .await
            .unwrap();
    }

    /// The node is killed, and comes back.
    pub(crate) async fn kill(&self) {
        self.app()
            .reclaim_after_restart(agent("seed"))
            .await
            .unwrap();
    }

    pub(crate) async fn view(&self, run: RunId) -> RunView {
        self.app().get_run(RunRef::Id(run)).await.unwrap()
    }

    pub(crate) async fn run(&self, run: RunId) -> Run {
        self.view(run).await.run
    }

    pub(crate) fn status(&self) -> TaskStatus {
        self.test.get(&self.task).status()
    }

    pub(crate) fn approval(&self, approval: &Approval) -> Approval {
        let id = ApprovalRef::Id(approval.id);
        self.app().get_approval(id).unwrap()
    }

    /// The words for where each attempt stands that counts, in the order of the plan.
    pub(crate) async fn live(&self, run: RunId) -> Vec<(u32, u32, &'static str)> {
        let view = self.view(run).await;
        let live = view.steps.iter().filter(|step| step.discarded_at.is_none());
        live.map(|step| (step.place, step.attempt, step.state.status().as_str()))
            .collect()
    }
}

pub(crate) fn seed() -> Actor {
    as_agent("seed")
}

pub(crate) fn plan() -> Value {
    let step = |id: &str| json!({"id": id, "tool": "read_file", "args": {"path": id}});
    json!([step("a"), step("b"), step("c")])
}

/// A call that touches nothing.
pub(crate) fn quiet(place: u32) -> Meant {
    let name = ["a", "b", "c", "d", "e", "f", "g", "h"][place as usize - 1];
    Meant {
        place,
        name: name.parse().unwrap(),
        action: action("read_file", json!({"path": name})),
        what: format!("read {name}"),
        repeat: Repeat::Safe,
        brings: Labels::default(),
        reach: Reach::default(),
        worst_case: None,
    }
}

/// A call that speaks to a host, so that the owner is asked.
pub(crate) fn speaks(place: u32, url: &str) -> Meant {
    Meant {
        action: action("http_get", json!({"url": url})),
        what: format!("fetch {url}"),
        repeat: Repeat::Unsafe,
        brings: Labels {
            untrusted: true,
            private: false,
        },
        reach: Reach {
            hosts: vec!["example.org".into()],
            ..Reach::default()
        },
        worst_case: None,
        ..quiet(place)
    }
}

pub(crate) fn action(tool: &str, args: Value) -> Action {
    Action {
        tool: tool.parse().unwrap(),
        args: serde_json::from_value(args).unwrap(),
    }
}

#[tokio::test]
async fn a_run_begins_with_its_task_and_goes_on_under_the_next_claim() {
    let bench = Bench::new().await;
    let (first, view) = bench.up().await;
    let id = view.run.id;
    assert_eq!((view.run.status, view.run.fence), (RunStatus::Running, 1));
    bench.done(&first, id, quiet(1)).await;
    bench.release(&first).await;
    assert_eq!(bench.run(id).await.status, RunStatus::Waiting);

    let (second, view) = bench.up().await;

    assert_eq!((view.run.id, view.run.fence), (id, second.fence));
    assert_eq!(
        (view.run.status, view.run.reason),
        (RunStatus::Running, None)
    );
    assert_eq!(bench.live(id).await, [(1, 1, "done")]);
    assert_eq!(bench.begin(&second, plan()).await.unwrap().run.id, id);
}

#[tokio::test]
async fn a_holder_that_was_given_up_changes_nothing() {
    let bench = Bench::new().await;
    let (stale, view) = bench.up().await;
    let id = view.run.id;
    let step = bench.go(&stale, id, quiet(1)).await;
    bench.test.clock.advance_secs(61);
    bench.app().sweep().await.unwrap();
    let outcomes = async |name: &str| {
        let hold = Hold {
            agent: agent(name),
            ..stale.clone()
        };
        let actor = as_agent(name);
        let app = bench.app();
        let (end, run) = (Entry::Done(StepEnd::default()), id);
        [
            code(bench.begin(&hold, plan()).await),
            code(bench.intend(&hold, run, quiet(2)).await),
            code(
                app.record_step(&actor, hold.clone(), step.clone(), end, None)
                    .await,
            ),
            code(bench.rest(&hold, run, Rest::Failed("late".into())).await),
            code(bench.ask(&hold, run, quiet(2), WaitingFor::Answer).await),
        ]
    };
    let before = (bench.view(id).await, bench.test.get(&bench.task));
    assert_eq!(
        outcomes("seed").await,
        ["wrong_state"; 5],
        "nobody holds it"
    );
    assert_eq!((bench.view(id).await, bench.test.get(&bench.task)), before);

    bench.up().await;

    let before = (bench.view(id).await, bench.test.get(&bench.task));
    let events = bench.test.event_types().await.len();
    assert_eq!(outcomes("seed").await, ["fence_mismatch"; 5]);
    assert_eq!((bench.view(id).await, bench.test.get(&bench.task)), before);
    assert_eq!(bench.test.event_types().await.len(), events);
    assert_eq!(bench.live(id).await, [(1, 1, "interrupted")]);
}

#[tokio::test]
async fn only_the_holder_writes_the_journal() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let step = bench.go(&hold, id, quiet(1)).await;
    let app = bench.app();
    for actor in [as_agent("scout"), Actor::Viewer] {
        let hold = || hold.clone();
        let failed = Entry::Failed("x".into());
        let outcomes = [
            code(
                app.begin_run(&actor, by_id(&bench.task), hold(), plan())
                    .await,
            ),
            code(app.intend_step(&actor, hold(), id, quiet(2), BOUNDS).await),
            code(
                app.record_step(&actor, hold(), step.clone(), failed, None)
                    .await,
            ),
            code(app.rest_run(&actor, hold(), id, Rest::Waits).await),
            code(
                app.ask_in_step(&actor, hold(), id, quiet(2), WaitingFor::Answer)
                    .await,
            ),
            code(app.retry_run(&actor, RunRef::Id(id), None).await),
        ];
        assert_eq!(outcomes, ["denied"; 6], "{actor:?}");
    }
    assert_eq!(bench.live(id).await, [(1, 1, "intended")]);
}

#[tokio::test]
async fn runs_are_found_by_number_task_and_state() {
    let bench = Bench::new().await;
    let (hold, first) = bench.up().await;
    let changed = bench.begin(&hold, json!([{"tool": "read_file"}])).await;
    let second = changed.unwrap().run;
    let app = bench.app();
    let numbers = async |which: ListRuns| -> Vec<i64> {
        let page = app.list_runs(which, None, 10).await.unwrap();
        page.items.iter().map(|run| run.number).collect()
    };

    let of_task = Some(by_id(&bench.task));
    let (cancelled, failed) = (Some(RunStatus::Cancelled), Some(RunStatus::Failed));
    let (status, task) = (None, of_task);
    assert_eq!(numbers(ListRuns { status, task }).await, [2, 1]);
    let (status, task) = (cancelled, of_task);
    assert_eq!(numbers(ListRuns { status, task }).await, [1]);
    let (status, task) = (failed, None);
    assert_eq!(numbers(ListRuns { status, task }).await, [0; 0]);
    assert_eq!(
        app.get_run(RunRef::Number(1)).await.unwrap().run.id,
        first.run.id
    );
    assert_eq!(code(app.get_run(RunRef::Number(3)).await), "not_found");
    assert_eq!(app.open_runs().await.unwrap(), [second.id]);
    let counts = app.count_runs().await.unwrap();
    assert_eq!(counts.open, [(RunStatus::Running, 1)]);
}
