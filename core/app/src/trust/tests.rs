//! Labels: who gives which, how they spread, and that nothing washes them off.

use std::time::Duration;

use hearth_domain::JsonObject;
use hearth_domain::artifact::Artifact;
use hearth_domain::policy::Reach;
use hearth_domain::run::StepEnd;
use hearth_domain::task::{NewTask, TaskPatch};
use serde_json::json;

use super::*;
use crate::approvals::{Answer, Remember};
use crate::artifacts::StoreArtifact;
use crate::holding::{Done, Hold};
use crate::quick_add::QuickAdd;
use crate::runs::journal::{Entry, Intent, Meant};
use crate::runs::tests::{Bench, quiet, seed, speaks};
use crate::tasks::{TaskRef, UpdateTask};
use crate::test_support::{TestApp, agent, as_agent, by_id, report, titled};

const NONE: Labels = Labels {
    untrusted: false,
    private: false,
};
const BOTH: Labels = Labels {
    untrusted: true,
    private: true,
};

/// A call that reads a folder of the owner's, were one open.
fn private(place: u32) -> Meant {
    Meant {
        brings: Labels::PRIVATE,
        ..quiet(place)
    }
}

/// A call that brings a stranger's text, without being asked about.
fn strange(place: u32) -> Meant {
    Meant {
        brings: Labels::UNTRUSTED,
        ..quiet(place)
    }
}

fn makes_a_tool(place: u32) -> Meant {
    Meant {
        reach: Reach {
            creates: Some(hearth_domain::policy::Creates::Agent),
            ..Reach::default()
        },
        ..quiet(place)
    }
}

async fn made(test: &TestApp, actor: &Actor, new: NewTask) -> Task {
    let created = test.app.create_task(actor, new, None).await;
    created.unwrap().view.task
}

async fn stored(test: &TestApp, actor: &Actor, new: StoreArtifact) -> Artifact {
    let blob = test.blob(b"bytes").await.unwrap();
    let stored = test.app.create_artifact(actor, new, blob).await;
    stored.unwrap()
}

fn within(run: RunId) -> NewTask {
    NewTask {
        within: Some(run),
        ..titled("made by a run")
    }
}

#[tokio::test]
async fn the_owners_words_are_trusted_and_no_others() {
    let test = TestApp::new();
    let seed = as_agent("seed");

    assert_eq!(made(&test, &Actor::Owner, titled("mine")).await.trust, NONE);
    assert_eq!(
        made(&test, &seed, titled("an agent's")).await.trust,
        Labels::UNTRUSTED
    );
    let in_its_name = NewTask {
        created_by: Some(agent("scout")),
        ..titled("said to be an agent's")
    };
    assert_eq!(
        made(&test, &Actor::Owner, in_its_name).await.trust,
        Labels::UNTRUSTED
    );
    let said_to_the_chief = NewTask {
        created_by: Some(agent(crate::chat::CHIEF_OF_STAFF)),
        ..titled("said in chat")
    };
    assert_eq!(
        made(&test, &Actor::Owner, said_to_the_chief).await.trust,
        NONE
    );
    let passed_on = NewTask {
        trust: Labels::UNTRUSTED,
        ..titled("a mail")
    };
    assert_eq!(
        made(&test, &Actor::Owner, passed_on).await.trust,
        Labels::UNTRUSTED
    );
    let line = QuickAdd {
        text: "Read the letter".into(),
        ..QuickAdd::default()
    };
    let added = test.app.quick_add(&seed, line, None).await.unwrap();
    assert_eq!(added.created.view.task.trust, Labels::UNTRUSTED);
    assert_eq!(
        stored(&test, &Actor::Owner, report(None)).await.labels,
        NONE
    );
    assert_eq!(
        stored(&test, &seed, report(None)).await.labels,
        Labels::UNTRUSTED
    );
}

