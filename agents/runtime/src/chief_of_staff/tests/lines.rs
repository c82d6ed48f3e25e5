//! One line at a time, each on a node in the middle of things.

use proptest::prelude::*;

use super::super::task_line;
use super::talk::{Talk, seed};

/// `(said, does, answers)`, see [`super`]. The tasks are those of [`Talk::busy`].
const LINES: &[(&str, &str, &str)] = &[
    // What waits for the person.
    (
        "what's blocked?",
        "",
        "One task waits for you: #3 Newsletter is blocked: Which tone? (warm, formal)",
    ),
    ("whats blocked", "", "#3 Newsletter"),
    ("What is blocked", "", "answer 3"),
    ("which tasks are blocked", "", "#3"),
    ("is anything stuck", "", "#3"),
    ("do you need anything from me", "", "#3"),
    ("what's waiting for me?", "", "#3"),
    ("show me the blocked tasks", "", "#3"),
    // What waits for a yes or no.
    (
        "what needs my approval?",
        "",
        "Nothing waits for your approval.",
    ),
    ("what approvals are there", "", "Nothing waits"),
    ("what are you waiting for", "", "#3"),
    ("approve 1", "", "There is no approval 1."),
    ("yes to three", "", "There is no approval 3."),
    ("deny 3 because not today", "", "There is no approval 3."),
    ("show approval 3", "", "There is no approval 3."),
    ("allow that always", "", "one action at a time"),
    // What is being worked on.
    ("what's running?", "", "#2 Landing page photos, by seed"),
    ("what is going on", "", "#2"),
    ("what are you working on", "", "One task in progress"),
    ("who is working on what", "", "by seed"),
    ("what's in progress", "", "#2"),
    // What is due.
    (
        "what's due?",
        "",
        "2 tasks due in the next seven days: #1 Landing page, due Fri 27 Nov 2026; #6|one task overdue",
    ),
    ("what's due today", "", "Nothing is due today.|overdue"),
    ("whats due tomorrow", "", "Nothing is due tomorrow"),
    (
        "what is due this week",
        "",
        "#1 Landing page, due Fri 27 Nov 2026",
    ),
    ("what's due by friday?", "", "by Fri 27 Nov 2026|#1"),
    ("what is due on friday", "", "#1"),
    (
        "what's due next week",
        "",
        "#6 Water the plants, due Mon 30 Nov 2026, 09:00",
    ),
    (
        "what's overdue?",
        "",
        "One task overdue: #4 Pay the rent, was due Mon 23 Nov 2026",
    ),
    ("am i late with anything", "", "#4"),
    ("what do i have to do today", "", "Nothing is due today"),
    // What is next, what was done.
    ("what's next?", "", "Next is #4 Pay the rent"),
    ("what should i do next", "", "#4|After that: #1"),
    ("where should I start?", "", "#4"),
    (
        "what got done today?",
        "",
        "One task done today: #5 Old letter",
    ),
    ("what did we finish today", "", "#5"),
    ("what have you done today", "", "#5"),
    (
        "what was done yesterday",
        "",
        "Nothing was finished yesterday",
    ),
    ("what did I do this week?", "", "#5"),
    // How things stand.
    (
        "status",
        "",
        "You have 6 tasks open: 1 in progress, 1 blocked, 4 waiting.|One task overdue",
    ),
    ("give me an overview", "", "6 tasks open"),
    ("how are things going?", "", "6 tasks open"),
    ("good morning", "", "Hello! You have 6 tasks open"),
    ("hi", "", "Hello!"),
    ("morning summary please", "", "6 tasks open"),
    ("thanks", "", "welcome"),
    ("good night", "", "Goodbye"),
    (
        "how is web going?",
        "",
        "web: 0 of 2 done, 1 in progress, 0 blocked, 1 waiting.",
    ),
    ("status of the garden project", "", "garden: 0 of 1 done"),
    ("what about project web", "", "web: 0 of 2"),
    ("which projects are there?", "", "2 projects: web; garden."),
    ("list my projects", "", "web; garden"),
    ("what is seed doing", "", "Seed is"),
    ("is seed there", "", "Seed is"),
    (
        "what about 1",
        "",
        "#1 Landing page is pending|high priority|due Fri 27 Nov 2026|in web",
    ),
    (
        "show task number three",
        "",
        "#3 Newsletter is blocked: Which tone?",
    ),
    (
        "status of #2",
        "",
        "#2 Landing page photos is being worked on by seed",
    ),
    ("show newsletter", "", "#3 Newsletter"),
    ("5", "", "#5 Old letter was done on Tue 24 Nov 2026"),
    ("how far is the newsletter", "", "#3"),
    (
        "what repeats?",
        "",
        "#6 Water the plants, every monday 09:00",
    ),
    ("list open tasks", "", "6 tasks open: #1"),
    ("what's on my list", "", "6 tasks open"),
    ("open tasks in web", "", "2 tasks open in web"),
    (
        "list tasks with label phone",
        "",
        "One task open labelled phone: #7",
    ),
    (
        "show me the high priority tasks",
        "",
        "One task open with high priority: #1",
    ),
    ("how many tasks are there", "", "6 tasks open"),
    (
        "how many open tasks in garden?",
        "",
        "one task open in garden",
    ),
    ("list tasks in webb", "", "neither a project nor an agent"),
    ("find landing", "", "I found 2 tasks"),
    ("search for tasks about rent", "", "#4 Pay the rent"),
    ("find unicorns", "", "I find no task"),
    ("help", "", "I keep your tasks|complete 12"),
    ("what can you do?", "", "language model"),
    // Adding.
    (
        "add buy milk",
        "task.created #8",
        "I've added #8 Buy milk.|waits for you",
    ),
    (
        "add buy milk tomorrow at 3pm",
        "task.created #8",
        "due Wed 25 Nov 2026, 15:00",
    ),
    (
        "remind me to call the bank tomorrow at three pm",
        "task.created #8",
        "Call the bank|Wed 25 Nov 2026, 15:00",
    ),
    (
        "Create task: Build landing page @web !high",
        "task.created #8",
        "#8 Build landing page, in web, high priority",
    ),
    (
        "create a task to paint the fence high priority",
        "task.created #8",
        "Paint the fence|high priority",
    ),
    (
        "new task water the lawn in the garden project",
        "task.created #8",
        "Water the lawn|in garden",
    ),
    (
        "todo file taxes due 2026-12-01 #money",
        "task.created #8",
        "File taxes|due Tue 1 Dec 2026|money",
    ),
    (
        "Fix the gate @garden ~30m",
        "task.created #8",
        "Fix the gate|garden|30 minutes",
    ),
    (
        "i need to book a dentist next monday",
        "task.created #8",
        "Book a dentist|due Mon 30 Nov 2026",
    ),
    (
        "please add sweep the yard every saturday",
        "task.created #8",
        "Sweep the yard|every saturday|first is on Sat 28 Nov 2026",
    ),
    (
        "add deploy after #1 for seed",
        "task.created #8",
        "Deploy|after #1|for seed",
    ),
    (
        "don't forget to feed the cat",
        "task.created #8",
        "Feed the cat",
    ),
    (
        "add ship it @moon",
        "project.created moon, task.created #8",
        "moon is a new project",
    ),
    ("add 🎉 Größe prüfen", "task.created #8", "🎉 Größe prüfen"),
    ("add לקנות חלב", "task.created #8", "לקנות חלב"),
    (
        "add \"due friday\" sign",
        "task.created #8",
        "due friday sign",
    ),
    ("add", "", "What shall I add?"),
    ("new task", "", "What shall I add?"),
    // In doubt: nothing is made.
    (
        "add paint @wbe",
        "",
        "I don't know a project wbe. Did you mean web?",
    ),
    (
        "add water roses every blursday",
        "",
        "added nothing yet|every thursday",
    ),
    ("add call mom due fryday", "", "added nothing yet|friday"),
    (
        "add pay taxes due yesterday",
        "",
        "added nothing yet|past|Mon 23 Nov 2026",
    ),
    ("add paint !hgih", "", "added nothing yet|high"),
    ("add sweep after #99", "", "added nothing yet|#99"),
    ("water roses every flurb", "", "nothing yet"),
    // Projects.
    (
        "create project attic",
        "project.created attic",
        "I've made the project attic",
    ),
    (
        "new project called Big Move: everything about the move",
        "project.created Big Move",
        "Big Move",
    ),
    ("start a project named shop", "project.created shop", "shop"),
    ("create project web", "", "There is a project web already"),
    ("create a project", "", "What shall I call the project?"),
    // Completing.
    ("complete 7", "task.completed #7", "#7 Call Ada is done"),
    ("complete number seven", "task.completed #7", "#7"),
    ("done 7", "task.completed #7", "done"),
    ("mark task 7 as done", "task.completed #7", "done"),
    ("seven is done", "task.completed #7", "done"),
    ("call ada is done", "task.completed #7", "#7"),
    (
        "i have finished the call with ada",
        "task.completed #7",
        "#7 Call Ada is done",
    ),
    ("complete 7: she says hello", "task.completed #7", "done"),
    (
        "complete 1 and 7",
        "task.completed #1, task.completed #7",
        "#1 Landing page is done|#7",
    ),
    (
        "finish the newsletter",
        "task.completed #3",
        "#3 Newsletter is done",
    ),
    ("complete 2", "", "Seed is working on #2"),
    ("complete 5", "", "#5 Old letter is done already."),
    (
        "complete 6",
        "task.completed #6",
        "It comes again on Mon 7 Dec 2026, 09:00",
    ),
    ("complete 99", "", "There is no task #99"),
    (
        "complete the landing page photos",
        "",
        "Seed is working on #2",
    ),
    (
        "complete the landing",
        "",
        "Which one do you mean: #1 Landing page, or #2",
    ),
    ("complete the newsleter", "", "Did you mean #3 Newsletter?"),
    ("complete the moon landing", "", "no task called"),
    // Blocking, answering, cancelling.
    (
        "block 7 because she is on holiday",
        "task.blocked #7",
        "I've blocked #7 Call Ada: she is on holiday",
    ),
    ("block call ada: no number", "task.blocked #7", "no number"),
    (
        "7 is blocked because of the weather",
        "task.blocked #7",
        "of the weather",
    ),
    ("block 7", "", "Why is #7 Call Ada blocked?"),
    (
        "answer 3 warm",
        "task.answered #3",
        "I've answered #3 Newsletter with \"warm\"",
    ),
    ("answer 3: Formal", "task.answered #3", "\"formal\""),
    (
        "answer number three with something in between",
        "task.answered #3",
        "something in between",
    ),
    ("answer newsletter: warm", "task.answered #3", "warm"),
    ("answer 3", "", "What shall I answer?"),
    ("answer 7 yes", "", "#7 Call Ada asks nothing"),
    ("unblock 3", "task.answered #3", "unblocked #3"),
    (
        "cancel 7",
        "task.cancelled #7",
        "I've cancelled #7 Call Ada.|undo",
    ),
    (
        "cancel task seven because she called",
        "task.cancelled #7",
        "cancelled #7",
    ),
    ("drop the newsletter", "task.cancelled #3", "#3"),
    (
        "please cancel #2",
        "task.cancelled #2",
        "Work on it is being stopped",
    ),
    ("cancel 5", "", "is completed"),
    (
        "cancel 6",
        "task.cancelled #6",
        "comes again on Mon 7 Dec 2026, 09:00|stop repeating 6",
    ),
    ("cancel", "", "no question open"),
    ("reopen 5", "task.reopened #5", "reopened #5"),
    ("5 is not done yet", "task.reopened #5", "pending again"),
    (
        "release 2",
        "task.released #2",
        "taken #2 Landing page photos back from seed",
    ),
    ("release 1", "", "Nobody is working on #1"),
    (
        "i'm working on 7",
        "task.claimed #7",
        "#7 Call Ada is yours for an hour",
    ),
    // Assigning and changing.
    ("assign 1 to seed", "task.updated #1", "is for seed now"),
    ("give 1 to me", "task.updated #1", "is yours now"),
    ("let seed do 7", "task.updated #7", "is for seed now"),
    ("unassign 4", "task.updated #4", "for anybody"),
    (
        "make 7 high",
        "task.updated #7",
        "has high priority now; it was medium",
    ),
    (
        "set seven to critical",
        "task.updated #7",
        "critical priority",
    ),
    (
        "set the priority of 7 to low",
        "task.updated #7",
        "low priority",
    ),
    (
        "make call ada high priority",
        "task.updated #7",
        "high priority",
    ),
    ("7 is high priority", "task.updated #7", "high"),
    ("raise 7", "task.updated #7", "high priority now"),
    ("lower 1", "task.updated #1", "medium priority now"),
    ("make 1 high", "", "#1 Landing page is high already"),
    ("7 is urgent", "", "Shall I make #7 Call Ada critical?"),
    (
        "7 is due friday",
        "task.updated #7",
        "is due Fri 27 Nov 2026 now",
    ),
    (
        "move 1 to monday",
        "task.updated #1",
        "is due Mon 30 Nov 2026 now",
    ),
    (
        "postpone 1 to next week",
        "task.updated #1",
        "Mon 30 Nov 2026",
    ),
    (
        "postpone 1 by 2 days",
        "task.updated #1",
        "is due Sun 29 Nov 2026 now",
    ),
    (
        "1 has no due date",
        "task.updated #1",
        "has no due date now",
    ),
    (
        "7 is due yesterday",
        "",
        "Mon 23 Nov 2026 is in the past|Which day",
    ),
    ("7 is due blursday", "", "don't know the date \"blursday\""),
    ("move 7 to web", "task.updated #7", "is in web now"),
    (
        "move 7 to project garden",
        "task.updated #7",
        "is in garden now",
    ),
    (
        "move 7 to project moon",
        "",
        "don't know a project \"moon\"",
    ),
    (
        "rename 7 to \"Ring Ada\"",
        "task.updated #7",
        "#7 Ring Ada is its name now; it was \"Call Ada\"",
    ),
    ("label 7 as family", "task.updated #7", "labelled"),
    ("label 7 family", "task.updated #7", "family"),
    (
        "remove the label phone from 7",
        "task.updated #7",
        "has no label now",
    ),
    (
        "7 after 1",
        "task.updated #7",
        "waits for #1 Landing page now",
    ),
    (
        "repeat 7 every friday",
        "task.updated #7",
        "comes every friday now",
    ),
    ("stop repeating 6", "task.updated #6", "comes no more"),
    ("stop repeating 7", "", "does not repeat"),
    // What cannot be read, or needs a model.
    (
        "write me a poem about autumn",
        "",
        "language model|Shall I add",
    ),
    (
        "plan my launch",
        "",
        "language model|Shall I add \"plan my launch\" as a task?",
    ),
    ("why is the sky blue", "", "language model"),
    (
        "colourless green ideas",
        "",
        "didn't understand|Shall I add",
    ),
    ("🎉🎉🎉", "", "Shall I add"),
    ("שלום", "", "didn't understand"),
    ("99", "", "There is no task #99"),
    ("undo", "", "nothing to take back"),
    ("yes", "", "no question open"),
    ("what about 99", "", "There is no task #99"),
    ("complete it", "", "Which task do you mean"),
    ("?!", "", "heard nothing"),
];

