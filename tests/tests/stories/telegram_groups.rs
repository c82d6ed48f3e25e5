//! Who may talk over Telegram: by the settings, for as long as they say so, and in groups.

use std::time::{Duration, Instant};

use anyhow::ensure;
use hearth_tests::bot_api::{BotApi, Sent};
use hearth_tests::node::TestNode;
use serde_json::{Value, json};

use crate::telegram::{options, run, says};

const LIMIT: Duration = Duration::from_mins(1);
const ADA: i64 = 5;
const EVE: i64 = 6;
const GROUP: i64 = -9;

fn in_group(bot: &BotApi, user: i64, more: &Value) {
    let chat = json!({"id": GROUP, "type": "supergroup", "title": "Home"});
    bot.message_in(&chat, user, more);
}

fn to_group(words: &str) -> impl Fn(&Sent) -> bool {
    move |sent| sent.chat == GROUP && sent.text.contains(words)
}

/// Changes a setting of the running node, and waits until its bridge goes by it.
async fn set(node: &TestNode, bot: &BotApi, key: &str, value: &str) -> anyhow::Result<()> {
    let before = bot.calls("getMe");
    node.done(&["config", "set", key, value])?;
    let deadline = Instant::now() + LIMIT;
    // Whoever may talk is known before it becomes the bot again.
    while bot.calls("getMe") == before {
        ensure!(Instant::now() < deadline, "{}", node.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_settings_let_talk_may_not_once_they_do_not() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let notices = ("HEARTH_TELEGRAM_NOTICES", "false");
    let node = TestNode::start(&options(&bot, &[notices]))?;
    bot.write(ADA, "hello");
    bot.wait_for("a refusal", says("only talk with my owner"))
        .await?;

    set(&node, &bot, "telegram.users", "5").await?;
    bot.write(ADA, "add buy apples");
    bot.wait_for("an answer", says("I've added #1")).await?;
    set(&node, &bot, "telegram.groups", "true").await?;
    in_group(&bot, ADA, &json!({"text": "/task buy bread"}));
    bot.wait_for("an answer in the group", to_group("I've added #2"))
        .await?;
    let refused = node.hearth(&["telegram", "remove", "Ada"])?;
    let problem = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        refused.status.code() == Some(1) && problem.contains("telegram.users"),
        "{problem}"
    );

    set(&node, &bot, "telegram.groups", "false").await?;
    ensure!(!run(&node, &["telegram", "list"])?.contains("Home"));
    set(&node, &bot, "telegram.users", "").await?;
    ensure!(run(&node, &["telegram", "list"])?.contains("no chat may talk"));
    in_group(&bot, ADA, &json!({"text": "/task buy dates"}));
    bot.write(ADA, "add buy cheese");
    bot.write(EVE, "hello");
    bot.wait_for("a refusal of Eve", |sent| sent.chat == EVE)
        .await?;
    let added: Vec<Sent> = bot.sent();
    let added = added.iter().filter(|sent| says("I've added")(sent));
    ensure!(added.count() == 2, "{:?}", bot.sent());
    ensure!(node.api()?.all("/tasks").await?.len() == 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_group_the_bot_answers_those_who_may_talk_and_talk_to_it() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let node = TestNode::start(&options(
        &bot,
        &[
            ("HEARTH_TELEGRAM_USERS", "5"),
            ("HEARTH_TELEGRAM_GROUPS", "true"),
            ("HEARTH_TELEGRAM_NOTICES", "false"),
        ],
    ))?;
    in_group(
        &bot,
        ADA,
        &json!({"text": "add nothing of what we say here"}),
    );
    in_group(
        &bot,
        EVE,
        &json!({"text": "@hearth_story_bot add steal everything"}),
    );
    in_group(
        &bot,
        ADA,
        &json!({"text": "@hearth_story_bot, add buy milk"}),
    );
    let added = bot
        .wait_for("an answer in the group", to_group("I've added #1"))
        .await?;
    ensure!(added.text.contains("Buy milk"), "{added:?}");
    let reply = json!({"message_id": 1, "from": {"id": 77, "is_bot": true}});
    in_group(
        &bot,
        ADA,
        &json!({"text": "add buy salt", "reply_to_message": reply}),
    );
    bot.wait_for("the second answer", to_group("I've added #2"))
        .await?;

    let state = node
        .api()?
        .wait_for("/telegram", LIMIT, |state| state["updates_waiting"] == 0)
        .await?;
    ensure!(state["chats"][0]["paired_by"] == "settings", "{state}");
    ensure!(bot.sent().len() == 2, "{:?}", bot.sent());
    ensure!(node.api()?.all("/tasks").await?.len() == 2);
    Ok(())
}
