//! A secret from standard input: an argument could be seen by every user of the machine.

use std::io::{self, IsTerminal, Read};

use anyhow::{Context, anyhow};

use crate::output::note;
use crate::secrets::{MAX_BYTES, Secret};

/// Reads a secret; `what` names it in messages. A person at a terminal is asked for it, and what they
/// type is not shown.
///
/// # Errors
/// What was given is no secret, or standard input cannot be read.
pub fn read(what: &str) -> anyhow::Result<Secret> {
    let text = if io::stdin().is_terminal() {
        let _quiet =
            Quiet::begin().context("cannot hide what is typed; hand it in through a pipe")?;
        note(&format!(
            "type or paste {what}, which is not shown, and press Enter"
        ));
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    } else {
        let mut text = String::new();
        let mut input = io::stdin().lock().take(MAX_BYTES + 2);
        input.read_to_string(&mut text).map(|_| text)
    };
    let text = text.with_context(|| format!("cannot read {what} from standard input"))?;
    Secret::new(&text).map_err(|problem| anyhow!("{what} on standard input {problem}"))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet(nix::sys::termios::Termios);

impl Quiet {
    fn begin() -> nix::Result<Self> {
        use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        // An interrupt would end the program here and leave the terminal as it is; without signals
        // Ctrl-C becomes a character that no secret has.
        quiet.local_flags.remove(LocalFlags::ISIG);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        use nix::sys::termios::{SetArg, tcsetattr};
        // Where the terminal is gone, nobody misses its echo.
        let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &self.0);
    }
}
