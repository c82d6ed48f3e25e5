//! Work that is handed to other agents: who waits, what comes back, and what is called off.

use hearth_domain::agent::Registration;
use hearth_domain::delegation::DEPTH_MAX;
use hearth_domain::event::ReleaseCause;
use hearth_domain::specialist::{NewSpecialist, WantedGrants};
use hearth_domain::task::{Budget, TaskState};
use hearth_domain::{JsonObject, Priority, TaskId};

use super::*;
use crate::holding::Done;
use crate::runs::journal::Delegation;
use crate::tasks::{TaskFilter, TaskRef};

pub(super) fn delegates(place: u32) -> Meant {
    Meant {
        action: action("delegate", json!({"agent": "scout", "title": place})),
        what: "hand \"look\" to agent scout".into(),
        ..quiet(place)
    }
}

pub(super) fn to(name: &str) -> Delegation {
    Delegation {
        agent: agent(name),
        title: "look".parse().unwrap(),
        description: "Look there.".into(),
        context: JsonObject::from_iter([("where".into(), "there".into())]),
        priority: None,
        acceptance: Vec::new(),
        budget: Budget::default(),
    }
}

pub(super) async fn register(bench: &Bench, name: &str) {
    let registration = Registration {
        name: agent(name),
        kind: "worker".parse().unwrap(),
        capabilities: Vec::new(),
        metadata: JsonObject::new(),
    };
    let actor = as_agent(name);
    let registered = bench.app().register_agent(&actor, registration);
    registered.await.unwrap();
}

/// A task whose agent knows scout.
async fn bench(new: NewTask) -> Bench {
    let bench = Bench::with(new).await;
    register(&bench, "scout").await;
    bench
}

impl Bench {
    pub(super) async fn delegate(
        &self,
        hold: &Hold,
        run: RunId,
        place: u32,
        delegation: Delegation,
    ) -> Result<Intent, AppError> {
        let actor = Actor::Agent(hold.agent.clone());
        let (hold, meant) = (hold.clone(), delegates(place));
        self.app()
            .delegate_in_step(&actor, hold, run, meant, delegation, BOUNDS)
            .await
    }

    /// Hands work to an agent; returns the task that came of it.
    async fn hand_on(&self, hold: &Hold, run: RunId, place: u32, name: &str) -> Task {
        let intent = self.delegate(hold, run, place, to(name)).await.unwrap();
        let Intent::Waits(step) = intent else {
            panic!("{intent:?}");
        };
        self.task_of(step.child().unwrap())
    }

    fn task_of(&self, id: TaskId) -> Task {
        self.app().get_task(TaskRef::Id(id)).unwrap().task
    }

    async fn complete(&self, task: &Task, hold: Hold, done: Done) -> Task {
        let actor = Actor::Agent(hold.agent.clone());
        let view = self
            .app()
            .complete_task(&actor, by_id(task), hold, done, None);
        view.await.unwrap().task
    }

    async fn cancel(&self, task: &Task, reason: &str) {
        let (id, reason) = (by_id(task), Some(reason.to_owned()));
        let cancelled = self.app().cancel_task(&Actor::Owner, id, reason, None);
        cancelled.await.unwrap();
    }

    pub(super) async fn parts(&self, task: &Task) -> Vec<Task> {
        let filter = TaskFilter {
            parent_ids: vec![task.id],
            ..TaskFilter::default()
        };
        let page = self.app().list_tasks(filter, None, None, 50).await.unwrap();
        page.items.into_iter().map(|view| view.task).collect()
    }

    async fn step(&self, run: RunId, place: u32) -> Step {
        let steps = self.view(run).await.steps;
        let mut live = steps.into_iter().filter(|step| step.discarded_at.is_none());
        live.rfind(|step| step.place == place).unwrap()
    }

    fn task(&self) -> Task {
        self.test.get(&self.task)
    }
}

