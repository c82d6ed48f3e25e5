//! Making, changing and ending tasks.

use hearth_domain::task::Budget;
use hearth_domain::{JsonObject, Priority};
use serde_json::json;

use super::*;
use crate::app::Facility;
use crate::test_support::{TestApp, agent, as_agent, by_id, code, report, titled};

fn once(key: &str, request: u8) -> Once {
    Once {
        key: key.into(),
        among: Among::Callers,
        request: [request; 32],
    }
}

async fn update(test: &TestApp, task: &Task, patch: TaskPatch) -> Result<TaskView, AppError> {
    let update = UpdateTask {
        patch,
        ..UpdateTask::default()
    };
    test.app
        .update_task(&Actor::Owner, by_id(task), update, None)
        .await
}

#[tokio::test]
async fn a_request_that_is_repeated_is_done_once() {
    let test = TestApp::new();
    let ask = |actor: Actor, once: Once| {
        let app = test.app.clone();
        async move { app.create_task(&actor, titled("task"), Some(once)).await }
    };

    let first = ask(Actor::Owner, once("k", 1)).await.unwrap();
    let again = ask(Actor::Owner, once("k", 1)).await.unwrap();
    let other_body = ask(Actor::Owner, once("k", 2)).await;
    let other_actor = ask(as_agent("seed"), once("k", 2)).await.unwrap();
    let blank = ask(Actor::Owner, once(" ", 1)).await;

    assert!(!first.is_repeat && again.is_repeat && !other_actor.is_repeat);
    assert_eq!(again.view.task.id, first.view.task.id);
    assert_ne!(other_actor.view.task.id, first.view.task.id);
    assert_eq!(code(other_body), "idempotency_key_reused");
    assert_eq!(code(blank), "invalid_input");
    assert_eq!(test.event_types().await, ["task.created"; 2]);
}

#[tokio::test]
async fn a_request_repeated_after_a_change_shows_the_task_as_it_is() {
    let test = TestApp::new();
    let ask = || {
        test.app
            .create_task(&Actor::Owner, titled("task"), Some(once("k", 1)))
    };
    let task = ask().await.unwrap().view.task;
    test.app
        .cancel_task(&Actor::Owner, by_id(&task), None, None)
        .await
        .unwrap();

    let again = ask().await.unwrap();

    assert_eq!(again.view.task.status(), TaskStatus::Cancelled);
}

#[tokio::test]
async fn requests_sent_at_the_same_time_are_done_once() {
    let test = TestApp::new();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let app = test.app.clone();
        requests.spawn(async move {
            let created = app
                .create_task(&Actor::Owner, titled("task"), Some(once("k", 1)))
                .await;
            created.unwrap().is_repeat
        });
    }

    let made = requests.join_all().await;

    assert_eq!(made.iter().filter(|is_repeat| !**is_repeat).count(), 1);
    assert_eq!(test.event_types().await.len(), 1);
}

#[tokio::test]
async fn a_new_task_takes_the_artifacts_that_wait_for_it_or_is_not_made() {
    let test = TestApp::new();
    let blob = test.blob(b"input").await.unwrap();
    let store = || test.app.create_artifact(&Actor::Owner, report(None), blob);
    let (first, second) = (store().await.unwrap().id, store().await.unwrap().id);
    let with = |artifacts| {
        let mut new = titled("task");
        new.artifacts = artifacts;
        test.app.create_task(&Actor::Owner, new, None)
    };

    let missing = with(vec![first, ArtifactId(uuid::Uuid::nil())]).await;
    assert_eq!(code(missing), "invalid_input");
    assert_eq!(test.app.get_artifact(first).unwrap().task_id, None);
    assert!(!test.event_types().await.contains(&"task.created".into()));

    let task = with(vec![first, second, first]).await.unwrap().view.task;
    for id in [first, second] {
        assert_eq!(test.app.get_artifact(id).unwrap().task_id, Some(task.id));
    }
    assert_eq!(task.number, 1, "a refused task takes no number");
    assert_eq!(code(with(vec![first]).await), "invalid_input");
    let mut taken = titled("by an agent");
    taken.artifacts = vec![store().await.unwrap().id];
    let stolen = test.app.create_task(&as_agent("seed"), taken, None).await;
    assert_eq!(code(stolen), "denied");
}

