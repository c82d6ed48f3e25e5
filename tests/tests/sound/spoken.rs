//! What is said becomes work that is done: a machine speaks at every door, a recogniser hears it, the chief
//! of staff makes a task of it, Seed does the task, and the answer is spoken.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hearth_tests::aimock::AiMock;
use hearth_tests::bot_api::BotApi;
use hearth_tests::ears::{hearing, send};
use hearth_tests::node::{Options, TestNode, command};
use hearth_tests::sound::{SoundServer, spoken};
use serde_json::{Value, json};

use crate::{Garbled, until_heard};

const TEST: &str = "spoken::an_order_spoken_at_any_door_is_done_and_answered_aloud";
/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(2);
const ADA: i64 = 5;
/// What is said at each door where the chief of staff listens, and the task that comes of it. The first is
/// understood without a model.
const ORDERS: [(&str, &str); 4] = [
    ("add water the roses", "Water the roses"),
    ("please paint the garden fence", "Garden: fence"),
    ("please count the honey jars", "Pantry: jars"),
    ("feed the hungry cat", "Kitchen: cat"),
];
/// What is said in a recording that is dropped in the inbox, which is a task as it stands.
const DROPPED: &str = "call the bank tomorrow";

/// What the chief of staff answers about a task, which the recogniser knows too.
fn answer(number: usize) -> String {
    format!("The gardener takes #{number} tomorrow morning.")
}

/// The model's part: the chief of staff makes a task of each order, and Seed does each task.
fn script() -> Value {
    let turn = |told: &str, number: usize, response: Value| {
        let told = json!({"userMessage": told, "turnIndex": number});
        json!({"match": told, "response": response})
    };
    let calls = |name: &str, args: Value| {
        let call = json!({"name": name, "arguments": args.to_string()});
        json!({"toolCalls": [call]})
    };
    let mut script = Vec::new();
    for (place, (order, title)) in ORDERS.into_iter().enumerate() {
        let task = json!({"title": title, "priority": "high"});
        script.push(turn(order, 0, calls("create_task", task)));
        script.push(turn(order, 1, json!({ "content": answer(place + 1) })));
    }
    let titles = ORDERS.iter().map(|(_, title)| *title);
    for title in titles.chain(["Call the bank"]) {
        let file = json!({"path": "out/note.txt", "content": title});
        script.push(turn(title, 0, calls("write_file", file)));
        let done = json!({"summary": format!("Seen to: {title}")});
        script.push(turn(title, 1, calls("complete_task", done)));
    }
    script.into()
}

