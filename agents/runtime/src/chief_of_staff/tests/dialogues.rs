//! Conversations of several turns: questions and their answers, and orders taken back.

use hearth_domain::task::TaskStatus;
use hearth_domain::{Priority, field::OWNER};

use super::talk::Talk;

#[tokio::test]
async fn which_of_two_is_asked_and_answered_by_number_place_or_name() {
    for answer in ["1", "number one", "the first one", "the landing page"] {
        let mut talk = Talk::busy().await;
        talk.check("cancel the landing", "", "Which one do you mean")
            .await;

        if answer == "the landing page" {
            // Both have these words.
            talk.check(answer, "", "I need one of #1, #2").await;
            continue;
        }
        talk.check(answer, "task.cancelled #1", "cancelled #1 Landing page")
            .await;
    }
    let mut talk = Talk::busy().await;
    talk.say("cancel the landing").await;
    talk.check("the photos", "task.cancelled #2", "#2").await;
}

#[tokio::test]
async fn a_question_lapses_when_something_else_is_said_or_it_is_let_go() {
    let mut talk = Talk::busy().await;
    talk.say("cancel the landing").await;
    talk.check("what's blocked?", "", "#3").await;
    talk.check("1", "", "#1 Landing page is pending").await;

    talk.say("cancel the landing").await;
    talk.check("never mind", "", "changed nothing").await;
    talk.check("yes", "", "no question open").await;
    assert_eq!(talk.get(1).task.status(), TaskStatus::Pending);
}

#[tokio::test]
async fn a_near_name_is_taken_only_after_a_yes() {
    let mut talk = Talk::busy().await;
    talk.check("complete the newsleter", "", "Did you mean #3")
        .await;
    talk.check("yes", "task.completed #3", "#3 Newsletter is done")
        .await;

    let mut talk = Talk::busy().await;
    talk.say("complete the newsleter").await;
    talk.check("no", "", "changed nothing").await;
    assert_eq!(talk.get(3).task.status(), TaskStatus::Blocked);
}

#[tokio::test]
async fn a_project_of_a_like_name_is_asked_about() {
    let mut talk = Talk::busy().await;
    talk.say("add paint @wbe").await;
    talk.check("yes", "task.created #8", "Paint, in web").await;

    let mut talk = Talk::busy().await;
    talk.say("add paint @wbe").await;
    talk.check(
        "no",
        "project.created wbe, task.created #8",
        "in wbe|new project",
    )
    .await;
}

#[tokio::test]
async fn what_is_missing_is_asked_for() {
    let mut talk = Talk::busy().await;
    talk.say("block 7").await;
    talk.check("because she is ill", "task.blocked #7", "she is ill")
        .await;
    talk.say("answer 3").await;
    talk.check("warm", "task.answered #3", "\"warm\"").await;
    talk.say("add").await;
    talk.check(
        "buy milk tomorrow",
        "task.created #8",
        "Buy milk, due Wed 25 Nov 2026",
    )
    .await;
    talk.say("create a project").await;
    talk.check("Attic", "project.created Attic", "Attic").await;
    talk.say("7 is urgent").await;
    talk.check("yes please", "task.updated #7", "critical priority")
        .await;
    talk.say("write me a poem about autumn").await;
    talk.check("yes", "task.created #9", "Write me a poem about autumn")
        .await;
}

#[tokio::test]
async fn a_question_survives_a_restart() {
    let mut talk = Talk::busy().await;
    talk.say("cancel the landing").await;

    // All that is kept is in the store: the chief of staff itself keeps nothing.
    let mut talk = talk.restart(crate::ChiefOfStaff::default());
    talk.check("the second one", "task.cancelled #2", "#2")
        .await;
}

#[tokio::test]
async fn it_is_the_task_that_was_last_spoken_of() {
    let mut talk = Talk::busy().await;
    talk.say("add buy milk").await;
    talk.check(
        "make it high",
        "task.updated #8",
        "#8 Buy milk has high priority",
    )
    .await;
    talk.check(
        "it is due tomorrow",
        "task.updated #8",
        "due Wed 25 Nov 2026",
    )
    .await;
    talk.check("cancel it", "task.cancelled #8", "#8").await;
}