/// Up to the point where the run rests for the task that it handed on.
async fn resting(new: NewTask) -> (Bench, RunId, Task) {
    let bench = bench(new).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let child = bench.hand_on(&hold, id, 1, "scout").await;
    assert!(bench.rest(&hold, id, Rest::Waits).await.unwrap());
    (bench, id, child)
}

#[tokio::test]
async fn a_task_waits_for_what_it_handed_on_without_a_worker_and_without_an_attempt() {
    let mut new = titled("work");
    new.max_attempts = 1;
    new.priority = Priority::High;
    let (bench, id, child) = resting(new).await;

    assert_eq!(child.parent_id, Some(bench.task.id));
    assert_eq!(child.reserved_for, Some(agent("scout")));
    assert_eq!(
        (child.priority, child.created_by.as_str()),
        (Priority::High, "seed")
    );
    assert_eq!(child.context["where"], "there");
    let task = bench.task();
    assert_eq!(task.status(), TaskStatus::Pending);
    assert_eq!(
        (task.depends_on, task.failed_attempts.len()),
        (vec![child.id], 0)
    );
    let run = bench.run(id).await;
    assert_eq!(
        (run.status, run.reason.as_deref()),
        (RunStatus::Waiting, Some("task #2"))
    );
    assert_eq!(bench.live(id).await, [(1, 1, "waiting")]);
    let claim = crate::holding::Claim::new(agent("seed"));
    let actor = seed();
    let claimed = bench
        .app()
        .claim_task(&actor, by_id(&bench.task), claim, None);
    assert_eq!(code(claimed.await), "dependencies_open");
    let none = bench.app().claim_own_task(crate::holding::Work::Any).await;
    assert_eq!(none.unwrap(), None, "nobody of the node's own can do it");
}

#[tokio::test]
async fn what_the_other_agent_brought_becomes_the_result_of_the_step() {
    let (bench, id, child) = resting(titled("work")).await;
    let hold = bench.test.claim(&child, "scout").await;
    let blob = bench.test.blob(b"found").await.unwrap();
    let row = crate::test_support::report(None);
    let scout = as_agent("scout");
    let made = bench
        .app()
        .create_artifact(&scout, row, blob)
        .await
        .unwrap();
    let done = Done {
        result: serde_json::from_value(json!({"words": 3})).unwrap(),
        artifacts: vec![made.id],
    };

    bench.complete(&child, hold, done).await;

    let step = bench.step(id, 1).await;
    let StepState::Done(end) = &step.state else {
        panic!("{step:?}");
    };
    assert_eq!(
        Value::from(end.result.clone().unwrap()),
        json!({
            "task": 2, "result": {"words": 3},
            "artifacts": [{"artifact_id": made.id, "type": "report", "name": null, "size_bytes": 5}],
        })
    );
    assert_eq!(end.note, "task #2 was done by scout");
    assert!(step.brings.untrusted, "nobody here saw what scout read");
    assert_eq!(bench.task().depends_on, []);
    let types = bench.test.event_types().await;
    let tail = &types[types.len() - 4..];
    assert_eq!(
        tail,
        [
            "artifact.attached",
            "task.completed",
            "step.completed",
            "task.updated"
        ]
    );
    let (hold, view) = bench.up().await;
    assert_eq!((view.run.id, view.run.status), (id, RunStatus::Running));
    bench.done(&hold, id, quiet(2)).await;
    assert_eq!(bench.live(id).await, [(1, 1, "done"), (2, 1, "done")]);
}

#[tokio::test]
async fn what_is_too_large_to_be_told_is_named_by_its_task() {
    let (bench, id, child) = resting(titled("work")).await;
    let hold = bench.test.claim(&child, "scout").await;
    let done = Done {
        result: serde_json::from_value(json!({"text": "x".repeat(200 * 1024)})).unwrap(),
        artifacts: vec![],
    };

    bench.complete(&child, hold, done).await;

    let StepState::Done(end) = bench.step(id, 1).await.state else {
        panic!("it is not done");
    };
    let told = end.result.unwrap();
    assert_eq!(told["result"], Value::Null);
    assert_eq!(
        told["left_out"],
        "the result is too large to be told here; task #2 has it"
    );
}

