//! `hearth ptt`: presses and releases the key of the running node, so that a shortcut of the desktop can.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::cli::Invocation;
use crate::client::wire::PushToTalk;
use crate::client::{Answer, Client};
use crate::output::table::fields;
use crate::output::text::{one_line, paragraphs};

/// How long `--wait` waits for an answer.
const ANSWERED_WITHIN: Duration = Duration::from_mins(20);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the key does.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// Listen with the microphone of the node's machine
    Down,
    /// Stop listening; what was said is answered
    Up(Wait),
    /// Listen, or stop listening
    Toggle(Wait),
    /// Throw away what is being said, and stop what is being spoken
    Cancel,
    /// What is done, what was heard last and what was answered
    Status,
}

/// Whether the answer is waited for.
#[derive(Debug, Clone, Copy, Args)]
pub struct Wait {
    /// Wait for the answer and print it
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let (action, wait) = match command {
        Command::Down => ("down", false),
        Command::Up(up) => ("up", up.wait),
        Command::Toggle(toggle) => ("toggle", toggle.wait),
        Command::Cancel => ("cancel", false),
        Command::Status => {
            let answer = client.get(&["voice", "ptt"], &[]).await?;
            return show(invocation, &answer, lines);
        }
    };
    // A key that goes down has nothing to wait for, nor one that was not down.
    let goes_down = wait && action == "toggle" && {
        let before: PushToTalk = client.get(&["voice", "ptt"], &[]).await?.read()?;
        before.state != "listening"
    };
    let body = json!({ "action": action });
    let answer = client.post(&["voice", "ptt"], &body).await?;
    let released: PushToTalk = answer.read()?;
    if !wait || goes_down || released.recorded <= released.turns {
        return show(invocation, &answer, |now| now.state.clone());
    }
    let answer = wait_for(&client, released.recorded).await?;
    let state: PushToTalk = answer.read()?;
    if let Some(problem) = problem(&state) {
        invocation.output.answer(&answer.text, || said(&state))?;
        bail!("{problem}");
    }
    show(invocation, &answer, said)
}

/// Why what was said last was not answered.
fn problem(state: &PushToTalk) -> Option<String> {
    let turn = state.last.as_ref()?;
    (!turn.problem.is_empty()).then(|| one_line(&turn.problem))
}

async fn wait_for(client: &Client, turn: u64) -> anyhow::Result<Answer> {
    let end = Instant::now() + ANSWERED_WITHIN;
    loop {
        let answer = client.get(&["voice", "ptt"], &[]).await?;
        let state: PushToTalk = answer.read()?;
        if state.turns >= turn {
            return Ok(answer);
        }
        if state.recorded < turn {
            bail!(
                "the node was started anew; what was not answered is kept with a task: hearth task list"
            );
        }
        if Instant::now() > end {
            bail!("there is no answer yet; see: hearth ptt status");
        }
        sleep(LOOK_EVERY).await;
    }
}

fn show(
    invocation: &Invocation,
    answer: &Answer,
    words: impl FnOnce(&PushToTalk) -> String,
) -> anyhow::Result<()> {
    let state: PushToTalk = answer.read()?;
    invocation.output.answer(&answer.text, || words(&state))
}

/// What was heard and answered last.
fn said(state: &PushToTalk) -> String {
    let Some(turn) = &state.last else {
        return state.problem.clone();
    };
    let (heard, problem) = (one_line(&turn.heard), one_line(&turn.problem));
    match (heard.is_empty(), problem.is_empty()) {
        (true, true) => "nothing was said".into(),
        (true, false) => "nothing was heard".into(),
        (false, true) => format!("You said: {heard}\n{}", paragraphs(&turn.response)),
        (false, false) => format!("You said: {heard}"),
    }
}

fn lines(state: &PushToTalk) -> String {
    let microphone = match (state.problem.as_str(), state.is_armed) {
        ("", true) => "open".to_owned(),
        ("", false) => "closed until the key goes down".to_owned(),
        (problem, _) => one_line(problem),
    };
    let mut pairs = vec![("state", state.state.clone()), ("microphone", microphone)];
    if state.waiting > 0 {
        pairs.push(("waiting", state.waiting.to_string()));
    }
    if let Some(turn) = &state.last {
        let heard = match (turn.heard.as_str(), turn.problem.as_str()) {
            ("", "") => "nothing was said".to_owned(),
            ("", problem) => one_line(problem),
            (heard, _) if turn.is_cut => format!("{} (cut short)", one_line(heard)),
            (heard, _) => one_line(heard),
        };
        pairs.push(("heard", heard));
        pairs.push(("answer", one_line(&turn.response)));
    }
    fields(&pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(body: serde_json::Value) -> PushToTalk {
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn the_last_turn_is_told_with_what_went_wrong() {
        let with = |turn: serde_json::Value| {
            state(json!({
                "state": "idle", "is_armed": true, "waiting": 0, "problem": "", "turns": 1, "last": turn,
            }))
        };
        let turn = |heard: &str, response: &str, problem: &str| {
            with(json!({"heard": heard, "response": response, "is_cut": false, "problem": problem}))
        };

        assert_eq!(said(&turn("hello", "Hi.", "")), "You said: hello\nHi.");
        assert_eq!(said(&turn("", "", "")), "nothing was said");
        let failed = turn("hello", "", "the disk is full");
        assert_eq!(said(&failed), "You said: hello");
        assert_eq!(problem(&failed).as_deref(), Some("the disk is full"));
        assert_eq!(problem(&turn("hello", "Hi.", "")), None);
        assert!(lines(&turn("hello", "Hi.", "")).contains("open"));
    }
}
