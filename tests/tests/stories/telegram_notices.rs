//! What the node tells over Telegram by itself: what is due, done or blocked, the morning, and nothing in the
//! quiet hours.

use std::time::{Duration, Instant};

use anyhow::ensure;
use hearth_tests::bot_api::{BotApi, Sent};
use hearth_tests::node::{Options, TestNode};
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::proactive::where_it_is_nine;

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);
const ADA: i64 = 5;

/// A node that Ada has talked with.
async fn node(bot: &BotApi, more: &[(&str, &str)]) -> anyhow::Result<TestNode> {
    let mut env = bot.env();
    let users = [("HEARTH_TELEGRAM_USERS", "5")];
    let more = users.iter().chain(more);
    env.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let node = TestNode::start(&Options {
        agents: true,
        env,
        ..Options::default()
    })?;
    bot.write(ADA, "hello");
    bot.wait_for("a greeting", |sent| sent.text.contains("Hello"))
        .await?;
    Ok(node)
}

fn begins(words: &str) -> impl Fn(&Sent) -> bool {
    move |sent| sent.chat == ADA && sent.text.starts_with(words)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_done_or_blocked_is_told_once_and_so_is_the_morning() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let node = node(&bot, &[("HEARTH_QUIET_FROM", "off")]).await?;
    let api = node.api()?;
    let soon = Timestamp::now() + 30.minutes();
    let code = "import json; print(json.dumps({'words': 3}))";
    let count = json!([{"tool": "python", "args": {"code": code}}]);
    let ask =
        json!([{"tool": "ask_owner", "args": {"question": "Which one?", "options": ["a", "b"]}}]);

    // For the person, so that nobody else has it.
    let call = json!({"title": "Call Bea", "due_at": soon.to_string(), "assigned_to": "owner"});
    api.post("/tasks", call).await?;
    api.post(
        "/tasks",
        json!({"title": "Count the words", "context": {"plan": count}}),
    )
    .await?;
    api.post(
        "/tasks",
        json!({"title": "Choose", "context": {"plan": ask}}),
    )
    .await?;

    bot.wait_for("what is due", begins("#1 Call Bea is due"))
        .await?;
    bot.wait_for(
        "what is done",
        begins("#2 Count the words is done: words 3."),
    )
    .await?;
    let asked = bot
        .wait_for("the question", |sent| sent.text.contains("Which one?"))
        .await?;
    ensure!(asked.buttons.len() == 2, "{asked:?}");
    node.done(&["config", "set", "time_zone", &where_it_is_nine()])?;
    node.done(&["config", "set", "morning.at", "08:00"])?;
    bot.wait_for("the morning", begins("Good morning.")).await?;

    let told = bot.sent();
    for words in [
        "#1 Call Bea is due",
        "#2 Count the words is done",
        "Good morning.",
    ] {
        let count = told.iter().filter(|sent| begins(words)(sent)).count();
        ensure!(count == 1, "{words}: {told:#?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_quiet_hours_nothing_is_told_until_they_end() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let node = node(&bot, &[]).await?;
    let api = node.api()?;
    for (key, value) in [
        ("time_zone", where_it_is_nine().as_str()),
        ("quiet.from", "08:00"),
        ("quiet.until", "11:00"),
    ] {
        node.done(&["config", "set", key, value])?;
    }
    // The settings are read a moment after they are written; until then it is not quiet.
    let look = json!({"channel": "nobody"});
    let deadline = Instant::now() + LIMIT;
    while api.post("/notices/take", look.clone()).await?["quiet_until"].is_null() {
        ensure!(Instant::now() < deadline, "it is never quiet");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let soon = (Timestamp::now() + 30.minutes()).to_string();
    let call = |whom: &str| json!({"title": format!("Call {whom}"), "due_at": soon, "assigned_to": "owner"});
    api.post("/tasks", call("Bea")).await?;
    api.wait_for("/notices", LIMIT, |page| {
        let items = page["items"].as_array();
        items.is_some_and(|items| !items.is_empty())
    })
    .await?;

    // It answers all the same.
    bot.write(ADA, "what's next?");
    bot.wait_for("an answer", |sent| sent.text.contains("#1"))
        .await?;
    ensure!(!bot.sent().iter().any(begins("#1 Call Bea is due")));
    node.done(&["config", "set", "quiet.from", "off"])?;

    // Each notice has it look again; the settings are read a moment after they are written.
    let is_told = || bot.sent().iter().any(begins("#1 Call Bea is due"));
    let deadline = Instant::now() + LIMIT;
    while !is_told() {
        ensure!(Instant::now() < deadline, "{:#?}", bot.sent());
        api.post("/tasks", call("Cyd")).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bot.wait_for("the second", begins("#2 Call Cyd is due"))
        .await?;
    Ok(())
}
