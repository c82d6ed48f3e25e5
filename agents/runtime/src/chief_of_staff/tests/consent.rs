//! Actions that wait for a yes or no.

use std::time::Duration;

use hearth_app::approvals::ApprovalRef;
use hearth_app::runs::journal::{Intent, Meant, Rest};
use hearth_app::tasks::TaskRef;
use hearth_domain::JsonObject;
use hearth_domain::action::Action;
use hearth_domain::approval::ApprovalStatus;
use hearth_domain::policy::{Bounds, Labels, Reach};
use hearth_domain::run::Repeat;
use hearth_domain::task::TaskStatus;
use serde_json::json;

use super::talk::{Talk, seed};

/// Has seed ask for `https://example.org/NUMBER` in a task that is made for it.
async fn ask(talk: &mut Talk, number: i64) {
    talk.say(&format!("add fetch page {number}")).await;
    let hold = talk.claim(number, "seed").await;
    let url = format!("https://example.org/{number}");
    let args = JsonObject::from_iter([("url".to_owned(), json!(url))]);
    let plan = json!([{"id": "page", "tool": "http_get", "args": args}]);
    let begun = talk
        .app
        .begin_run(&seed(), TaskRef::Number(number), hold.clone(), plan)
        .await
        .unwrap();
    let meant = Meant {
        place: 1,
        name: "page".parse().unwrap(),
        action: Action {
            tool: "http_get".parse().unwrap(),
            args,
        },
        what: format!("fetch {url}"),
        repeat: Repeat::Safe,
        brings: Labels::default(),
        reach: Reach {
            hosts: vec!["example.org".into()],
            ..Reach::default()
        },
        worst_case: None,
    };
    let bounds = Bounds {
        calls_max: 10,
        time_max: Duration::from_mins(1),
    };
    let run = begun.run.id;
    let intent = talk
        .app
        .intend_step(&seed(), hold.clone(), run, meant, bounds)
        .await;
    assert!(matches!(intent, Ok(Intent::Waits(_))), "{intent:?}");
    let rests = talk.app.rest_run(&seed(), hold, run, Rest::Waits).await;
    assert!(rests.unwrap());
}

async fn asked(count: i64) -> Talk {
    let mut talk = Talk::new();
    for number in 1..=count {
        ask(&mut talk, number).await;
    }
    talk
}

fn status(talk: &Talk, number: i64) -> ApprovalStatus {
    let approval = talk.app.get_approval(ApprovalRef::Number(number));
    approval.unwrap().status
}

const APPROVED: &str = "approval.approved fetch https://example.org/1";
const DENIED: &str = "approval.denied fetch https://example.org/1";

#[tokio::test]
async fn what_waits_for_a_yes_is_told_with_what_and_why() {
    let mut talk = asked(1).await;
    for question in [
        "what needs my approval?",
        "what's waiting for my approval",
        "what are you waiting for?",
        "is there anything to approve",
        "show me the pending approvals",
        "any approvals?",
        "what do I have to approve",
        "show approval 1",
        "what is approval number one about?",
        "what's blocked?",
    ] {
        talk.check(
            question,
            "",
            "Approval 1, for #1: fetch https://example.org/1|it speaks to example.org|deny 1",
        )
        .await;
    }
    talk.check("what's running?", "", "Nothing is in progress")
        .await;

    let mut talk = asked(3).await;
    let all = "3 approvals wait for you: 1, for #1|2, for #2|3, for #3: fetch https://example.org/3|show approval 1";
    talk.check("what needs my approval?", "", all).await;

    let mut talk = Talk::busy().await;
    talk.check(
        "what needs my approval?",
        "",
        "Nothing waits for your approval",
    )
    .await;
    talk.check("what are you waiting for?", "", "#3 Newsletter")
        .await;
    talk.check("show approval 9", "", "There is no approval 9")
        .await;
}

