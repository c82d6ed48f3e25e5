//! Recordings by every door: the audio interface of OpenAI, utterances, the inbox. A machine speaks, and a
//! recogniser that knows a few sentences hears it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hearth_tests::ears::{listening_node, send};
use hearth_tests::node::{Options, TestNode};
use hearth_tests::noise;
use hearth_tests::skip::skip;
use hearth_tests::sound::spoken;
use serde_json::Value;

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A WAV file of so many seconds of nothing.
fn silence(seconds: u32) -> Vec<u8> {
    noise::wav("silence", seconds)
}

async fn titles(node: &TestNode) -> anyhow::Result<Vec<String>> {
    let tasks = node.api()?.all("/tasks").await?;
    let titles = tasks.iter().filter_map(|task| task["title"].as_str());
    Ok(titles.map(str::to_lowercase).collect())
}

#[tokio::test]
async fn what_is_said_becomes_a_task_by_each_door() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let test = "what_is_said_becomes_a_task_by_each_door";
    let Some(node) = listening_node(test, folder.path(), Vec::new())? else {
        return Ok(());
    };
    let roses = fs::read(spoken(folder.path(), "add water the roses")?)?;
    let bank = spoken(folder.path(), "call the bank tomorrow")?;

    let (status, text) = send(
        &node,
        "/v1/audio/transcriptions",
        roses.clone(),
        &[("model", "whisper-1"), ("response_format", "text")],
    )
    .await?;
    ensure!(
        (status, text.as_str()) == (200, "add water the roses\n"),
        "{status} {text}"
    );
    let (status, said) = send(&node, "/api/v1/voice/utterance", roses, &[]).await?;
    let said: Value = serde_json::from_str(&said)?;
    ensure!(
        status == 200 && said["transcript"]["text"] == "add water the roses",
        "{said}"
    );
    ensure!(said["actions"][0]["event"] == "task.created", "{said}");
    fs::copy(&bank, folder.path().join("inbox").join("memo.wav"))?;

    let deadline = Instant::now() + LIMIT;
    let mut found = titles(&node).await?;
    while found.len() < 2 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
        found = titles(&node).await?;
    }
    found.sort();
    ensure!(found == ["call the bank", "water the roses"], "{found:?}");
    let artifacts = node.api()?.get("/tasks/2/artifacts").await?;
    ensure!(
        artifacts["items"][0]["media_type"] == "audio/wav",
        "{artifacts}"
    );
    let status = node.api()?.get("/status").await?;
    ensure!(
        status["facilities"]["voice"]["is_available"] == true,
        "{status}"
    );
    Ok(())
}

#[tokio::test]
async fn silence_and_what_is_no_recording_become_nothing_and_say_so() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let test = "silence_and_what_is_no_recording_become_nothing_and_say_so";
    let Some(node) = listening_node(test, folder.path(), Vec::new())? else {
        return Ok(());
    };

    let (status, said) = send(&node, "/api/v1/voice/utterance", silence(3), &[]).await?;
    ensure!(
        status == 200 && said.contains("\"is_silence\":true"),
        "{said}"
    );
    for (bytes, part) in [
        (Vec::new(), "0 bytes"),
        (b"dear diary, this is no sound at all".to_vec(), "use WAV"),
        (silence(1)[..20].to_vec(), "recording"),
    ] {
        let (status, said) = send(&node, "/v1/audio/transcriptions", bytes, &[]).await?;
        let body: Value = serde_json::from_str(&said)?;
        ensure!(status == 400, "{said}");
        let message = body["error"]["message"].as_str().unwrap_or_default();
        ensure!(message.contains(part), "{said}");
    }
    ensure!(titles(&node).await?.is_empty());
    Ok(())
}

/// Eight kinds, 225 s each.
#[tokio::test]
async fn in_half_an_hour_of_silence_and_noise_nothing_is_heard_and_nothing_comes_of_it()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let test = "in_half_an_hour_of_silence_and_noise_nothing_is_heard_and_nothing_comes_of_it";
    let Some(node) = listening_node(test, folder.path(), Vec::new())? else {
        return Ok(());
    };

    for kind in noise::KINDS {
        let recording = noise::wav(kind, 225);
        let (status, said) = send(&node, "/api/v1/voice/utterance", recording, &[]).await?;
        let heard: Value = serde_json::from_str(&said)?;
        ensure!(
            status == 200
                && heard["transcript"]["is_silence"] == true
                && heard["transcript"]["text"] == ""
                && heard["transcript"]["duration_seconds"] == 225.0
                && heard["response"].is_null(),
            "{kind}: {said}"
        );
    }

    ensure!(titles(&node).await?.is_empty());
    let conversations = node.api()?.get("/conversations").await?;
    ensure!(
        conversations["items"] == serde_json::json!([]),
        "{conversations}"
    );
    Ok(())
}

