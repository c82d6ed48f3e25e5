//! The ONNX Runtime: a library of others, loaded from a named file when it is first wanted.
//!
//! Nothing is linked and nothing is searched for. The file is looked at before it is loaded, because loading
//! runs code in it; loading is given a time limit; and a library that is too old is refused by its version.

mod library;
mod model;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use ort::environment::Environment;

pub use self::model::{Input, Model, Output, Stop, Values};

/// The oldest that is good enough, `1.` and this.
pub const OLDEST: u32 = ort::MINOR_VERSION;

/// How long loading may take. It takes a tenth of a second; a slow disk may take some.
const LOAD_LIMIT: Duration = Duration::from_secs(20);

/// Loaded at most once in a process, and never let go: other threads may be inside.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

/// The library, loaded. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
}

/// Why the ONNX Runtime or a model for it cannot be used. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// Nothing is at that path.
    #[error("there is no ONNX Runtime at {}; `hearth models pull onnxruntime` fetches one", .0.display())]
    Missing(PathBuf),
    /// What is there is not the library.
    #[error("{} is not the ONNX Runtime: {reason}; `hearth models pull onnxruntime` fetches one", .path.display())]
    NotTheLibrary {
        /// What was to be loaded.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// It is of an old version.
    #[error(
        "the ONNX Runtime at {} is too old: {version}, and 1.{OLDEST} or newer is needed; \
         `hearth models pull onnxruntime` fetches one", .path.display()
    )]
    TooOld {
        /// What was to be loaded.
        path: PathBuf,
        /// The version that it says it has.
        version: String,
    },
    /// Loading did not end.
    #[error(
        "loading the ONNX Runtime at {} took too long and was given up; restart Hearth, with another \
         library if it happens again", .0.display()
    )]
    TooSlow(PathBuf),
    /// Another one is loaded, and there can be one only.
    #[error(
        "the ONNX Runtime at {} is loaded already; restart Hearth to use the one at {}",
        .loaded.display(), .asked.display()
    )]
    Another {
        /// The one that is loaded.
        loaded: PathBuf,
        /// The one that was asked for.
        asked: PathBuf,
    },
    /// A model file cannot be used.
    #[error("the model at {} cannot be used: {reason}; `hearth models verify` says whether it is whole", .path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A model failed at its work, or was stopped.
    #[error("the model failed: {0}")]
    Run(String),
}

impl Runtime {
    /// Loads the library at a path, or returns it if it is loaded already. A failure may be tried again.
    /// Waits for the disk, up to 20 seconds.
    ///
    /// # Errors
    /// Nothing there, something else there, too old, too slow, or another one is loaded.
    pub fn load(library: &Path) -> Result<Self, OnnxError> {
        Self::load_within(LOAD_LIMIT, library)
    }

    /// As [`Runtime::load`], and waits no longer than this.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub fn load_within(limit: Duration, library: &Path) -> Result<Self, OnnxError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let path = library::inspect(library)?;
        if let Some(runtime) = &*loaded {
            if runtime.library == path {
                return Ok(runtime.clone());
            }
            return Err(OnnxError::Another {
                loaded: runtime.library.clone(),
                asked: path,
            });
        }
        let runtime = load_beside(limit, path)?;
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// Where it was loaded from, links followed.
    pub fn library(&self) -> &Path {
        &self.library
    }
}

/// Loads on a thread of its own, which is left behind where it does not come back.
fn load_beside(limit: Duration, path: PathBuf) -> Result<Runtime, OnnxError> {
    let (answer, answered) = mpsc::sync_channel(1);
    let library = path.clone();
    let thread = std::thread::Builder::new().name("load onnxruntime".to_owned());
    let started = thread.spawn(move || {
        // Nobody listens after the limit.
        let _ = answer.send(library::load(&library));
    });
    if let Err(error) = started {
        return Err(OnnxError::NotTheLibrary {
            path,
            reason: format!("no thread could be started to load it ({error})"),
        });
    }
    match answered.recv_timeout(limit) {
        Ok(loaded) => Ok(Runtime {
            environment: loaded?,
            library: path,
        }),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(OnnxError::TooSlow(path)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(OnnxError::NotTheLibrary {
            path,
            reason: "it gave up while it was loaded".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