#[tokio::test]
async fn the_step_fails_with_the_reason_when_the_task_is_cancelled() {
    let (bench, id, child) = resting(titled("work")).await;

    bench.cancel(&child, "not that one").await;

    let step = bench.step(id, 1).await;
    let error = "task #2 was cancelled: not that one".to_owned();
    assert_eq!(step.state, StepState::Failed { error });
    assert_eq!(bench.task().depends_on, []);
    assert!(step.was_made(), "it may be tried again by its rule");
    bench.up().await;
}

#[tokio::test]
async fn a_task_that_waits_for_the_owner_is_waited_for() {
    let (bench, id, child) = resting(titled("work")).await;
    let hold = bench.test.claim(&child, "scout").await;
    let scout = as_agent("scout");
    let blocked = bench
        .app()
        .block_task(&scout, by_id(&child), hold, "Which?", vec![], None);
    blocked.await.unwrap();
    assert_eq!(bench.live(id).await, [(1, 1, "waiting")]);
    assert_eq!(bench.task().depends_on, [child.id]);

    let answer = Some("That.".to_owned());
    let answered = bench
        .app()
        .answer_task(&Actor::Owner, by_id(&child), answer, None);
    answered.await.unwrap();
    let hold = bench.test.claim(&child, "scout").await;
    bench.complete(&child, hold, Done::default()).await;

    assert_eq!(bench.live(id).await, [(1, 1, "done")]);
}

#[tokio::test]
async fn whoever_cancels_a_task_calls_off_what_it_handed_on_however_far_down() {
    let (bench, id, child) = resting(titled("work")).await;
    let below = bench.test.claim(&child, "scout").await;
    let scout = as_agent("scout");
    let view = bench
        .app()
        .begin_run(&scout, by_id(&child), below.clone(), plan());
    let run = view.await.unwrap().run.id;
    let grandchild = bench.hand_on(&below, run, 1, "scout").await;
    bench.test.claim(&grandchild, "scout").await;

    bench.cancel(&bench.task, "enough").await;

    for task in [&child, &grandchild] {
        let TaskState::Cancelled { reason, .. } = bench.test.get(task).state else {
            panic!("#{} goes on", task.number);
        };
        let reason = reason.unwrap();
        assert!(
            reason.ends_with("handed it on, and is not worked on any more"),
            "{reason}"
        );
    }
    assert_eq!(bench.run(id).await.status, RunStatus::Cancelled);
    assert_eq!(bench.run(run).await.status, RunStatus::Cancelled);
    assert_eq!(bench.live(id).await, [(1, 1, "failed")]);
}

#[tokio::test]
async fn where_the_owner_is_asked_too_the_task_is_blocked_and_waits_for_both() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let child = bench.hand_on(&hold, id, 1, "scout").await;
    bench
        .ask(&hold, id, quiet(2), WaitingFor::Answer)
        .await
        .unwrap();

    assert!(bench.rest(&hold, id, Rest::Waits).await.unwrap());

    assert_eq!(bench.status(), TaskStatus::Blocked);
    bench.answer("yes").await.unwrap();
    assert_eq!(bench.live(id).await, [(1, 1, "waiting"), (2, 1, "done")]);
    let claim = crate::holding::Claim::new(agent("seed"));
    let actor = seed();
    let claimed = bench
        .app()
        .claim_task(&actor, by_id(&bench.task), claim, None);
    assert_eq!(code(claimed.await), "dependencies_open");
    let theirs = bench.test.claim(&child, "scout").await;
    bench.complete(&child, theirs, Done::default()).await;
    bench.up().await;
}

