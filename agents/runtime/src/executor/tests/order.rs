//! Which steps are made, how often, and what is told of those that fail.

use hearth_domain::event_filter::{EventFilter, TypePattern};

use super::*;

#[tokio::test]
async fn a_failing_step_stops_those_after_it_and_the_story_says_which_and_what_helps() {
    let floor = Floor::new();
    let mut last = storing("last", &["bad"]);
    last["optional"] = true.into();
    let plan = json!([storing("first", &[]), failing("bad"), last]);

    let task = floor.execute(plan).await;

    let told = story(&task);
    assert!(
        told.starts_with("step 2 of 3, bad (read_file) failed: cannot read nothing.txt: "),
        "{told}"
    );
    let view = floor.view(&task).await;
    let remedy = format!(
        "\n1 of 3 steps are done. To try again from there: hearth run retry {} --from bad",
        view.run.number
    );
    assert!(told.ends_with(&remedy), "{told}");
    assert_eq!(view.run.status, RunStatus::Failed);
    assert_eq!(view.run.reason.as_deref(), Some(told));
    assert_eq!(view.steps.len(), 2, "the last one was not begun");
    assert!(floor.folder(view.run.id).is_dir(), "its folder is kept");
}

#[tokio::test]
async fn a_run_that_is_tried_again_makes_what_failed_and_not_what_is_done() {
    let floor = Floor::new();
    let plan = json!([
        storing("first", &[]),
        failing("bad"),
        storing("last", &["bad"])
    ]);
    let task = floor.execute(plan).await;
    let run = floor.view(&task).await.run.id;
    std::fs::write(floor.folder(run).join("nothing.txt"), "there").unwrap();
    let (id, from) = (RunRef::Id(run), Some("bad".to_owned()));
    let retried = floor.app.retry_run(&Actor::Owner, id, from).await;
    retried.unwrap();

    let task = floor.work(&task).await;

    assert_eq!(result(&task), json!({"content": "there"}));
    let made = [("first", 1), ("bad", 2), ("last", 1)];
    let made = made.map(|(name, attempt)| (name.to_owned(), attempt, "done"));
    assert_eq!(floor.steps(&task).await, made);
    assert!(!floor.folder(run).exists(), "its folder is gone");
}

#[tokio::test]
async fn a_failed_run_goes_on_when_its_task_is_answered() {
    let floor = Floor::new();
    let task = floor.execute(json!([failing("bad")])).await;
    let run = floor.view(&task).await.run.id;
    std::fs::write(floor.folder(run).join("nothing.txt"), "there").unwrap();
    floor.answer(&task, "the file is there").await;

    let task = floor.work(&task).await;

    assert_eq!(result(&task), json!({"content": "there"}));
    assert_eq!(floor.view(&task).await.run.id, run);
}

#[tokio::test]
async fn an_optional_step_is_skipped_and_its_result_is_missed_by_name() {
    let floor = Floor::new();
    let mut optional = failing("extra");
    optional["optional"] = true.into();

    let plan = json!([optional.clone(), storing("last", &["extra"])]);
    let task = floor.execute(plan).await;

    assert_eq!(task.status(), TaskStatus::Completed);
    let expected = [("extra".into(), 1, "failed"), ("last".into(), 1, "done")];
    assert_eq!(floor.steps(&task).await, expected);

    let args = json!({"type": "note", "content": {"$result": "extra"}});
    let asks = json!({"tool": "store_artifact", "args": args});
    let task = floor.execute(json!([optional, asks])).await;

    let told = story(&task);
    let missing = "args.content asks for the result of \"extra\", which has none";
    assert!(told.contains(missing), "{told}");
}