#[tokio::test]
async fn an_approval_is_answered_by_its_number() {
    for yes in [
        "approve 1",
        "approve approval one",
        "yes to 1",
        "please approve request number 1",
        "approval 1 is approved",
    ] {
        let mut talk = asked(1).await;
        talk.check(
            yes,
            APPROVED,
            "I've approved 1: fetch https://example.org/1. #1 goes on.",
        )
        .await;
        assert_eq!(talk.get(1).task.status(), TaskStatus::Pending, "{yes}");
    }
    for no in [
        "deny 1",
        "reject approval 1",
        "no to 1",
        "don't approve 1",
        "deny 1 because not today",
        "deny 1: not today",
    ] {
        let mut talk = asked(1).await;
        talk.check(no, DENIED, "I've denied 1|#1 goes on without it")
            .await;
        let note = talk.app.get_approval(ApprovalRef::Number(1)).unwrap().note;
        let expected = no.contains("today").then_some("not today");
        assert_eq!(note.as_deref(), expected, "{no}");
    }
    let mut talk = asked(1).await;
    talk.say("approve 1").await;
    talk.check("deny 1", "", "Approval 1 is approved already")
        .await;
    talk.check("approve 9", "", "There is no approval 9").await;
}

#[tokio::test]
async fn a_bare_yes_answers_the_one_approval_that_was_just_shown() {
    for (answer, does) in [
        ("yes", APPROVED),
        ("yes please", APPROVED),
        ("approve it", APPROVED),
        ("allow that", APPROVED),
        ("no", DENIED),
        ("deny it because not today", DENIED),
    ] {
        let mut talk = asked(1).await;
        talk.say("what needs my approval?").await;
        talk.check(answer, does, "1: fetch").await;
    }
}

#[tokio::test]
async fn nothing_else_is_taken_for_a_yes() {
    // Nothing was shown.
    let mut talk = asked(1).await;
    for said in ["yes", "go ahead"] {
        talk.check(said, "", "no question open").await;
    }
    // It is shown first.
    talk.check("approve it", "", "not sure what you mean|Approval 1")
        .await;
    assert_eq!(status(&talk, 1), ApprovalStatus::Pending);

    // It may say no more than that it was heard.
    let mut talk = asked(1).await;
    talk.say("show approval 1").await;
    for said in ["ok", "fine", "sure"] {
        talk.check(said, "", "say \"approve 1\" or \"deny 1\"")
            .await;
    }
    talk.check("not now", "", "waits on").await;
    talk.check("yes", "", "no question open").await;

    // Something else was said meanwhile.
    let mut talk = asked(1).await;
    talk.say("show approval 1").await;
    talk.say("what's running?").await;
    talk.check("yes", "", "no question open").await;

    // Several were shown.
    let mut talk = asked(2).await;
    talk.say("what needs my approval?").await;
    talk.check("yes", "", "no question open").await;
    for said in [
        "approve them",
        "approve all",
        "approve 1 and 2",
        "deny both",
    ] {
        talk.check(said, "", "One at a time|2 approvals waiting: 1, 2")
            .await;
    }
    assert_eq!(status(&talk, 1), ApprovalStatus::Pending);
    assert_eq!(status(&talk, 2), ApprovalStatus::Pending);

    // A thing to do is none.
    talk.check("approve the budget", "", "Shall I add").await;
}

#[tokio::test]
async fn nothing_is_allowed_for_good_by_the_way() {
    let mut talk = asked(1).await;
    talk.check(
        "always allow 1",
        "",
        "hearth approvals approve 1 --remember",
    )
    .await;
    talk.say("show approval 1").await;
    talk.check(
        "allow that always",
        "",
        "hearth approvals approve 1 --remember",
    )
    .await;
    talk.check("don't ask me again", "", "hearth approvals approve N")
        .await;
    assert_eq!(status(&talk, 1), ApprovalStatus::Pending);
    assert!(talk.app.list_permissions(true).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_to_an_approval_is_not_taken_back() {
    let mut talk = asked(1).await;
    talk.say("approve 1").await;

    talk.check(
        "undo",
        "",
        "Approval 1 cannot be taken back|Say \"cancel 1\"",
    )
    .await;
    assert_eq!(status(&talk, 1), ApprovalStatus::Approved);
    talk.check("cancel 1", "task.cancelled #1", "cancelled #1")
        .await;
    assert_eq!(status(&talk, 1), ApprovalStatus::Withdrawn);
}

#[tokio::test]
async fn one_who_may_not_answer_is_told_so() {
    let mut talk = asked(1).await;
    talk.actor = seed();
    talk.conversation = None;

    talk.check("approve 1", "", "I may not do that for you")
        .await;
    assert_eq!(status(&talk, 1), ApprovalStatus::Pending);
}
