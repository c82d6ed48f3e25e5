//! Talking to the real program over Telegram: who may, what comes of it, and what happens when either
//! side fails.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hearth_tests::bot_api::{BotApi, Failure, Sent, TOKEN};
use hearth_tests::node::{Options, TestNode};
use serde_json::{Value, json};

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);
/// The owner, and somebody else.
const ADA: i64 = 5;
const EVE: i64 = 6;
/// What stands in front of a message that may be there already.
const AGAIN: &str = "(You may have this already.)";

pub(crate) fn options(bot: &BotApi, more: &[(&str, &str)]) -> Options {
    let mut env = bot.env();
    env.extend(
        more.iter()
            .map(|(name, value)| ((*name).into(), (*value).into())),
    );
    Options {
        env,
        ..Options::default()
    }
}

/// Options of a node that Ada need not pair with.
fn hers(bot: &BotApi) -> Options {
    options(
        bot,
        &[
            ("HEARTH_TELEGRAM_USERS", "5"),
            ("HEARTH_TELEGRAM_NOTICES", "false"),
        ],
    )
}

pub(crate) fn run(node: &TestNode, args: &[&str]) -> anyhow::Result<String> {
    let output = node.hearth(args)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{args:?}: {said}{problem}");
    Ok(said)
}

pub(crate) async fn facility(
    node: &TestNode,
    fits: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let status = node
        .api()?
        .wait_for("/status", LIMIT, |status| {
            fits(&status["facilities"]["telegram"])
        })
        .await?;
    Ok(status["facilities"]["telegram"].clone())
}

pub(crate) fn says(words: &str) -> impl Fn(&Sent) -> bool {
    move |sent| sent.text.contains(words)
}

