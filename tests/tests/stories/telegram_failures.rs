//! What the person at the other end of Telegram has of it when something fails: another program takes the messages,
//! the bot is blocked, the node is killed in the middle of a press; and what they see while nothing does.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hearth_tests::bot_api::{BotApi, Failure, Sent};
use hearth_tests::node::TestNode;
use serde_json::json;

use crate::telegram::{facility, options, run, says};

const LIMIT: Duration = Duration::from_mins(1);
const ADA: i64 = 5;

/// Options of a node that Ada need not pair with, and that tells her things at any hour.
fn hers(bot: &BotApi) -> hearth_tests::node::Options {
    let users = ("HEARTH_TELEGRAM_USERS", "5");
    options(bot, &[users, ("HEARTH_QUIET_FROM", "off")])
}

/// A task that asks Ada something, or waits for her otherwise.
async fn blocked(
    node: &TestNode,
    title: &str,
    reason: &str,
    options: &[&str],
) -> anyhow::Result<()> {
    let api = node.api()?;
    let task = api.post("/tasks", json!({ "title": title })).await?;
    let number = task["number"].as_u64().context("a number")?;
    api.post(&format!("/tasks/{number}/claim"), json!({"agent": "scout"}))
        .await?;
    let block = json!({"agent": "scout", "fence": 1, "reason": reason, "options": options});
    api.post(&format!("/tasks/{number}/block"), block).await?;
    Ok(())
}

