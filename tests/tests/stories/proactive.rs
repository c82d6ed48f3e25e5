//! What the node says by itself: what is done, what the day brings, and nothing in the quiet hours.

use std::time::Duration;

use anyhow::ensure;
use hearth_tests::node::{Api, Options, TestNode};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);

async fn notice(api: &Api, kind: &str) -> anyhow::Result<Value> {
    let is_there = |page: &Value| {
        let items = page["items"].as_array();
        items.is_some_and(|items| items.iter().any(|notice| notice["kind"] == kind))
    };
    api.wait_for("/notices", LIMIT, is_there).await
}

/// Puts the person where it is nine in the morning now; returns that zone's name.
pub(crate) fn where_it_is_nine() -> String {
    let hour = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).hour();
    // Etc/GMT-3 is three hours ahead; there are those up to fourteen.
    let ahead = (9 - i32::from(hour)).rem_euclid(24);
    if ahead <= 12 {
        format!("Etc/GMT-{ahead}")
    } else {
        format!("Etc/GMT+{}", 24 - ahead)
    }
}

#[tokio::test]
async fn a_task_that_was_asked_for_is_told_when_it_is_done() -> anyhow::Result<()> {
    let node = TestNode::start(&Options {
        agents: true,
        ..Options::default()
    })?;
    let api = node.api()?;
    let code = "import json; print(json.dumps({'words': 3}))";
    let plan = json!([{"tool": "python", "args": {"code": code}}]);
    let task = json!({"title": "Count the words", "context": {"plan": plan}});
    api.post("/tasks", task).await?;
    notice(&api, "finished").await?;

    let said = node.done(&["chat", "thanks"])?;

    let told = "* #1 Count the words is done: words 3. See: hearth task show 1\n";
    ensure!(said.starts_with(told), "{said}");
    let again = node.done(&["chat", "thanks"])?;
    ensure!(!again.contains("is done"), "{again}");
    Ok(())
}

#[tokio::test]
async fn the_morning_is_told_once_in_the_persons_zone_and_as_soon_as_it_is_wanted()
-> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let api = node.api()?;
    let due = Timestamp::now() + 2.hours();
    let task = json!({"title": "Call Ada", "due_at": due.to_string()});
    api.post("/tasks", task).await?;
    node.done(&["config", "set", "time_zone", &where_it_is_nine()])?;
    node.done(&["config", "set", "morning.at", "08:00"])?;

    let page = notice(&api, "morning").await?;

    let text = page["items"][0]["text"].as_str().unwrap_or_default();
    let begins = "Good morning. Due today: #1 Call Ada at ";
    ensure!(text.starts_with(begins), "{text}");
    let said = node.done(&["chat", "hello"])?;
    ensure!(said.starts_with(&format!("* {begins}")), "{said}");
    // Another time of the same morning tells it no second time.
    node.done(&["config", "set", "morning.at", "08:15"])?;
    node.done(&["task", "add", "Something else due today"])?;
    let again = node.done(&["chat", "hello"])?;
    ensure!(!again.contains("Good morning"), "{again}");
    let page = api.get("/notices").await?;
    let mornings = page["items"].as_array().into_iter().flatten();
    let mornings = mornings.filter(|notice| notice["kind"] == "morning");
    ensure!(mornings.count() == 1, "{page}");
    Ok(())
}

#[tokio::test]
async fn in_the_quiet_hours_channels_are_silent_and_a_conversation_is_not() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let api = node.api()?;
    for (key, value) in [
        ("time_zone", where_it_is_nine().as_str()),
        ("quiet.from", "08:00"),
        ("quiet.until", "11:00"),
    ] {
        node.done(&["config", "set", key, value])?;
    }
    api.post("/tasks", json!({"title": "Paint the fence"}))
        .await?;
    let claim = json!({"agent": "seed"});
    let fence = api.post("/tasks/1/claim", claim).await?["fence"].clone();
    let block = json!({"agent": "seed", "fence": fence, "reason": "Which colour?"});
    api.post("/tasks/1/block", block).await?;
    let take = json!({"channel": "telegram"});
    let quiet = async || api.post("/notices/take", take.clone()).await;

    // The settings are read a moment after they are written; until then it is not quiet.
    let deadline = std::time::Instant::now() + LIMIT;
    let mut taken = quiet().await?;
    while taken["quiet_until"].is_null() {
        ensure!(std::time::Instant::now() < deadline, "it is never quiet");
        tokio::time::sleep(Duration::from_millis(20)).await;
        taken = quiet().await?;
    }

    ensure!(taken["items"] == json!([]), "{taken}");
    // What was taken before it was quiet comes back after a minute; a fresh question does not wait.
    api.post("/tasks/1/answer", json!({"answer": "red"}))
        .await?;
    let fence = api.post("/tasks/1/claim", json!({"agent": "seed"})).await?["fence"].clone();
    let block = json!({"agent": "seed", "fence": fence, "reason": "Which brush?"});
    api.post("/tasks/1/block", block).await?;
    ensure!(quiet().await?["items"] == json!([]));
    let said = node.done(&["chat", "thanks"])?;
    ensure!(
        said.starts_with("* #1 Paint the fence waits for you: Which brush?"),
        "{said}"
    );
    Ok(())
}