/// Waits until a task of this title is there and done.
async fn until_done(node: &TestNode, title: &str) -> anyhow::Result<Value> {
    let fits = |task: &&Value| {
        let its = task["title"].as_str().unwrap_or_default();
        its.eq_ignore_ascii_case(title)
    };
    let deadline = Instant::now() + LIMIT;
    loop {
        let tasks = node.api()?.all("/tasks").await?;
        let found = tasks.iter().find(fits).cloned().unwrap_or_default();
        if found["status"] == "completed" {
            return Ok(found);
        }
        ensure!(
            Instant::now() < deadline && found["status"] != "blocked",
            "{title}: {found:#}\n{tasks:#?}\n{}",
            node.log()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Returns what a recording says, as the node hears it.
async fn heard(node: &TestNode, recording: Vec<u8>) -> anyhow::Result<String> {
    let form = [("model", "whisper-1"), ("response_format", "text")];
    let (status, text) = send(node, "/v1/audio/transcriptions", recording, &form).await?;
    ensure!(status == 200, "{status} {text}");
    Ok(text.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_spoken_at_any_door_is_done_and_answered_aloud() -> anyhow::Result<()> {
    until_heard(TEST, each_door).await
}

async fn each_door() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(ears) = hearing(TEST, folder.path())? else {
        return Ok(());
    };
    let Some(model) = AiMock::start(TEST, &script())? else {
        return Ok(());
    };
    let Some(room) = SoundServer::start(TEST)? else {
        return Ok(());
    };
    let bot = BotApi::start().await?;
    let mut env = ears.clone();
    env.extend(model.env());
    env.extend(room.environment());
    env.extend(bot.env());
    let more = [
        ("HEARTH_TELEGRAM_USERS", "5"),
        ("HEARTH_TELEGRAM_ANSWER_BY_VOICE", "true"),
        ("HEARTH_QUIET_FROM", "off"),
        ("HEARTH_VOICE_SPEAK_ANSWERS", "true"),
    ];
    env.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let options = Options {
        agents: true,
        env,
        ..Options::default()
    };
    let node = TestNode::start_in(folder.path(), &options)?;
    let [roses, fence, jars, cat] = ORDERS;

    // A file, whose words are told to the chief of staff.
    let path = spoken(folder.path(), roses.0)?;
    let mut transcribe = command(folder.path())?;
    let output = transcribe.envs(ears).arg("transcribe").arg(path).output()?;
    let words = String::from_utf8(output.stdout)?;
    ensure!(words.trim() == roses.0, "{words}");
    let said = node.done(&["chat", words.trim()])?;
    ensure!(said.starts_with("I've added #1"), "{said}");

    // The interface for programs.
    let recording = fs::read(spoken(folder.path(), fence.0)?)?;
    let (status, said) = send(&node, "/api/v1/voice/utterance", recording, &[]).await?;
    ensure!(status == 200, "{said}");
    let said: Value = serde_json::from_str(&said)?;
    ensure!(said["transcript"]["text"] == fence.0, "{said}");
    ensure!(said["response"] == answer(2), "{said}");

    // The key of the running node, in a room with a microphone and a loudspeaker.
    let recording = spoken(folder.path(), jars.0)?;
    node.done(&["ptt", "down"])?;
    room.play(&recording)?;
    let aloud = folder.path().join("aloud.wav");
    let listener = room.record(&aloud)?;
    let said = node.done(&["ptt", "up", "--wait"])?;
    ensure!(said.contains(jars.0) && said.contains(&answer(3)), "{said}");
    let deadline = Instant::now() + LIMIT;
    while !node.done(&["ptt", "status"])?.contains("idle") {
        ensure!(Instant::now() < deadline, "it never ends speaking");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    listener.finish()?;
    let said = heard(&node, fs::read(&aloud)?).await?;
    ensure!(
        said == "the gardener takes number three tomorrow morning",
        Garbled(said)
    );

    // A voice note, answered by one.
    let note = folder.path().join("note.ogg");
    let to = note.display().to_string();
    node.done(&["say", "--voice", "en-us", "--out", &to, cat.0])?;
    bot.put_file("note", fs::read(&note)?);
    bot.message(ADA, &json!({"voice": {"file_id": "note", "duration": 2}}));
    let told = format!("You said: {}", cat.0);
    let text = bot
        .wait_for("what was heard", |sent| sent.text.starts_with(&told))
        .await?;
    ensure!(text.text.contains(&answer(4)), "{text:?}");
    let answer = bot
        .wait_for("the spoken answer", |sent| sent.method == "sendVoice")
        .await?;
    ensure!(answer.chat == ADA && answer.message > text.message);
    let note = bot.voice_note(&answer).context("no voice note")?;
    let said = heard(&node, note).await?;
    ensure!(
        said == "the gardener takes number four tomorrow morning",
        "{said}"
    );

    // A recording in the inbox.
    let recording = spoken(folder.path(), DROPPED)?;
    fs::copy(recording, folder.path().join("inbox/memo.wav"))?;

    for (_, title) in ORDERS {
        let task = until_done(&node, title).await?;
        ensure!(task["created_by"] == "cos-agent", "{task:#}");
        ensure!(
            task["result"]["summary"] == format!("Seen to: {title}"),
            "{task:#}"
        );
        let told = format!("{title} is done");
        bot.wait_for(&told, |sent| sent.text.contains(&told))
            .await?;
    }
    let dropped = until_done(&node, "Call the bank").await?;
    ensure!(!dropped["due_at"].is_null(), "{dropped:#}");
    ensure!(node.api()?.all("/tasks").await?.len() == ORDERS.len() + 1);
    // What was said is the owner's own: the log holds none of it.
    for (order, _) in ORDERS {
        ensure!(!node.log().contains(order), "{order} is in the log");
    }
    Ok(())
}
