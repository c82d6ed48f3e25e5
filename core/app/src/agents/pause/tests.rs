use hearth_domain::agent::Registration;
use hearth_domain::task::TaskStatus;
use hearth_domain::{JsonObject, Priority};

use super::*;
use crate::holding::{Claim, Done, Work};
use crate::test_support::{TestApp, agent, as_agent, by_id, code, titled};

async fn registered(name: &str) -> TestApp {
    let test = TestApp::new();
    let registration = Registration {
        name: agent(name),
        kind: "worker".parse().unwrap(),
        capabilities: vec![],
        metadata: JsonObject::new(),
    };
    let made = test.app.register_agent(&Actor::Owner, registration).await;
    made.unwrap();
    test
}

async fn pause(test: &TestApp, name: &str, held: Held) -> Paused {
    let paused = test.app.pause_agent(&Actor::Owner, agent(name), held).await;
    paused.unwrap()
}

#[tokio::test]
async fn a_paused_agent_claims_nothing_and_finishes_what_it_holds() {
    let test = registered("scout").await;
    let (held, next) = (test.task("held").await, test.task("next").await);
    let hold = test.claim(&held, "scout").await;

    let paused = pause(&test, "scout", Held::Finish).await;

    assert!(paused.agent.paused_at.is_some() && paused.handed_back.is_empty());
    let (scout, claim) = (as_agent("scout"), || Claim::new(agent("scout")));
    let (app, id) = (&test.app, by_id(&next));
    assert_eq!(
        code(app.claim_task(&scout, id, claim(), None).await),
        "agent_paused"
    );
    let best = app.claim_next_task(&scout, claim(), Work::Any).await;
    assert_eq!(code(best), "agent_paused");
    let done = app.complete_task(&scout, by_id(&held), hold, Done::default(), None);
    assert_eq!(done.await.unwrap().task.status(), TaskStatus::Completed);

    let resumed = app
        .resume_agent(&Actor::Owner, agent("scout"))
        .await
        .unwrap();

    assert_eq!(resumed.paused_at, None);
    assert!(app.claim_task(&scout, id, claim(), None).await.is_ok());
}

#[tokio::test]
async fn what_it_holds_is_handed_back_at_once_where_that_is_asked_and_costs_no_attempt() {
    let test = registered("scout").await;
    let mut new = titled("once");
    new.max_attempts = 1;
    let task = test.create(new).await;
    let hold = test.claim(&task, "scout").await;
    let other = test.task("other").await;
    test.claim(&other, "outsider").await;

    let paused = pause(&test, "scout", Held::HandBack).await;

    assert_eq!(paused.handed_back, [task.number]);
    let back = test.get(&task);
    assert_eq!(
        (back.status(), back.failed_attempts.len()),
        (TaskStatus::Pending, 0)
    );
    assert_eq!(test.get(&other).status(), TaskStatus::InProgress);
    let scout = as_agent("scout");
    let late = test
        .app
        .complete_task(&scout, by_id(&task), hold, Done::default(), None);
    assert_eq!(code(late.await), "wrong_state", "its fence is over");
    assert_eq!(
        pause(&test, "scout", Held::HandBack).await.handed_back,
        [0; 0]
    );
}

#[tokio::test]
async fn a_pause_and_its_end_are_told_once_each() {
    let test = registered("scout").await;
    let (owner, name) = (&Actor::Owner, || agent("scout"));
    pause(&test, "scout", Held::Finish).await;
    pause(&test, "scout", Held::Finish).await;
    test.app.resume_agent(owner, name()).await.unwrap();
    test.app.resume_agent(owner, name()).await.unwrap();

    let types = test.event_types().await;

    assert_eq!(types, ["agent.registered", "agent.paused", "agent.resumed"]);
}

#[tokio::test]
async fn a_pause_outlives_a_registration() {
    let test = registered("scout").await;
    pause(&test, "scout", Held::Finish).await;
    let registration = Registration {
        name: agent("scout"),
        kind: "worker".parse().unwrap(),
        capabilities: vec![],
        metadata: JsonObject::new(),
    };

    let again = test
        .app
        .register_agent(&as_agent("scout"), registration)
        .await;

    assert!(again.unwrap().paused_at.is_some());
}

#[tokio::test]
async fn only_the_owner_pauses_and_resumes() {
    let test = registered("scout").await;
    for actor in [as_agent("scout"), Actor::Viewer] {
        let paused = test
            .app
            .pause_agent(&actor, agent("scout"), Held::Finish)
            .await;
        assert_eq!(code(paused), "denied");
        assert_eq!(
            code(test.app.resume_agent(&actor, agent("scout")).await),
            "denied"
        );
    }
    let owner = &Actor::Owner;
    let unknown = test
        .app
        .pause_agent(owner, agent("nobody"), Held::Finish)
        .await;
    assert_eq!(code(unknown), "not_found");
}

#[tokio::test]
async fn seed_takes_nothing_while_it_is_paused_and_says_so() {
    let test = registered("seed").await;
    let mut new = titled("work");
    new.context
        .insert("plan".into(), serde_json::json!([{"tool": "python"}]));
    let task = test.create(new).await;
    test.app.change_facilities(|facilities| {
        facilities.agents = crate::Facility::works();
    });
    pause(&test, "seed", Held::Finish).await;

    assert_eq!(test.app.claim_own_task(Work::Any).await.unwrap(), None);
    let waits = test
        .app
        .get_task(by_id(&task))
        .unwrap()
        .waiting_for
        .unwrap();
    assert!(waits.contains("hearth agent resume seed"), "{waits}");

    test.app
        .resume_agent(&Actor::Owner, agent("seed"))
        .await
        .unwrap();
    assert_eq!(test.app.get_task(by_id(&task)).unwrap().waiting_for, None);
    assert!(test.app.claim_own_task(Work::Any).await.unwrap().is_some());
}

#[tokio::test]
async fn each_project_gets_its_share_of_seed() {
    let test = TestApp::new();
    let (busy, quiet) = (test.project("busy").await, test.project("quiet").await);
    let of = async |project: &hearth_domain::project::Project, title: &str| {
        let mut new = titled(title);
        new.project_id = Some(project.id);
        test.create(new).await
    };
    for number in 1..=3 {
        of(&busy, &format!("busy {number}")).await;
    }
    of(&quiet, "quiet 1").await;
    let mut urgent = titled("urgent");
    urgent.project_id = Some(busy.id);
    urgent.priority = Priority::High;
    test.create(urgent).await;
    let mut order = Vec::new();

    while let Some(view) = test.app.claim_own_task(Work::Any).await.unwrap() {
        order.push(view.task.title.to_string());
    }

    assert_eq!(order, ["urgent", "quiet 1", "busy 1", "busy 2", "busy 3"]);
}