async fn until(what: &str, limit: Duration, fits: impl Fn() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    while !fits() {
        ensure!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// How often each of two nodes is in the other's way is up to them; each says so once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_of_one_bot_say_so_once_each_and_the_one_that_is_left_works_again()
-> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let first = TestNode::start(&hers(&bot))?;
    facility(&first, |telegram| telegram["is_available"] == true).await?;
    let mut second = TestNode::start(&hers(&bot))?;
    let conflicts = |count| {
        let bot = &bot;
        move || bot.conflicts() >= count
    };
    until("they are in each other's way", LIMIT, conflicts(2)).await?;
    let is_told = |telegram: &serde_json::Value| {
        let reason = telegram["reason"].as_str().unwrap_or_default();
        reason.contains("another program")
    };
    let told = facility(&first, is_told).await?;
    facility(&second, is_told).await?;
    let remedy = told["remedy"].as_str().unwrap_or_default();
    ensure!(remedy.contains("@BotFather"), "{told}");
    let said = |node: &TestNode| node.log().matches("another program").count();
    let (of_first, of_second) = (said(&first), said(&second));
    until("they go on", LIMIT, conflicts(4)).await?;
    ensure!(
        (said(&first), said(&second)) == (of_first, of_second),
        "{}",
        first.log()
    );
    ensure!(first.log().matches("Telegram is not connected").count() == 1);

    ensure!(second.stop()? == Some(0));
    let works = || first.log().matches("Telegram is connected").count() == 2;
    until("it works again", LIMIT * 2, works).await?;
    bot.write(ADA, "add buy apples");
    bot.wait_for("an answer", says("I've added")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_blocked_bot_cannot_tell_waits_and_is_told_when_she_writes_again()
-> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let node = TestNode::start(&hers(&bot))?;
    bot.write(ADA, "hello");
    bot.wait_for("a greeting", |sent| sent.chat == ADA).await?;
    bot.fail("sendMessage", Failure::Status(403, None));
    blocked(&node, "Paint the fence", "Which colour?", &["red", "blue"]).await?;

    let api = node.api()?;
    let state = api
        .wait_for("/telegram", LIMIT, |state| {
            !state["chats"][0]["closed_at"].is_null()
        })
        .await?;
    ensure!(state["messages_dead"] == 0, "{state}");
    let notices = api.get("/notices").await?;
    ensure!(notices["items"][0]["delivered_at"].is_null(), "{notices}");
    let doctor = node.hearth(&["doctor"])?;
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    ensure!(doctor.contains("cannot be reached"), "{doctor}");
    ensure!(run(&node, &["telegram", "status"])?.contains("write to the bot there"));

    bot.write(ADA, "are you there?");
    let asked = bot.wait_for("the question", says("Which colour?")).await?;
    ensure!(asked.buttons.len() == 2, "{asked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_during_which_the_node_is_killed_counts_once_and_says_so() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let folder = tempfile::Builder::new().prefix("hearth-test-").tempdir()?;
    let mut node = TestNode::start_in(folder.path(), &hers(&bot))?;
    bot.write(ADA, "hello");
    bot.wait_for("a greeting", |sent| sent.chat == ADA).await?;
    blocked(&node, "Paint the fence", "Which colour?", &["red", "blue"]).await?;
    let asked = bot.wait_for("the question", says("Which colour?")).await?;

    // It is answered, and that is not yet noted.
    bot.fail("answerCallbackQuery", Failure::Slow(Duration::from_mins(1)));
    bot.press(ADA, &asked, &asked.buttons[1].1);
    node.api()?
        .wait_for("/tasks/1", LIMIT, |task| task["status"] == "pending")
        .await?;
    until("the press is answered", LIMIT, || {
        bot.calls("answerCallbackQuery") == 1
    })
    .await?;
    node.kill()?;

    let node = TestNode::start_in(folder.path(), &hers(&bot))?;
    let edited = bot
        .wait_for("what came of it", |sent| sent.method == "editMessageText")
        .await?;
    ensure!(
        edited.message == asked.message && edited.text.contains("was answered: blue"),
        "{edited:?}"
    );
    let task = node.api()?.get("/tasks/1").await?;
    let answers = task["context"]["answers"].as_array().context("answers")?;
    ensure!(
        answers.len() == 1 && answers[0]["answer"] == "blue",
        "{task}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_listed_answered_in_words_and_shown_in_full() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let node = TestNode::start(&options(
        &bot,
        &[
            ("HEARTH_TELEGRAM_USERS", "5"),
            ("HEARTH_TELEGRAM_NOTICES", "false"),
        ],
    ))?;
    let api = node.api()?;
    let long = format!("Which of these? {}", "word ".repeat(1_200));
    let options = [
        "the one that is red and costs a little more than the other",
        "none",
    ];
    blocked(&node, "Choose", &long, &options).await?;
    blocked(&node, "Call Bea", "Whose number is it?", &[]).await?;
    api.post("/tasks", json!({"title": "Sand the door"}))
        .await?;
    api.post("/tasks/3/claim", json!({"agent": "scout"}))
        .await?;

    bot.write(ADA, "/status");
    bot.wait_for("what is at work", |sent| {
        sent.text == "Active tasks: 1\n#3 Sand the door: with scout"
    })
    .await?;
    bot.write(ADA, "/blocked");
    let first = bot
        .wait_for("the question", says("Whose number is it?"))
        .await?;
    ensure!(first.text.contains("/answer 2"), "{first:?}");
    bot.wait_for("the last", |sent| !sent.buttons.is_empty())
        .await?;
    let sent: Vec<Sent> = bot.sent();
    let parts = &sent[2..];
    ensure!(
        parts.len() == 2 && parts[0].buttons.is_empty() && parts[1].text.contains(options[0]),
        "{parts:?}"
    );
    let labels = parts[1].labels();
    ensure!(
        labels[0].starts_with("1. the one that is red") && labels[1] == "2. none",
        "{labels:?}"
    );
    let shown: usize = parts
        .iter()
        .map(|part| part.text.matches("word").count())
        .sum();
    ensure!(shown == 1_200, "{shown} of the words came");

    bot.write(ADA, "/answer 2 it is Bea's own");
    let task = api
        .wait_for("/tasks/2", LIMIT, |task| task["status"] == "pending")
        .await?;
    ensure!(
        task["context"]["answers"][0]["answer"] == "it is Bea's own",
        "{task}"
    );

    // What takes a while shows that somebody is at it.
    ensure!(bot.calls("sendChatAction") == 0);
    bot.fail("getFile", Failure::Slow(Duration::from_secs(2)));
    bot.message(ADA, &json!({"voice": {"file_id": "gone", "duration": 1}}));
    bot.wait_for("that it is gone", says("wrong file_id"))
        .await?;
    ensure!(bot.calls("sendChatAction") >= 1);
    Ok(())
}