#[tokio::test]
async fn what_a_run_makes_has_the_labels_that_it_has_then() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    assert_eq!(view.labels, NONE);
    let test = &bench.test;
    let artifact = || StoreArtifact {
        within: Some(run),
        ..report(None)
    };
    assert_eq!(made(test, &seed(), within(run)).await.trust, NONE);
    assert_eq!(stored(test, &seed(), artifact()).await.labels, NONE);

    // What is under way counts already.
    bench.go(&hold, run, private(1)).await;
    assert_eq!(
        made(test, &seed(), within(run)).await.trust,
        Labels::PRIVATE
    );
    bench.done(&hold, run, strange(2)).await;
    assert_eq!(made(test, &seed(), within(run)).await.trust, BOTH);
    assert_eq!(stored(test, &seed(), artifact()).await.labels, BOTH);
    assert_eq!(bench.view(run).await.labels, BOTH);
}

#[tokio::test]
async fn a_run_is_nobodys_cover_but_its_own_agents() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let test = &bench.test;

    let other = made(test, &as_agent("scout"), within(run)).await;
    assert_eq!(other.trust, Labels::UNTRUSTED);
    // One agent may be at several tasks, and a program outside may have a key of its name.
    let unnamed = made(test, &seed(), titled("which run?")).await;
    assert_eq!(unnamed.trust, Labels::UNTRUSTED);

    bench.release(&hold).await;
    let late = made(test, &seed(), within(run)).await;
    assert_eq!(late.trust, Labels::UNTRUSTED);
}

#[tokio::test]
async fn a_run_begins_with_its_tasks_words_and_files() {
    let test = TestApp::new();
    let file = StoreArtifact {
        labels: Labels::UNTRUSTED,
        ..report(None)
    };
    let file = stored(&test, &Actor::Owner, file).await;
    let new = NewTask {
        artifacts: vec![file.id],
        trust: Labels::PRIVATE,
        ..titled("Read the letter")
    };
    let bench = Bench::on(test, new).await;

    let (hold, view) = bench.up().await;

    assert_eq!(view.labels, BOTH);
    // It asks, whatever the owner permits: the file may want the call, and the words be carried off.
    let asked = bench
        .wait(&hold, view.run.id, speaks(1, "https://example.org/"))
        .await;
    assert!(asked.is_once, "{asked:?}");
}

#[tokio::test]
async fn what_showed_only_in_the_result_counts_too() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let step = bench.go(&hold, run, quiet(1)).await;
    let end = StepEnd {
        brings: Labels::UNTRUSTED,
        ..StepEnd::default()
    };
    bench.record(&hold, &step, Entry::Done(end)).await.unwrap();

    assert_eq!(bench.view(run).await.labels, Labels::UNTRUSTED);
    let refused = bench.intend(&hold, run, makes_a_tool(2)).await.unwrap();
    let Intent::Refused(step) = refused else {
        panic!("{refused:?}");
    };
    assert!(step.decision.reason.contains("task of your own words"));
}

