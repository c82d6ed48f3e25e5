//! Talking to the node by a microphone: a sound server whose loudspeaker its microphone hears.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::ensure;
use hearth_tests::ears::{hearing, listening_node, send};
use hearth_tests::node::{Options, TestNode, command};
use hearth_tests::sound::{SoundServer, no_card, spoken};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Garbled, until_heard};

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A node that hears, in a room with a loudspeaker, and something to be said there. The node ends first.
struct Room {
    node: TestNode,
    server: SoundServer,
    /// A recording of "add water the roses".
    roses: PathBuf,
    folder: TempDir,
}

impl Room {
    /// None, said loudly, where there is no sound server or no recogniser.
    fn open(test: &str, more: &[(&str, &str)]) -> anyhow::Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let Some(server) = SoundServer::start(test)? else {
            return Ok(None);
        };
        let more = more
            .iter()
            .map(|&(name, value)| (name.into(), value.into()));
        let env = server.environment().into_iter().chain(more).collect();
        let Some(node) = listening_node(test, folder.path(), env)? else {
            return Ok(None);
        };
        let roses = spoken(folder.path(), "add water the roses")?;
        Ok(Some(Self {
            node,
            server,
            roses,
            folder,
        }))
    }
}

/// Runs `hearth ptt`; returns what it printed.
fn ptt(node: &TestNode, args: &[&str]) -> anyhow::Result<String> {
    let args: Vec<&str> = ["ptt"].iter().chain(args).copied().collect();
    let output = node.hearth(&args)?;
    ensure!(
        output.status.success(),
        "{args:?}: {output:?}\n{}",
        node.log()
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn state(node: &TestNode) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&ptt(node, &["status", "--json"])?)?)
}

