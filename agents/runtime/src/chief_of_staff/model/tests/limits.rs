//! The limits of what is said, made and sent.

use serde_json::json;
use tiktoken_rs::{cl100k_base, o200k_base};

use super::super::{prompt, speech, tools};
use super::support::{Following, Outcome, busy, calls, done, results, talk};
use crate::chief_of_staff::tests::talk::Talk;
use crate::test_support::says;

/// What of a prompt is always sent, tools included.
const FIXED_TOKENS_MAX: usize = 2000;

#[test]
fn the_fixed_prompt_and_the_tools_are_at_most_2000_tokens() {
    let specs = tools::specs();
    let tools = specs.iter().map(|tool| {
        // As the providers' interfaces have it.
        json!({"type": "function", "function": {
            "name": tool.name, "description": tool.description, "parameters": tool.schema,
        }})
        .to_string()
    });
    let sent = [prompt::FIXED.to_owned(), tools.collect()].concat();

    for (name, tokenizer) in [("o200k", o200k_base()), ("cl100k", cl100k_base())] {
        let tokens = tokenizer.unwrap().encode_ordinary(&sent).len();
        println!("{name}: {tokens} tokens");
        assert!(tokens <= FIXED_TOKENS_MAX, "{name}: {tokens} tokens");
        assert!(tokens > 500, "{name}: {tokens} tokens");
    }
}

#[test]
fn the_six_tools_have_their_names_and_plain_schemas() {
    let names: Vec<&str> = tools::specs()
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();

    assert_eq!(
        names,
        [
            "create_project",
            "create_task",
            "query_tasks",
            "update_task",
            "get_agent_status",
            "create_artifact"
        ]
    );
    let task = &tools::specs()[1].schema;
    assert_eq!(task["required"], json!(["title"]));
    assert_eq!(task["properties"]["title"]["type"], "string");
    let levels = &task["properties"]["priority"]["enum"];
    assert_eq!(levels, &json!(["low", "medium", "high", "critical"]));
    assert_eq!(task["properties"]["context"]["type"], "object");
    assert_eq!(task["properties"]["after"]["type"], "array");
    assert_eq!(
        tools::specs()[3].schema["properties"]["updates"]["properties"]["title"]["type"],
        "string"
    );
    for tool in tools::specs() {
        assert!(jsonschema::meta::is_valid(&tool.schema), "{}", tool.name);
    }
}

#[tokio::test]
async fn of_5000_words_some_are_said_and_the_rest_is_shown_when_asked_for() {
    let sentence = "There are five words here. ";
    let (mut talk, script) = talk([says(&sentence.repeat(1000)), says("Short this time.")]);

    let answer = talk.say("tell me all you know about gardens").await;
    assert!(answer.text.ends_with(speech::OFFER), "{}", answer.text);
    let said = speech::words(&answer.text);
    assert!(said > 60 && said <= speech::WORDS_MAX, "{said}");

    for message in [
        "show the rest",
        "the rest please",
        "show me the rest in writing",
    ] {
        let rest = talk
            .app
            .chat(&talk.actor, talk.conversation, message)
            .await
            .unwrap();
        let words = speech::words(&rest.text) + said - speech::words(speech::OFFER);
        assert_eq!(words, 5000, "{message}");
    }
    assert_eq!(script.asked().len(), 1);
    // The next answer has no rest.
    talk.say("and what do you make of cellars then").await;
    let rest = talk
        .app
        .chat(&talk.actor, talk.conversation, "the rest please")
        .await;
    assert!(!rest.unwrap().text.contains("five words"));
}

#[tokio::test]
async fn of_six_questions_three_are_asked() {
    let (mut talk, _) = talk([says("Who? What? Where? When? Why? How?")]);

    let answer = talk.say("let us think about a garden party").await;

    assert_eq!(answer.text, format!("Who? What? Where? {}", speech::OFFER));
    let rest = talk.say("show the rest").await;
    assert_eq!(rest.text, "When? Why? How?");
}

#[tokio::test]
async fn a_model_that_never_stops_calling_is_stopped() {
    let again = || calls([("query_tasks", json!({}))]);
    let (mut talk, script) = busy((0..20).map(|_| again())).await;

    let answer = talk
        .say("look around until you find something of interest")
        .await;

    let asked = script.asked();
    assert_eq!(asked.len(), 8);
    assert!(asked[..7].iter().all(|request| !request.tools.is_empty()));
    assert!(asked[7].tools.is_empty());
    assert!(asked[7].system.ends_with("Answer with what you have."));
    assert!(!answer.text.is_empty());
}

#[tokio::test]
async fn one_message_makes_at_most_40_calls() {
    let many = |first: usize| -> Outcome {
        let title = |number: usize| json!({"title": format!("Step {number}")});
        calls((first..first + 30).map(|number| ("create_task", title(number))))
    };
    let (mut talk, script) = talk([many(0), many(30), says("That is a start.")]);

    let answer = talk.say("do a hundred things for me all at once").await;

    assert_eq!(done(&answer).len(), 40);
    assert!(results(&script.asked()[2])[59].contains("not done: one message may make 40 calls"));
    assert!(script.asked()[2].tools.is_empty());
    assert!(
        answer.text.contains("#7, #8 and 32 more"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_model_without_tools_is_told_so_and_talks() {
    let model = Following::without_tools(|_| Some(says("Say: add find clay.")));
    let mut talk = Talk::with(model.chief());

    talk.check(
        "let us think about a pottery shop",
        "",
        "Say: add find clay.",
    )
    .await;

    let request = &model.asked()[0];
    assert!(request.tools.is_empty());
    assert!(request.system.contains("You cannot call tools now."));
}