#[tokio::test]
async fn every_order_that_can_be_is_taken_back() {
    for (order, undone, says) in [
        (
            "add buy milk",
            "task.cancelled #8",
            "taken #8 Buy milk back",
        ),
        ("complete 7", "task.reopened #7", "pending again"),
        (
            "complete 3",
            "task.reopened #3, task.blocked #3",
            "blocked again",
        ),
        ("cancel 7", "task.reopened #7", "not cancelled any more"),
        (
            "cancel 3",
            "task.reopened #3, task.blocked #3",
            "blocked again, as it was",
        ),
        (
            "block 7 because of rain",
            "task.answered #7",
            "not blocked any more",
        ),
        ("i'm working on 7", "task.released #7", "out of your hands"),
        (
            "assign 7 to seed",
            "task.updated #7",
            "is for anybody again",
        ),
        (
            "make 7 high",
            "task.updated #7",
            "has medium priority again",
        ),
        (
            "1 is due monday",
            "task.updated #1",
            "is due Fri 27 Nov 2026 again",
        ),
        (
            "7 is due monday",
            "task.updated #7",
            "has no due date again",
        ),
        (
            "rename 7 to \"x\"",
            "task.updated #7",
            "#7 Call Ada has its old name again",
        ),
        ("label 7 as family", "task.updated #7", "labels it had"),
        ("move 7 to web", "task.updated #7", "project it was in"),
        (
            "repeat 7 every friday",
            "task.updated #7",
            "does not repeat",
        ),
        (
            "stop repeating 6",
            "task.updated #6",
            "comes every monday 09:00 again",
        ),
        (
            "create project attic",
            "project.deleted attic",
            "gone again",
        ),
        (
            "complete 1 and 7",
            "task.reopened #7, task.reopened #1",
            "pending again",
        ),
    ] {
        let mut talk = Talk::busy().await;
        talk.say(order).await;

        talk.check("undo", undone, says).await;
        talk.check("undo that", "", "nothing to take back").await;
    }
}

#[tokio::test]
async fn fields_are_as_they_were_after_an_undo() {
    let mut talk = Talk::busy().await;
    let before = talk.get(1).task;
    talk.say("make 1 low").await;
    talk.say("undo").await;
    talk.say("move 1 to garden").await;
    talk.say("undo").await;
    talk.say("assign 1 to me").await;
    assert_eq!(talk.get(1).task.reserved_for.unwrap().as_str(), OWNER);
    talk.say("take that back").await;

    let after = talk.get(1).task;
    assert_eq!(after.priority, Priority::High);
    assert_eq!(
        (after.project_id, after.reserved_for, after.due_at),
        (before.project_id, before.reserved_for, before.due_at)
    );
}

#[tokio::test]
async fn what_cannot_be_taken_back_says_so() {
    let mut talk = Talk::busy().await;
    talk.say("answer 3 warm").await;
    talk.check("undo", "", "cannot be taken back").await;
    talk.say("release 2").await;
    talk.check("undo", "", "assign 2 to seed").await;
}

#[tokio::test]
async fn what_somebody_changed_since_is_left_alone() {
    let mut talk = Talk::busy().await;
    talk.say("make 7 high").await;
    talk.claim(7, "scout").await;

    talk.check("undo", "", "changed since").await;

    assert_eq!(talk.get(7).task.priority, Priority::High);
}

#[tokio::test]
async fn a_task_that_repeats_comes_again_once() {
    let mut talk = Talk::busy().await;
    talk.say("complete 6").await;
    talk.app.keep_calendar().await.unwrap();
    talk.app.keep_calendar().await.unwrap();

    talk.check(
        "what repeats?",
        "",
        "#8 Water the plants, every monday 09:00",
    )
    .await;
    talk.check("what about 8", "", "Mon 7 Dec 2026, 09:00")
        .await;
}

#[tokio::test]
async fn an_answer_that_quotes_another_is_made_of_anothers_words() {
    let mut talk = Talk::busy().await;

    // Task 3 is blocked with a question of an agent's.
    let quoting = talk.say("what's blocked?").await;
    assert!(quoting.text.contains("#3") && quoting.labels.untrusted);
    let own = talk.say("show 1").await;
    assert!(own.text.contains("#1") && !own.labels.untrusted);
}