#[tokio::test]
async fn a_task_refers_only_to_what_is_there() {
    let test = TestApp::new();
    let nothing = uuid::Uuid::from_u128(999);
    let mut of_project = titled("a");
    of_project.project_id = Some(ProjectId(nothing));
    let mut of_parent = titled("b");
    of_parent.parent_id = Some(TaskId(nothing));
    let mut after = titled("c");
    after.depends_on = vec![TaskId(nothing)];

    for (new, field) in [
        (of_project, "project_id"),
        (of_parent, "parent_id"),
        (after, "depends_on"),
    ] {
        let refused = test.app.create_task(&Actor::Owner, new, None).await;
        let is_right =
            matches!(&refused, Err(AppError::InvalidInput { field: named, .. }) if named == field);
        assert!(is_right, "{refused:?}");
    }
    assert!(test.event_types().await.is_empty());
}

#[tokio::test]
async fn fields_out_of_bounds_are_refused_by_name() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let budget = |usd, tokens| {
        Some(Budget {
            usd: Some(usd),
            tokens: Some(tokens),
            ..Budget::default()
        })
    };
    let with = |change: &dyn Fn(&mut NewTask)| {
        let mut new = titled("task");
        change(&mut new);
        new
    };
    let large: JsonObject = [("x".to_owned(), "x".repeat(300_000).into())]
        .into_iter()
        .collect();
    for (new, field) in [
        (
            with(&|new| new.description = "x".repeat(100_001)),
            "description",
        ),
        (with(&|new| new.description = "a\0b".into()), "description"),
        (with(&|new| new.context = large.clone()), "context"),
        (
            with(&|new| new.labels = vec!["x".parse().unwrap(); 51]),
            "labels",
        ),
        (with(&|new| new.max_attempts = 0), "max_attempts"),
        (with(&|new| new.max_attempts = 21), "max_attempts"),
        (
            with(&|new| new.assigned_to = Some(agent("system"))),
            "assigned_to",
        ),
        (with(&|new| new.budget = budget(-0.1, 1)), "budget.usd"),
        (with(&|new| new.budget = budget(f64::NAN, 1)), "budget.usd"),
        (
            with(&|new| new.budget = budget(f64::INFINITY, 1)),
            "budget.usd",
        ),
        (
            with(&|new| new.budget = budget(1.0, u64::MAX)),
            "budget.tokens",
        ),
    ] {
        let refused = test.app.create_task(&Actor::Owner, new, None).await;
        let is_right =
            matches!(&refused, Err(AppError::InvalidInput { field: named, .. }) if named == field);
        assert!(is_right, "{field}: {refused:?}");
    }
    let nothing = update(&test, &task, TaskPatch::default()).await;
    assert_eq!(code(nothing), "invalid_input");
    let patch = TaskPatch {
        budget: Some(budget(1.0, u64::MAX)),
        ..TaskPatch::default()
    };
    assert_eq!(code(update(&test, &task, patch).await), "invalid_input");
    assert_eq!(test.get(&task).version, 1);
}

#[tokio::test]
async fn tasks_cannot_wait_for_each_other_in_a_circle() {
    let test = TestApp::new();
    let first = test.task("first").await;
    let mut new = titled("second");
    new.depends_on = vec![first.id];
    let second = test.create(new).await;
    let mut new = titled("third");
    new.depends_on = vec![second.id];
    let third = test.create(new).await;
    let wait_for = |task: &Task| TaskPatch {
        depends_on: Some(vec![task.id]),
        ..TaskPatch::default()
    };

    for needed in [&first, &second, &third] {
        let refused = update(&test, &first, wait_for(needed)).await;
        assert_eq!(code(refused), "invalid_input");
    }
    let fine = update(&test, &third, wait_for(&first)).await;
    assert_eq!(fine.unwrap().task.depends_on, [first.id]);
}

#[tokio::test]
async fn a_task_is_not_part_of_itself_however_far_up() {
    let test = TestApp::new();
    let top = test.task("top").await;
    let mut new = titled("middle");
    new.parent_id = Some(top.id);
    let middle = test.create(new).await;
    let under = |task: &Task| TaskPatch {
        parent_id: Some(Some(task.id)),
        ..TaskPatch::default()
    };

    assert_eq!(
        code(update(&test, &top, under(&middle)).await),
        "invalid_input"
    );
    assert_eq!(
        code(update(&test, &top, under(&top)).await),
        "invalid_input"
    );
    let freed = TaskPatch {
        parent_id: Some(None),
        ..TaskPatch::default()
    };
    assert!(update(&test, &middle, freed).await.is_ok());
    assert!(update(&test, &top, under(&middle)).await.is_ok());
}