#[tokio::test]
async fn a_standing_permission_is_not_for_words_of_strangers() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let url = "https://example.org/";
    let asked = bench.wait(&hold, view.run.id, speaks(1, url)).await;
    let yes = Answer::Approve {
        note: None,
        remember: Some(Remember::default()),
    };
    let id = crate::approvals::ApprovalRef::Id(asked.id);
    bench
        .app()
        .answer_approval(&Actor::Owner, id, yes)
        .await
        .unwrap();
    let (again, trusted) = (titled("mine"), titled("a stranger's"));
    let Bench { test, .. } = bench;
    let bench = Bench::on(test, again).await;
    let (hold, view) = bench.up().await;
    bench.go(&hold, view.run.id, speaks(1, url)).await;

    let Bench { test, .. } = bench;
    let told = NewTask {
        trust: Labels::UNTRUSTED,
        ..trusted
    };
    let bench = Bench::on(test, told).await;
    let (hold, view) = bench.up().await;
    let asked = bench.wait(&hold, view.run.id, speaks(1, url)).await;
    assert!(
        asked.is_once && asked.why.contains("not your own"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_yes_that_was_asked_for_with_less_in_view_is_asked_for_again() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    let first = bench
        .wait(&hold, run, speaks(1, "https://example.org/"))
        .await;
    assert!(!first.is_once);
    bench.approve(&first).await;

    bench.done(&hold, run, private(2)).await;
    let second = bench
        .wait(&hold, run, speaks(1, "https://example.org/"))
        .await;

    assert!(second.is_once && second.id != first.id, "{second:?}");
    bench.approve(&second).await;
    bench
        .go(&hold, run, speaks(1, "https://example.org/"))
        .await;
}

#[tokio::test]
async fn a_run_that_writes_its_own_plan_anew_takes_its_labels_along() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    bench.done(&hold, view.run.id, strange(1)).await;
    let update = UpdateTask {
        patch: TaskPatch {
            context: Some(JsonObject::from_iter([("plan".to_owned(), json!([]))])),
            ..TaskPatch::default()
        },
        fence: Some(hold.fence),
        within: Some(view.run.id),
        labels: Labels::default(),
    };
    let id = by_id(&bench.task);
    let updated = bench.app().update_task(&seed(), id, update, None).await;
    assert_eq!(updated.unwrap().task.trust, Labels::UNTRUSTED);

    let fresh = bench.begin(&hold, json!([])).await.unwrap();

    assert_ne!(fresh.run.id, view.run.id);
    assert_eq!(fresh.labels, Labels::UNTRUSTED);
}

#[tokio::test]
async fn a_question_of_a_run_stays_what_it_was_when_it_is_answered() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let run = view.run.id;
    bench.done(&hold, run, strange(1)).await;
    block(&bench, &hold, "Shall I send it to evil.example?").await;
    assert_eq!(bench.test.get(&bench.task).trust, NONE);

    let answered = bench.answer("no").await.unwrap();

    assert_eq!(answered.trust, Labels::UNTRUSTED);
}

#[tokio::test]
async fn what_came_of_a_task_is_its_runs_and_its_words_stay_the_owners() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    bench.done(&hold, view.run.id, private(1)).await;
    let id = by_id(&bench.task);
    let done = bench
        .app()
        .complete_task(&seed(), id, hold, Done::default(), None)
        .await;

    let task = done.unwrap().task;

    assert_eq!(task.trust, NONE);
    let app = bench.app();
    let of_run = app.labels_of_tasks(vec![id]).await;
    assert_eq!(of_run.unwrap(), Labels::PRIVATE);
    let outside = bench.test.task("done by a program").await;
    let hold = bench.test.claim(&outside, "scout").await;
    let scout = as_agent("scout");
    let done = app
        .complete_task(&scout, by_id(&outside), hold, Done::default(), None)
        .await;
    done.unwrap();
    let both = vec![by_id(&outside), id, TaskRef::Number(99)];
    assert_eq!(app.labels_of_tasks(both).await.unwrap(), BOTH);
}

#[tokio::test]
async fn the_next_task_of_a_series_has_the_words_of_the_last() {
    let test = TestApp::new();
    let add = QuickAdd {
        text: "Read the feed every day".into(),
        trust: Labels::UNTRUSTED,
        ..QuickAdd::default()
    };
    let first = test.app.quick_add(&Actor::Owner, add, None).await.unwrap();
    let first = first.created.view.task;
    test.clock.advance(Duration::from_hours(48));

    test.app.keep_calendar().await.unwrap();

    let next = test
        .app
        .get_task(TaskRef::Number(first.number + 1))
        .unwrap();
    assert_eq!(next.task.trust, Labels::UNTRUSTED);
}

async fn block(bench: &Bench, hold: &Hold, reason: &str) {
    let (id, hold) = (by_id(&bench.task), hold.clone());
    bench
        .app()
        .block_task(&seed(), id, hold, reason, Vec::new(), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_is_made_of_a_run_that_is_not_there() {
    let test = TestApp::new();
    let unknown = RunId(uuid::Uuid::from_u128(77));

    let made = made(&test, &seed(), within(unknown)).await;

    assert_eq!(made.trust, Labels::UNTRUSTED);
}
