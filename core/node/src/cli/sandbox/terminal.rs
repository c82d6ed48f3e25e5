//! The person's terminal and the one inside, and what goes between them.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How much is moved at once.
const CHUNK: usize = 4096;

/// A terminal for the shell, made for it alone. While it is there, the person's own passes every key
/// on as it is, Ctrl-C too; afterwards it is as it was, however this program leaves.
#[derive(Debug)]
pub(super) struct Terminal {
    ours: Arc<OwnedFd>,
    program: Option<OwnedFd>,
    before: Termios,
}

impl Terminal {
    /// Makes one of the size of the person's.
    pub(super) fn open() -> io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let path = ptsname(&ours, vec![])?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let program = open(path, flags, Mode::empty())?;
        rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::CLOEXEC)?;
        fcntl_setfl(&ours, fcntl_getfl(&ours)? | OFlags::NONBLOCK)?;
        copy_size(&ours);

        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self {
            ours: Arc::new(ours),
            program: Some(program),
            before,
        })
    }

    /// Returns the end that the program gets. Nobody may keep it, or the end of the program would
    /// not be seen here.
    pub(super) fn program_end(&mut self) -> io::Result<Arc<OwnedFd>> {
        let end = self.program.take();
        end.map(Arc::new)
            .ok_or_else(|| io::Error::other("the terminal is in use"))
    }

    /// Keeps the size the same as that of the person's.
    pub(super) async fn follow_size(&self) -> io::Result<Infallible> {
        let mut changed = signal(SignalKind::window_change())?;
        loop {
            changed.recv().await;
            copy_size(&self.ours);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// A wrong size is no reason to go without a shell.
fn copy_size(to: &OwnedFd) {
    if let Ok(size) = tcgetwinsize(io::stdin()) {
        let _ = tcsetwinsize(to, size);
    }
}

/// A thread that moves bytes both ways. It is a thread because reading a terminal cannot be given up.
#[derive(Debug)]
pub(super) struct Relay {
    thread: JoinHandle<()>,
    stop: PipeWriter,
    ended: Option<oneshot::Receiver<()>>,
}

impl Relay {
    pub(super) fn start(terminal: &Terminal) -> io::Result<Self> {
        let ours = terminal.ours.clone();
        let (stopped, stop) = io::pipe()?;
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("terminal".into())
            .spawn(move || {
                // That a terminal is gone is the usual end.
                let _ = relay(&ours, &stopped);
                let _ = end.send(());
            })?;
        Ok(Self {
            thread,
            stop,
            ended: Some(ended),
        })
    }

    /// Is ready when one of the terminals is gone.
    pub(super) fn ended(&mut self) -> impl Future<Output = ()> + use<> {
        let ended = self.ended.take();
        async move {
            if let Some(ended) = ended {
                let _ = ended.await;
            }
        }
    }

    /// Moves what is left, and ends.
    pub(super) fn finish(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

/// Moves bytes until the shell's terminal is closed, or all it holds is moved after `stopped` was
/// closed. What was typed waits here until the shell takes it, and no more is read meanwhile.
fn relay(ours: &OwnedFd, stopped: &PipeReader) -> rustix::io::Result<()> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let mut typed = vec![];
    loop {
        let wanted = if typed.is_empty() {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        };
        let reads = typed.is_empty();
        let mut ends = [
            PollFd::new(ours, wanted),
            PollFd::new(stopped, PollFlags::IN),
            PollFd::new(&stdin, PollFlags::IN),
        ];
        // A terminal that is gone would be reported however little is asked of it.
        let watched = if reads { &mut ends[..] } else { &mut ends[..2] };
        match poll(watched, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        let [shell, stop, person] = ends.map(|end| end.revents());
        if shell.contains(PollFlags::OUT) {
            match rustix::io::write(ours, &typed) {
                Ok(length) => drop(typed.drain(..length)),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        if shell.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            show(ours, stdout.as_fd())?;
        } else if !stop.is_empty() {
            return Ok(());
        }
        if reads && !person.is_empty() {
            let mut chunk = [0; CHUNK];
            match rustix::io::read(&stdin, &mut chunk) {
                Ok(0) => return Ok(()),
                Ok(length) => typed.extend(chunk.iter().take(length)),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Shows the person what the shell wrote.
fn show(ours: &OwnedFd, person: impl AsFd) -> rustix::io::Result<()> {
    let mut chunk = [0; CHUNK];
    let length = match rustix::io::read(ours, &mut chunk) {
        Ok(length) => length,
        Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut left = chunk.get(..length).unwrap_or_default();
    while !left.is_empty() {
        match rustix::io::write(&person, left) {
            Ok(written) => left = left.get(written..).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
