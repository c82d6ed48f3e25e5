//! Who answers: the grammar what it reads exactly, the model the rest.

use hearth_domain::Actor;
use hearth_domain::money::{Resource, Scope};
use serde_json::json;

use super::support::{busy, calls, chief, done, last_said, talk};
use crate::model::AskError;
use crate::test_support::{Scripted, says};

#[tokio::test]
async fn what_the_grammar_reads_exactly_costs_nothing() {
    let (mut talk, script) = busy([]).await;

    for (said, does, answers) in [
        ("what's blocked?", "", "#3 Newsletter"),
        ("status", "", "6 tasks open"),
        ("hello", "", "Hello!"),
        ("thanks", "", "welcome"),
        ("5", "", "#5 Old letter"),
        ("what about the newsletter", "", "#3"),
        ("find letter", "", "#5"),
        ("approve 1", "", "There is no approval 1."),
        ("yes", "", "no question open"),
        ("add buy milk tomorrow", "task.created #8", "Buy milk"),
        (
            "remind me to call Ada friday",
            "task.created #9",
            "Call Ada",
        ),
        ("make it high", "task.updated #9", "high priority"),
        ("undo", "task.updated #9", "medium"),
        ("i need to buy bread", "task.created #10", "Buy bread"),
        (
            "Paint the fence @garden !low",
            "task.created #11",
            "in garden",
        ),
        ("complete 7", "task.completed #7", "Call Ada"),
        ("create project attic", "project.created attic", "attic"),
        ("cancel the landing", "", "Which one do you mean"),
        ("1", "task.cancelled #1", "Landing page"),
        ("answer 3 warm", "task.answered #3", "warm"),
        ("what can you do?", "", "Or say it freely."),
    ] {
        talk.check(said, does, answers).await;
    }

    assert!(script.asked().is_empty());
}

#[tokio::test]
async fn what_is_said_freely_goes_to_the_model() {
    const SAID: [&str; 12] = [
        "I've been thinking about a little shop for my pottery",
        "what about hiring a designer for the launch?",
        "cancel my gym membership",
        "find me a good venue for the party",
        "plan my launch",
        "write me a poem about autumn",
        "i need to launch my online shop by march and have no idea where to start with it",
        "i need to plan my wedding",
        "my brother's birthday is due in three weeks and it has to be really great this time",
        "create a project for my podcast with tasks for recording and editing",
        "list tasks for marketing",
        "why is the newsletter stuck",
    ];
    let (mut talk, script) = busy(SAID.map(|_| says("I see."))).await;

    for said in SAID {
        talk.check(said, "", "I see.").await;
    }

    let asked: Vec<String> = script.asked().iter().map(last_said).collect();
    assert_eq!(asked, SAID);
}

#[tokio::test]
async fn a_yes_goes_to_whoever_asked() {
    let (mut talk, script) = busy([
        says("Shall I set it up as a project?"),
        calls([("create_project", json!({"name": "Shop"}))]),
        says("Shop is there."),
    ])
    .await;

    talk.say("I've been thinking about a little shop for my pottery")
        .await;
    let answer = talk.say("yes please").await;
    assert_eq!(done(&answer), ["project.created Shop"]);
    assert_eq!(last_said(&script.asked()[1]), "yes please");
    // It asked nothing this time.
    talk.check("yes", "", "no question open").await;

    // The grammar's own question is the grammar's.
    talk.check("complete the newsleter", "", "Did you mean #3")
        .await;
    talk.check("yes", "task.completed #3", "#3").await;
    assert_eq!(script.asked().len(), 3);
}

#[tokio::test]
async fn perfect_is_a_yes_to_whoever_asked_and_thanks_is_thanks() {
    let (mut talk, script) = talk([says("Shall I go on?"), says("Gladly. And then?")]);

    talk.say("I've been thinking about a little shop for my pottery")
        .await;
    talk.check("perfect", "", "Gladly").await;
    talk.check("thank you", "", "welcome").await;

    assert_eq!(script.asked().len(), 2);
}

#[tokio::test]
async fn where_no_model_answers_it_says_so_and_the_grammar_goes_on() {
    let (mut talk, script) = busy([
        Err(AskError::None("nothing listens at 127.0.0.1:11434".into())),
        Err(AskError::Refused("too long".into())),
        says("  "),
    ])
    .await;

    talk.check(
        "I've been thinking about a little shop",
        "",
        "The model doesn't answer (nothing listens at 127.0.0.1:11434), so I go by set phrases.|Shall I add",
    )
    .await;
    talk.check("yes", "task.created #8", "little shop").await;
    talk.check(
        "plan my launch",
        "",
        "The model refused (too long), so I go by set phrases.",
    )
    .await;
    talk.check("never mind", "", "changed nothing").await;
    talk.check(
        "plan my launch",
        "",
        "The model's answer was empty, so I go by set phrases.",
    )
    .await;

    assert_eq!(script.asked().len(), 3);
}

#[tokio::test]
async fn where_there_is_no_money_it_says_so_and_the_grammar_goes_on() {
    let script = Scripted::new([says("Never asked.")]);
    let mut talk = crate::chief_of_staff::tests::talk::Talk::with(chief(&script));
    let none = vec![(Resource::Tokens, Some(0))];
    let set = talk.app.set_budget(&Actor::Owner, Scope::EachDay, none);
    set.await.unwrap();

    talk.check("plan my launch", "", "so I go by set phrases.")
        .await;

    assert!(script.asked().is_empty());
}

#[tokio::test]
async fn a_model_that_fails_in_the_middle_is_gone_on_with() {
    let (mut talk, script) = talk([
        calls([("create_task", json!({"title": "Find clay"}))]),
        Err(AskError::None("it is off".into())),
        says("Clay comes first, with #1."),
    ]);

    let answer = talk
        .say("I've been thinking about a little shop for my pottery")
        .await;
    assert_eq!(done(&answer), ["task.created #1"]);
    assert_eq!(
        answer.text,
        "I've made #1. The model doesn't answer (it is off). Say \"go on\" and I'll finish it."
    );
    // It was told of already.
    talk.check("what's open", "", "Find clay").await;
    talk.check("go on", "", "Clay comes first").await;

    let last = script.asked().pop().unwrap();
    assert_eq!(last_said(&last), "go on");
    assert_eq!(super::support::results(&last).len(), 1);
}
