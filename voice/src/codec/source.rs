//! Where a recording comes from.

use std::fs::File;
use std::io::{Cursor, Read, Result, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use symphonia::core::io::MediaSource;

use super::piped::{self, Patch};
use super::{CodecError, Limits};

/// Where a recording comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The bytes themselves.
    Bytes(Vec<u8>),
    /// A file. Its name says nothing of what is in it.
    File(PathBuf),
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Source {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

/// A source whose size is known and allowed.
pub(super) struct Opened {
    reader: Reader,
    length: u64,
    /// The first bytes, up to eight.
    beginning: Vec<u8>,
    /// Where it is read next.
    at: u64,
    patches: Vec<Patch>,
}

enum Reader {
    Bytes(Cursor<Vec<u8>>),
    File(File),
}

impl Source {
    pub(super) fn open(self, limits: &Limits) -> std::result::Result<Opened, CodecError> {
        let (mut reader, length) = match self {
            Self::Bytes(bytes) => {
                let length = bytes.len() as u64;
                (Reader::Bytes(Cursor::new(bytes)), length)
            }
            Self::File(path) => {
                // Looked at first, because opening a pipe waits for somebody to write into it.
                let metadata = std::fs::metadata(&path)?;
                if !metadata.is_file() {
                    let reason = "it is a folder or a device, not a file";
                    return Err(CodecError::Unknown(reason.to_owned()));
                }
                let file = File::open(path)?;
                let length = file.metadata()?.len();
                (Reader::File(file), length)
            }
        };
        if length == 0 {
            return Err(CodecError::Empty);
        }
        if length > limits.bytes {
            return Err(CodecError::TooLarge {
                bytes: length,
                limit: limits.bytes,
            });
        }
        let mut beginning = Vec::new();
        (&mut reader).take(8).read_to_end(&mut beginning)?;
        let patches = piped::patches(&mut reader, length)?;
        reader.seek(SeekFrom::Start(0))?;
        Ok(Opened {
            reader,
            length,
            beginning,
            at: 0,
            patches,
        })
    }
}

impl Opened {
    pub(super) fn is_ogg(&self) -> bool {
        self.beginning.starts_with(b"OggS")
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Bytes(bytes) => bytes.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        match self {
            Self::Bytes(bytes) => bytes.seek(to),
            Self::File(file) => file.seek(to),
        }
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.reader.read(buffer)?;
        piped::apply(&self.patches, self.at, &mut buffer[..read]);
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.at = self.reader.seek(to)?;
        Ok(self.at)
    }
}

impl MediaSource for Opened {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