#[tokio::test]
async fn a_step_is_tried_as_often_as_its_rule_says_with_pauses_that_double() {
    let floor = Floor::new();
    let mut step = failing("flaky");
    step["retry"] = json!({"times": 2, "wait_seconds": 0.1});
    let started = Instant::now();

    let task = floor.execute(json!([step])).await;

    assert!(started.elapsed() >= Duration::from_millis(300));
    let told = story(&task);
    let begins = "step 1 of 1, flaky (read_file) failed: 3 tries, the last: cannot read";
    assert!(told.starts_with(begins), "{told}");
    let attempts = [1, 2, 3].map(|attempt| ("flaky".to_owned(), attempt, "failed"));
    assert_eq!(floor.steps(&task).await, attempts);
}

#[tokio::test]
async fn a_step_that_is_refused_is_not_tried_again() {
    let floor = Floor::new();
    let plan = json!([{
        "tool": "read_file", "args": {"path": "a.txt", "folder": "notes"},
        "retry": {"times": 5, "wait_seconds": 60}
    }]);

    let task = floor.execute(plan).await;

    let told = story(&task);
    assert!(
        told.contains("hearth folder grant PATH --name notes"),
        "{told}"
    );
    assert_eq!(floor.view(&task).await.steps.len(), 1);
}

#[tokio::test]
async fn a_pause_ends_when_the_task_is_cancelled() {
    let floor = Floor::new();
    let mut step = failing("flaky");
    step["retry"] = json!({"times": 5, "wait_seconds": 60});
    let task = floor.task(json!([step])).await;
    let filter = EventFilter {
        types: vec![TypePattern::Exact("step.failed".into())],
        ..EventFilter::default()
    };
    let mut failed = floor.app.subscribe(None, filter).unwrap();
    let view = floor.claimed(&task).await;
    let working = tokio::spawn(floor.worker().work(view));
    failed.next().await.unwrap();
    let cancelled = Instant::now();

    let (app, id) = (&floor.app, TaskRef::Id(task.id));
    let done = app.cancel_task(&Actor::Owner, id, None, None).await;
    done.unwrap();
    working.await.unwrap();

    assert!(cancelled.elapsed() < Duration::from_secs(5));
    assert_eq!(floor.get(&task).status(), TaskStatus::Cancelled);
    assert_eq!(floor.view(&task).await.run.status, RunStatus::Cancelled);
}

#[tokio::test]
async fn every_argument_that_is_known_is_looked_at_before_anything_is_done() {
    let floor = Floor::new();
    let wrong = json!({"tool": "http_get", "args": {"url": "ftp://example.org/"}});

    let task = floor.execute(json!([storing("first", &[]), wrong])).await;

    let told = story(&task);
    let begins = "context.plan[1] cannot be done: args of http_get: url must begin with";
    assert!(told.starts_with(begins), "{told}");
    assert!(told.ends_with("; nothing was done"), "{told}");
    assert_eq!(floor.view(&task).await.steps, []);

    let task = floor.execute(json!([{"tool": "pythn"}])).await;
    let told = story(&task);
    let names = "there is no tool pythn; the nearest is python";
    assert!(told.contains(names), "{told}");
}

#[tokio::test]
async fn arguments_that_turn_out_wrong_fail_their_step() {
    let floor = Floor::new();
    let args = json!({"type": {"$result": "a", "at": "/answer"}, "content": "x"});
    let plan = json!([
        {"id": "a", "tool": "ask_owner", "args": {"question": "Which?"}},
        {"tool": "store_artifact", "args": args}
    ]);
    let task = floor.execute(plan).await;
    floor.answer(&task, "two words").await;

    let task = floor.work(&task).await;

    let told = story(&task);
    assert!(
        told.contains("step 2 of 2, store_artifact failed: args"),
        "{told}"
    );
    assert_eq!(floor.view(&task).await.steps.len(), 1);
}

#[tokio::test]
async fn a_plan_that_is_none_blocks_its_task_by_name() {
    let floor = Floor::new();

    let task = floor.execute(json!([{"tool": "python", "arg": {}}])).await;

    let told = story(&task);
    assert!(
        told.starts_with("context.plan[0] is not understood"),
        "{told}"
    );
}
