//! What the model is told of what was said before.

use serde_json::json;

use super::support::{Following, busy, calls, last_said, talk};
use crate::chief_of_staff::tests::talk::Talk;
use crate::model::{AskError, Message, Request};
use crate::test_support::says;

/// About how many tokens a request is without its tools.
fn size(request: &Request) -> usize {
    let messages = request.messages.iter().map(|message| match message {
        Message::User(text) | Message::Model { text, .. } => text.len(),
        Message::Tool { content, .. } => content.len(),
    });
    (request.system.len() + messages.sum::<usize>()) / 4
}

#[tokio::test]
async fn the_model_is_told_who_when_and_how_things_are() {
    let (mut talk, script) = busy([says("I see.")]).await;

    talk.say("so how do you feel about all of this").await;

    let system = &script.asked()[0].system;
    for piece in [
        "It is Tue 24 Nov 2026, 10:00 (Europe/Berlin).",
        "4 pending",
        "1 in progress",
        "1 blocked",
        "Projects: \"garden\", \"web\".",
        "seed",
    ] {
        assert!(system.contains(piece), "{piece}\n{system}");
    }
}

#[tokio::test]
async fn the_last_messages_are_told_in_turns_with_what_was_done() {
    let (mut talk, script) = talk([
        calls([("create_task", json!({"title": "Find clay"}))]),
        says("I've added #1."),
        says("Yes."),
    ]);
    talk.say("add buy milk").await;
    talk.say("I've been thinking about a little shop for my pottery")
        .await;

    talk.say("do you remember what we talked about").await;

    let request = script.asked().pop().unwrap();
    let turns: Vec<(&str, &str)> = request
        .messages
        .iter()
        .map(|message| match message {
            Message::User(text) => ("user", text.as_str()),
            Message::Model { text, .. } => ("model", text.as_str()),
            Message::Tool { content, .. } => ("tool", content.as_str()),
        })
        .collect();
    assert_eq!(turns.len(), 5, "{turns:?}");
    assert_eq!(turns[0], ("user", "add buy milk"));
    assert!(turns[1].1.ends_with("[done: task.created #1]"), "{turns:?}");
    assert_eq!(turns[3].0, "model");
    assert!(turns[3].1.ends_with("[done: task.created #2]"), "{turns:?}");
    assert_eq!(last_said(&request), "do you remember what we talked about");
}

#[tokio::test]
async fn of_200_messages_no_fact_that_was_stored_is_lost() {
    let (mut talk, script) = talk((0..60).map(|_| says("The gist of it.")));
    for number in 1..=12 {
        talk.say(&format!("add plant number {number} in the garden"))
            .await;
    }
    talk.say("complete 3").await;
    for number in 0..44 {
        let words = "many words about nothing much ".repeat(40);
        talk.say(&format!("well {number} so I was thinking about {words}"))
            .await;
    }
    for number in 13..=55 {
        talk.say(&format!("add plant number {number} in the garden"))
            .await;
    }

    talk.say("so what do you make of all of that").await;

    let asked = script.asked();
    let last = asked.last().unwrap();
    assert_eq!(last_said(last), "so what do you make of all of that");
    let known = last
        .messages
        .iter()
        .fold(last.system.clone(), |known, message| match message {
            Message::User(text) | Message::Model { text, .. } => known + "\n" + text,
            Message::Tool { .. } => known,
        });
    for number in 1..=55 {
        assert!(known.contains(&format!("#{number}")), "#{number}\n{known}");
    }
    assert!(
        known.contains("#3 Plant number 3 in the garden (created, completed)"),
        "{known}"
    );
    assert!(known.contains("In short: The gist of it."), "{known}");
    assert!(asked.iter().all(|request| size(request) < 8000));
    // Not with every message: a summary leaves room.
    let summaries = asked.iter().filter(|request| is_summary(request)).count();
    assert!((1..=12).contains(&summaries), "{summaries}");
}

#[tokio::test]
async fn where_no_summary_is_to_be_had_the_record_is_told_all_the_same() {
    let model = Following::new(|request| {
        Some(if is_summary(request) {
            Err(AskError::None("it is off".into()))
        } else {
            says("I see.")
        })
    });
    let mut talk = Talk::with(model.chief());
    talk.say("add find clay").await;
    for number in 0..9 {
        let words = "many words about nothing much ".repeat(80);
        talk.say(&format!("well {number} so I was thinking about {words}"))
            .await;
    }

    talk.check("so what do you make of all of that", "", "I see.")
        .await;

    let asked = model.asked();
    assert!(asked.iter().any(is_summary));
    let last = asked.last().unwrap();
    assert!(
        last.system.contains("#1 Find clay (created)"),
        "{}",
        last.system
    );
    assert!(!last.system.contains("In short"), "{}", last.system);
}

fn is_summary(request: &Request) -> bool {
    request.system.contains("keep the memory")
}