fn until(node: &TestNode, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let state = state(node)?;
        if is_so(&state) {
            return Ok(state);
        }
        ensure!(Instant::now() < deadline, "{state}\n{}", node.log());
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

#[tokio::test]
async fn what_is_said_while_the_key_is_held_becomes_a_task() -> anyhow::Result<()> {
    let test = "what_is_said_while_the_key_is_held_becomes_a_task";
    let Some(room) = Room::open(test, &[])? else {
        return Ok(());
    };
    let Room {
        node,
        server,
        roses,
        ..
    } = &room;

    ensure!(ptt(node, &["down"])?.trim() == "listening");
    server.play(roses)?;
    let said = ptt(node, &["up", "--wait"])?;

    ensure!(
        said.starts_with("You said: add water the roses\n"),
        "{said}\n{}",
        node.log()
    );
    let tasks = node.api()?.all("/tasks").await?;
    ensure!(tasks.len() == 1, "{tasks:?}");
    let status = ptt(node, &["status"])?;
    ensure!(
        status.contains("idle") && status.contains("add water the roses"),
        "{status}"
    );
    // Nothing is said; nothing comes of it.
    ptt(node, &["toggle"])?;
    let quiet = ptt(node, &["toggle", "--wait"])?;
    ensure!(quiet.trim() == "nothing was said", "{quiet}");
    ensure!(node.api()?.all("/tasks").await?.len() == 1);
    Ok(())
}

/// What was being said is found after a restart, as a recording with a task; nothing of it is lost.
#[tokio::test]
async fn what_is_said_as_the_node_is_stopped_is_kept() -> anyhow::Result<()> {
    let test = "what_is_said_as_the_node_is_stopped_is_kept";
    let Some(mut room) = Room::open(test, &[])? else {
        return Ok(());
    };

    ptt(&room.node, &["down"])?;
    room.server.play(&room.roses)?;
    ensure!(room.node.stop()? == Some(0), "{}", room.node.log());
    ensure!(
        room.node.log().contains("it is with task #1"),
        "{}",
        room.node.log()
    );

    let node = TestNode::start_in(room.folder.path(), &Options::default())?;
    let api = node.api()?;
    let task = api.get("/tasks/1").await?;
    let title = task["title"].as_str().unwrap_or_default();
    ensure!(
        title.starts_with("Listen to what you said (") && task["assigned_to"] == "owner",
        "{task}"
    );
    let kept = api.get("/tasks/1/artifacts").await?;
    let id = kept["items"][0]["id"].as_str().unwrap_or_default();
    let recording = room.folder.path().join("kept.wav");
    let to = recording.display().to_string();
    node.done(&["artifact", "get", id, "--output", &to])?;
    // It is heard as it would have been.
    let mut transcribe = command(room.folder.path())?;
    transcribe.envs(hearing(test, room.folder.path())?.unwrap_or_default());
    let heard = transcribe.arg("transcribe").arg(&recording).output()?;
    let heard = String::from_utf8_lossy(&heard.stdout).into_owned();
    ensure!(heard.trim() == "add water the roses", "{heard}");
    Ok(())
}

#[tokio::test]
async fn a_microphone_that_goes_and_comes_back_is_told() -> anyhow::Result<()> {
    let test = "a_microphone_that_goes_and_comes_back_is_told";
    let keep = [("HEARTH_VOICE_KEEP_MICROPHONE_OPEN", "true")];
    let Some(room) = Room::open(test, &keep)? else {
        return Ok(());
    };
    let Room { node, server, .. } = &room;

    until(node, |state| state["is_armed"] == true)?;
    ensure!(server.control(&["unload-module", "module-null-sink"])?);
    let lost = until(node, |state| state["is_armed"] == false)?;
    let refused = node.hearth(&["ptt", "down"])?;
    ensure!(server.control(&["load-module", "module-null-sink", "sink_name=room"])?);
    let back = until(node, |state| state["is_armed"] == true)?;

    let problem = lost["problem"].as_str().unwrap_or_default();
    ensure!(
        problem.contains("hearth config set voice.microphone"),
        "{lost}"
    );
    ensure!(refused.status.code() == Some(1), "{refused:?}");
    ensure!(back["problem"] == "", "{back}");
    Ok(())
}

#[test]
fn without_a_microphone_the_key_says_so() -> anyhow::Result<()> {
    let test = "without_a_microphone_the_key_says_so";
    let folder = tempfile::tempdir()?;
    let Some(no_card) = no_card(test, folder.path())? else {
        return Ok(());
    };
    let options = Options {
        env: vec![no_card],
        ..Default::default()
    };
    let node = TestNode::start(&options)?;

    let refused = node.hearth(&["ptt", "down"])?;

    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        refused.status.code() == Some(1) && said.contains("microphone"),
        "{said}"
    );
    ensure!(!node.log().contains("ALSA lib"), "{}", node.log());
    Ok(())
}

/// Sits at a terminal before `hearth listen`: presses the space bar, has something played, presses it again,
/// and leaves when the answer is there and, where it is spoken, has been. Arguments: what plays, then the
/// program and its arguments.
const TERMINAL: &str = r#"
import os, select, subprocess, sys, termios, fcntl, time
ours, theirs = os.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(theirs, fd)
    os.execv(sys.argv[2], sys.argv[2:])
before = termios.tcgetattr(theirs)
said = b""
def wait_for(text):
    global said
    end = time.monotonic() + 60
    while text not in said:
        left = end - time.monotonic()
        if left < 0 or not select.select([ours], [], [], left)[0]:
            os.kill(child, 15)
            sys.exit(f"no {text!r} in {said!r}")
        said += os.read(ours, 65536)
        if holds and b"\x1b[c" in said:
            os.write(ours, b"\x1b[?0u\x1b[?62c")
            said = said.replace(b"\x1b[c", b"")
        elif b"\x1b[c" in said:
            os.write(ours, b"\x1b[?62c")
            said = said.replace(b"\x1b[c", b"")
    said = said.split(text, 1)[1]
