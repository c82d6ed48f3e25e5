//! A node that is stopped in the middle of an answer, at every step of it, and started again.

use std::collections::BTreeSet;
use std::sync::Arc;

use hearth_app::chat::Saying;
use hearth_app::projects::ProjectFilter;
use hearth_app::tasks::{Among, Once, TaskFilter};
use hearth_domain::conversation::{Author, Message as Spoken};
use hearth_domain::{Actor, ConversationId};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use super::support::{Following, Outcome, calls, done};
use crate::chief_of_staff::memory::Memory;
use crate::chief_of_staff::model::thought::Progress;
use crate::chief_of_staff::tests::talk::Talk;
use crate::model::{Message, Request};
use crate::test_support::says;

const IDEA: &str = "I've been thinking about a little shop for my pottery";
/// What the whole answer does.
const ACTS: [&str; 7] = [
    "artifact.created plan of #2",
    "project.created Shop",
    "task.completed #2",
    "task.created #1",
    "task.created #2",
    "task.updated #1",
    "task.updated #2",
];

/// How often the model has answered in a request.
fn turn(request: &Request) -> usize {
    let is_turn = |message: &&Message| match message {
        Message::Model { calls, .. } => !calls.is_empty(),
        Message::User(_) | Message::Tool { .. } => false,
    };
    request.messages.iter().filter(is_turn).count()
}

fn answer(request: &Request) -> Outcome {
    match turn(request) {
        0 => calls([
            ("create_project", json!({"name": "Shop"})),
            (
                "create_task",
                json!({"project": "Shop", "title": "Find clay"}),
            ),
        ]),
        1 => calls([
            (
                "create_task",
                json!({"project": "Shop", "title": "Fire pots", "after": ["Find clay"]}),
            ),
            (
                "update_task",
                json!({"task_id": 1, "updates": {"priority": "high"}}),
            ),
            (
                "update_task",
                json!({"task_id": 1, "updates": {"after": []}}),
            ),
            (
                "create_artifact",
                json!({"task_id": 2, "type": "plan", "content": "First clay."}),
            ),
        ]),
        2 => calls([
            (
                "update_task",
                json!({"task_id": 2, "updates": {"after": []}}),
            ),
            (
                "update_task",
                json!({"task_id": 2, "updates": {"status": "completed"}}),
            ),
        ]),
        _ => says("Shop is set up."),
    }
}

/// A model that answers all of it.
fn quick() -> Arc<Following> {
    Following::new(|request| Some(answer(request)))
}

