//! The state machine, held against the design's table by random commands and by cases.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::artifact::{Artifact, ContentHash, MediaType, NewArtifact};
use crate::event::{Evidence, ReleaseCause};
use crate::field::{JSON_MAX_BYTES, REASON_MAX, Word};

const LEASE: Duration = Duration::from_mins(1);

fn agent(name: &str) -> AgentName {
    name.parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn new_task() -> NewTask {
    NewTask::titled("Count the words".parse().unwrap())
}

fn create(new: NewTask) -> Task {
    Task::create(TaskId(Uuid::from_u128(1)), 1, new, &Actor::Owner, at(0)).after
}

fn pending() -> Task {
    create(new_task())
}

fn claimed(task: Task, by: &str, now: i64) -> Task {
    task.claim(agent(by), LEASE, 0, at(now)).unwrap().after
}

fn blocked(reason: &str) -> Task {
    let task = claimed(pending(), "seed", 1);
    task.block(&agent("seed"), 1, reason.into(), vec![], at(2))
        .unwrap()
        .after
}

fn completed() -> Task {
    let task = claimed(pending(), "seed", 1);
    task.complete(&agent("seed"), 1, Completion::default(), &[], &[], at(2))
        .unwrap()
        .after
}

fn cancelled() -> Task {
    pending().cancel(None, &Actor::Owner, at(1)).unwrap().after
}

fn artifact(kind: &str, size_bytes: u64, by: &str) -> Artifact {
    let new = NewArtifact {
        task_id: Some(TaskId(Uuid::from_u128(1))),
        kind: kind.parse().unwrap(),
        name: None,
        media_type: MediaType::plain_text(),
        size_bytes,
        hash: ContentHash([7; 32]),
        metadata: JsonObject::new(),
        labels: Labels::default(),
    };
    let actor = match by {
        "owner" => Actor::Owner,
        name => Actor::Agent(agent(name)),
    };
    Artifact::create(ArtifactId(Uuid::from_u128(9)), new, &actor, at(1)).after
}

fn missing_report() -> Unmet {
    Unmet {
        check: wants_report(),
        found: "its worker stored none".into(),
    }
}

fn wants_report() -> Check {
    Check::Artifact {
        of_type: Some("report".parse().unwrap()),
        min_bytes: None,
    }
}

// Random commands.

#[derive(Debug, Clone)]
enum Command {
    Claim { open_dependencies: u64 },
    Renew,
    Progress,
    Complete,
    FailAcceptance,
    BlockUnaccepted,
    Block,
    Answer(Option<String>),
    Release(ReleaseCause),
    Reclaim(ReleaseCause),
    Cancel,
    Reopen,
    Update(Box<TaskPatch>),
}

#[derive(Debug, Clone)]
struct Step {
    command: Command,
    agent: usize,
    /// How far the fence named lies behind the present one.
    fence_behind: u64,
    seconds: i64,
}

const AGENTS: [&str; 3] = ["seed", "scout", "owner"];
const CAUSES: [ReleaseCause; 7] = [
    ReleaseCause::GivenBack,
    ReleaseCause::LeaseExpired,
    ReleaseCause::NodeRestarted,
    ReleaseCause::NodeStopped,
    ReleaseCause::NoModel,
    ReleaseCause::WaitsForChildren,
    ReleaseCause::AgentPaused,
];

fn patches() -> impl Strategy<Value = TaskPatch> {
    let name = proptest::option::of(proptest::sample::select(&AGENTS[..]));
    prop_oneof![
        Just(TaskPatch {
            title: Some("Another title".parse().unwrap()),
            ..TaskPatch::default()
        }),
        Just(TaskPatch {
            priority: Some(Priority::Critical),
            ..TaskPatch::default()
        }),
        Just(TaskPatch {
            acceptance: Some(vec![]),
            ..TaskPatch::default()
        }),
        (1..4_u32).prop_map(|attempts| TaskPatch {
            max_attempts: Some(attempts),
            ..TaskPatch::default()
        }),
        name.prop_map(|name| TaskPatch {
            assigned_to: Some(name.map(agent)),
            ..TaskPatch::default()
        }),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    let cause = || proptest::sample::select(&CAUSES[..]);
    prop_oneof![
        4 => prop_oneof![9 => Just(0_u64), 1 => 1..3_u64]
            .prop_map(|open_dependencies| Command::Claim { open_dependencies }),
        1 => Just(Command::Renew),
        1 => Just(Command::Progress),
        1 => Just(Command::Complete),
        1 => Just(Command::FailAcceptance),
        1 => Just(Command::BlockUnaccepted),
        1 => Just(Command::Block),
        2 => proptest::option::of("[a-z]{1,8}").prop_map(Command::Answer),
        2 => cause().prop_map(Command::Release),
        2 => cause().prop_map(Command::Reclaim),
        1 => Just(Command::Cancel),
        1 => Just(Command::Reopen),
        2 => patches().prop_map(|patch| Command::Update(Box::new(patch))),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        commands(),
        prop_oneof![4 => Just(0_usize), 1 => 0..AGENTS.len()],
        prop_oneof![5 => Just(0_u64), 1 => 1..3_u64],
        0..90_i64,
    );
    let step = step.prop_map(|(command, agent, fence_behind, seconds)| Step {
        command,
        agent,
        fence_behind,
        seconds,
    });
    proptest::collection::vec(step, 1..60)
}

fn run(task: Task, step: &Step, now: Timestamp) -> Result<Change<Task>, Refusal> {
    let by = agent(AGENTS[step.agent]);
    let fence = task.fence.saturating_sub(step.fence_behind);
    match step.command.clone() {
        Command::Claim { open_dependencies } => task.claim(by, LEASE, open_dependencies, now),
        // A renewal is no change; the caller looks at it by itself.
        Command::Renew => task.renew(&by, fence, now).map(|after| Change {
            event: EventKind::TaskReopened {
                task: after.facts(),
                reason: None,
            },
            after,
        }),
        Command::Progress => {
            let progress = Progress {
                message: "half".into(),
                percent: Some(50),
            };
            task.progress(&by, fence, progress, now)
        }
        Command::Complete => task.complete(&by, fence, Completion::default(), &[], &[], now),
        Command::FailAcceptance => task.fail_acceptance(&by, fence, vec![missing_report()], now),
        Command::BlockUnaccepted => task.block_unaccepted(now),
        Command::Block => task.block(&by, fence, "which one?".into(), vec!["a".into()], now),
        Command::Answer(answer) => task.answer(answer, &Actor::Owner, now),
        Command::Release(cause) => task.release(&by, fence, cause, Some("why".into()), now),
        Command::Reclaim(cause) => task.reclaim(cause, now),
        Command::Cancel => task.cancel(Some("enough".into()), &Actor::Owner, now),
        Command::Reopen => task.reopen(None, &Actor::Owner, now),
        Command::Update(patch) => task.update(*patch, &Actor::Owner, now),
    }
}

/// The design's table: where a command may lead from a status. Empty means refused.
fn declared(command: &Command, from: TaskStatus) -> &'static [TaskStatus] {
    use TaskStatus::{Blocked, Cancelled, Completed, InProgress, Pending};
    match (command, from) {
        (Command::Claim { .. }, Pending)
        | (
            Command::Renew | Command::Progress | Command::FailAcceptance | Command::Update(_),
            InProgress,
        ) => &[InProgress],
        (Command::Complete, InProgress) | (Command::Update(_), Completed) => &[Completed],
        (Command::Block | Command::BlockUnaccepted, InProgress) | (Command::Update(_), Blocked) => {
            &[Blocked]
        }
        (Command::Answer(_), Blocked)
        | (Command::Reopen, Completed | Cancelled)
        | (Command::Update(_), Pending) => &[Pending],
        (Command::Release(cause) | Command::Reclaim(cause), InProgress)
            if !cause.costs_attempt() =>
        {
            &[Pending]
        }
        (Command::Release(_) | Command::Reclaim(_), InProgress) => &[Pending, Blocked],
        (Command::Cancel, Pending | InProgress | Blocked) | (Command::Update(_), Cancelled) => {
            &[Cancelled]
        }
        _ => &[],
    }
}

fn facts_of(event: &EventKind) -> Option<TaskFacts> {
    let value = serde_json::to_value(event).unwrap();
    serde_json::from_value(value.get("payload")?.clone()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_commands_leaves_the_declared_states(steps in steps()) {
        let mut new = new_task();
        new.not_before = Some(at(30));
        let mut task = create(new);
        let mut now = 0;

        for step in steps {
            now += step.seconds;
            let from = task.status();
            let allowed = declared(&step.command, from);
            let outcome = run(task.clone(), &step, at(now));

            let Change { after, event } = match outcome {
                Ok(change) => change,
                Err(refusal) => {
                    let text = refusal.to_string();
                    prop_assert!(text.contains("task #1"), "{text}");
                    if allowed.is_empty() {
                        let says_state = matches!(refusal, Refusal::State { status, .. } if status == from);
                        prop_assert!(says_state, "{refusal:?} from {from}");
                    }
                    continue;
                }
            };
            let to = after.status();
            prop_assert!(allowed.contains(&to), "{:?} led from {from} to {to}", step.command);
            if from.is_terminal() && to != from {
                prop_assert!(matches!(step.command, Command::Reopen));
            }
            let is_claim = matches!(step.command, Command::Claim { .. });
            prop_assert_eq!(after.fence, task.fence + u64::from(is_claim));
            prop_assert_eq!(after.attempt, task.attempt + u32::from(is_claim));
            if matches!(step.command, Command::Renew) {
                prop_assert_eq!(after.version, task.version);
                prop_assert!(after.lease().unwrap().expires_at >= task.lease().unwrap().expires_at);
            } else {
                prop_assert_eq!(after.version, task.version + 1);
                prop_assert_eq!(after.updated_at, at(now));
                prop_assert_eq!(facts_of(&event), Some(after.facts()));
                prop_assert!(event.type_name().starts_with("task."));
            }
            if to == TaskStatus::InProgress {
                prop_assert!(step.fence_behind == 0 || is_claim || matches!(step.command, Command::Update(_)));
                prop_assert_eq!(after.assigned_to(), Some(&after.lease().unwrap().holder));
            }
            let expected = match &step.command {
                Command::FailAcceptance => task.failed_checks.len() + 1,
                Command::Complete | Command::Answer(_) | Command::Reopen => 0,
                _ => task.failed_checks.len(),
            };
            prop_assert_eq!(after.failed_checks.len(), expected, "{:?}", step.command);
            let TaskState::Blocked { block } = &after.state else {
                task = after;
                continue;
            };
            prop_assert_eq!(
                matches!(step.command, Command::BlockUnaccepted),
                from != TaskStatus::Blocked && block.cause == BlockCause::ChecksFailed
            );
            if block.cause == BlockCause::ChecksFailed {
                for failed in &after.failed_checks {
                    prop_assert!(block.reason.contains(&failed.to_string()));
                }
            }
            if from != TaskStatus::Blocked && block.cause == BlockCause::AttemptsUsed {
                prop_assert!(after.failed_attempts.len() >= after.max_attempts as usize);
                for end in &after.failed_attempts {
                    prop_assert!(block.reason.contains(&end.to_string()));
                }
            }
            task = after;
        }
    }

    #[test]
    fn a_write_with_an_older_fence_or_another_name_changes_nothing(
        command in prop_oneof![
            Just(Command::Renew), Just(Command::Progress), Just(Command::Complete), Just(Command::Block),
            Just(Command::FailAcceptance),
            Just(Command::Release(ReleaseCause::GivenBack)),
        ],
        (agent, fence_behind) in prop_oneof![Just((0_usize, 1_u64)), Just((1, 0)), Just((1, 1))],
    ) {
        let first = claimed(pending(), "seed", 1).reclaim(ReleaseCause::LeaseExpired, at(62)).unwrap().after;
        let task = claimed(first, "seed", 63);
        let step = Step { command, agent, fence_behind, seconds: 0 };

        let refusal = run(task.clone(), &step, at(64)).unwrap_err();

        let is_right = if agent == 0 {
            matches!(refusal, Refusal::Fence { given: 1, present: 2, .. })
        } else {
            matches!(refusal, Refusal::NotHolder { .. })
        };
        prop_assert!(is_right, "{refusal:?}");
    }
}

// Cases.

#[test]
fn a_new_task_is_pending_with_version_one_and_sorted_labels() {
    let mut new = new_task();
    new.labels = ["b", "a", "b"].map(|label| label.parse().unwrap()).into();
    new.depends_on = [3, 2, 3].map(|id| TaskId(Uuid::from_u128(id))).into();

    let task = create(new);

    assert_eq!(task.status(), TaskStatus::Pending);
    assert_eq!((task.version, task.fence, task.attempt), (1, 0, 0));
    assert_eq!(
        task.labels.iter().map(Label::as_str).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(
        task.depends_on,
        [2, 3].map(|id| TaskId(Uuid::from_u128(id)))
    );
    assert_eq!((&*task.created_by, &*task.updated_by), ("owner", "owner"));
}

#[test]
fn a_claim_says_what_it_waits_for() {
    let kept = create(NewTask {
        assigned_to: Some(agent("owner")),
        ..new_task()
    });
    let early = create(NewTask {
        not_before: Some(at(100)),
        ..new_task()
    });

    let reserved = kept.claim(agent("seed"), LEASE, 0, at(1)).unwrap_err();
    let too_early = early
        .clone()
        .claim(agent("seed"), LEASE, 0, at(99))
        .unwrap_err();
    let waiting = pending().claim(agent("seed"), LEASE, 2, at(1)).unwrap_err();

    assert_eq!(reserved.to_string(), "task #1 is kept for owner");
    assert_eq!(
        too_early.to_string(),
        "task #1 must not be started before 1970-01-01T00:01:40.000Z"
    );
    assert_eq!(
        waiting.to_string(),
        "task #1 waits for 2 other task(s) to be completed"
    );
    assert!(early.claim(agent("seed"), LEASE, 0, at(100)).is_ok());
}

#[test]
fn a_claim_holds_until_its_lease_ends_and_a_renewal_never_shortens_it() {
    let task = claimed(pending(), "seed", 10);
    assert_eq!(task.lease().unwrap().expires_at, at(70));

    let renewed = task.renew(&agent("seed"), 1, at(40)).unwrap();
    assert_eq!(renewed.lease().unwrap().expires_at, at(100));

    let clock_fell_back = renewed.clone().renew(&agent("seed"), 1, at(5)).unwrap();
    assert_eq!(clock_fell_back, renewed);
}

#[test]
fn the_last_allowed_attempt_blocks_with_the_story_of_all() {
    let mut task = create(NewTask {
        max_attempts: 2,
        ..new_task()
    });
    task = claimed(task, "seed", 1);
    task = task
        .release(
            &agent("seed"),
            1,
            ReleaseCause::GivenBack,
            Some("no tools".into()),
            at(2),
        )
        .unwrap()
        .after;
    assert_eq!(task.status(), TaskStatus::Pending);

    task = claimed(task, "scout", 3);
    let change = task.reclaim(ReleaseCause::LeaseExpired, at(63)).unwrap();

    let TaskState::Blocked { block } = &change.after.state else {
        panic!("{:?}", change.after.state)
    };
    assert_eq!(
        block.reason,
        "all 2 attempts ended without a result\n\
         attempt 1 by seed, from 1970-01-01T00:00:01.000Z to 1970-01-01T00:00:02.000Z: gave it back: no tools\n\
         attempt 2 by scout, from 1970-01-01T00:00:03.000Z to 1970-01-01T00:01:03.000Z: was not heard from until the lease ran out"
    );
    assert_eq!(block.cause, BlockCause::AttemptsUsed);
    assert_eq!(change.event.type_name(), "task.blocked");
    assert_eq!(change.after.updated_by, "system");
}

#[test]
fn an_answer_gives_the_full_number_of_attempts_anew() {
    let mut task = create(NewTask {
        max_attempts: 1,
        ..new_task()
    });
    task = claimed(task, "seed", 1)
        .reclaim(ReleaseCause::LeaseExpired, at(62))
        .unwrap()
        .after;

    let task = task.answer(None, &Actor::Owner, at(70)).unwrap().after;

    assert_eq!(task.status(), TaskStatus::Pending);
    assert!(task.failed_attempts.is_empty());
    assert_eq!(task.attempt, 1, "the count of claims goes on");
}

#[test]
fn a_stop_of_the_node_or_its_agent_and_a_wait_for_others_cost_no_attempt() {
    let mut task = create(NewTask {
        max_attempts: 1,
        ..new_task()
    });
    let free = CAUSES.into_iter().filter(|cause| !cause.costs_attempt());
    for (round, cause) in (1..).zip(free) {
        task = claimed(task, "seed", round);
        let fence = u64::try_from(round).unwrap();
        let change = task.release(&agent("seed"), fence, cause, None, at(round));
        task = change.unwrap().after;
    }

    assert_eq!(task.status(), TaskStatus::Pending);
    assert!(task.failed_attempts.is_empty());
}

#[test]
fn a_task_waits_for_others_until_it_waits_no_more() {
    let children = [1, 2].map(|id| TaskId(Uuid::from_u128(id)));
    let waits = pending().wait_for(&children, "seed", at(2)).unwrap();
    assert_eq!(waits.event.type_name(), "task.updated");
    assert_eq!(waits.after.depends_on, children);
    assert_eq!(waits.after.clone().wait_for(&children, "seed", at(3)), None);

    let first = waits.after.wait_no_more_for(children[0], "scout", at(4));
    let task = first.unwrap().after;

    assert_eq!(task.depends_on, children[1..]);
    assert_eq!(
        task.clone().wait_no_more_for(children[0], "scout", at(5)),
        None
    );
    let ended = task.cancel(None, &Actor::Owner, at(6)).unwrap().after;
    assert_eq!(ended.wait_no_more_for(children[1], "scout", at(7)), None);
}

#[test]
fn a_stop_of_the_node_blocks_nothing_even_where_the_attempts_were_lowered() {
    let task = claimed(pending(), "seed", 1)
        .reclaim(ReleaseCause::LeaseExpired, at(62))
        .unwrap()
        .after;
    let lowered = TaskPatch {
        max_attempts: Some(1),
        ..TaskPatch::default()
    };
    let task = task.update(lowered, &Actor::Owner, at(63)).unwrap().after;
    let task = claimed(task, "seed", 64);

    let task = task
        .release(&agent("seed"), 2, ReleaseCause::NodeStopped, None, at(65))
        .unwrap()
        .after;

    assert_eq!(task.status(), TaskStatus::Pending);
}

#[test]
fn an_answer_is_kept_with_its_question() {
    let task = blocked("Which colour?");

    let change = task
        .answer(Some("blue".into()), &Actor::Owner, at(3))
        .unwrap();

    assert_eq!(
        Value::Object(change.after.context),
        json!({"answers": [{
            "question": "Which colour?", "answer": "blue", "by": "owner", "at": "1970-01-01T00:00:03.000Z",
        }]})
    );
}

#[test]
fn only_the_last_fifty_answers_are_kept() {
    let mut task = pending();
    for round in 1..=60 {
        task = claimed(task, "seed", round);
        let fence = task.fence;
        task = task
            .block(&agent("seed"), fence, "and?".into(), vec![], at(round))
            .unwrap()
            .after;
        task = task
            .answer(Some(round.to_string()), &Actor::Owner, at(round))
            .unwrap()
            .after;
    }

    let answers = task.context["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 50);
    assert_eq!(answers[0]["answer"], "11");
    assert_eq!(answers[49]["answer"], "60");
}

#[test]
fn the_longest_answers_to_the_longest_questions_always_fit_into_the_context() {
    let mut task = pending();
    for round in 1..=9 {
        task = claimed(task, "seed", round);
        let fence = task.fence;
        let question = "\u{1f525}".repeat(REASON_MAX * 3);
        task = task
            .block(&agent("seed"), fence, question, vec![], at(round))
            .unwrap()
            .after;
        let answer = format!("{round}{}", "\u{1f525}".repeat(REASON_MAX - 1));
        task = task
            .answer(Some(answer), &Actor::Owner, at(round))
            .unwrap()
            .after;
    }

    let size = serde_json::to_vec(&task.context).unwrap().len();
    assert!(size <= JSON_MAX_BYTES, "{size}");
    let answers = task.context["answers"].as_array().unwrap();
    let last = answers.last().unwrap()["answer"].as_str().unwrap();
    assert!(last.starts_with('9'));
    assert_eq!(
        answers.last().unwrap()["question"]
            .as_str()
            .unwrap()
            .chars()
            .count(),
        REASON_MAX
    );
}

#[test]
fn a_task_counts_as_done_only_with_what_its_worker_made() {
    let check = Check::Artifact {
        of_type: Some("report".parse().unwrap()),
        min_bytes: Some(10),
    };
    let task = claimed(
        create(NewTask {
            acceptance: vec![check],
            ..new_task()
        }),
        "seed",
        1,
    );
    let complete = |artifacts: &[Artifact]| {
        task.clone().complete(
            &agent("seed"),
            1,
            Completion::default(),
            artifacts,
            &[],
            at(5),
        )
    };
    let refusal = |artifacts: &[Artifact]| complete(artifacts).unwrap_err().to_string();

    assert_eq!(
        refusal(&[]),
        "task #1 is not done: it must have an artifact of type report of at least 10 bytes, \
         but its worker stored none"
    );
    assert_eq!(
        refusal(&[
            artifact("report", 9, "seed"),
            artifact("log", 99, "seed"),
            artifact("report", 99, "owner"),
            artifact("report", 99, "scout"),
        ]),
        "task #1 is not done: it must have an artifact of type report of at least 10 bytes, \
         but its worker stored only report (9 bytes), log (99 bytes)"
    );
    let change = complete(&[artifact("report", 10, "seed")]).unwrap();
    let EventKind::TaskCompleted {
        evidence,
        duration_ms,
        ..
    } = change.event
    else {
        panic!("{:?}", change.event)
    };
    assert_eq!(evidence.len(), 1);
    assert_eq!(
        evidence[0].found,
        "artifact 00000000-0000-0000-0000-000000000009 of type report with 10 bytes"
    );
    assert_eq!(duration_ms, 4000);
}

#[test]
fn a_task_counts_as_done_only_with_a_finding_for_each_check_of_its_own() {
    let python = |code: &str| Check::Python { code: code.into() };
    let task = claimed(
        create(NewTask {
            acceptance: vec![wants_report(), python("1"), python("2")],
            ..new_task()
        }),
        "seed",
        1,
    );
    let complete = |findings: &[Finding]| {
        let by = agent("seed");
        let made = [artifact("report", 1, "seed")];
        let done = Completion::default();
        task.clone()
            .complete(&by, 1, done, &made, findings, at(5))
            .map(|change| change.event)
    };
    let passed = |check: Check| -> Finding {
        Ok(Evidence {
            check,
            found: "it exited with 0".into(),
        })
    };
    let failed = |check: Check| -> Finding {
        Err(Unmet {
            check,
            found: "it exited with 1".into(),
        })
    };

    for partial in [
        vec![],
        vec![passed(python("1"))],
        // Of a check that the task does not have.
        vec![passed(python("1")), passed(python("3"))],
        // What does not hold is told only once everything was looked at.
        vec![failed(python("1"))],
    ] {
        assert_eq!(
            complete(&partial).unwrap_err(),
            Refusal::Unexamined { number: 1 }
        );
    }
    assert_eq!(
        complete(&[failed(python("2")), passed(python("1"))])
            .unwrap_err()
            .to_string(),
        "task #1 is not done: the Python check must pass, but it exited with 1"
    );
    let event = complete(&[passed(python("2")), passed(python("1"))]).unwrap();
    let EventKind::TaskCompleted { evidence, .. } = event else {
        panic!("{event:?}")
    };
    let checks: Vec<_> = evidence.into_iter().map(|found| found.check).collect();
    assert_eq!(checks, task.acceptance, "in the order of the checks");
}

#[test]
fn failed_completions_are_counted_and_the_third_is_the_owners_with_the_story_of_all() {
    let mut task = claimed(pending(), "seed", 1);
    for failures in 1..=3 {
        assert!(!task.has_failed_too_often());
        let change = task
            .fail_acceptance(&agent("seed"), 1, vec![missing_report()], at(1 + failures))
            .unwrap();
        assert_eq!(change.event.type_name(), "task.acceptance_failed");
        let EventKind::TaskAcceptanceFailed {
            failures: told,
            unmet,
            ..
        } = &change.event
        else {
            panic!("{:?}", change.event)
        };
        assert_eq!((i64::from(*told), unmet.len()), (failures, 1));
        task = change.after;
        assert!(task.lease().is_some(), "the holder may try again");
    }
    assert!(task.has_failed_too_often());

    let change = task.block_unaccepted(at(9)).unwrap();

    let TaskState::Blocked { block } = &change.after.state else {
        panic!("{:?}", change.after.state)
    };
    assert_eq!(block.cause, BlockCause::ChecksFailed);
    assert_eq!(
        block.reason,
        "3 completions did not pass the acceptance checks\n\
         attempt 1 by seed at 1970-01-01T00:00:02.000Z:\n\
         - it must have an artifact of type report, but its worker stored none\n\
         attempt 1 by seed at 1970-01-01T00:00:03.000Z:\n\
         - it must have an artifact of type report, but its worker stored none\n\
         attempt 1 by seed at 1970-01-01T00:00:04.000Z:\n\
         - it must have an artifact of type report, but its worker stored none"
    );
    assert_eq!(change.after.updated_by, "system");
    let answered = change.after.answer(None, &Actor::Owner, at(10)).unwrap();
    assert!(answered.after.failed_checks.is_empty());
}

#[test]
fn failures_outlive_the_attempt_and_end_with_a_completion() {
    let task = claimed(pending(), "seed", 1);
    let task = task
        .fail_acceptance(&agent("seed"), 1, vec![missing_report()], at(2))
        .unwrap()
        .after;
    let task = task
        .reclaim(ReleaseCause::LeaseExpired, at(70))
        .unwrap()
        .after;
    let task = claimed(task, "scout", 71);
    assert_eq!(task.failed_checks.len(), 1, "another worker is told of it");

    let done = task.complete(&agent("scout"), 2, Completion::default(), &[], &[], at(72));

    assert!(done.unwrap().after.failed_checks.is_empty());
}

#[test]
fn a_check_that_could_never_run_is_refused() {
    let problem = |check: Check| check.validate().unwrap_err().to_string();
    let argv = |argv: &[&str]| Check::Command {
        argv: argv.iter().map(ToString::to_string).collect(),
    };
    let python = |code: String| Check::Python { code };

    assert_eq!(
        problem(python(" \n".into())),
        "acceptance.code must not be empty"
    );
    assert_eq!(
        problem(python("x".repeat(CODE_MAX_BYTES + 1))),
        "acceptance.code must be at most 65536 bytes"
    );
    assert_eq!(
        problem(python("a\0".into())),
        "acceptance.code must not contain a NUL character"
    );
    assert_eq!(problem(argv(&[])), "acceptance.argv must not be empty");
    assert_eq!(
        problem(argv(&["", "x"])),
        "acceptance.argv must begin with the name of a program"
    );
    assert_eq!(
        problem(argv(&["x"; 51])),
        "acceptance.argv must have at most 50 entries"
    );
    for good in [
        argv(&["make", "", "test"]),
        python("x".repeat(CODE_MAX_BYTES)),
        wants_report(),
    ] {
        assert_eq!(good.validate(), Ok(()));
    }
}

#[test]
fn an_artifact_of_any_type_satisfies_a_check_that_names_none() {
    let found = ArtifactFound {
        id: ArtifactId(Uuid::nil()),
        kind: Word::from_stored("log".into()),
        size_bytes: 0,
    };
    let any = Check::Artifact {
        of_type: None,
        min_bytes: None,
    };

    assert!(any.look(&[found]).unwrap().is_ok());
    assert_eq!(
        any.look(&[]).unwrap().unwrap_err().to_string(),
        "it must have an artifact, but its worker stored none"
    );
}

#[test]
fn every_verb_of_a_holder_is_refused_on_an_ended_task_with_its_state() {
    for task in [completed(), cancelled()] {
        let status = task.status();
        let by = agent("seed");
        let refusals = [
            task.clone().claim(by.clone(), LEASE, 0, at(9)).map(drop),
            task.clone().renew(&by, 1, at(9)).map(drop),
            task.clone()
                .complete(&by, 1, Completion::default(), &[], &[], at(9))
                .map(drop),
            task.clone()
                .block(&by, 1, "why".into(), vec![], at(9))
                .map(drop),
            task.clone()
                .release(&by, 1, ReleaseCause::GivenBack, None, at(9))
                .map(drop),
            task.clone()
                .reclaim(ReleaseCause::LeaseExpired, at(9))
                .map(drop),
            task.clone().answer(None, &Actor::Owner, at(9)).map(drop),
            task.clone().cancel(None, &Actor::Owner, at(9)).map(drop),
        ];
        for refusal in refusals {
            let text = refusal.unwrap_err().to_string();
            assert!(
                text.ends_with(&format!("task #1: it is {status}")),
                "{text}"
            );
        }
    }
}

#[test]
fn an_ended_task_takes_a_new_title_but_no_new_plan() {
    let described = TaskPatch {
        title: Some("Better words".parse().unwrap()),
        labels: Some(vec!["x".parse().unwrap()]),
        project_id: Some(None),
        description: Some(String::new()),
        ..TaskPatch::default()
    };
    let planned = TaskPatch {
        context: Some(JsonObject::new()),
        ..TaskPatch::default()
    };

    let change = completed().update(described, &Actor::Owner, at(9)).unwrap();
    let refusal = cancelled()
        .update(planned, &Actor::Owner, at(9))
        .unwrap_err();

    assert_eq!(change.after.status(), TaskStatus::Completed);
    assert_eq!(change.after.title.as_str(), "Better words");
    assert_eq!(
        refusal.to_string(),
        "cannot update task #1: it is cancelled"
    );
}

#[test]
fn a_held_task_keeps_its_worker_and_its_acceptance() {
    let task = claimed(pending(), "seed", 1);
    let assign = TaskPatch {
        assigned_to: Some(Some(agent("scout"))),
        ..TaskPatch::default()
    };
    let lower = TaskPatch {
        acceptance: Some(vec![]),
        ..TaskPatch::default()
    };

    let assigned = task.clone().update(assign, &Actor::Owner, at(2));
    let lowered = task.update(lower, &Actor::Owner, at(2));

    assert_eq!(
        assigned.unwrap_err().to_string(),
        "cannot assign task #1: it is in_progress"
    );
    assert_eq!(
        lowered.unwrap_err().to_string(),
        "cannot change the acceptance of task #1: it is in_progress"
    );
}

#[test]
fn a_patch_merges_the_context_key_by_key_and_a_null_removes_one() {
    let mut new = new_task();
    new.context = json!({"a": 1, "b": 2}).as_object().unwrap().clone();
    let patch = TaskPatch {
        context: json!({"b": null, "c": {"d": null}}).as_object().cloned(),
        ..TaskPatch::default()
    };

    let change = create(new).update(patch, &Actor::Owner, at(1)).unwrap();

    assert_eq!(
        Value::Object(change.after.context),
        json!({"a": 1, "c": {"d": null}})
    );
    let EventKind::TaskUpdated { changed, .. } = change.event else {
        panic!()
    };
    assert_eq!(changed, ["context"]);
}

#[test]
fn a_context_that_grows_over_its_size_by_merging_is_refused() {
    let half = |key: &str| {
        let text = "x".repeat(JSON_MAX_BYTES / 2 + 100);
        JsonObject::from_iter([(key.to_owned(), Value::from(text))])
    };
    let task = create(NewTask {
        context: half("a"),
        ..new_task()
    });
    let patch = TaskPatch {
        context: Some(half("b")),
        ..TaskPatch::default()
    };

    let refusal = task.update(patch, &Actor::Owner, at(1)).unwrap_err();

    assert!(matches!(refusal, Refusal::Field(field) if field.field == "context"));
}

#[test]
fn a_patch_names_every_field_it_changes() {
    let patch = TaskPatch {
        project_id: Some(None),
        parent_id: Some(None),
        title: Some("t".parse().unwrap()),
        description: Some(String::new()),
        priority: Some(Priority::Low),
        assigned_to: Some(None),
        context: Some(JsonObject::new()),
        depends_on: Some(vec![]),
        labels: Some(vec![]),
        due_at: Some(None),
        not_before: Some(None),
        max_attempts: Some(1),
        acceptance: Some(vec![]),
        budget: Some(None),
        estimate_minutes: Some(None),
        recurrence: Some(None),
    };

    assert_eq!(
        patch.fields().join(" "),
        "project_id parent_id title description priority assigned_to context depends_on labels due_at \
         not_before max_attempts acceptance budget estimate_minutes recurrence"
    );
    assert!(TaskPatch::default().fields().is_empty());
}

#[test]
fn a_task_is_with_its_reservation_while_pending_and_else_with_its_worker() {
    let task = create(NewTask {
        assigned_to: Some(agent("seed")),
        ..new_task()
    });
    assert_eq!(task.assigned_to(), Some(&agent("seed")));

    let open = pending();
    assert_eq!(open.assigned_to(), None);
    let held = claimed(open, "scout", 1);
    assert_eq!(held.assigned_to(), Some(&agent("scout")));
    let back = held
        .release(&agent("scout"), 1, ReleaseCause::GivenBack, None, at(2))
        .unwrap()
        .after;
    assert_eq!(back.assigned_to(), None);
}

#[test]
fn only_a_list_with_entries_is_a_plan() {
    for (context, expected) in [
        (json!({}), false),
        (json!({"plan": []}), false),
        (json!({"plan": "python"}), false),
        (json!({"plan": [{"tool": "python"}]}), true),
    ] {
        let task = create(NewTask {
            context: context.as_object().unwrap().clone(),
            ..new_task()
        });
        assert_eq!(task.has_plan(), expected, "{context}");
    }
}

#[test]
fn words_of_statuses_read_back() {
    for status in TaskStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(status));
        assert_eq!(
            serde_json::to_value(status).unwrap(),
            Value::from(status.as_str())
        );
    }
    assert!("canceled".parse::<TaskStatus>().is_err());
}
