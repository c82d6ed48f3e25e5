//! Where artifacts' bytes lie: each content once, in a file named by its SHA-256.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hearth_domain::artifact::ContentHash;
use sha2::{Digest, Sha256};

/// Returns where a content lies below the folder of contents: 256 folders, so that none grows too
/// long to list.
pub fn place(dir: &Path, hash: ContentHash) -> PathBuf {
    let name = hash.to_string();
    let (head, _) = name.split_at(2);
    dir.join(head).join(&name)
}

/// Reads a hash from its 64 digits in small letters.
pub fn parse_hash(text: &str) -> Option<ContentHash> {
    let mut bytes = [0; 32];
    from_hex(text, &mut bytes).then_some(ContentHash(bytes))
}

/// Fills `bytes` from twice as many digits in small letters; returns whether it could.
pub(crate) fn from_hex(text: &str, bytes: &mut [u8]) -> bool {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return false;
    }
    for ([high, low], byte) in pairs.iter().zip(bytes) {
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
            return false;
        };
        *byte = high << 4 | low;
    }
    true
}

/// Hashes what is read through it.
#[derive(Debug)]
pub struct Hashing<R> {
    inner: R,
    hasher: Sha256,
    bytes: u64,
    failure: Option<io::Error>,
}

impl<R: Read> Hashing<R> {
    /// Begins with nothing read.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            bytes: 0,
            failure: None,
        }
    }

    /// Returns why it could not be read on, if that ended the reading: who copies from it learns
    /// only that one of two ends failed.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Returns the hash and the number of the bytes that were read.
    pub fn finish(self) -> (ContentHash, u64) {
        (ContentHash(self.hasher.finalize().into()), self.bytes)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.inner.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                // The same once more, as far as errors can be copied.
                let copy = match error.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => error.kind().into(),
                };
                self.failure = Some(error);
                return Err(copy);
            }
        };
        if let Some(read) = buffer.get(..count) {
            self.hasher.update(read);
        }
        self.bytes += count as u64;
        Ok(count)
    }
}

/// Hashes what is left in a reader.
///
/// # Errors
/// It cannot be read.
pub fn hash(reader: impl Read) -> io::Result<(ContentHash, u64)> {
    let mut reader = Hashing::new(reader);
    // More at once than the few kilobytes that `io::copy` takes.
    io::copy(
        &mut io::BufReader::with_capacity(256 * 1024, &mut reader),
        &mut io::sink(),
    )?;
    Ok(reader.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = hash(&b"abc"[..]).unwrap().0;

        assert_eq!(parse_hash(&hash.to_string()), Some(hash));
        for wrong in ["", "ab", &"A".repeat(64), &"0".repeat(65), &"é".repeat(32)] {
            assert_eq!(parse_hash(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_content_lies_in_the_folder_of_its_first_two_digits() {
        let path = place(Path::new("artifacts"), ContentHash([0xab; 32]));

        let name = "ab".repeat(32);
        assert_eq!(path, Path::new("artifacts/ab").join(name));
    }
}
