//! A look at a model's file before anything is started for it.
//!
//! whisper.cpp does not notice where the last weights of a file are cut off, and takes what was in memory for
//! them. So the file is walked here once: its head, its words, and the size of each of its tensors.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::TranscriptionError;

/// What files of whisper.cpp begin with.
const MAGIC: u32 = 0x6767_6d6c;

/// Numbers at the head, after the magic.
const HEAD: usize = 11;

/// The most words, tensors and so on that a file is believed to have.
const MOST: u32 = 1_000_000;

/// Names a file as it is at one moment: it is another one when this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: u64,
}

impl Identity {
    /// # Errors
    /// There is no such file.
    pub(super) fn of(path: &Path) -> Result<Self, TranscriptionError> {
        let metadata = path.metadata().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => TranscriptionError::NoModel {
                path: path.to_owned(),
            },
            _ => broken(path, error.to_string()),
        })?;
        if !metadata.is_file() {
            return Err(broken(path, "it is no file"));
        }
        Ok(Self {
            path: path.to_owned(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }
}

/// Walks through the whole file.
///
/// # Errors
/// It is none of whisper.cpp, breaks off, has something behind its end, or holds no weights and that is not
/// accepted.
pub(super) fn check(path: &Path, accepts_no_weights: bool) -> Result<(), TranscriptionError> {
    let file = File::open(path).map_err(|error| broken(path, error.to_string()))?;
    let length = file
        .metadata()
        .map_err(|error| broken(path, error.to_string()))?
        .len();
    let mut reader = Reader {
        file: BufReader::new(file),
        at: 0,
        length,
    };
    let tensors = reader
        .walk()
        .map_err(|problem| broken(path, problem.to_string()))?;
    if tensors == 0 && !accepts_no_weights {
        return Err(broken(path, "it holds no weights"));
    }
    Ok(())
}

fn broken(path: &Path, reason: impl Into<String>) -> TranscriptionError {
    TranscriptionError::ModelBroken {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("it is no model of whisper.cpp")]
    NotOurs,
    #[error("it breaks off after {0} bytes")]
    Cut(u64),
    #[error("something in it makes no sense near byte {0}")]
    Senseless(u64),
    #[error("it cannot be read: {0}")]
    Io(io::Error),
}

struct Reader {
    file: BufReader<File>,
    at: u64,
    length: u64,
}

impl Reader {
    /// Returns how many tensors there are.
    fn walk(&mut self) -> Result<u64, Problem> {
        if self.length < 4 || self.number()? != MAGIC {
            return Err(Problem::NotOurs);
        }
        for _ in 0..HEAD {
            self.number()?;
        }
        let filters = u64::from(self.count()?) * u64::from(self.count()?);
        self.skip(filters * 4)?;
        for _ in 0..self.count()? {
            let length = self.count()?;
            self.skip(length.into())?;
        }
        let mut tensors = 0;
        while self.at < self.length {
            self.tensor()?;
            tensors += 1;
        }
        Ok(tensors)
    }

    fn tensor(&mut self) -> Result<(), Problem> {
        let dimensions = self.number()?;
        let name = self.count()?;
        let kind = self.number()?;
        if !(1..=4).contains(&dimensions) {
            return Err(Problem::Senseless(self.at));
        }
        let mut elements: u64 = 1;
        for _ in 0..dimensions {
            let size = u64::from(self.count()?);
            elements = elements
                .checked_mul(size)
                .ok_or(Problem::Senseless(self.at))?;
        }
        self.skip(name.into())?;
        let bytes = bytes(kind, elements).ok_or(Problem::Senseless(self.at))?;
        self.skip(bytes)
    }

    fn count(&mut self) -> Result<u32, Problem> {
        let count = self.number()?;
        if count > MOST {
            return Err(Problem::Senseless(self.at));
        }
        Ok(count)
    }

    fn number(&mut self) -> Result<u32, Problem> {
        let mut bytes = [0; 4];
        self.file
            .read_exact(&mut bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Problem::Cut(self.length),
                _ => Problem::Io(error),
            })?;
        self.at += 4;
        Ok(u32::from_le_bytes(bytes))
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Problem> {
        let end = self
            .at
            .checked_add(bytes)
            .ok_or(Problem::Senseless(self.at))?;
        if end > self.length {
            return Err(Problem::Cut(self.length));
        }
        // Short ways stay inside what was read already.
        match i64::try_from(bytes) {
            Ok(bytes) => self.file.seek_relative(bytes),
            Err(_) => self.file.seek(SeekFrom::Start(end)).map(drop),
        }
        .map_err(Problem::Io)?;
        self.at = end;
        Ok(())
    }
}

/// How many bytes so many elements of a kind of tensor take: the kinds that there are Whisper models of.
fn bytes(kind: u32, elements: u64) -> Option<u64> {
    // Bytes of a block, and elements in it.
    let (size, block) = match kind {
        0 => (4, 1),
        1 => (2, 1),
        2 => (18, 32),
        3 => (20, 32),
        6 => (22, 32),
        7 => (24, 32),
        8 => (34, 32),
        10 => (84, 256),
        11 => (110, 256),
        12 => (144, 256),
        13 => (176, 256),
        14 => (210, 256),
        _ => return None,
    };
    elements
        .is_multiple_of(block)
        .then(|| elements / block * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest file that holds together: one word, one tensor of 64 elements in blocks.
    fn model() -> Vec<u8> {
        let mut numbers = vec![MAGIC];
        numbers.extend([1; HEAD]);
        numbers.extend([1, 2, 0, 0]);
        numbers.extend([1, 1]);
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|one| one.to_le_bytes()).collect();
        bytes.push(b'a');
        for number in [2u32, 1, 7, 32, 2] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.push(b't');
        bytes.extend([0; 48]);
        bytes
    }

    fn said(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.bin");
        std::fs::write(&path, bytes).unwrap();
        match check(&path, false) {
            Ok(()) => "whole".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_whole_file_is_taken() {
        assert_eq!(said(&model()), "whole");
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let model = model();
        for end in 0..model.len() {
            let said = said(&model[..end]);

            assert!(said.contains("is broken"), "{end}: {said}");
        }
    }

    #[test]
    fn something_else_and_something_behind_the_end_are_refused() {
        let mut longer = model();
        longer.push(0);

        assert!(said(b"<html>not found</html>").contains("no model of whisper.cpp"));
        assert!(said(&longer).contains("breaks off"));
    }

    #[test]
    fn a_file_of_nonsense_is_refused_without_taking_memory() {
        let mut nonsense = model();
        nonsense[60..].fill(0xff);

        assert!(said(&nonsense).contains("makes no sense"));
    }
}
