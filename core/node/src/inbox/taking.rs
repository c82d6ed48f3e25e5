//! One file: read, made into a task, moved away.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};

use hearth_app::AppError;
use hearth_app::blobs::StoredBlob;
use hearth_app::tasks::{Among, Once};
use hearth_domain::Actor;
use nix::errno::Errno;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tracing::info;

use super::Inbox;
use super::folder::{Folder, Kind, Stamp};
use super::hearing::{Outcome, is_recording};
use super::reading::{Note, TEXT_MAX_BYTES, in_short, is_named_as_text, shown};
use super::report::Trouble;
use super::writers::has_writer;

/// How much of a file is read at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// Why a file was not taken.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is not there any more.
    Gone,
    /// Somebody is writing to it.
    Changed,
    /// It has no bytes: many programs make a file first and fill it afterwards.
    Empty,
    /// Somebody has it open for writing.
    BeingWritten,
    /// What is said in it is not known yet.
    BeingHeard,
    /// It cannot be taken as it is; reads on from "it".
    Refused(Stamp, String),
    /// It, and the others, must wait.
    Later(Trouble),
}

/// A file that is open.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) stamp: Stamp,
    /// What it says where it is a text, with the hash of its bytes.
    note: Option<(Note, [u8; 32])>,
}

/// A file that is read.
enum Content {
    Text(Note, [u8; 32]),
    Other(StoredBlob),
}

impl Inbox {
    /// Takes a file that was seen in the state `before`, if it is in that state still.
    pub(super) async fn take(&mut self, name: &OsStr, before: Stamp) -> Result<(), Failure> {
        let (stamp, key) = match self.moves.take_stuck(name, &before) {
            Some(stuck) => stuck,
            None => self.make_task(name, before).await?,
        };
        self.put_away(name, stamp, key).await
    }

    /// Makes a task of a file; returns the file's state and key.
    pub(super) async fn make_task(
        &self,
        name: &OsStr,
        before: Stamp,
    ) -> Result<(Stamp, String), Failure> {
        let heard = match before.kind {
            Kind::File if is_recording(name) => Some(self.heard(name, before).await?),
            Kind::File | Kind::Folder | Kind::Link | Kind::Other => None,
        };
        let (content, stamp) = self.read(name, before).await?;
        let hash = match &content {
            Content::Text(_, hash) => *hash,
            Content::Other(blob) => blob.hash.0,
        };
        let once = Once {
            key: file_key(&hash, name, &stamp),
            among: Among::Inbox,
            request: hash,
        };
        let created = match (content, heard) {
            (Content::Text(note, _), _) => self.take_text(name, note, &once).await,
            (Content::Other(blob), None) => self.take_other(name, blob, "", &once).await,
            (Content::Other(blob), Some(Outcome::Nothing(why))) => {
                let why = format!("{}.", why.trim_end_matches('.'));
                self.take_other(name, blob, &why, &once).await
            }
            (Content::Other(blob), Some(Outcome::Said { text, is_cut })) => {
                self.take_said(name, blob, (text, is_cut), &once).await
            }
            (Content::Other(_), Some(Outcome::Silence)) => {
                self.tell_of_silence(name, &once.key).await?;
                self.hearing.forget(name);
                return Ok((stamp, once.key));
            }
        };
        let created = created.map_err(|error| match error {
            error @ AppError::InvalidInput { .. } => {
                Failure::Refused(stamp, in_short(&format!("cannot become a task: {error}")))
            }
            error => Failure::Later(self.trouble(&error)),
        })?;
        let (shown, number) = (shown(name), created.view.task.number);
        let became = if created.is_repeat {
            "was already"
        } else {
            "became"
        };
        info!(
            file = shown,
            task.number = number,
            "{shown} {became} task #{number}"
        );
        self.hearing.forget(name);
        Ok((stamp, once.key))
    }

    async fn read(&self, name: &OsStr, before: Stamp) -> Result<(Content, Stamp), Failure> {
        let refuse = |problem: &str| Err(Failure::Refused(before, problem.into()));
        match before.kind {
            Kind::File => (),
            Kind::Folder => return refuse("is a folder; put its files in one by one"),
            Kind::Link => return refuse("is a link; put the file itself in"),
            Kind::Other => return refuse("is no file with bytes in it"),
        }
        let own = name.to_owned();
        let opened = self.blocking(move |folder| open(folder, &own, before));
        let opened = opened
            .await
            .map_err(|error| Failure::Later(self.folder.unreadable(&error)))??;
        let stamp = opened.stamp;
        if let Some((note, hash)) = opened.note {
            return Ok((Content::Text(note, hash), stamp));
        }
        let blob = self.store(opened.file, stamp).await?;
        Ok((Content::Other(blob), stamp))
    }