#[tokio::test]
async fn a_task_that_is_done_while_its_owner_is_asked_is_told_then() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let child = bench.hand_on(&hold, id, 1, "scout").await;
    bench
        .ask(&hold, id, quiet(2), WaitingFor::Answer)
        .await
        .unwrap();
    bench.rest(&hold, id, Rest::Waits).await.unwrap();

    let theirs = bench.test.claim(&child, "scout").await;
    bench.complete(&child, theirs, Done::default()).await;

    assert_eq!(bench.status(), TaskStatus::Blocked);
    bench.answer("yes").await.unwrap();
    assert_eq!(bench.live(id).await, [(1, 1, "done"), (2, 1, "done")]);
    bench.up().await;
}

#[tokio::test]
async fn a_crash_before_the_rest_hands_nothing_on_twice() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let child = bench.hand_on(&hold, id, 1, "scout").await;

    bench.kill().await;

    assert_eq!(
        bench.task().depends_on,
        [child.id],
        "it waits without having rested"
    );
    let theirs = bench.test.claim(&child, "scout").await;
    bench.complete(&child, theirs, Done::default()).await;
    let (hold, _) = bench.up().await;
    let again = bench.delegate(&hold, id, 1, to("scout")).await;
    assert_eq!(code(again), "wrong_state", "it is done");
    assert_eq!(bench.parts(&bench.task).await.len(), 1);
}

#[tokio::test]
async fn what_is_handed_on_again_while_it_is_waited_for_is_the_same() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;

    let first = bench.hand_on(&hold, id, 1, "scout").await;
    let second = bench.hand_on(&hold, id, 1, "scout").await;

    assert_eq!(first.id, second.id);
    assert_eq!(bench.parts(&bench.task).await.len(), 1);
}

#[tokio::test]
async fn nothing_rests_where_the_other_agent_was_faster() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let child = bench.hand_on(&hold, id, 1, "scout").await;
    let theirs = bench.test.claim(&child, "scout").await;
    bench.complete(&child, theirs, Done::default()).await;

    assert!(!bench.rest(&hold, id, Rest::Waits).await.unwrap());

    assert_eq!(bench.status(), TaskStatus::InProgress);
    bench.done(&hold, id, quiet(2)).await;
}

#[tokio::test]
async fn a_rest_waits_again_for_what_its_owner_took_out_of_the_dependencies() {
    let (bench, id, child) = resting(titled("work")).await;
    let update = crate::tasks::UpdateTask {
        patch: hearth_domain::task::TaskPatch {
            depends_on: Some(vec![]),
            ..Default::default()
        },
        ..Default::default()
    };
    let updated = bench
        .app()
        .update_task(&Actor::Owner, by_id(&bench.task), update, None);
    updated.await.unwrap();
    let (hold, _) = bench.up().await;

    assert!(bench.rest(&hold, id, Rest::Waits).await.unwrap());

    assert_eq!(bench.task().depends_on, [child.id]);
}

#[tokio::test]
async fn a_step_that_is_done_anew_calls_off_what_it_handed_on() {
    let (bench, id, child) = resting(titled("work")).await;

    let retried = bench
        .app()
        .retry_run(&Actor::Owner, RunRef::Id(id), Some("a".into()));
    retried.await.unwrap();

    assert_eq!(bench.test.get(&child).status(), TaskStatus::Cancelled);
    assert_eq!(bench.task().depends_on, []);
    assert_eq!(bench.live(id).await, []);
    let (hold, _) = bench.up().await;
    let other = bench.hand_on(&hold, id, 1, "scout").await;
    assert_ne!(other.id, child.id);
}

#[tokio::test]
async fn what_was_handed_on_goes_on_while_a_failure_waits_for_the_owner() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let child = bench.hand_on(&hold, id, 1, "scout").await;
    let failed = Rest::Failed("it broke".into());

    assert!(bench.rest(&hold, id, failed).await.unwrap());

    assert_eq!(bench.status(), TaskStatus::Blocked);
    assert_eq!(bench.live(id).await, [(1, 1, "waiting")]);
    let theirs = bench.test.claim(&child, "scout").await;
    bench.complete(&child, theirs, Done::default()).await;
    assert_eq!(bench.live(id).await, [(1, 1, "done")]);
}

