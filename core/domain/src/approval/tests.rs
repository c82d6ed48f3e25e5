use serde_json::json;
use uuid::Uuid;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn action(target: &str) -> Action {
    Action {
        tool: "run_command".parse().unwrap(),
        args: serde_json::from_value(json!({"argv": ["git", "push", target]})).unwrap(),
    }
}

fn asked() -> Approval {
    let new = NewApproval {
        run_id: RunId(Uuid::from_u128(1)),
        task_id: TaskId(Uuid::from_u128(2)),
        task_number: 12,
        place: 4,
        action: action("origin"),
        what: "run git push origin outside the sandbox".into(),
        why: "it runs outside the sandbox".into(),
        is_once: true,
    };
    Approval::request(ApprovalId(Uuid::from_u128(3)), 1, new, at(0)).after
}

fn approved() -> Approval {
    asked().approve("owner", None, at(1)).unwrap().after
}

#[test]
fn a_yes_is_used_once() {
    let used = approved().use_for(action("origin").hash(), at(2)).unwrap();
    assert_eq!(used.event.type_name(), "approval.used");

    let again = used
        .after
        .use_for(action("origin").hash(), at(3))
        .unwrap_err();

    assert_eq!(
        again.to_string(),
        "approval 1 is used already; nothing was changed"
    );
}

#[test]
fn a_yes_is_for_this_action_and_no_other() {
    let refused = approved()
        .use_for(action("elsewhere").hash(), at(2))
        .unwrap_err();

    assert_eq!(refused, ApprovalRefusal::OtherAction { number: 1 });
}

#[test]
fn it_is_answered_once_whatever_the_answer() {
    for answered in [
        approved(),
        asked()
            .deny("owner", Some("not now".into()), at(1))
            .unwrap()
            .after,
        asked().withdraw("cancelled").unwrap().after,
    ] {
        assert!(matches!(
            answered.clone().approve("owner", None, at(2)),
            Err(ApprovalRefusal::Settled { .. })
        ));
        assert!(matches!(
            answered.deny("owner", None, at(2)),
            Err(ApprovalRefusal::Settled { .. })
        ));
    }
}

#[test]
fn a_question_and_a_yes_run_out() {
    let late = at(0).after(ANSWER_WITHIN);
    assert!(matches!(
        asked().approve("owner", None, late),
        Err(ApprovalRefusal::RanOut { .. })
    ));
    assert_eq!(asked().expire(at(1)), None);
    assert_eq!(
        asked().expire(late).unwrap().after.status,
        ApprovalStatus::Expired
    );

    let late = at(1).after(USE_WITHIN);
    assert!(matches!(
        approved().use_for(action("origin").hash(), late),
        Err(ApprovalRefusal::RanOut { .. })
    ));
    assert_eq!(
        approved().expire(late).unwrap().after.status,
        ApprovalStatus::Expired
    );
    let denied = asked().deny("owner", None, at(1)).unwrap().after;
    assert_eq!(denied.expire(late), None);
}

#[test]
fn words_read_back() {
    for status in ApprovalStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(status));
    }
    assert!("yes".parse::<ApprovalStatus>().is_err());
}
