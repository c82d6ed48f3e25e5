//! Runs that wait for their owner.

use super::*;
use crate::tools::Call;
use hearth_app::runs::journal::Intent;
use hearth_domain::policy::Bounds;

/// A page on loopback that answers with a status.
async fn page(status: &'static str) -> (String, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 2048];
            let _ = stream.read(&mut asked).await;
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\
                 connection: close\r\n\r\nhello"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, AbortOnDropHandle::new(serving))
}

fn fetching(url: &str) -> Value {
    json!({"tool": "http_get", "args": {"url": url}})
}

pub(super) async fn answer(floor: &Floor, task: &Task, answer: Answer) {
    let asked = floor.view(task).await.approvals;
    let id = ApprovalRef::Id(asked.last().unwrap().id);
    let answered = floor.app.answer_approval(&Actor::Owner, id, answer).await;
    answered.unwrap();
}

pub(super) const YES: Answer = Answer::Approve {
    note: None,
    remember: None,
};

#[tokio::test]
async fn a_page_is_fetched_once_its_owner_said_yes() {
    let floor = Floor::new();
    let (url, _serving) = page("200 OK").await;

    // The worker is done with it when this returns: nothing of it is kept in memory.
    let task = floor
        .execute(json!([fetching(&url), storing("last", &[])]))
        .await;

    let told = story(&task);
    assert!(
        told.starts_with(&format!("May I fetch {url}? I ask because ")),
        "{told}"
    );
    let expected = [("step-1".into(), 1, "waiting"), ("last".into(), 1, "done")];
    assert_eq!(
        floor.steps(&task).await,
        expected,
        "what need not wait goes on"
    );
    assert_eq!(floor.view(&task).await.run.status, RunStatus::Waiting);
    answer(&floor, &task, YES).await;
    let task = floor.work(&task).await;
    assert_eq!(result(&task)["body"], "hello");
    let view = floor.view(&task).await;
    assert_eq!(view.approvals[0].status, ApprovalStatus::Used);
}

#[tokio::test]
async fn a_page_that_is_not_there_fails_its_step() {
    let floor = Floor::new();
    let (url, _serving) = page("404 Not Found").await;
    let task = floor.execute(json!([fetching(&url)])).await;
    answer(&floor, &task, YES).await;

    let task = floor.work(&task).await;

    let told = story(&task);
    assert!(
        told.contains(&format!("failed: {url} answered 404")),
        "{told}"
    );
}

#[tokio::test]
async fn a_no_is_told_in_the_words_of_the_owner() {
    let floor = Floor::new();
    let (url, _serving) = page("200 OK").await;
    let task = floor.execute(json!([fetching(&url)])).await;
    let note = Some("not that page".to_owned());
    answer(&floor, &task, Answer::Deny { note }).await;

    let task = floor.work(&task).await;

    let told = story(&task);
    let words = "http_get failed: denied by the owner, approval 1: not that page\n";
    assert!(told.contains(words), "{told}");
}

#[tokio::test]
async fn the_answer_of_the_owner_is_what_later_steps_get() {
    let floor = Floor::new();
    let args = json!({"type": "note", "content": {"$result": "color", "at": "/answer"}});
    let plan = json!([
        {"id": "color", "tool": "ask_owner", "args": {"question": "Which?", "options": ["red"]}},
        {"tool": "store_artifact", "args": args}
    ]);
    let task = floor.execute(plan).await;
    assert_eq!(story(&task), "Which?");
    floor.answer(&task, "red").await;

    let task = floor.work(&task).await;

    assert_eq!(result(&task), json!({"answer": "red"}));
    let view = floor.view(&task).await;
    assert_eq!(view.steps[1].action.args["content"], "red");
}

/// A task whose second step, which is nothing to repeat by a guess, was cut off.
async fn cut_off(floor: &Floor) -> Task {
    let (url, _serving) = page("200 OK").await;
    let command = json!({"argv": ["touch", "paid"], "outside": true});
    let plan = json!([
        storing("first", &[]),
        {"id": "pay", "tool": "run_command", "args": command},
        fetching(&url)
    ]);
    let task = floor.execute(plan).await;
    answer(floor, &task, YES).await;
    let hold = Hold {
        agent: seed(),
        fence: floor.claimed(&task).await.task.fence,
    };
    let (app, id) = (&floor.app, TaskRef::Id(task.id));
    let plan = floor.view(&task).await.run.plan;
    let view = app
        .begin_run(&actor(), id, hold.clone(), plan)
        .await
        .unwrap();
    let step = view.steps[1].clone();
    let call = Call::read(&step.action).unwrap();
    let meant = Meant {
        place: 2,
        name: step.name,
        action: step.action,
        what: call.in_words(),
        repeat: call.repeat(false),
        brings: call.brings(),
        reach: call.reach(),
        worst_case: None,
    };
    let bounds = Bounds {
        calls_max: 200,
        time_max: Duration::from_mins(1),
    };
    let intended = app
        .intend_step(&actor(), hold, view.run.id, meant, bounds)
        .await;
    assert!(matches!(intended, Ok(Intent::Go(_))), "{intended:?}");
    app.reclaim_after_restart(seed()).await.unwrap();
    let task = floor.work(&task).await;
    let told = story(&task);
    assert!(told.starts_with("Step 2, pay, was cut off"), "{told}");
    task
}

#[tokio::test]
async fn what_the_owner_stopped_is_not_made_again_by_any_answer() {
    let floor = Floor::new();
    let task = cut_off(&floor).await;
    floor.answer(&task, "no").await;

    let task = floor.work(&task).await;

    let told = story(&task);
    let begins = "step 2 of 3, pay (run_command) failed: stopped by owner: no\n";
    assert!(told.starts_with(begins), "{told}");
    assert!(told.contains("--from pay"), "{told}");
    let steps = floor.view(&task).await.steps;
    assert_eq!(steps.len(), 3, "nothing was begun: {steps:?}");
    floor.answer(&task, "go on").await;
    let task = floor.work(&task).await;
    let told = story(&task);
    assert!(told.contains("stopped by owner: no"), "{told}");
    let run = floor.view(&task).await.run.id;
    assert!(!floor.folder(run).join("paid").exists());

    let retried = floor.app.retry_run(&Actor::Owner, RunRef::Id(run), None);
    retried.await.unwrap();
    let task = floor.work(&task).await;
    let told = story(&task);
    assert!(
        told.starts_with("May I run outside the sandbox, with your rights: touch paid?"),
        "{told}"
    );
}

#[tokio::test]
async fn what_was_done_by_the_word_of_the_owner_is_not_made_again() {
    let floor = Floor::new();
    let task = cut_off(&floor).await;
    floor.answer(&task, "it was done").await;

    let task = floor.work(&task).await;

    let told = story(&task);
    assert!(told.starts_with("May I fetch"), "it goes on: {told}");
    let run = floor.view(&task).await.run.id;
    assert!(!floor.folder(run).join("paid").exists());
}

#[tokio::test]
async fn what_is_repeated_is_asked_for_anew() {
    let floor = Floor::new();
    let task = cut_off(&floor).await;
    floor.answer(&task, "repeat it").await;

    let task = floor.work(&task).await;

    let told = story(&task);
    assert!(
        told.starts_with("May I run outside the sandbox, with your rights: touch paid?"),
        "{told}"
    );
    answer(&floor, &task, YES).await;
    let task = floor.work(&task).await;
    let run = floor.view(&task).await.run.id;
    assert!(floor.folder(run).join("paid").exists());
}
