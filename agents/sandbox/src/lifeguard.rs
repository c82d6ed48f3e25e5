//! Ends runs with the node, however that ends.
//!
//! A run's processes are bound to the node's life by the kernel, but not at every moment: while
//! bubblewrap starts, its child waits for it, and would wait for ever if both were gone. So one process
//! of ours knows the groups of the runs that are under way, and waits for the end of the node, which it
//! sees as the end of its input.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use nix::unistd::Pid;

use crate::config::Stage;
use crate::stage::LIFEGUARD;

/// That process, started when the first run needs it.
#[derive(Debug, Default)]
pub(crate) struct Lifeguard(Mutex<Option<Started>>);

#[derive(Debug)]
struct Started {
    child: Child,
    input: Option<ChildStdin>,
}

impl Lifeguard {
    /// Has a run's group ended with the node from here on.
    pub(crate) fn enter(&self, stage: &Stage, group: Pid) -> io::Result<()> {
        let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("+{group}\n");
        if let Some(present) = started.as_mut()
            && present.tell(&line).is_ok()
        {
            return Ok(());
        }
        // The first run, or somebody has ended it. Those that it knew are bound by the kernel still.
        started.insert(Started::new(stage)?).tell(&line)
    }

    /// Says that a run has ended, so that nobody is harmed who gets its number later.
    pub(crate) fn leave(&self, group: Pid) {
        let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(present) = started.as_mut() {
            // If it is gone, it knows of nobody.
            let _ = present.tell(&format!("-{group}\n"));
        }
    }
}

impl Started {
    fn new(stage: &Stage) -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the node's own program")]
        let mut child = Command::new(&stage.program)
            .args(&stage.args)
            .arg(LIFEGUARD)
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take();
        Ok(Self { child, input })
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(line.as_bytes())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