/// A model that answers those turns alone.
fn slow(answers: impl Fn(usize) -> bool + Send + Sync + 'static) -> Arc<Following> {
    Following::new(move |request| answers(turn(request)).then(|| answer(request)))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Says something, and stops the node when so many events were stored, or `is_time` says so. Returns
/// whether the answer was there before.
fn live_until(talk: &Talk, said: Saying, is_time: impl Fn(i64) -> bool) -> bool {
    let runtime = runtime();
    let app = talk.app.clone();
    let is_answered = runtime.block_on(async {
        let before = app.gauges().unwrap().last_seq;
        let answering = app.clone();
        let answering = tokio::spawn(async move { answering.say(&Actor::Owner, said).await });
        while !answering.is_finished() {
            if is_time(app.gauges().unwrap().last_seq - before) {
                return false;
            }
            yield_now().await;
        }
        answering.await.unwrap().unwrap();
        true
    });
    // Everything that was under way ends here.
    drop(runtime);
    is_answered
}

fn say(conversation: Option<ConversationId>, text: &str, key: Option<&str>) -> Saying {
    Saying {
        conversation,
        text: text.into(),
        once: key.map(|key| Once {
            key: key.into(),
            among: Among::Callers,
            request: [7; 32],
        }),
        listener: None,
    }
}

/// The conversation, how far it is, and what was said in it.
async fn story(talk: &Talk) -> (ConversationId, Option<Progress>, Vec<Spoken>) {
    let all = talk.app.list_conversations(&Actor::Owner, None, 10).await;
    let conversation = all.unwrap().items.remove(0);
    let progress = Memory::read(&conversation.memory).thought.progress;
    let spoken = talk
        .app
        .list_messages(&Actor::Owner, conversation.id, None, 50)
        .await
        .unwrap();
    (conversation.id, progress, spoken.items)
}

/// Whether all was made, and made once.
async fn check_made_once(talk: &Talk, context: &str) {
    let projects = talk
        .app
        .list_projects(ProjectFilter::default(), None, 10)
        .await;
    assert_eq!(projects.unwrap().items.len(), 1, "{context}");
    let tasks = talk
        .app
        .list_tasks(TaskFilter::default(), None, None, 10)
        .await;
    assert_eq!(tasks.unwrap().items.len(), 2, "{context}");
    let events = talk.events().await;
    for once in ["task.updated", "artifact.created", "task.completed"] {
        let count = events.iter().filter(|event| *event == once).count();
        let expected = if once == "task.updated" { 2 } else { 1 };
        assert_eq!(count, expected, "{context}: {once} {events:?}");
    }
    let (_, progress, spoken) = story(talk).await;
    assert_eq!(progress, None, "{context}");
    let acts: Vec<String> = spoken.iter().flat_map(done).collect();
    let told: BTreeSet<&str> = acts.iter().map(String::as_str).collect();
    assert_eq!(told, BTreeSet::from(ACTS), "{context}");
}

#[test]
fn stopped_at_any_step_it_goes_on_and_nothing_is_made_or_asked_twice() {
    for (again, key) in [
        (IDEA, None),
        ("go on", None),
        ("and then?", None),
        (IDEA, Some("key")),
    ] {
        let mut step = 1;
        loop {
            let context = format!("{again:?} with {key:?} after {step} events");
            let talk = Talk::with(quick().chief());
            let is_answered = live_until(&talk, say(None, IDEA, key), |events| events >= step);
            let model = quick();
            let talk = talk.restart(model.chief());
            let runtime = runtime();
            runtime.block_on(async {
                let (id, progress, before) = story(&talk).await;
                // It may have been stored, and nobody have heard it.
                let is_stored = |spoken: &Spoken| spoken.author == Author::ChiefOfStaff;
                let is_answered = is_answered || before.last().is_some_and(is_stored);
                if progress.is_none() && again == "go on" && !is_answered {
                    // It was stopped before anybody took the message up, so there is no "on".
                    return;
                }
                let kept = progress
                    .as_ref()
                    .map_or(0, |progress| progress.turns().count());
                let acted = progress.map_or(0, |progress| progress.acts().len());

                let id = key.is_none().then_some(id);
                let answered = talk
                    .app
                    .say(&Actor::Owner, say(id, again, key))
                    .await
                    .unwrap();

                if is_answered {
                    assert_eq!(answered.is_repeat, key.is_some(), "{context}");
                    return;
                }
                check_made_once(&talk, &context).await;
                assert!(
                    model.asked().iter().all(|request| turn(request) >= kept),
                    "{context}"
                );
                assert_eq!(model.asked().len(), 4 - kept, "{context}");
                let text = &answered.message.text;
                assert_eq!(
                    text.contains("Before I was cut off, I had"),
                    acted > 0,
                    "{context}: {text}"
                );
                let (_, _, after) = story(&talk).await;
                let said_again = usize::from(key.is_none());
                assert_eq!(after.len(), before.len() + 1 + said_again, "{context}");
            });
            if is_answered {
                assert!(step > 15, "{step}");
                break;
            }
            step += 1;
        }
    }
}

#[test]
fn stopped_while_the_model_thinks_it_asks_for_that_turn_alone() {
    for hanging in 0..4 {
        let slow = slow(move |turn| turn != hanging);
        let talk = Talk::with(slow.chief());
        let watched = Arc::clone(&slow);
        live_until(&talk, say(None, IDEA, None), |_| {
            watched.asked().len() > hanging
        });
        let model = quick();
        let talk = talk.restart(model.chief());
        runtime().block_on(async {
            let (id, ..) = story(&talk).await;

            talk.app
                .say(&Actor::Owner, say(Some(id), "go on", None))
                .await
                .unwrap();

            assert_eq!(model.asked().len(), 4 - hanging);
            check_made_once(&talk, &format!("turn {hanging}")).await;
        });
    }
}

#[test]
fn what_was_cut_off_is_told_of_and_can_be_let_go_or_undone() {
    for (said, acts, text) in [
        (
            "what's blocked?",
            "project.created Shop, task.created #1",
            "Earlier an answer of mine was cut off. I had made the project Shop with #1. Say \"go on\"",
        ),
        (
            "never mind",
            "project.created Shop, task.created #1",
            "I leave it there. I had made the project Shop with #1. Say undo",
        ),
        (
            "undo",
            "project.created Shop, task.created #1, task.cancelled #1",
            "taken #1 Find clay back",
        ),
    ] {
        let slow = slow(|turn| turn == 0);
        let talk = Talk::with(slow.chief());
        let watched = Arc::clone(&slow);
        live_until(&talk, say(None, IDEA, None), |_| watched.asked().len() > 1);
        let model = quick();
        let talk = talk.restart(model.chief());
        runtime().block_on(async {
            let (id, ..) = story(&talk).await;

            let answered = talk
                .app
                .say(&Actor::Owner, say(Some(id), said, None))
                .await
                .unwrap();
            assert_eq!(done(&answered.message).join(", "), acts, "{said}");
            assert!(
                answered.message.text.contains(text),
                "{said}: {}",
                answered.message.text
            );
            assert!(model.asked().is_empty());

            // It is told once.
            let answered = talk
                .app
                .say(&Actor::Owner, say(Some(id), "what's blocked?", None))
                .await
                .unwrap();
            assert_eq!(done(&answered.message).join(", "), "", "{said}");
            let (_, progress, spoken) = story(&talk).await;
            assert_eq!(progress.is_some(), said == "what's blocked?");
            assert_eq!(spoken.last().unwrap().author, Author::ChiefOfStaff);
        });
    }
}

#[test]
fn what_was_cut_off_long_ago_is_not_gone_on_with() {
    let slow = slow(|turn| turn == 0);
    let talk = Talk::with(slow.chief());
    let watched = Arc::clone(&slow);
    live_until(&talk, say(None, IDEA, None), |_| watched.asked().len() > 1);
    let model = Following::new(|_| Some(says("Good morning.")));
    let talk = talk.restart(model.chief());
    talk.advance_hours(25);
    runtime().block_on(async {
        let (id, ..) = story(&talk).await;

        let answered = talk
            .app
            .say(
                &Actor::Owner,
                say(Some(id), "so where were we with all this", None),
            )
            .await
            .unwrap();

        assert_eq!(answered.message.text, "Good morning.");
        assert_eq!(turn(&model.asked()[0]), 0);
        let (_, progress, _) = story(&talk).await;
        assert_eq!(progress, None);
    });
}
