//! Gives a run what it reads: first what it is to do, then the program's own input.
//!
//! The former goes over a socket, which carries descriptors too; the stage inside then puts the
//! pipe with the input in its place.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::pass;

/// What is yet to be written, and where to.
#[derive(Debug)]
pub(crate) struct Feed {
    parts: VecDeque<Part>,
}

#[derive(Debug)]
struct Part {
    end: File,
    bytes: Vec<u8>,
    written: usize,
}

impl Feed {
    /// Returns a feed and the standard input of the stage that is to read it.
    pub(crate) fn open(
        outer: &[u8],
        inner: Vec<u8>,
        input: Vec<u8>,
        channel: Option<&OwnedFd>,
    ) -> io::Result<(Self, OwnedFd)> {
        let (control, stdin) = UnixStream::pair()?;
        let (reader, writer) = io::pipe()?;
        let mut feed = Self {
            parts: VecDeque::new(),
        };
        for (end, bytes) in [(OwnedFd::from(control), inner), (writer.into(), input)] {
            fcntl(&end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            feed.parts.push_back(Part {
                end: end.into(),
                bytes,
                written: 0,
            });
        }
        if let Some(Part { end, .. }) = feed.parts.front_mut() {
            // They are short, and nobody needs to read them for them to fit.
            end.write_all(outer)?;
            let given = [Some(reader.as_fd()), channel.map(AsFd::as_fd)];
            let given: Vec<_> = given.into_iter().flatten().collect();
            pass::send(&*end, &given)?;
        }
        Ok((feed, stdin.into()))
    }

    /// Writes what can be written at once.
    pub(crate) fn pump(&mut self) {
        let Some(part) = self.parts.front_mut() else {
            return;
        };
        match part
            .end
            .write(part.bytes.get(part.written..).unwrap_or_default())
        {
            Ok(length) => part.written += length,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // The program does not read on; that is its right.
            Err(_) => part.written = part.bytes.len(),
        }
        if part.written >= part.bytes.len() {
            self.parts.pop_front();
        }
    }

    /// Writes no more, and lets whoever reads see the end.
    pub(crate) fn close(&mut self) {
        self.parts.clear();
    }

    /// Returns where it is to be written next.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.parts.front().map(|part| part.end.as_fd())
    }
}