#[tokio::test]
async fn a_budget_goes_along_and_is_missing_afterwards() {
    let mut new = titled("work");
    new.budget = Some(Budget {
        usd: Some(2.0),
        tokens: Some(1000),
        ..Budget::default()
    });
    let bench = bench(new).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let mut wanted = to("scout");
    wanted.budget.usd = Some(3.0);
    let refused = bench.delegate(&hold, id, 1, wanted.clone()).await;
    let Err(AppError::InvalidInput { field, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(field, "budget.usd");
    assert!(
        bench.parts(&bench.task).await.is_empty(),
        "nothing of it was made"
    );

    wanted.budget.usd = Some(1.5);
    bench.delegate(&hold, id, 1, wanted).await.unwrap();

    let child = bench.parts(&bench.task).await.remove(0).budget.unwrap();
    assert_eq!((child.usd, child.tokens), (Some(1.5), Some(250)));
    let left = bench.task().budget.unwrap();
    assert_eq!((left.usd, left.tokens), (Some(0.5), Some(750)));
}

/// The reason for which work was not handed on.
async fn refusal(bench: &Bench, hold: &Hold, run: RunId, to: Delegation) -> String {
    let next = bench.view(run).await.steps.len();
    let place = u32::try_from(next % 8 + 1).unwrap();
    match bench.delegate(hold, run, place, to).await.unwrap() {
        Intent::Refused(step) => step.decision.reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn work_is_handed_to_agents_that_there_are_and_that_take_it() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    make(&bench, &hold, "scribe", &["python"]).await;
    let off = bench
        .app()
        .disable_specialist(&Actor::Owner, agent("scribe"));
    off.await.unwrap();

    let why = async |name: &str| refusal(&bench, &hold, id, to(name)).await;

    assert_eq!(
        why("nobody").await,
        "there is no agent nobody; there are scout, scribe"
    );
    assert!(why("owner").await.contains("ask with ask_owner"));
    assert_eq!(
        why("scribe").await,
        "agent scribe is disabled, and takes no tasks"
    );
}

#[tokio::test]
async fn one_task_hands_on_so_many_and_no_more() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    for _ in 0..10 {
        let child = bench.hand_on(&hold, id, 1, "scout").await;
        bench.cancel(&child, "again").await;
    }

    let more = bench.delegate(&hold, id, 1, to("scout")).await.unwrap();

    let Intent::Waits(step) = more else {
        panic!("{more:?}");
    };
    assert_eq!(step.state, StepState::Waiting(WaitingFor::Budget));
    assert!(
        step.decision.reason.contains("10 child tasks"),
        "{}",
        step.decision.reason
    );
    assert_eq!(bench.parts(&bench.task).await.len(), 10);
}

#[tokio::test]
async fn work_is_handed_on_so_deep_and_no_deeper() {
    let bench = bench(titled("work")).await;
    let (mut hold, view) = bench.up().await;
    let mut run = view.run.id;
    for _ in 0..DEPTH_MAX {
        let child = bench.hand_on(&hold, run, 1, "scout").await;
        hold = bench.test.claim(&child, "scout").await;
        let scout = as_agent("scout");
        let begun = bench
            .app()
            .begin_run(&scout, by_id(&child), hold.clone(), plan());
        run = begun.await.unwrap().run.id;
    }

    let why = refusal(&bench, &hold, run, to("scout")).await;

    assert!(why.contains("4 tasks deep at most"), "{why}");
}

/// Makes a specialist with some of the tools.
async fn make(bench: &Bench, hold: &Hold, name: &str, tools: &[&str]) {
    let words = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    let new = NewSpecialist {
        name: agent(name),
        instructions: "Does it.".into(),
        grants: WantedGrants {
            tools: Some(words(tools)),
            ..WantedGrants::default()
        },
    };
    let all = words(&["python", "delegate", "read_file", "http_get"]);
    let id = by_id(&bench.task);
    let actor = seed();
    let made = bench
        .app()
        .create_specialist(&actor, id, hold.clone(), new, all);
    made.await.unwrap();
}

#[tokio::test]
async fn a_specialist_hands_work_to_those_that_may_do_no_more_than_itself() {
    let bench = bench(titled("work")).await;
    register(&bench, "seed").await;
    let (hold, view) = bench.up().await;
    make(&bench, &hold, "lead", &["python", "delegate"]).await;
    make(&bench, &hold, "narrow", &["python"]).await;
    make(&bench, &hold, "wide", &["python", "delegate", "http_get"]).await;
    let task = bench.hand_on(&hold, view.run.id, 1, "lead").await;
    let theirs = bench.test.claim(&task, "lead").await;
    let lead = as_agent("lead");
    let begun = bench
        .app()
        .begin_run(&lead, by_id(&task), theirs.clone(), plan());
    let run = begun.await.unwrap().run.id;

    for name in ["seed", "wide", "scout"] {
        let why = refusal(&bench, &theirs, run, to(name)).await;
        assert!(why.contains("may do more than lead"), "{why}");
    }
    bench.hand_on(&theirs, run, 7, "narrow").await;
}

#[tokio::test]
async fn a_specialist_makes_the_calls_that_it_was_granted() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    make(&bench, &hold, "reader", &["read_file"]).await;
    let task = bench.hand_on(&hold, view.run.id, 1, "reader").await;
    let theirs = bench.test.claim(&task, "reader").await;
    let reader = as_agent("reader");
    let begun = bench
        .app()
        .begin_run(&reader, by_id(&task), theirs.clone(), plan());
    let run = begun.await.unwrap().run.id;
    let intend = async |meant: Meant| {
        let intent = bench
            .app()
            .intend_step(&reader, theirs.clone(), run, meant, BOUNDS);
        intent.await.unwrap()
    };

    assert!(matches!(intend(quiet(1)).await, Intent::Go(_)));
    let refused = intend(speaks(2, "https://example.org/")).await;
    let Intent::Refused(step) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        step.decision.reason,
        "this agent may not call http_get; it may call read_file"
    );
}