/// A node is killed twelve times while two hundred messages come in. Each becomes one task, and each
/// answer arrives. A second time come only answers that were under way when the node was killed (at most
/// one for each kill), and they say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_messages_are_each_dealt_with_once_over_kills() -> anyhow::Result<()> {
    const MESSAGES: usize = 200;
    const KILLS: usize = 12;
    let bot = BotApi::start().await?;
    let folder = tempfile::Builder::new().prefix("hearth-test-").tempdir()?;
    let options = hers(&bot);
    let mut written = 0;
    let mut write = |up_to: usize| {
        while written < up_to.min(MESSAGES) {
            written += 1;
            bot.write(ADA, &format!("add thing number {written} of many"));
        }
    };
    for kill in 1..=KILLS {
        // More than is answered by the time the node is killed, so that it is at work then.
        write(kill * MESSAGES / KILLS + 5);
        let before = bot.sent().len();
        let mut node = TestNode::start_in(folder.path(), &options)?;
        // At other moments each time: right after the first answer, and later ones.
        bot.wait_for_count(before + 1 + (kill * 5) % 14).await?;
        node.kill()?;
    }
    write(MESSAGES);
    let node = TestNode::start_in(folder.path(), &options)?;
    bot.wait_for("the last answer", says("Thing number 200 of many"))
        .await?;

    let api = node.api()?;
    let mut titles: BTreeMap<String, usize> = BTreeMap::new();
    for task in api.all("/tasks").await? {
        let title = task["title"].as_str().context("a title")?.to_owned();
        *titles.entry(title).or_default() += 1;
    }
    ensure!(titles.len() == MESSAGES, "{} tasks", titles.len());
    ensure!(titles.values().all(|count| *count == 1), "{titles:?}");

    let sent = bot.sent();
    let mut first_seen = Vec::new();
    let mut repeated = 0;
    for number in 1..=MESSAGES {
        let words = format!("Thing number {number} of many");
        let answers: Vec<&Sent> = sent.iter().filter(|sent| says(&words)(sent)).collect();
        ensure!(!answers.is_empty(), "no answer to {number}");
        let again = answers.iter().filter(|sent| says(AGAIN)(sent)).count();
        ensure!(answers.len() - again <= 1, "{answers:?}");
        repeated += answers.len() - 1;
        first_seen.push(sent.iter().position(|sent| says(&words)(sent)));
    }
    ensure!(repeated <= KILLS, "{repeated} answers came twice");
    ensure!(first_seen.is_sorted(), "answers came out of order");
    ensure!(sent.len() == MESSAGES + repeated, "{}", sent.len());

    let state = api
        .wait_for("/telegram", LIMIT, |state| {
            state["updates_waiting"] == 0 && state["messages_waiting"] == 0
        })
        .await?;
    ensure!(state["messages_dead"] == 0, "{state}");
    let deadline = Instant::now() + LIMIT;
    while bot.unconfirmed() > 0 {
        ensure!(
            Instant::now() < deadline,
            "{} unconfirmed",
            bot.unconfirmed()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ensure!(
        !node.log().contains("story-token"),
        "the token is in the log"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_is_paired_by_a_code_and_strangers_are_told_once() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let mut node = TestNode::start(&options(&bot, &[]))?;
    facility(&node, |telegram| telegram["is_available"] == true).await?;
    bot.write(EVE, "add steal everything");
    bot.write(EVE, "please");
    bot.wait_for("a refusal", says("only talk with my owner"))
        .await?;

    let said = run(&node, &["--json", "telegram", "pair"])?;
    let pairing: Value = serde_json::from_str(&said)?;
    let code = pairing["code"].as_str().context("a code")?;
    ensure!(pairing["bot"] == "hearth_story_bot", "{pairing}");
    bot.write(ADA, &format!("/start {code}"));
    bot.wait_for("a welcome", says("Hello Ada")).await?;
    // It is used up.
    bot.write(EVE, code);

    bot.write(ADA, "/task Paint the *fence* [red](x) @garden !high");
    let added = bot.wait_for("an answer", says("I've added #1")).await?;
    ensure!(
        added.text.contains("Paint the *fence* [red](x)"),
        "{added:?}"
    );
    bot.write(ADA, "what's next?");
    bot.wait_for("what is next", says("#1")).await?;
    bot.write(ADA, "/projects");
    bot.wait_for("the projects", says("Projects: garden"))
        .await?;
    bot.write(ADA, "/done 1");
    node.api()?
        .wait_for("/tasks/1", LIMIT, |task| task["status"] == "completed")
        .await?;
    bot.write(ADA, "/status");
    bot.wait_for("no active tasks", says("Nothing is being worked on"))
        .await?;
    bot.write(ADA, "/help");
    bot.wait_for("help", says("/blocked: what waits for you"))
        .await?;
    ensure!(bot.commands().contains(&"task".to_owned()));

    let to_eve: Vec<Sent> = bot
        .sent()
        .into_iter()
        .filter(|sent| sent.chat == EVE)
        .collect();
    ensure!(to_eve.len() == 1, "{to_eve:?}");
    ensure!(node.api()?.all("/tasks").await?.len() == 1);
    ensure!(!node.log().contains("steal") && !node.log().contains(code));

    ensure!(run(&node, &["telegram", "list"])?.contains("Ada"));
    ensure!(run(&node, &["telegram", "status"])?.contains("connected"));
    run(&node, &["telegram", "remove", "Ada"])?;
    bot.write(ADA, "hello?");
    bot.wait_for("a refusal of hers", |sent| {
        sent.chat == ADA && says("only talk with my owner")(sent)
    })
    .await?;
    ensure!(node.stop()? == Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_come_with_buttons_and_a_press_answers_them_once() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let node = TestNode::start(&options(
        &bot,
        &[("HEARTH_TELEGRAM_USERS", "5"), ("HEARTH_QUIET_FROM", "off")],
    ))?;
    let api = node.api()?;
    bot.write(ADA, "add paint the fence");
    bot.wait_for("an answer", says("I've added #1")).await?;
    api.post("/tasks/1/claim", json!({"agent": "scout"}))
        .await?;
    let block = json!({"agent": "scout", "fence": 1, "reason": "Which colour?", "options": ["red", "blue"]});
    api.post("/tasks/1/block", block).await?;

    let asked = bot.wait_for("the question", says("Which colour?")).await?;
    ensure!(asked.labels() == ["red", "blue"], "{asked:?}");
    let blue = &asked.buttons[1].1;
    bot.press(EVE, &asked, blue);
    bot.press(ADA, &asked, blue);
    bot.press(ADA, &asked, &asked.buttons[0].1);

    let task = api
        .wait_for("/tasks/1", LIMIT, |task| task["status"] == "pending")
        .await?;
    ensure!(task["context"]["answers"][0]["answer"] == "blue", "{task}");
    let edited = bot
        .wait_for("the message with its outcome", |sent| {
            sent.method == "editMessageText"
        })
        .await?;
    ensure!(
        edited.message == asked.message && edited.text.contains("blue"),
        "{edited:?}"
    );
    bot.wait_for("how it was answered", says("#1 was answered: blue"))
        .await?;
    ensure!(bot.pressed().len() == 2, "{:?}", bot.pressed());
    let task = api.get("/tasks/1").await?;
    ensure!(
        task["context"]["answers"].as_array().map(Vec::len) == Some(1),
        "{task}"
    );

    let question = |sent: &&Sent| sent.method == "sendMessage" && says("Which colour?")(sent);
    ensure!(bot.sent().iter().filter(question).count() == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_telegram_puts_off_cuts_or_loses_arrives_all_the_same() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let node = TestNode::start(&hers(&bot))?;
    for failure in [
        Failure::Status(429, Some(1)),
        Failure::Status(500, None),
        Failure::Cut,
        Failure::Slow(Duration::from_millis(300)),
    ] {
        bot.fail("sendMessage", failure);
    }
    bot.fail("getUpdates", Failure::Status(500, None));
    bot.fail("getUpdates", Failure::Cut);
    bot.write(ADA, "add buy apples");
    bot.write(ADA, "add buy bread");

    bot.wait_for("the second answer", says("#2")).await?;

    let sent = bot.sent();
    ensure!(sent.len() == 2, "{sent:?}");
    // One was cut: nobody knew whether it had arrived.
    ensure!(
        sent[0].text.starts_with(AGAIN) && sent[0].text.contains("#1"),
        "{sent:?}"
    );
    ensure!(!sent[1].text.contains(AGAIN), "{sent:?}");

    bot.fail("sendMessage", Failure::DoneThenCut);
    bot.write(ADA, "add buy cheese");
    let again = bot
        .wait_for("the third answer again", |sent| {
            says("#3")(sent) && says(AGAIN)(sent)
        })
        .await?;
    ensure!(again.chat == ADA);
    let thirds = bot
        .sent()
        .into_iter()
        .filter(|sent| says("#3")(sent))
        .count();
    ensure!(thirds == 2, "once as it was lost, once with a word of that");

    bot.fail("sendMessage", Failure::Status(403, None));
    bot.write(ADA, "add buy dates");
    let state = node
        .api()?
        .wait_for("/telegram", LIMIT, |state| state["messages_dead"] == 1)
        .await?;
    let letter = &state["dead_letters"][0];
    ensure!(
        letter["error"]
            .as_str()
            .is_some_and(|why| why.contains("blocked")),
        "{state}"
    );
    ensure!(run(&node, &["telegram", "status"])?.contains("blocked by the user"));
    ensure!(
        !node.log().contains("story-token"),
        "the token is in the log"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_is_told_with_what_mends_it() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let folder = tempfile::Builder::new().prefix("hearth-test-").tempdir()?;
    let file = folder.path().join("bot.token");
    let set = |token: &str| -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&file, token)?;
        Ok(std::fs::set_permissions(
            &file,
            std::fs::Permissions::from_mode(0o600),
        )?)
    };
    set(TOKEN)?;
    let mut options = hers(&bot);
    options
        .env
        .retain(|(name, _)| name != "HEARTH_SECRET_TELEGRAM_TOKEN");
    let named = file.to_string_lossy().into_owned();
    let variable = "HEARTH_SECRET_TELEGRAM_TOKEN_FILE";
    options.env.push((variable.into(), named));
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;

    let node = TestNode::start_in(&data, &options)?;
    facility(&node, |telegram| telegram["is_available"] == true).await?;

    bot.set_token("77:another-token");
    bot.write(ADA, "add buy apples");
    let told = facility(&node, |telegram| telegram["is_available"] == false).await?;
    ensure!(
        told["remedy"]
            .as_str()
            .is_some_and(|remedy| remedy.contains("set-secret")),
        "{told}"
    );
    let doctor = node.hearth(&["doctor"])?;
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    ensure!(doctor.contains("does not take the bot's token"), "{doctor}");

    set("77:another-token")?;
    let said = run(&node, &["telegram", "status"])?;
    ensure!(
        said.contains("connected") && !said.contains("not connected"),
        "{said}"
    );
    bot.wait_for("the answer", says("#1")).await?;
    let log = node.log();
    ensure!(
        !log.contains("another-token") && !log.contains("story-token"),
        "{log}"
    );
    Ok(())
}

/// A twentieth of a second of nothing, as WAV; what a recording is, its content says.
fn short_recording() -> Vec<u8> {
    let mut wav = b"RIFF\x44\x03\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav.extend(8_000_u32.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data\x20\x03\0\0");
    wav.resize(44 + 800, 0);
    wav
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn voice_notes_that_cannot_be_heard_are_kept_and_odd_updates_do_no_harm() -> anyhow::Result<()>
{
    let bot = BotApi::start().await?;
    let options = options(
        &bot,
        &[
            ("HEARTH_TELEGRAM_USERS", "5"),
            ("HEARTH_TELEGRAM_NOTICES", "false"),
            ("HEARTH_TELEGRAM_MAX_VOICE_BYTES", "2048"),
        ],
    );
    let node = TestNode::start(&options)?;
    let voice = |file: &str, bytes: usize| {
        json!({"voice": {
            "file_id": file, "file_unique_id": "u", "duration": 3, "mime_type": "audio/ogg", "file_size": bytes,
        }})
    };
    let small = short_recording();
    bot.put_file("small", small.clone());
    bot.put_file("broken", b"OggS and so on".to_vec());
    bot.put_file("empty", Vec::new());
    bot.put_file("lying", vec![0; 4096]);
    for update in [
        json!({"edited_message": {"message_id": 1, "text": "x"}}),
        json!({"message_reaction": {"chat": {"id": ADA}}}),
        json!({"message": 7}),
    ] {
        bot.update(update);
    }
    bot.message(ADA, &voice("small", 14));
    bot.message(ADA, &voice("broken", 14));
    bot.message(ADA, &voice("empty", 0));
    bot.message(ADA, &voice("huge", 5_000_000));
    bot.message(ADA, &voice("lying", 10));
    bot.message(ADA, &voice("gone", 10));
    bot.message(ADA, &json!({"photo": [], "caption": "look"}));
    bot.write(ADA, &format!("add {}", "very ".repeat(700)));

    bot.wait_for(
        "where it is kept",
        says("I kept the recording: it is with task #1"),
    )
    .await?;
    bot.wait_for("that it is broken", says("the recording is broken"))
        .await?;
    bot.wait_for("that it is empty", says("is empty")).await?;
    bot.wait_for("that pictures are not read", says("text and voice notes"))
        .await?;
    bot.wait_for("that it is gone", says("wrong file_id"))
        .await?;
    let large = |sent: &&Sent| says("larger than 2 KB")(sent);
    ensure!(
        bot.sent().iter().filter(large).count() == 2,
        "{:?}",
        bot.sent()
    );
    let api = node.api()?;
    let kept = api.get("/tasks/1/artifacts").await?;
    ensure!(kept["items"][0]["size_bytes"] == small.len(), "{kept}");
    let state = api
        .wait_for("/telegram", LIMIT, |state| state["updates_waiting"] == 0)
        .await?;
    ensure!(state["unread_kinds"] == 3, "{state}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_nothing_is_said_of_telegram() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let mut options = hers(&bot);
    options
        .env
        .retain(|(name, _)| name != "HEARTH_SECRET_TELEGRAM_TOKEN");
    let mut node = TestNode::start(&options)?;

    let said = run(&node, &["telegram", "status"])?;
    let refused = node.hearth(&["telegram", "pair"])?;

    ensure!(said.contains("no bot token is set"), "{said}");
    let problem = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        refused.status.code() == Some(1) && problem.contains("@BotFather"),
        "{problem}"
    );
    let status = node.api()?.get("/status").await?;
    ensure!(status["facilities"]["telegram"].is_null(), "{status}");
    ensure!(!run(&node, &["status"])?.contains("telegram"));
    ensure!(node.stop()? == Some(0));
    ensure!(
        !node.log().to_lowercase().contains("telegram"),
        "{}",
        node.log()
    );
    ensure!(bot.calls("getMe") == 0);
    Ok(())
}