holds = sys.argv[1].startswith("hold:")
down, up = (b"\x1b[32;1:1u", b"\x1b[32;1:3u") if holds else (b" ", b" ")
wait_for(b"Hold the space bar" if holds else b"Press the space bar")
wait_for(b"ready")
os.write(ours, down)
wait_for(b"listening")
subprocess.run(["paplay", sys.argv[1].removeprefix("hold:")], check=True)
os.write(ours, up)
wait_for(b"You said: add water the roses")
def is_heard():
    playing = subprocess.run(["pactl", "list", "short", "sink-inputs"], capture_output=True, check=True)
    return bool(playing.stdout.strip())
if "--speak" in sys.argv:
    # A stream that stumbles is gone for a moment and comes back: over is what is not heard for a while.
    for now, looks in ((True, 1), (False, 100)):
        end = time.monotonic() + 60
        seen = 0
        while seen < looks:
            seen = seen + 1 if is_heard() == now else 0
            if time.monotonic() > end:
                os.kill(child, 15)
                sys.exit(f"what is spoken: {now} never came")
            time.sleep(0.02)
os.write(ours, b"\x1b[113u" if holds else b"q")
_, status = os.waitpid(child, 0)
after = termios.tcgetattr(theirs)
assert after[3] == before[3], (before, after)
sys.exit(os.waitstatus_to_exitcode(status))
"#;

#[tokio::test]
async fn at_a_terminal_one_holds_the_space_bar_or_presses_it_twice() -> anyhow::Result<()> {
    let test = "at_a_terminal_one_holds_the_space_bar_or_presses_it_twice";
    let Some(room) = Room::open(test, &[])? else {
        return Ok(());
    };
    let Room {
        node,
        server,
        roses,
        ..
    } = &room;

    for how in ["hold:", ""] {
        let playing = format!("{how}{}", roses.display());
        at_the_terminal(node, server, &playing, &["listen"])?;
    }
    ensure!(node.api()?.all("/tasks").await?.len() == 2);
    Ok(())
}

#[tokio::test]
async fn at_a_terminal_the_answer_is_spoken_where_that_is_wanted() -> anyhow::Result<()> {
    let test = "at_a_terminal_the_answer_is_spoken_where_that_is_wanted";
    until_heard(test, || answer_at_the_terminal(test)).await
}

async fn answer_at_the_terminal(test: &str) -> anyhow::Result<()> {
    let Some(room) = Room::open(test, &[])? else {
        return Ok(());
    };
    let Room {
        node,
        server,
        roses,
        ..
    } = &room;
    let all = room.folder.path().join("all.wav");
    let listener = server.record(&all)?;

    let playing = roses.display().to_string();
    at_the_terminal(node, server, &playing, &["listen", "--speak"])?;

    listener.finish()?;
    // What was played to the program, and then what it said.
    let form = [("model", "whisper-1"), ("response_format", "text")];
    let (status, heard) = send(
        node,
        "/v1/audio/transcriptions",
        std::fs::read(&all)?,
        &form,
    )
    .await?;
    ensure!(status == 200, "{status} {heard}");
    ensure!(
        heard.trim() == "add water the roses i've added number one water the roses",
        Garbled(heard)
    );
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "starts Python, which sits at a terminal"
)]
fn at_the_terminal(
    node: &TestNode,
    server: &SoundServer,
    playing: &str,
    arguments: &[&str],
) -> anyhow::Result<()> {
    let hearth = command(node.data_dir())?;
    let mut python = std::process::Command::new("python3");
    python.args(["-c", TERMINAL, playing]);
    python.arg(hearth.get_program()).args(arguments);
    for (name, value) in hearth.get_envs() {
        match value {
            Some(value) => python.env(name, value),
            None => python.env_remove(name),
        };
    }
    let output = python
        .envs(server.environment())
        .stdin(Stdio::null())
        .output()?;
    ensure!(
        output.status.success(),
        "{playing} {}\n{}",
        String::from_utf8_lossy(&output.stderr),
        node.log()
    );
    Ok(())
}
