//! Takes what a program writes, keeps the head of it and throws the rest away.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};

/// How much is read at once, and so at most per turn of the watching loop.
const CHUNK: usize = 16 * 1024;

/// One pipe from the program, already set not to block.
pub(crate) struct Capture<R> {
    pipe: Option<R>,
    kept: Vec<u8>,
    limit: usize,
    truncated: bool,
}

impl<R: Read> Capture<R> {
    pub(crate) fn new(pipe: Option<R>, limit: usize) -> Self {
        Self {
            pipe,
            kept: Vec::new(),
            limit,
            truncated: false,
        }
    }

    /// Takes what is there. Reading goes on past the limit, or the program would stand still.
    pub(crate) fn pump(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut chunk = [0; CHUNK];
        match pipe.read(&mut chunk) {
            Ok(0) => self.pipe = None,
            Ok(length) => {
                let room = self.limit.saturating_sub(self.kept.len());
                self.truncated |= length > room;
                self.kept.extend(chunk.iter().take(length.min(room)));
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.pipe = None,
        }
    }

    /// Drops everything up to and with `marker`, and says whether it was there.
    pub(crate) fn cut_through(&mut self, marker: &[u8]) -> bool {
        let found = self
            .kept
            .windows(marker.len())
            .position(|window| window == marker);
        if let Some(at) = found {
            self.kept.drain(..at + marker.len());
        }
        found.is_some()
    }

    /// Returns whether all writers have closed their ends.
    pub(crate) fn is_closed(&self) -> bool {
        self.pipe.is_none()
    }

    /// Returns what was kept, and whether there was more.
    pub(crate) fn into_parts(self) -> (Vec<u8>, bool) {
        (self.kept, self.truncated)
    }
}

impl<R: AsFd> Capture<R> {
    /// Returns the pipe, as long as it is open.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_limit_is_cut_and_flagged() {
        let mut capture = Capture::new(Some(&b"0123456789"[..]), 4);

        while !capture.is_closed() {
            capture.pump();
        }

        assert_eq!(capture.into_parts(), (b"0123".to_vec(), true));
    }

    #[test]
    fn the_marker_and_what_precedes_it_are_dropped() {
        let mut capture = Capture::new(Some(&b"noise MARK text MARK"[..]), 100);
        capture.pump();

        assert!(capture.cut_through(b"MARK"));

        assert_eq!(capture.into_parts(), (b" text MARK".to_vec(), false));
    }
}