#[tokio::test]
async fn what_a_run_took_in_goes_down_with_its_words_and_up_with_the_result() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let _notes = super::bounds::open_folder(&bench, "notes").await;
    bench
        .done(&hold, id, super::bounds::reading(1, "notes"))
        .await;
    make(&bench, &hold, "helper", &["http_get", "read_file"]).await;
    let task = bench.hand_on(&hold, id, 2, "helper").await;
    let theirs = bench.test.claim(&task, "helper").await;
    let helper = as_agent("helper");
    let begun = bench
        .app()
        .begin_run(&helper, by_id(&task), theirs.clone(), plan());
    let run = begun.await.unwrap().run.id;
    let speaking = speaks(1, "https://example.org/");
    let asked = bench
        .app()
        .intend_step(&helper, theirs.clone(), run, speaking, BOUNDS);

    let Intent::Waits(step) = asked.await.unwrap() else {
        panic!("it is not asked");
    };

    assert!(
        step.decision.reason.contains("private files"),
        "{}",
        step.decision.reason
    );
    bench
        .app()
        .rest_run(&helper, theirs, run, Rest::Waits)
        .await
        .unwrap();
    let StepState::Waiting(WaitingFor::Approval(approval)) = step.state else {
        panic!("{step:?}");
    };
    let approval = bench.app().get_approval(ApprovalRef::Id(approval)).unwrap();
    bench.approve(&approval).await;
    let theirs = bench.test.claim(&task, "helper").await;
    let begun = bench
        .app()
        .begin_run(&helper, by_id(&task), theirs.clone(), plan());
    begun.await.unwrap();
    let speaking = speaks(1, "https://example.org/");
    let went = bench
        .app()
        .intend_step(&helper, theirs.clone(), run, speaking, BOUNDS);
    assert!(matches!(went.await.unwrap(), Intent::Go(_)));
    bench.complete(&task, theirs, Done::default()).await;
    let delivered = bench.step(id, 2).await;
    assert!(delivered.brings.untrusted, "the helper read a page");
}

