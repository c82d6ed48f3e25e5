//! A conversation at the terminal, with line editing and history. What there is to tell is told at
//! once, also while a line is being written.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor, ExternalPrinter};
use tokio::sync::{mpsc, oneshot};

use crate::cli::Invocation;
use crate::cli::chat::{Thread, notices, telling};
use crate::output::{OutputClosed, note, print_line};

/// How many lines the history keeps.
const HISTORY_MAX: usize = 1000;
const PROMPT: &str = "you> ";

/// A line that was read, and where to say that the next may be.
type Line = (String, oneshot::Sender<()>);

pub(super) async fn converse(
    invocation: &Invocation,
    mut thread: Thread<'_>,
) -> anyhow::Result<()> {
    let client = thread.client;
    note("I am your chief of staff. Ask \"what can you do?\" to begin; Ctrl-D ends.");
    let after = client.last_seq().await?;
    let mut events = client.events(after, vec![("type", "notice.created".into())]);
    notices::tell(client, print_line).await?;

    let history = invocation.data_dir().root().join("chat_history");
    let mut editor = editor(&history)?;
    let mut printer = editor.create_external_printer().ok();
    // One place: the next line is read when this one is answered.
    let (sender, mut lines) = mpsc::channel::<Line>(1);
    let reading = std::thread::Builder::new()
        .name("chat-lines".into())
        .spawn(move || read_lines(editor, &history, &sender))
        .context("cannot start a thread for the terminal")?;
    let mut is_followed = true;
    loop {
        tokio::select! {
            line = lines.recv() => {
                let Some((line, next)) = line else { break };
                if let Err(error) = telling::say(&mut thread, &line).await {
                    if error.is::<OutputClosed>() {
                        return Err(error);
                    }
                    note(&format!("{error:#}"));
                }
                // The reader is gone only where the conversation has ended.
                let _ = next.send(());
            }
            event = events.next(), if is_followed => {
                if event.is_err() {
                    // The node is gone; the next message says so.
                    is_followed = false;
                    continue;
                }
                let print = |text: &str| match printer.as_mut() {
                    Some(printer) => printer.print(format!("{text}\n")).context("cannot write to the terminal"),
                    None => print_line(text),
                };
                notices::tell(client, print).await?;
            }
        }
    }
    // It has ended: its end of the channel is gone.
    let _ = reading.join();
    Ok(())
}

fn editor(history: &Path) -> anyhow::Result<Editor<(), FileHistory>> {
    let config = Config::builder()
        .max_history_size(HISTORY_MAX)
        .and_then(|builder| builder.history_ignore_dups(true))
        .context("cannot set up the line editor")?
        .auto_add_history(true)
        .build();
    let kept = FileHistory::with_config(&config);
    let mut editor = Editor::with_history(config, kept).context("cannot set up the line editor")?;
    // None at the first conversation.
    let _ = editor.load_history(history);
    Ok(editor)
}

fn read_lines(mut editor: Editor<(), FileHistory>, history: &PathBuf, lines: &mpsc::Sender<Line>) {
    loop {
        match editor.readline(PROMPT) {
            Ok(line) if line.trim().is_empty() => (),
            Ok(line) => {
                let (answered, wait) = oneshot::channel();
                if lines.blocking_send((line, answered)).is_err() || wait.blocking_recv().is_err() {
                    break;
                }
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => break,
            Err(error) => {
                note(&format!("cannot read from the terminal: {error}"));
                break;
            }
        }
    }
    if let Err(error) = editor.save_history(history) {
        note(&format!("the history was not kept: {error}"));
    }
}
