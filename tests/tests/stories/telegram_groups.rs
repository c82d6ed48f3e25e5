//! Who may talk over Telegram: by the settings, for as long as they say so, and in groups.

use std::time::Duration;

use anyhow::ensure;
use hearth_tests::bot_api::{BotApi, Sent};
use hearth_tests::node::{Options, TestNode};
use serde_json::{Value, json};

use crate::telegram::{options, run, says};

const LIMIT: Duration = Duration::from_mins(1);
const ADA: i64 = 5;
const EVE: i64 = 6;
const GROUP: i64 = -9;

fn with(bot: &BotApi, users: &str, groups: &str) -> Options {
    options(
        bot,
        &[
            ("HEARTH_TELEGRAM_USERS", users),
            ("HEARTH_TELEGRAM_GROUPS", groups),
            ("HEARTH_TELEGRAM_NOTICES", "false"),
        ],
    )
}

fn in_group(bot: &BotApi, user: i64, more: &Value) {
    let chat = json!({"id": GROUP, "type": "supergroup", "title": "Home"});
    bot.message_in(&chat, user, more);
}

fn to_group(words: &str) -> impl Fn(&Sent) -> bool {
    move |sent| sent.chat == GROUP && sent.text.contains(words)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_settings_let_talk_may_not_once_they_do_not() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let folder = tempfile::Builder::new().prefix("hearth-test-").tempdir()?;
    let mut node = TestNode::start_in(folder.path(), &with(&bot, "5", "true"))?;
    bot.write(ADA, "add buy apples");
    bot.wait_for("an answer", says("I've added #1")).await?;
    in_group(&bot, ADA, &json!({"text": "/task buy bread"}));
    bot.wait_for("an answer in the group", to_group("I've added #2"))
        .await?;

    let refused = node.hearth(&["telegram", "remove", "Ada"])?;
    let problem = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        refused.status.code() == Some(1) && problem.contains("telegram.users"),
        "{problem}"
    );
    ensure!(node.stop()? == Some(0));

    let node = TestNode::start_in(folder.path(), &with(&bot, "", "false"))?;
    bot.write(ADA, "add buy cheese");
    bot.wait_for("a refusal", says("only talk with my owner"))
        .await?;
    in_group(&bot, ADA, &json!({"text": "/task buy dates"}));
    bot.write(EVE, "hello");
    bot.wait_for("a refusal of Eve", |sent| sent.chat == EVE)
        .await?;
    ensure!(node.api()?.all("/tasks").await?.len() == 2);
    ensure!(run(&node, &["telegram", "list"])?.contains("no chat may talk"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_group_the_bot_answers_those_who_may_talk_and_talk_to_it() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let node = TestNode::start(&with(&bot, "5", "true"))?;
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
