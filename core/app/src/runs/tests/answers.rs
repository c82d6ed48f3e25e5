//! Steps that ask the owner, and what the answers do.

use hearth_domain::task::TaskState;

use super::*;

fn question(place: u32) -> Meant {
    let args = json!({"question": "Which color?", "options": ["red", "blue"]});
    Meant {
        action: action("ask_owner", args),
        ..quiet(place)
    }
}

/// A run at rest that asks which color.
async fn asking_which(bench: &Bench) -> RunId {
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    bench
        .ask(&hold, id, question(1), WaitingFor::Answer)
        .await
        .unwrap();
    bench.rest(&hold, id, Rest::Waits).await.unwrap();
    id
}

/// A run at rest of which nobody knows whether its second step happened; the first is done, and one
/// attempt at the second failed before.
async fn doubtful(bench: &Bench) -> RunId {
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    bench.done(&hold, id, quiet(1)).await;
    let step = bench.go(&hold, id, quiet(2)).await;
    bench
        .record(&hold, &step, Entry::Failed("once".into()))
        .await
        .unwrap();
    bench.go(&hold, id, quiet(2)).await;
    bench.kill().await;
    let (hold, _) = bench.up().await;
    bench
        .ask(&hold, id, quiet(2), WaitingFor::Doubt)
        .await
        .unwrap();
    bench.rest(&hold, id, Rest::Waits).await.unwrap();
    id
}

fn reason(bench: &Bench) -> (String, Vec<String>) {
    let task = bench.test.get(&bench.task);
    let TaskState::Blocked { block } = task.state else {
        panic!("it is {}", task.status());
    };
    (block.reason, block.options)
}

#[tokio::test]
async fn what_waits_already_is_not_asked_twice() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let first = bench.ask(&hold, id, question(1), WaitingFor::Answer).await;

    let second = bench.ask(&hold, id, question(1), WaitingFor::Answer).await;

    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(bench.live(id).await, [(1, 1, "waiting")]);
    let intended = bench.intend(&hold, id, question(1)).await.unwrap();
    assert!(matches!(intended, Intent::Waits(_)), "{intended:?}");
}

#[tokio::test]
async fn the_answer_is_the_result_of_the_step_that_asked() {
    let bench = Bench::new().await;
    let id = asking_which(&bench).await;
    let options = ["red", "blue"].map(String::from).to_vec();
    assert_eq!(reason(&bench), ("Which color?".into(), options));

    let task = bench.answer("blue").await.unwrap();

    assert_eq!(task.status(), TaskStatus::Pending);
    let view = bench.view(id).await;
    let StepState::Done(end) = &view.steps[0].state else {
        panic!("{:?}", view.steps);
    };
    assert_eq!(
        Value::from(end.result.clone().unwrap()),
        json!({"answer": "blue"})
    );
    assert_eq!(end.note, "answered by owner");
    assert_eq!(view.run.status, RunStatus::Waiting, "until it is taken up");
}

#[tokio::test]
async fn unblocking_without_an_answer_leaves_the_question() {
    let bench = Bench::new().await;
    let id = asking_which(&bench).await;

    bench
        .app()
        .answer_task(&Actor::Owner, by_id(&bench.task), None, None)
        .await
        .unwrap();

    assert_eq!(bench.live(id).await, [(1, 1, "waiting")]);
}

#[tokio::test]
async fn a_question_and_an_approval_are_answered_one_after_the_other() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let id = view.run.id;
    let approval = bench
        .wait(&hold, id, speaks(2, "https://example.org/"))
        .await;
    bench
        .ask(&hold, id, question(1), WaitingFor::Answer)
        .await
        .unwrap();
    bench.rest(&hold, id, Rest::Waits).await.unwrap();
    let (asked, _) = reason(&bench);
    assert!(asked.starts_with("Which color?\nMay I fetch"), "{asked}");

    bench.approve(&approval).await;
    assert_eq!(bench.status(), TaskStatus::Blocked, "the question is left");

    bench.answer("red").await.unwrap();
    assert_eq!(bench.status(), TaskStatus::Pending);
}

#[tokio::test]
async fn a_doubt_offers_its_three_answers() {
    let bench = Bench::new().await;
    doubtful(&bench).await;

    let (asked, options) = reason(&bench);

    assert!(asked.contains("Step 2, b, was cut off"), "{asked}");
    assert_eq!(options, super::super::journal::DOUBT_OPTIONS);
}

#[tokio::test]
async fn repeat_it_has_the_step_made_anew() {
    for words in ["repeat it", "Repeat it.", " AGAIN! "] {
        let bench = Bench::new().await;
        let id = doubtful(&bench).await;

        bench.answer(words).await.unwrap();

        assert_eq!(bench.live(id).await, [(1, 1, "done")], "{words}");
        let (hold, _) = bench.up().await;
        let step = bench.go(&hold, id, quiet(2)).await;
        assert_eq!(step.attempt, 4);
    }
}

#[tokio::test]
async fn it_was_done_ends_the_step_without_making_it() {
    let bench = Bench::new().await;
    let id = doubtful(&bench).await;

    bench.answer("it was done").await.unwrap();

    let (_, view) = bench.up().await;
    let last = view.steps.last().unwrap();
    let StepState::Done(end) = &last.state else {
        panic!("{last:?}");
    };
    assert_eq!(end.note, "it was done, says owner");
    assert_eq!(bench.live(id).await.last(), Some(&(2, 3, "done")));
}

#[tokio::test]
async fn any_other_word_stops_the_step() {
    for words in ["stop", "repeat?", "maybe", "yes"] {
        let bench = Bench::new().await;
        let id = doubtful(&bench).await;

        bench.answer(words).await.unwrap();

        let view = bench.view(id).await;
        let last = view.steps.last().unwrap();
        let error = format!("stopped by owner: {words}");
        assert_eq!(last.state, StepState::Failed { error }, "{words}");
        assert!(last.is_stopped());
        let retried = bench.app().retry_run(&Actor::Owner, RunRef::Id(id), None);
        retried.await.unwrap();
        assert_eq!(
            bench.live(id).await,
            [(1, 1, "done")],
            "a retry is another word"
        );
    }
}
