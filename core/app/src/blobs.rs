//! Artifacts' bytes: each content once, in a file named by its SHA-256.
//!
//! A file appears under its name only when it is whole and on disk. No name from outside is ever
//! part of a path.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use hearth_domain::IdSource;
use hearth_domain::artifact::ContentHash;
use hearth_store::contents::place;
use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use crate::error::AppError;

/// The folder of contents.
#[derive(Clone)]
pub(crate) struct Blobs {
    dir: PathBuf,
    ids: Arc<dyn IdSource>,
}

/// A content that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its name.
    pub hash: ContentHash,
    /// Its size.
    pub size_bytes: u64,
}

impl Blobs {
    pub(crate) fn open(dir: PathBuf, ids: Arc<dyn IdSource>) -> io::Result<Self> {
        let incoming = dir.join("incoming");
        // What an interrupted upload left is nobody's.
        match std::fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => (),
        }
        std::fs::create_dir_all(&incoming)?;
        Ok(Self { dir, ids })
    }

    pub(crate) async fn writer(&self, max_bytes: u64) -> Result<BlobWriter, AppError> {
        let path = self
            .dir
            .join("incoming")
            .join(self.ids.next_uuid().to_string());
        let file = File::create_new(&path).await.map_err(failed)?;
        Ok(BlobWriter {
            file,
            incoming: Incoming { path },
            dir: self.dir.clone(),
            hasher: Sha256::new(),
            size_bytes: 0,
            max_bytes,
        })
    }

    /// Opens a content for reading.
    pub(crate) async fn open_content(&self, hash: ContentHash) -> Result<File, AppError> {
        File::open(place(&self.dir, hash)).await.map_err(failed)
    }
}

/// A file on its way in; removed unless it was given its place.
#[derive(Debug)]
struct Incoming {
    path: PathBuf,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // It is gone already where it was given its place.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A content that is being stored.
pub struct BlobWriter {
    file: File,
    incoming: Incoming,
    dir: PathBuf,
    hasher: Sha256,
    size_bytes: u64,
    max_bytes: u64,
}

impl BlobWriter {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// The content is larger than allowed; the disk is full.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), AppError> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > self.max_bytes {
            return Err(AppError::InvalidInput {
                code: "too_large",
                field: "file".into(),
                problem: format!(
                    "is larger than {} bytes, the most an artifact may have",
                    self.max_bytes
                ),
                unaccepted: None,
            });
        }
        self.hasher.update(bytes);
        self.file.write_all(bytes).await.map_err(failed)
    }

    /// Puts the content in its place; when this returns, it is on disk.
    ///
    /// # Errors
    /// The disk is full.
    pub async fn finish(mut self) -> Result<StoredBlob, AppError> {
        self.file.flush().await.map_err(failed)?;
        self.file.sync_all().await.map_err(failed)?;
        let hash = ContentHash(self.hasher.finalize().into());
        let blob = StoredBlob {
            hash,
            size_bytes: self.size_bytes,
        };
        let target = place(&self.dir, hash);
        if fs::metadata(&target)
            .await
            .is_ok_and(|known| known.len() == self.size_bytes)
        {
            return Ok(blob);
        }
        let folder = target.parent().unwrap_or(&self.dir);
        fs::create_dir_all(folder).await.map_err(failed)?;
        fs::rename(&self.incoming.path, &target)
            .await
            .map_err(failed)?;
        // The new name, and the folder's own where it is new, are on disk too.
        for folder in [folder, self.dir.as_path()] {
            File::open(folder)
                .await
                .map_err(failed)?
                .sync_all()
                .await
                .map_err(failed)?;
        }
        Ok(blob)
    }
}

fn failed(error: io::Error) -> AppError {
    if matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    ) {
        return AppError::no_room();
    }
    AppError::Store(Box::new(error))
}
