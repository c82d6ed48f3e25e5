use hearth_domain::money::Limits;
use hearth_domain::specialist::WantedGrants;
use hearth_domain::task::TaskPatch;

use super::*;
use crate::holding::{Claim, Work};
use crate::tasks::UpdateTask;
use crate::test_support::{TestApp, agent, as_agent, by_id, code, titled};

fn words(names: &[&str]) -> BTreeSet<Word> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn named(name: &str) -> NewSpecialist {
    NewSpecialist {
        name: agent(name),
        instructions: "Counts words.".into(),
        grants: WantedGrants::default(),
    }
}

/// A task that an agent holds.
async fn held(test: &TestApp, by: &str) -> (Task, Hold) {
    let task = test.task("work").await;
    let hold = test.claim(&task, by).await;
    (task, hold)
}

async fn make(
    test: &TestApp,
    (task, hold): &(Task, Hold),
    new: NewSpecialist,
) -> Result<Specialist, AppError> {
    let actor = Actor::Agent(hold.agent.clone());
    let all = words(&["python", "http_get", "create_agent"]);
    test.app
        .create_specialist(&actor, by_id(task), hold.clone(), new, all)
        .await
}

#[tokio::test]
async fn a_run_makes_a_specialist_which_is_an_agent_like_any() {
    let test = TestApp::new();
    let work = held(&test, "seed").await;

    let made = make(&test, &work, named("counter")).await.unwrap();

    assert_eq!(
        made.grants.tools,
        words(&["python", "http_get", "create_agent"])
    );
    assert_eq!(
        (made.grants.depth, made.parent.clone(), made.is_enabled),
        (1, None, true)
    );
    assert_eq!(
        (made.created_by.as_str(), made.task_id),
        ("seed", Some(work.0.id))
    );
    let as_agent = test.app.get_agent(&agent("counter")).unwrap();
    assert_eq!(
        (as_agent.kind.as_str(), as_agent.status.as_str()),
        ("specialist", "idle")
    );
    assert_eq!(
        test.app.specialist(&agent("counter")).unwrap(),
        Some(made.clone())
    );
    assert_eq!(test.app.specialist(&agent("seed")).unwrap(), None);
    assert_eq!(test.app.list_specialists().await.unwrap(), [made]);
    let types = test.event_types().await;
    assert_eq!(
        types[types.len() - 2..],
        ["agent.registered", "specialist.created"]
    );
    test.clock.advance_secs(3600);
    assert_eq!(
        test.app.sweep().await.unwrap().offline,
        0,
        "it is not heard from, ever"
    );
}

#[tokio::test]
async fn the_same_again_is_the_same_and_anything_else_needs_a_name_of_its_own() {
    let test = TestApp::new();
    let work = held(&test, "seed").await;
    let made = make(&test, &work, named("counter")).await.unwrap();

    let again = make(&test, &work, named("counter")).await.unwrap();

    assert_eq!(again, made);
    let other = NewSpecialist {
        instructions: "Counts letters.".into(),
        ..named("counter")
    };
    assert_eq!(code(make(&test, &work, other).await), "name_taken");
    let registration = Registration {
        name: agent("outsider"),
        kind: "worker".parse().unwrap(),
        capabilities: vec![],
        metadata: JsonObject::new(),
    };
    let owner = &Actor::Owner;
    test.app
        .register_agent(owner, registration.clone())
        .await
        .unwrap();
    assert_eq!(
        code(make(&test, &work, named("outsider")).await),
        "name_taken"
    );
    for kept in ["seed", "owner", "system", "cos-agent"] {
        assert_eq!(code(make(&test, &work, named(kept)).await), "invalid_input");
    }
    let taken = Registration {
        name: agent("counter"),
        ..registration
    };
    assert_eq!(
        code(test.app.register_agent(owner, taken).await),
        "name_taken"
    );
}