#[tokio::test]
async fn the_owners_orders_follow_the_state_and_the_version() {
    let test = TestApp::new();
    let task = test.task("task").await;
    let hold = test.claim(&task, "seed").await;
    let (app, owner, id) = (&test.app, Actor::Owner, by_id(&task));

    assert_eq!(
        code(app.answer_task(&owner, id, None, None).await),
        "wrong_state"
    );
    assert_eq!(
        code(app.reopen_task(&owner, id, None, None).await),
        "wrong_state"
    );
    assert_eq!(
        code(app.cancel_task(&owner, id, None, Some(1)).await),
        "stale_version"
    );
    let cancelled = app
        .cancel_task(&owner, id, Some("enough".into()), Some(2))
        .await
        .unwrap();
    assert_eq!(cancelled.task.status(), TaskStatus::Cancelled);
    let late = app.heartbeat_task(&as_agent("seed"), id, hold, None).await;
    assert_eq!(code(late), "wrong_state");
    assert_eq!(
        code(app.cancel_task(&owner, id, None, None).await),
        "wrong_state"
    );
    let reopened = app.reopen_task(&owner, id, None, None).await.unwrap();
    assert_eq!(reopened.task.status(), TaskStatus::Pending);
    assert_eq!(reopened.task, test.get(&task));
}

#[tokio::test]
async fn an_answer_needs_words() {
    let test = TestApp::new();
    let task = test.task("task").await;
    for answer in [" \n", &"x".repeat(10_001)] {
        let refused = test
            .app
            .answer_task(&Actor::Owner, by_id(&task), Some(answer.into()), None)
            .await;
        assert_eq!(code(refused), "invalid_input");
    }
}

#[tokio::test]
async fn a_task_is_named_by_its_identifier_or_its_number() {
    let test = TestApp::new();
    let task = test.task("task").await;

    let by_number: TaskRef = "1".parse().unwrap();
    let by_uuid: TaskRef = task.id.to_string().parse().unwrap();

    assert_eq!(test.app.get_task(by_number).unwrap().task, task);
    assert_eq!(test.app.get_task(by_uuid).unwrap().task, task);
    assert_eq!(code(test.app.get_task(TaskRef::Number(-1))), "not_found");
    assert!("#1".parse::<TaskRef>().is_err());
}

#[tokio::test]
async fn a_pending_task_says_what_it_waits_for() {
    let test = TestApp::new();
    let waiting = |task: &Task| {
        let view = test.app.get_task(by_id(task)).unwrap();
        view.waiting_for.unwrap_or_default()
    };
    let plain = test.task("plain").await;
    let mut new = titled("kept");
    new.assigned_to = Some(agent("owner"));
    let kept = test.create(new).await;
    let mut new = titled("early");
    new.not_before = Some(test.app.now().after(Duration::from_secs(5)));
    let early = test.create(new).await;
    let mut new = titled("late");
    new.depends_on = vec![plain.id];
    let late = test.create(new).await;
    let mut new = titled("planned");
    new.context = json!({"plan": [{"tool": "python"}]})
        .as_object()
        .unwrap()
        .clone();
    let planned = test.create(new).await;

    assert!(waiting(&plain).starts_with("a language model"));
    assert!(waiting(&kept).contains("kept for its owner"));
    assert!(waiting(&early).contains("not to be started before"));
    assert!(waiting(&late).starts_with("1 of the tasks it depends on"));
    assert_eq!(
        waiting(&planned),
        "the built-in agents, which are not running"
    );
    let works = Facility::works;
    test.app.set_facilities(Facilities {
        agents: works(),
        sandbox: works(),
        model: works(),
        ..Facilities::default()
    });
    assert_eq!(waiting(&planned), "");
    assert_eq!(waiting(&plain), "");
    test.claim(&plain, "seed").await;
    assert_eq!(waiting(&plain), "");
}

#[tokio::test]
async fn a_list_shows_the_newest_first_and_the_changed_in_their_order() {
    let test = TestApp::new();
    let first = test.task("first").await;
    test.clock.advance_secs(1);
    test.task("second").await;
    test.clock.advance_secs(1);
    let urgent = TaskPatch {
        priority: Some(Priority::Critical),
        ..TaskPatch::default()
    };
    update(&test, &first, urgent).await.unwrap();
    let list = async |filter| {
        let page = test.app.list_tasks(filter, None, None, 10).await.unwrap();
        let numbers = page.items.iter().map(|view| view.task.number);
        numbers.collect::<Vec<_>>()
    };

    assert_eq!(list(TaskFilter::default()).await, [2, 1]);
    let changed = TaskFilter {
        updated_since: Some(first.created_at),
        ..TaskFilter::default()
    };
    assert_eq!(list(changed).await, [2, 1]);
    let status = test.app.status().await.unwrap();
    assert_eq!(status.tasks, [("pending".to_owned(), 2)]);
    assert_eq!(status.last_seq, 3);
}