#[tokio::test]
async fn every_line_is_understood_and_answered_as_it_should_be() {
    assert!(LINES.len() >= 120, "{} lines", LINES.len());
    let mut wrong = Vec::new();
    for (said, does, answers) in LINES {
        let (said, does, answers) = (
            (*said).to_owned(),
            (*does).to_owned(),
            (*answers).to_owned(),
        );
        let line = said.clone();
        let checked = tokio::spawn(async move {
            let mut talk = Talk::busy().await;
            talk.check(&said, &does, &answers).await;
        });
        if let Err(failure) = checked.await {
            let why = failure.into_panic();
            let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
            wrong.push(format!("{line}\n    {why}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        LINES.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn a_viewer_may_ask_and_not_order() {
    let mut talk = Talk::busy().await;
    talk.actor = hearth_domain::Actor::Viewer;

    talk.check("what's blocked?", "", "#3").await;
    talk.check("cancel 7", "", "may not").await;
    talk.check("add buy milk", "", "may not").await;
    talk.check("complete 7", "", "may not").await;
}

#[tokio::test]
async fn an_agent_orders_what_an_agent_may() {
    let mut talk = Talk::busy().await;
    talk.actor = seed();

    talk.check("add buy milk", "task.created #8", "#8 Buy milk")
        .await;
    talk.check("cancel 7", "", "may not").await;
    talk.check("create project x", "", "may not").await;
}

#[tokio::test]
async fn ten_thousand_words_are_answered_in_a_few() {
    let mut talk = Talk::busy().await;
    let long = "and then the weather turned ".repeat(2_000);

    for lead in [
        "",
        "add ",
        "complete ",
        "find ",
        "block 7 because ",
        "answer 3: ",
        "move 7 to ",
    ] {
        talk.say(&format!("{lead}{long}")).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// [`Talk::say`] holds each answer to the style, and changes against what is said to be done.
    #[test]
    fn any_text_is_answered_and_changes_nothing_it_does_not_own_up_to(
        messages in prop::collection::vec(
            prop_oneof![
                "\\PC{1,60}",
                "((add|complete|cancel|block|answer|move|make|what|is|due|blocked|the|landing|page|7|3|#1|to|web|@web|high|friday|every|because|undo|yes|no|first|it|done|assign|seed|rename|\"x\"|:) ){1,9}",
            ],
            1..5,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut talk = Talk::busy().await;
            for message in messages.iter().filter(|message| !message.trim().is_empty()) {
                talk.say(message).await;
            }
        });
    }
}

#[test]
fn words_that_tell_of_a_task_are_its_line() {
    for (words, line) in [
        ("remind me to call Ann tomorrow.", "Call Ann tomorrow"),
        ("add water the roses", "Water the roses"),
        ("Add a task to pay the rent !high", "Pay the rent !high"),
        ("call the bank tomorrow", "Call the bank tomorrow"),
        ("What is blocked?", "What is blocked?"),
        ("add", "Add"),
        ("", ""),
    ] {
        assert_eq!(task_line(words), line, "{words}");
    }
}
