//! The models and libraries that can be had: what each is for, where it is, its size, its licence, its hash.
//!
//! The list is `catalogue.json` beside this crate's manifest. A hash stands there only where it was computed
//! from the file itself, or is the same in several independent places; any other is `unknown`, and such a file
//! is used only where its owner says so. Nothing here fetches anything.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

/// Something that can be had.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is called, such as `whisper-base.en`.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The same in a line for people.
    pub about: String,
    /// The licence it comes under.
    pub licence: String,
    /// The kind of machine it is for, such as `linux-x86_64`; none for any.
    #[serde(default)]
    pub platform: Option<String>,
    /// What it consists of. The first is the one that is opened.
    pub files: Vec<Item>,
}

/// What something is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Sound to text.
    Transcription,
    /// Telling speech from noise.
    Activity,
    /// Text to sound.
    Speech,
    /// A library that others need.
    Runtime,
}

impl Purpose {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transcription => "transcription",
            Self::Activity => "activity",
            Self::Speech => "speech",
            Self::Runtime => "runtime",
        }
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name in the folder of models.
    pub name: String,
    /// Where it is fetched from.
    pub address: String,
    /// Its size; none where nobody knows.
    pub bytes: Option<u64>,
    /// Its hash.
    pub sha256: Hash,
    /// Where what is fetched is not the file itself but an archive with it inside.
    #[serde(default)]
    pub archive: Option<Archive>,
}

/// An archive in the form of ZIP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Its size.
    pub bytes: u64,
    /// Its hash.
    pub sha256: Hash,
    /// Which file in it is meant.
    pub member: String,
}

/// A SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hash {
    /// In 64 small hexadecimal digits.
    Known(String),
    /// Nobody here has seen the file.
    Unknown,
}

impl Hash {
    /// The digits, where they are known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(digits) => Some(digits),
            Self::Unknown => None,
        }
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        match text.as_str() {
            "unknown" => Ok(Self::Unknown),
            digits if digits.len() == 64 && digits.chars().all(is_digit) => Ok(Self::Known(text)),
            _ => Err(serde::de::Error::custom("a hash is 64 digits, or unknown")),
        }
    }
}

impl Item {
    /// How many bytes are fetched for it; none where nobody knows.
    pub fn fetched_bytes(&self) -> Option<u64> {
        self.archive
            .as_ref()
            .map(|archive| archive.bytes)
            .or(self.bytes)
    }

    /// Whether a file of its name and size is in a folder. Whether it is the right one only its hash tells.
    pub fn is_in(&self, folder: &Path) -> bool {
        folder.join(&self.name).metadata().is_ok_and(|metadata| {
            metadata.is_file() && self.bytes.is_none_or(|bytes| bytes == metadata.len())
        })
    }
}

impl Entry {
    /// How many bytes it takes; none where nobody knows.
    pub fn bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether the hash of each file is known.
    pub fn is_verifiable(&self) -> bool {
        self.files.iter().all(|file| file.sha256 != Hash::Unknown)
    }

    /// Whether all of its files are in a folder, by name and size.
    pub fn is_in(&self, folder: &Path) -> bool {
        self.files.iter().all(|file| file.is_in(folder))
    }
}

/// Everything for this kind of machine, the best of each purpose first.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let is_for_here = |entry: &Entry| {
            let platform = entry.platform.as_deref();
            platform.is_none_or(|platform| platform == this_platform())
        };
        all().into_iter().filter(is_for_here).collect()
    });
    &ENTRIES
}

/// What is called so, for this kind of machine.
pub fn find(name: &str) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.name == name)
}

/// The kind of this machine, such as `linux-x86_64`.
pub fn this_platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

#[expect(
    clippy::expect_used,
    reason = "it is part of the program, and a test reads it"
)]
fn all() -> Vec<Entry> {
    serde_json::from_str(include_str!("../catalogue.json")).expect("the catalogue is well formed")
}

/// The SHA-256 of a file, in small hexadecimal digits. `told` hears how many bytes were read with each step, and
/// ends it by saying no.
///
/// # Errors
/// The file cannot be read, or `told` said no.
pub fn sha256_of(path: &Path, mut told: impl FnMut(u64) -> bool) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(format!("{:x}", hash.finalize()));
        }
        hash.update(&buffer[..count]);
        if !told(count as u64) {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::test_support::{onnx_library, shared};

    #[test]
    fn every_entry_can_be_fetched_and_no_two_share_a_name_or_file() {
        let mut names = BTreeSet::new();
        let mut files = BTreeSet::new();
        for entry in all() {
            assert!(names.insert((entry.name.clone(), entry.platform.clone())));
            assert!(!entry.files.is_empty() && !entry.licence.is_empty());
            for file in &entry.files {
                assert!(file.address.starts_with("https://"), "{}", file.address);
                assert!(!file.name.contains(['/', '\\']) && !file.name.starts_with('.'));
                assert!(files.insert((file.name.clone(), entry.platform.clone())));
                // A file of unknown size cannot be checked by it, and then not by its hash either.
                assert_eq!(file.bytes.is_none(), file.sha256 == Hash::Unknown);
            }
        }
        assert!(find("whisper-base.en").is_some_and(Entry::is_verifiable));
        assert!(find("piper-ljspeech").is_some_and(|entry| !entry.is_verifiable()));
    }

    #[test]
    fn the_hash_of_silero_is_that_of_the_real_file() {
        let Some(path) = shared(
            "the_hash_of_silero_is_that_of_the_real_file",
            "silero_vad.onnx",
        ) else {
            return;
        };
        let file = &find("silero-v6").unwrap().files[0];

        assert_eq!(
            sha256_of(&path, |_| true).ok().as_deref(),
            file.sha256.known()
        );
        assert_eq!(path.metadata().unwrap().len(), file.bytes.unwrap());
    }

    #[test]
    fn the_hash_of_the_runtime_is_that_of_the_library_that_is_tested_with() {
        let Some(path) =
            onnx_library("the_hash_of_the_runtime_is_that_of_the_library_that_is_tested_with")
        else {
            return;
        };
        let Some(entry) = find("onnxruntime") else {
            return;
        };
        // Another version may be installed.
        if path
            .file_name()
            .is_some_and(|name| name.to_str() == Some(&entry.files[0].name))
        {
            let hash = sha256_of(&path, |_| true).unwrap();

            assert_eq!(Some(hash.as_str()), entry.files[0].sha256.known());
        }
    }

    #[test]
    fn a_hash_is_whole_or_unknown() {
        let read = |text: &str| serde_json::from_str::<Hash>(text).is_ok();

        assert!(read(r#""unknown""#));
        assert!(read(&format!("\"{}\"", "0a".repeat(32))));
        assert!(!read(r#""0a""#));
        assert!(!read(&format!("\"{}\"", "0A".repeat(32))));
        assert!(!read(r#""""#));
    }
}
