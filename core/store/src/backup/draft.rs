//! Files on their way to becoming a backup; removed unless they got there.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::care_error::{CareError, file};
use crate::swap::{beside, remove_database, remove_if_there, sync_folder_of};

/// A file that is only its owner's to read.
pub(crate) fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// A file that is being written beside the name it is to get.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    file: File,
    is_renamed: bool,
}

impl Draft {
    /// Makes `target.partial`. What a killed program left of one is written over; one that another
    /// program is writing is left alone.
    pub(crate) fn create(target: &Path) -> Result<Self, CareError> {
        let path = beside(target, "partial");
        let made = create_private(&path).map_err(file("make", &path))?;
        match made.try_lock() {
            Err(fs::TryLockError::WouldBlock) => {
                return Err(CareError::BeingWritten(target.into()));
            }
            Err(fs::TryLockError::Error(error)) => return Err(file("lock", &path)(error)),
            Ok(()) => (),
        }
        let draft = Self {
            path,
            file: made,
            is_renamed: false,
        };
        draft.file.set_len(0).map_err(file("empty", &draft.path))?;
        Ok(draft)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn flush(&self) -> Result<(), CareError> {
        self.file.sync_all().map_err(file("flush", &self.path))
    }

    pub(crate) fn bytes(&self) -> Result<u64, CareError> {
        let metadata = self.file.metadata().map_err(file("look at", &self.path))?;
        Ok(metadata.len())
    }

    /// Gives the file its name; when this returns, that is on disk.
    pub(crate) fn rename(mut self, target: &Path) -> Result<(), CareError> {
        fs::rename(&self.path, target).map_err(file("give its name to", target))?;
        self.is_renamed = true;
        sync_folder_of(target).map_err(|error| {
            // A name that may not last is not given: whoever asks again would find it taken.
            match remove_if_there(target) {
                Ok(()) => error.into(),
                Err(_) => CareError::Stays(target.into(), Box::new(error)),
            }
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_renamed {
            // What went wrong is told; that the draft stays as well would not add to it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A database that is there for a while.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes an empty one, in the place of what a killed program left.
    pub(crate) fn create(path: &Path) -> Result<Self, CareError> {
        let scratch = Self { path: path.into() };
        scratch.clear()?;
        Ok(scratch)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Empties it.
    pub(crate) fn clear(&self) -> Result<(), CareError> {
        remove_database(&self.path)?;
        create_private(&self.path).map_err(file("make", &self.path))?;
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A later one of this name begins by removing it.
        let _ = remove_database(&self.path);
    }
}