    /// Stores the bytes of a file; no row names them yet.
    async fn store(&self, file: File, stamp: Stamp) -> Result<StoredBlob, Failure> {
        let max_bytes = self.app.config().artifact_max_bytes;
        if stamp.size > max_bytes {
            let problem = format!(
                "is larger than {max_bytes} bytes, the most that is taken; allow more with \
                 hearth config set artifacts.max_bytes"
            );
            return Err(Failure::Refused(stamp, problem));
        }
        let later = |error: AppError| Failure::Later(self.trouble(&error));
        let mut file = tokio::fs::File::from_std(file);
        let mut writer = self
            .app
            .begin_artifact(&Actor::Owner)
            .await
            .map_err(later)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = file.read(&mut piece).await;
            let count = read.map_err(|error| unreadable(stamp, &error))?;
            let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            writer.write(bytes).await.map_err(|error| match error {
                // It grew while it was read.
                AppError::InvalidInput { .. } => Failure::Changed,
                error => later(error),
            })?;
        }
        let blob = writer.finish().await.map_err(later)?;
        if blob.size_bytes == stamp.size {
            Ok(blob)
        } else {
            Err(Failure::Changed)
        }
    }
}

/// Opens a file, and reads it where it is a text.
pub(super) fn open(folder: &Folder, name: &OsStr, before: Stamp) -> Result<Opened, Failure> {
    let present = folder.stamp(name);
    let present = present.map_err(|error| unreadable(before, &error))?;
    if !present.is_same_content(&before) {
        return Err(Failure::Changed);
    }
    let opened = folder.open(name);
    let (mut file, stamp) = opened.map_err(|error| unreadable(present, &error))?;
    if !stamp.is_same_content(&before) {
        return Err(Failure::Changed);
    }
    if stamp.size == 0 {
        return Err(Failure::Empty);
    }
    if has_writer(&file) {
        return Err(Failure::BeingWritten);
    }
    let mut note = None;
    if is_named_as_text(name) && stamp.size <= TEXT_MAX_BYTES {
        let mut bytes = Vec::new();
        let read = (&mut file).take(stamp.size + 1).read_to_end(&mut bytes);
        read.map_err(|error| unreadable(stamp, &error))?;
        if bytes.len() as u64 != stamp.size {
            return Err(Failure::Changed);
        }
        let hash = Sha256::digest(&bytes).into();
        note = Note::read(bytes).map(|note| (note, hash));
        file.rewind().map_err(|error| unreadable(stamp, &error))?;
    }
    Ok(Opened { file, stamp, note })
}

pub(super) fn unreadable(stamp: Stamp, error: &io::Error) -> Failure {
    if error.kind() == ErrorKind::NotFound {
        return Failure::Gone;
    }
    match error.raw_os_error().map(Errno::from_raw) {
        // The node has too many files open, or the disk fails, which may pass.
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::EINTR | Errno::EIO) => {
            Failure::Later(Trouble {
                reason: format!("a file in the inbox cannot be read: {error}"),
                detail: String::new(),
                remedy: "hearth doctor".into(),
            })
        }
        // A link took its place.
        Some(Errno::ELOOP) => Failure::Changed,
        _ => Failure::Refused(stamp, in_short(&format!("cannot be read: {error}"))),
    }
}

/// Names one state of one file, in its place.
fn file_key(hash: &[u8; 32], name: &OsStr, stamp: &Stamp) -> String {
    let digest = Sha256::new()
        .chain_update(hash)
        .chain_update(stamp.identity())
        .chain_update(name.as_encoded_bytes());
    format!("{:x}", digest.finalize())
}

/// Names what a notice tells of a file that stays: the file, and when it was last written to.
pub(super) fn notice_key(name: &OsStr, state: Option<Stamp>) -> String {
    let modified_ns = state.map_or(0, |stamp| stamp.modified_ns);
    let digest = Sha256::new()
        .chain_update(modified_ns.to_le_bytes())
        .chain_update(name.as_encoded_bytes());
    format!("inbox:stays:{:x}", digest.finalize())
}