#[tokio::test]
async fn with_nothing_to_hear_with_the_recording_is_kept_and_the_remedy_is_told()
-> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let inbox = node.data_dir().join("inbox");

    let (status, said) = send(&node, "/api/v1/voice/utterance", silence(1), &[]).await?;
    fs::write(inbox.join("memo.wav"), silence(1))?;

    ensure!(status == 503, "{said}");
    let problem: Value = serde_json::from_str(&said)?;
    let detail = problem["detail"].as_str().context("a detail")?;
    ensure!(detail.contains("hearth models pull"), "{detail}");
    let id = detail.rsplit(' ').next().unwrap_or_default();
    let kept = node.api()?.get(&format!("/artifacts/{id}")).await?;
    ensure!(kept["type"] == "recording", "{kept}");
    let deadline = Instant::now() + LIMIT;
    while titles(&node).await?.is_empty() {
        ensure!(Instant::now() < deadline, "{}", node.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let task = node.api()?.get("/tasks/1").await?;
    ensure!(task["title"] == "Listen to memo.wav", "{task}");
    let description = task["description"].as_str().unwrap_or_default();
    ensure!(description.contains("hearth models pull"), "{task}");
    let doctor = node.hearth(&["doctor"])?;
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    ensure!(
        said.contains("voice") && said.contains("hearth models pull"),
        "{said}"
    );
    Ok(())
}

const CLIENT: &str = r#"
import sys
from openai import OpenAI, BadRequestError, AuthenticationError
base, key, roses = sys.argv[1:]
client = OpenAI(base_url=base + "/v1", api_key=key, max_retries=0)
heard = client.audio.transcriptions.create(model="whisper-1", file=open(roses, "rb"))
assert heard.text == "add water the roses", heard
verbose = client.audio.transcriptions.create(
    model="whisper-1", file=open(roses, "rb"), response_format="verbose_json",
    language="en", prompt="roses", temperature=0, timestamp_granularities=["segment"])
assert verbose.segments[0].text == "add water the roses", verbose
assert float(verbose.duration) > 0.5, verbose
srt = client.audio.transcriptions.create(model="whisper-1", file=open(roses, "rb"), response_format="srt")
assert srt.startswith("1\n00:00:0"), srt
for kind, magic in (("wav", b"RIFF"), ("opus", b"OggS")):
    sound = client.audio.speech.create(model="tts-1", voice="alloy", input="What is blocked?", response_format=kind)
    assert sound.content.startswith(magic), kind
    again = client.audio.transcriptions.create(model="whisper-1", file=("a." + kind, sound.content))
    assert again.text == "what is blocked", again
try:
    client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"no sound"))
    sys.exit("it was taken")
except BadRequestError as error:
    assert error.code == "invalid_audio" and error.param == "file", error
try:
    OpenAI(base_url=base + "/v1", api_key="wrong", max_retries=0).audio.speech.create(
        model="tts-1", voice="alloy", input="x")
    sys.exit("it was spoken")
except AuthenticationError as error:
    assert error.code == "invalid_api_key", error
print("all well")
"#;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "starts Python, whose place ./test tells"
)]
fn the_client_of_openai_works_as_it_is() -> anyhow::Result<()> {
    let test = "the_client_of_openai_works_as_it_is";
    // One environment for all of them.
    let python = std::env::var_os("HEARTH_SCHEMATHESIS")
        .map(PathBuf::from)
        .and_then(|program| Some(program.parent()?.join("python")));
    let Some(python) = python.filter(|python| python.exists()) else {
        skip(test, "there is no Python environment; ./test makes it");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let Some(node) = listening_node(test, folder.path(), Vec::new())? else {
        return Ok(());
    };
    let roses = spoken(folder.path(), "add water the roses")?;

    let output = Command::new(python)
        .args(["-c", CLIENT, node.base_url(), &node.owner_key()?])
        .arg(roses)
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .output()?;

    ensure!(
        String::from_utf8_lossy(&output.stdout).contains("all well"),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        node.log()
    );
    Ok(())
}
