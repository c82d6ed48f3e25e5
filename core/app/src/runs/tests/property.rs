//! What holds of runs, steps and approvals after any sequence of operations.

use std::collections::BTreeMap;

use hearth_domain::approval::{ANSWER_WITHIN, ApprovalStatus};
use hearth_domain::event::EventKind;
use hearth_domain::event_filter::EventFilter;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::children::{register, to};
use super::*;
use crate::events::Direction;
use crate::holding::Done;

#[derive(Debug, Clone)]
enum Act {
    Claim,
    Begin { with_other_plan: bool },
    Intend { place: u32, kind: u8 },
    Ask { place: u32, is_doubt: bool },
    HandOn { place: u32 },
    ChildEnds { which: usize, is_done: bool },
    Record { which: usize, entry: u8 },
    Rest { has_failed: bool },
    Release,
    Kill,
    Complete,
    OwnerCompletes,
    Approve { which: usize },
    Deny { which: usize },
    Answer(&'static str),
    Unblock,
    Retry { from: u32 },
    Cancel,
    Reopen,
    Wait { days: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let words = prop::sample::select(vec!["repeat it", "it was done", "stop", "approve", "no"]);
    prop_oneof![
        4 => Just(Act::Claim),
        5 => prop::bool::weighted(0.1).prop_map(|with_other_plan| Act::Begin { with_other_plan }),
        12 => (1..4_u32, 0..3_u8).prop_map(|(place, kind)| Act::Intend { place, kind }),
        3 => (1..4_u32, any::<bool>()).prop_map(|(place, is_doubt)| Act::Ask { place, is_doubt }),
        4 => (1..4_u32).prop_map(|place| Act::HandOn { place }),
        4 => (0..4_usize, any::<bool>())
            .prop_map(|(which, is_done)| Act::ChildEnds { which, is_done }),
        12 => (0..8_usize, 0..4_u8).prop_map(|(which, entry)| Act::Record { which, entry }),
        3 => any::<bool>().prop_map(|has_failed| Act::Rest { has_failed }),
        2 => Just(Act::Release),
        2 => Just(Act::Kill),
        1 => Just(Act::Complete),
        1 => Just(Act::OwnerCompletes),
        5 => (0..4_usize).prop_map(|which| Act::Approve { which }),
        2 => (0..4_usize).prop_map(|which| Act::Deny { which }),
        3 => words.prop_map(Act::Answer),
        2 => Just(Act::Unblock),
        2 => (0..4_u32).prop_map(|from| Act::Retry { from }),
        1 => Just(Act::Cancel),
        2 => Just(Act::Reopen),
        2 => (0..8_u64).prop_map(|days| Act::Wait { days }),
    ]
}

/// What a worker that never looks at anything but its own last claim goes by.
struct Blind {
    bench: Bench,
    hold: Hold,
    run: RunId,
    /// Attempts as they were when they ended.
    ended: BTreeMap<(RunId, u32, u32), StepState>,
}

impl Blind {
    async fn new() -> Self {
        let bench = Bench::new().await;
        register(&bench, "scout").await;
        let (hold, view) = bench.up().await;
        let (run, ended) = (view.run.id, BTreeMap::new());
        Self {
            bench,
            hold,
            run,
            ended,
        }
    }

    /// Does it, or is refused.
    async fn make(&mut self, act: Act) -> Result<(), AppError> {
        let (bench, hold, run) = (&self.bench, self.hold.clone(), self.run);
        let (app, id) = (bench.app(), by_id(&bench.task));
        let owner = &Actor::Owner;
        match act {
            Act::Claim => {
                let claim = crate::holding::Claim::new(agent("seed"));
                let view = app.claim_task(&seed(), id, claim, None).await?;
                self.hold.fence = view.task.fence;
            }
            Act::Begin { with_other_plan } => {
                let mut plan = plan();
                if with_other_plan {
                    plan.as_array_mut().unwrap()[2]["args"] = json!({"n": hold.fence});
                }
                self.run = bench.begin(&hold, plan).await?.run.id;
            }
            Act::Intend { place, kind } => {
                let meant = match kind {
                    0 => quiet(place),
                    1 => speaks(place, "https://example.org/"),
                    _ => speaks(place, "https://example.org/other"),
                };
                bench.intend(&hold, run, meant).await?;
            }
            Act::Ask { place, is_doubt } => {
                let waits_for = if is_doubt {
                    WaitingFor::Doubt
                } else {
                    WaitingFor::Answer
                };
                bench.ask(&hold, run, quiet(place), waits_for).await?;
            }
            Act::HandOn { place } => {
                bench.delegate(&hold, run, place, to("scout")).await?;
            }
            Act::ChildEnds { which, is_done } => {
                let parts = bench.parts(&bench.task).await;
                let Some(child) = parts.get(which) else {
                    return Ok(());
                };
                if is_done {
                    app.complete_as_owner(owner, by_id(child), None, None)
                        .await?;
                } else {
                    app.cancel_task(owner, by_id(child), None, None).await?;
                }
            }
            Act::Record { which, entry } => {
                let steps = bench.view(run).await.steps;
                let Some(step) = steps.get(which % steps.len().max(1)) else {
                    return Ok(());
                };
                let entry = match entry {
                    0 => Entry::Acted(json!({"n": 1})),
                    1 => Entry::Done(StepEnd::default()),
                    2 => Entry::Failed("it failed".into()),
                    _ => Entry::Interrupted,
                };
                // What waits for the owner is not the worker's to end.
                if matches!(step.state, StepState::Waiting(_)) || step.discarded_at.is_some() {
                    return Ok(());
                }
                bench.record(&hold, step, entry).await?;
            }
            Act::Rest { has_failed: true } => {
                bench
                    .rest(&hold, run, Rest::Failed("it failed".into()))
                    .await?;
            }
            Act::Rest { has_failed: false } => {
                bench.rest(&hold, run, Rest::Waits).await?;
            }
            Act::Release => {
                let cause = hearth_domain::event::ReleaseCause::GivenBack;
                app.release_task(&seed(), id, hold, cause, None, None)
                    .await?;
            }
            Act::Kill => bench.kill().await,
            Act::Complete => {
                app.complete_task(&seed(), id, hold, Done::default(), None)
                    .await?;
            }
            Act::OwnerCompletes => {
                app.complete_as_owner(owner, id, None, None).await?;
            }
            Act::Approve { which } | Act::Deny { which } => {
                let all = app.list_approvals(None, None, 4).await?.items;
                let Some(approval) = all.get(which) else {
                    return Ok(());
                };
                let (note, remember) = (None, None);
                let answer = if matches!(act, Act::Approve { .. }) {
                    Answer::Approve { note, remember }
                } else {
                    Answer::Deny { note }
                };
                let id = ApprovalRef::Id(approval.id);
                app.answer_approval(owner, id, answer).await?;
            }
            Act::Answer(words) => {
                bench.answer(words).await?;
            }
            Act::Unblock => {
                app.answer_task(owner, id, None, None).await?;
            }
            Act::Retry { from } => {
                let from = (from > 0).then(|| from.to_string());
                app.retry_run(owner, RunRef::Id(run), from).await?;
            }
            Act::Cancel => {
                app.cancel_task(owner, id, None, None).await?;
            }
            Act::Reopen => {
                app.reopen_task(owner, id, None, None).await?;
            }
            Act::Wait { days } => {
                let (clock, most) = (&bench.test.clock, ANSWER_WITHIN);
                clock.advance(Duration::from_hours(24 * days).min(most) + Duration::from_secs(61));
                app.sweep().await?;
                app.expire_approvals().await?;
            }
        }
        Ok(())
    }

    async fn check(&mut self) {
        let task = self.bench.test.get(&self.bench.task);
        let runs = self.bench.app().list_runs(ListRuns::default(), None, 500);
        let runs = runs.await.unwrap().items;
        let open: Vec<&Run> = runs.iter().filter(|run| run.status.is_open()).collect();
        assert!(open.len() <= 1, "two runs of one task can go on");
        if let [run] = open.as_slice() {
            assert!(!task.status().is_terminal(), "a task ends with its run");
            let is_at_work = task.status() == TaskStatus::InProgress && task.fence == run.fence;
            assert_eq!(run.status == RunStatus::Running, is_at_work, "{run:?}");
        }
        for run in &runs {
            assert_eq!(run.status.is_open(), run.ended_at.is_none());
            self.check_run(run.id).await;
        }
        let is_over = task.status().is_terminal();
        assert!(!is_over || open.is_empty());
        self.check_children(&task, &runs).await;
    }

    /// What is waited for goes on, and what goes on is waited for, by the task too.
    async fn check_children(&self, task: &Task, runs: &[Run]) {
        let mut awaited = Vec::new();
        for run in runs {
            let steps = self.bench.view(run.id).await.steps;
            awaited.extend(steps.iter().filter_map(Step::child));
        }
        let parts = self.bench.parts(task).await;
        let open = parts.iter().filter(|child| !child.status().is_terminal());
        let mut open: Vec<_> = open.map(|child| child.id).collect();
        awaited.sort();
        open.sort();
        assert_eq!(awaited, open);
        if !task.status().is_terminal() {
            assert_eq!(task.depends_on, open);
        }
    }

    async fn check_run(&mut self, id: RunId) {
        let view = self.bench.view(id).await;
        let mut live: BTreeMap<u32, Vec<&Step>> = BTreeMap::new();
        for step in &view.steps {
            let key = (id, step.place, step.attempt);
            assert_eq!(step.has_ended(), step.ended_at.is_some());
            if step.has_ended() {
                let was = self.ended.entry(key).or_insert_with(|| step.state.clone());
                assert_eq!(*was, step.state, "an outcome stays");
            } else {
                assert!(!self.ended.contains_key(&key), "an outcome stays");
            }
            let is_at_work = step.discarded_at.is_none() && step.state == StepState::Intended;
            if is_at_work {
                assert_eq!(view.run.status, RunStatus::Running, "nobody is at it");
            }
            if step.discarded_at.is_none() {
                live.entry(step.place).or_default().push(step);
            }
        }
        for attempts in live.values() {
            let (last, earlier) = attempts.split_last().unwrap();
            for step in earlier {
                let is_over = matches!(
                    step.state,
                    StepState::Failed { .. } | StepState::Interrupted
                );
                assert!(is_over, "{step:?} is followed by {last:?}");
            }
        }
        for approval in &view.approvals {
            assert!(!approval.is_open() || view.run.status.is_open());
            let used = view.steps.iter().filter(|step| {
                step.decision.approval == Some(approval.number) && step.action == approval.action
            });
            let expected = usize::from(approval.status == ApprovalStatus::Used);
            assert_eq!(used.count(), expected, "{approval:?}");
        }
    }

    /// Every attempt has one outcome, and every approval is used once, by the events too.
    async fn check_events(&self) {
        let any = EventFilter::default();
        let events = self
            .bench
            .app()
            .list_events(any, Direction::Ascending, None, 10_000);
        let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
        for event in events.await.unwrap().items {
            let key = match event.kind().unwrap() {
                EventKind::StepCompleted { step, .. }
                | EventKind::StepFailed { step, .. }
                | EventKind::StepInterrupted(step) => {
                    format!("step {} {} {}", step.run_id, step.place, step.attempt)
                }
                EventKind::ApprovalUsed(used) => format!("use of {}", used.number),
                EventKind::ApprovalApproved(facts) | EventKind::ApprovalDenied(facts) => {
                    format!("answer to {}", facts.number)
                }
                _ => continue,
            };
            *outcomes.entry(key).or_default() += 1;
        }
        let twice = outcomes.iter().find(|(_, count)| **count > 1);
        assert_eq!(twice, None);
    }
}

#[test]
fn no_sequence_of_operations_leaves_a_run_its_task_and_its_approvals_at_odds() {
    let config = Config {
        cases: 20,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    TestRunner::new(config)
        .run(&prop::collection::vec(act(), 10..60), |acts| {
            runtime.block_on(async {
                let mut worker = Blind::new().await;
                for act in acts {
                    if let Err(AppError::Store(error)) = worker.make(act).await {
                        panic!("{error}");
                    }
                    worker.check().await;
                }
                worker.check_events().await;
            });
            Ok(())
        })
        .unwrap();
}
