use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::action::Action;
use crate::policy::{Decision, Labels, Verdict};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn seed() -> AgentName {
    "seed".parse().unwrap()
}

fn run() -> Run {
    let new = NewRun {
        task_id: TaskId(Uuid::from_u128(1)),
        task_number: 12,
        agent: seed(),
        plan: json!([{"tool": "python"}]),
        fence: 3,
    };
    Run::begin(RunId(Uuid::from_u128(2)), 7, new, at(1)).after
}

fn new_step() -> NewStep {
    NewStep {
        place: 1,
        attempt: 1,
        name: "count".parse().unwrap(),
        action: Action {
            tool: "python".parse().unwrap(),
            args: serde_json::from_value(json!({"code": "print(1)"})).unwrap(),
        },
        repeat: Repeat::Restored,
        brings: Labels::default(),
        decision: Decision::new(Verdict::Allow, "nothing beyond its folder"),
    }
}

#[test]
fn a_run_goes_on_under_a_later_claim() {
    let waiting = run().wait("approval 1", at(2)).unwrap().after;
    assert_eq!(waiting.reason.as_deref(), Some("approval 1"));

    let resumed = waiting.resume(seed(), 4, at(3)).unwrap();

    assert_eq!(resumed.event.type_name(), "run.resumed");
    assert_eq!(
        (
            resumed.after.fence,
            resumed.after.status,
            resumed.after.reason
        ),
        (4, RunStatus::Running, None)
    );
    assert_eq!(resumed.after.version, 3);
}

#[test]
fn a_failed_run_can_go_on_and_an_ended_one_cannot() {
    let failed = run().fail("step 1 failed", at(2)).unwrap().after;
    assert!(failed.clone().resume(seed(), 4, at(3)).is_ok());

    for ended in [
        run().complete(at(2)).unwrap().after,
        failed.cancel("cancelled", at(2)).unwrap().after,
    ] {
        assert_eq!(ended.ended_at, Some(at(2)));
        let refused = ended.resume(seed(), 4, at(3)).unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("cannot resume run 7: it is c")
        );
    }
}

#[test]
fn a_step_is_written_down_before_during_and_after() {
    let run = run();

    let intended = Step::intend(new_step(), &run, at(2));
    let acted = intended.after.clone().act(json!({"exit": 0}), &run, at(3));
    let end = StepEnd {
        note: "finished".into(),
        ..StepEnd::default()
    };
    let done = acted.after.clone().complete(end, &run, at(4));

    let names = [&intended, &acted, &done].map(|change| change.event.type_name());
    assert_eq!(names, ["step.started", "step.acted", "step.completed"]);
    assert!(!acted.after.has_ended() && done.after.has_ended());
    assert_eq!(
        (done.after.acted_at, done.after.ended_at),
        (Some(at(3)), Some(at(4)))
    );
    assert_eq!(done.after.fence, 3);
}

#[test]
fn a_refused_step_tells_why() {
    let mut new = new_step();
    new.decision = Decision::new(Verdict::Deny, "no folder notes is open");

    let refused = Step::refuse(new, &run(), at(2)).after;

    assert_eq!(
        refused.state,
        StepState::Failed {
            error: "no folder notes is open".into()
        }
    );
}

#[test]
fn a_step_that_waited_goes_on_under_the_present_claim() {
    let waits_for = WaitingFor::Approval(crate::id::ApprovalId(Uuid::from_u128(5)));
    let waiting = Step::wait(new_step(), waits_for, &run(), at(2));
    assert_eq!(waiting.event.type_name(), "step.waiting");
    let later = run().resume(seed(), 9, at(3)).unwrap().after;

    let started = waiting
        .after
        .proceed(Decision::new(Verdict::Allow, "approved"), &later);

    assert_eq!(
        (started.after.state, started.after.fence),
        (StepState::Intended, 9)
    );
}

#[test]
fn a_step_that_waited_and_is_denied_keeps_why() {
    let waiting = Step::wait(new_step(), WaitingFor::Answer, &run(), at(2)).after;

    let denied = waiting.deny(Decision::new(Verdict::Deny, "not today"), &run(), at(3));

    assert_eq!(denied.event.type_name(), "step.failed");
    assert_eq!(denied.after.decision.reason, "not today");
    let error = "not today".to_owned();
    assert_eq!(denied.after.state, StepState::Failed { error });
    assert_eq!(denied.after.ended_at, Some(at(3)));
}

#[test]
fn a_step_is_stopped_by_the_word_of_its_owner_and_by_no_other_failure() {
    let asks = NewStep {
        decision: Decision::new(Verdict::Ask, "it is a question"),
        ..new_step()
    };
    let asked = Step::wait(asks, WaitingFor::Doubt, &run(), at(2)).after;
    let made = Step::intend(new_step(), &run(), at(2)).after;
    let denied = Decision::new(Verdict::Deny, "no");
    let fail = |step: Step| step.fail("no".into(), &run(), at(3)).after;

    assert!(!asked.is_stopped());
    assert!(!fail(made).is_stopped());
    assert!(!asked.clone().deny(denied, &run(), at(3)).after.is_stopped());
    assert!(fail(asked).is_stopped());
}

#[test]
fn words_read_back() {
    for status in RunStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(status));
    }
    for repeat in [Repeat::Safe, Repeat::Restored, Repeat::Unsafe] {
        assert_eq!(repeat.as_str().parse(), Ok(repeat));
    }
    assert!("done".parse::<RunStatus>().is_err());
}