#[tokio::test]
async fn only_who_holds_the_task_makes_one() {
    let test = TestApp::new();
    let (task, hold) = held(&test, "seed").await;
    let stale = Hold {
        fence: hold.fence + 1,
        ..hold.clone()
    };
    let refused = make(&test, &(task.clone(), stale), named("counter")).await;
    assert_eq!(code(refused), "fence_mismatch");
    for actor in [as_agent("scout"), Actor::Viewer] {
        let (id, hold) = (by_id(&task), hold.clone());
        let made = test
            .app
            .create_specialist(&actor, id, hold, named("counter"), words(&[]));
        assert_eq!(code(made.await), "denied");
    }
    assert!(test.app.list_specialists().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_specialist_makes_others_of_its_own_rights() {
    let test = TestApp::new();
    let work = held(&test, "seed").await;
    let narrow = NewSpecialist {
        grants: WantedGrants {
            tools: Some(words(&["python"])),
            asks_before: words(&["python"]),
            limits: Limits {
                turns: Some(5),
                ..Limits::default()
            },
        },
        ..named("counter")
    };
    make(&test, &work, narrow).await.unwrap();
    let below = held(&test, "counter").await;

    let wide = NewSpecialist {
        grants: WantedGrants {
            tools: Some(words(&["http_get"])),
            ..WantedGrants::default()
        },
        ..named("fetcher")
    };
    let refused = make(&test, &below, wide).await;
    let Err(AppError::InvalidInput { field, problem, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(field, "tools");
    assert!(problem.contains("has no http_get"), "{problem}");
    let made = make(&test, &below, named("letters")).await.unwrap();
    assert_eq!(made.parent, Some(agent("counter")));
    assert_eq!(made.grants.asks_before, words(&["python"]));
    assert_eq!((made.grants.limits.turns, made.grants.depth), (Some(5), 2));
}

#[tokio::test]
async fn there_are_so_many_of_a_task_and_of_the_node_and_no_more() {
    let test = TestApp::new();
    for number in 0..SPECIALISTS_MAX {
        if number % MADE_BY_TASK_MAX != 0 {
            continue;
        }
        let work = held(&test, "seed").await;
        for within in 0..MADE_BY_TASK_MAX {
            let name = format!("s{number}-{within}");
            make(&test, &work, named(&name)).await.unwrap();
        }
        let refused = make(&test, &work, named("another")).await;
        assert_eq!(code(refused), "too_many");
    }
    let work = held(&test, "seed").await;
    assert_eq!(code(make(&test, &work, named("another")).await), "too_many");

    let removed = test.app.remove_specialist(&Actor::Owner, agent("s0-0"));
    removed.await.unwrap();
    make(&test, &work, named("another")).await.unwrap();
}

#[tokio::test]
async fn a_disabled_specialist_takes_nothing_until_it_is_enabled() {
    let test = TestApp::new();
    let work = held(&test, "seed").await;
    make(&test, &work, named("counter")).await.unwrap();
    let mut new = titled("count");
    new.assigned_to = Some(agent("counter"));
    let task = test.create(new).await;
    let (owner, name) = (&Actor::Owner, || agent("counter"));
    let claim = async || test.app.claim_own_task(Work::Any).await.unwrap();

    let off = test.app.disable_specialist(owner, name()).await.unwrap();

    assert!(!off.is_enabled);
    assert_eq!(
        test.app.get_agent(&name()).unwrap().status.as_str(),
        "offline"
    );
    assert_eq!(claim().await, None);
    let waits = test
        .app
        .get_task(by_id(&task))
        .unwrap()
        .waiting_for
        .unwrap();
    assert!(waits.contains("hearth agent enable counter"), "{waits}");
    assert_eq!(
        test.app.disable_specialist(owner, name()).await.unwrap(),
        off
    );

    test.app.enable_specialist(owner, name()).await.unwrap();

    assert_eq!(test.app.get_agent(&name()).unwrap().status.as_str(), "idle");
    let claimed = claim().await.unwrap().task;
    assert_eq!(claimed.id, task.id);
    assert_eq!(claimed.lease().unwrap().holder, name());
}

#[tokio::test]
async fn a_specialist_with_open_tasks_stays() {
    let test = TestApp::new();
    let work = held(&test, "seed").await;
    make(&test, &work, named("counter")).await.unwrap();
    let mut new = titled("count");
    new.assigned_to = Some(agent("counter"));
    let task = test.create(new).await;
    let owner = &Actor::Owner;
    let remove = async || test.app.remove_specialist(owner, agent("counter")).await;

    let refused = remove().await;
    let Err(AppError::Conflict { code, detail }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(code, "specialist_in_use");
    assert!(detail.contains("#2"), "{detail}");

    let patch = TaskPatch {
        assigned_to: Some(None),
        ..TaskPatch::default()
    };
    let update = UpdateTask {
        patch,
        ..UpdateTask::default()
    };
    test.app
        .update_task(owner, by_id(&task), update, None)
        .await
        .unwrap();
    remove().await.unwrap();
    assert!(test.app.list_specialists().await.unwrap().is_empty());
    let gone = test.app.get_agent(&agent("counter"));
    assert_eq!(crate::test_support::code(gone), "not_found");
    assert_eq!(
        test.event_types().await.last().unwrap(),
        "specialist.removed"
    );
}

#[tokio::test]
async fn only_the_owner_switches_and_removes() {
    let test = TestApp::new();
    let work = held(&test, "seed").await;
    make(&test, &work, named("counter")).await.unwrap();
    let (app, name) = (&test.app, || agent("counter"));
    for actor in [as_agent("counter"), as_agent("seed"), Actor::Viewer] {
        assert_eq!(code(app.disable_specialist(&actor, name()).await), "denied");
        assert_eq!(code(app.enable_specialist(&actor, name()).await), "denied");
        assert_eq!(code(app.remove_specialist(&actor, name()).await), "denied");
    }
    let unknown = app.disable_specialist(&Actor::Owner, agent("seed")).await;
    assert_eq!(code(unknown), "not_found");
    let claim = Claim::new(name());
    let task = test.task("any").await;
    app.claim_task(&as_agent("counter"), by_id(&task), claim, None)
        .await
        .unwrap();
}
