//! A run tried again, from a step on.

use hearth_domain::approval::ApprovalStatus;

use super::*;

/// Steps a, then b and c after a, then d after b.
fn forked() -> Value {
    let step = |id: &str, after: &[&str]| json!({"id": id, "tool": "list_files", "after": after});
    json!([
        step("a", &[]),
        step("b", &["a"]),
        step("c", &["a"]),
        step("d", &["b"])
    ])
}

/// A run at rest that made all but d, which failed.
async fn failed(bench: &Bench) -> RunId {
    let hold = bench.test.claim(&bench.task, "seed").await;
    let id = bench.begin(&hold, forked()).await.unwrap().run.id;
    for place in 1..=3 {
        bench.done(&hold, id, quiet(place)).await;
    }
    let step = bench.go(&hold, id, quiet(4)).await;
    bench
        .record(&hold, &step, Entry::Failed("no".into()))
        .await
        .unwrap();
    bench
        .rest(&hold, id, Rest::Failed("no".into()))
        .await
        .unwrap();
    id
}

async fn retry(bench: &Bench, run: RunId, from: Option<&str>) -> Result<RunView, AppError> {
    let from = from.map(str::to_owned);
    bench
        .app()
        .retry_run(&Actor::Owner, RunRef::Id(run), from)
        .await
}

#[tokio::test]
async fn a_step_and_those_that_wait_for_it_are_made_anew_and_no_other() {
    for (from, left) in [
        (None, vec![1, 2, 3]),
        (Some("d"), vec![1, 2, 3]),
        (Some("b"), vec![1, 3]),
        (Some("3"), vec![1, 2, 4]),
        (Some("a"), vec![]),
    ] {
        let bench = Bench::new().await;
        let id = failed(&bench).await;

        let view = retry(&bench, id, from).await.unwrap();

        let live = bench.live(id).await;
        let places: Vec<u32> = live.iter().map(|(place, ..)| *place).collect();
        assert_eq!(places, left, "{from:?}");
        assert_eq!(view.run.status, RunStatus::Waiting);
        assert_eq!(bench.status(), TaskStatus::Pending);
    }
}

#[tokio::test]
async fn what_was_asked_for_a_step_that_is_made_anew_is_withdrawn() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let approval = bench
        .wait(&hold, id, speaks(1, "https://example.org/"))
        .await;
    bench.rest(&hold, id, Rest::Waits).await.unwrap();
    bench.approve(&approval).await;

    retry(&bench, id, Some("a")).await.unwrap();

    assert_eq!(bench.approval(&approval).status, ApprovalStatus::Withdrawn);
    let (hold, _) = bench.up().await;
    let asked = bench
        .wait(&hold, id, speaks(1, "https://example.org/"))
        .await;
    assert_eq!(asked.number, 2, "an earlier yes is for what was then");
}

#[tokio::test]
async fn what_cannot_be_tried_again_is_refused_with_what_helps() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let story = async |from| match retry(&bench, id, from).await {
        Err(error) => error.to_string(),
        Ok(view) => panic!("{view:?}"),
    };
    assert!(
        story(None)
            .await
            .contains("run 1 is at work; wait for its end")
    );
    bench.release(&hold).await;
    let unknown = story(Some("x")).await;
    assert_eq!(unknown, "from names no step; the steps are a, b, c");
    assert_eq!(story(Some("0")).await, unknown);
    assert_eq!(story(Some("4")).await, unknown);
    let app = bench.app();
    app.cancel_task(&Actor::Owner, by_id(&bench.task), None, None)
        .await
        .unwrap();
    assert!(story(None).await.contains("hearth task reopen 1"));
}

#[tokio::test]
async fn a_task_that_an_agent_just_claimed_is_left_to_it() {
    let bench = Bench::new().await;
    let id = failed(&bench).await;
    bench.answer("go on").await.unwrap();
    let hold = bench.test.claim(&bench.task, "seed").await;

    retry(&bench, id, None).await.unwrap();

    assert_eq!(bench.status(), TaskStatus::InProgress);
    let view = bench.begin(&hold, forked()).await.unwrap();
    assert_eq!(view.run.status, RunStatus::Running);
    assert_eq!(bench.live(id).await.len(), 3);
}