#[tokio::test]
async fn what_an_agent_of_the_node_brought_is_as_good_as_what_it_read() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    make(&bench, &hold, "helper", &["read_file"]).await;
    let task = bench.hand_on(&hold, view.run.id, 1, "helper").await;
    let theirs = bench.test.claim(&task, "helper").await;
    let helper = as_agent("helper");
    let begun = bench
        .app()
        .begin_run(&helper, by_id(&task), theirs.clone(), plan());
    begun.await.unwrap();

    bench.complete(&task, theirs, Done::default()).await;

    let step = bench.step(view.run.id, 1).await;
    assert_eq!(step.brings, Labels::default());
}

#[tokio::test]
async fn an_agent_that_asks_before_it_hands_work_on_hands_it_on_once_after_the_yes() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let words = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    let new = NewSpecialist {
        name: agent("careful"),
        instructions: "Asks.".into(),
        grants: WantedGrants {
            asks_before: words(&["delegate"]),
            ..WantedGrants::default()
        },
    };
    let all = words(&["delegate", "read_file"]);
    let id = by_id(&bench.task);
    let actor = seed();
    let made = bench
        .app()
        .create_specialist(&actor, id, hold.clone(), new, all);
    made.await.unwrap();
    let task = bench.hand_on(&hold, view.run.id, 1, "careful").await;
    let careful = as_agent("careful");
    let begin = async || {
        let theirs = bench.test.claim(&task, "careful").await;
        let begun = bench
            .app()
            .begin_run(&careful, by_id(&task), theirs.clone(), plan());
        (theirs, begun.await.unwrap().run.id)
    };
    let (theirs, run) = begin().await;

    let asked = bench
        .delegate(&theirs, run, 1, to("careful"))
        .await
        .unwrap();

    let Intent::Waits(Step {
        state: StepState::Waiting(WaitingFor::Approval(approval)),
        ..
    }) = asked
    else {
        panic!("{asked:?}");
    };
    assert!(bench.parts(&task).await.is_empty());
    bench
        .app()
        .rest_run(&careful, theirs, run, Rest::Waits)
        .await
        .unwrap();
    let approval = bench.app().get_approval(ApprovalRef::Id(approval)).unwrap();
    bench.approve(&approval).await;
    let (theirs, run) = begin().await;
    bench.hand_on(&theirs, run, 1, "careful").await;
    assert_eq!(bench.parts(&task).await.len(), 1);
    let used = bench.approval(&approval).status;
    assert_eq!(used, hearth_domain::approval::ApprovalStatus::Used);
}

#[tokio::test]
async fn only_the_holder_hands_work_on() {
    let bench = bench(titled("work")).await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let stale = Hold {
        fence: hold.fence + 1,
        ..hold.clone()
    };
    assert_eq!(
        code(bench.delegate(&stale, id, 1, to("scout")).await),
        "fence_mismatch"
    );
    let app = bench.app();
    for actor in [as_agent("scout"), Actor::Viewer] {
        let (hold, meant) = (hold.clone(), delegates(1));
        let refused = app.delegate_in_step(&actor, hold, id, meant, to("scout"), BOUNDS);
        assert_eq!(code(refused.await), "denied");
    }
    assert!(bench.parts(&bench.task).await.is_empty());
    let cause = bench.task().failed_attempts;
    assert!(cause.iter().all(|end| end.cause == ReleaseCause::GivenBack));
}
