//! What is heard of an answer while it is made.

use std::sync::{Arc, Mutex};

use hearth_app::chat::Saying;
use hearth_domain::Actor;
use serde_json::json;

use super::super::speech::{OFFER, WORDS_MAX, words};
use super::support::Following;
use crate::chief_of_staff::tests::talk::Talk;
use crate::model::{Answer, Message};
use crate::test_support::{calls, says};

/// Says something freely; returns what was heard at each moment, and the answer.
async fn listen(talk: &Talk) -> (Vec<String>, String) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    let saying = Saying {
        text: "I've been thinking about a little shop".into(),
        listener: Some(Arc::new(move |so_far: &str| {
            hearing.lock().unwrap().push(so_far.to_owned());
        })),
        ..Saying::default()
    };
    let answer = talk.app.say(&Actor::Owner, saying).await.unwrap();
    let heard = heard.lock().unwrap().clone();
    (heard, answer.message.text)
}

fn grows(heard: &[String], whole: &str) {
    for pair in heard.windows(2) {
        assert!(pair[1].starts_with(&pair[0]), "{pair:?}");
    }
    let last = heard.last().unwrap();
    assert!(whole.starts_with(last), "{last:?} and {whole:?}");
}

#[tokio::test]
async fn sentences_are_heard_as_they_end_across_the_turns_of_the_model() {
    let model = Following::new(|request| {
        let has_acted = request
            .messages
            .iter()
            .any(|message| matches!(message, Message::Tool { .. }));
        Some(if has_acted {
            says("Clay comes first. Then we talk about glazes. Which colours do you like?")
        } else {
            calls("create_task", json!({"title": "Find clay"})).map(|answer| Answer {
                text: "What a lovely idea. One moment.".into(),
                ..answer
            })
        })
    });
    let talk = Talk::with(model.chief());

    let (heard, whole) = listen(&talk).await;

    grows(&heard, &whole);
    assert_eq!(heard.first().unwrap(), "What a lovely idea.");
    assert!(
        heard
            .iter()
            .any(|text| text.ends_with("One moment. Clay comes first.")),
        "{heard:?}"
    );
    assert_eq!(
        whole,
        "What a lovely idea. One moment. Clay comes first. Then we talk about glazes. Which \
         colours do you like? I've made #1."
    );
}

#[tokio::test]
async fn no_more_is_heard_than_is_said() {
    let model = Following::new(|_| Some(says(&"There are five words here. ".repeat(500))));
    let talk = Talk::with(model.chief());

    let (heard, whole) = listen(&talk).await;

    grows(&heard, &whole);
    assert!(whole.ends_with(OFFER) && words(&whole) <= WORDS_MAX);
    assert_eq!(format!("{} {OFFER}", heard.last().unwrap()), whole);
}
