//! Looks at the file before it is loaded, and loads it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use ort::LoadDynamicError;
use ort::environment::Environment;

use super::OnnxError;

/// The one function that every ONNX Runtime has.
const ENTRANCE: &[u8] = b"OrtGetApiBase";

/// The largest library that is looked through; those with every accelerator have half of it.
const LARGEST: u64 = 2_000_000_000;

/// How shared libraries begin: on Linux, and on macOS for one processor or several.
const MAGICS: [[u8; 4]; 3] = [
    *b"\x7fELF",
    [0xcf, 0xfa, 0xed, 0xfe],
    [0xca, 0xfe, 0xba, 0xbe],
];

/// The path with links followed, where what lies there has the marks of the library. Nothing in it runs.
pub(super) fn inspect(library: &Path) -> Result<PathBuf, OnnxError> {
    let unfit = |reason: &str| OnnxError::NotTheLibrary {
        path: library.to_owned(),
        reason: reason.to_owned(),
    };
    let read = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => OnnxError::Missing(library.to_owned()),
        _ => unfit(&format!("it cannot be read ({error})")),
    };
    let path = library.canonicalize().map_err(read)?;
    let metadata = path.metadata().map_err(read)?;
    if !metadata.is_file() {
        return Err(unfit("it is not a file"));
    }
    if metadata.len() > LARGEST {
        return Err(unfit("it is far too large"));
    }
    let mut file = File::open(&path).map_err(read)?;
    let mut magic = [0; 4];
    if file.read_exact(&mut magic).is_err() || !MAGICS.contains(&magic) {
        return Err(unfit("it is not a shared library"));
    }
    if !contains(&mut file, ENTRANCE).map_err(read)? {
        return Err(unfit("it is another library"));
    }
    Ok(path)
}

/// Whether what is left of the file contains some bytes, with a bounded piece of it in memory.
fn contains(file: &mut File, wanted: &[u8]) -> std::io::Result<bool> {
    let mut buffer = vec![0; 1 << 20];
    let mut kept = 0;
    loop {
        let count = file.read(&mut buffer[kept..])?;
        let filled = kept + count;
        if buffer[..filled]
            .windows(wanted.len())
            .any(|bytes| bytes == wanted)
        {
            return Ok(true);
        }
        if count == 0 {
            return Ok(false);
        }
        // What was wanted may lie across two pieces.
        let tail = filled.min(wanted.len() - 1);
        buffer.copy_within(filled - tail..filled, 0);
        kept = tail;
    }
}

/// Loads what was inspected. A version that is too old is refused before anything else of it is called.
pub(super) fn load(path: &Path) -> Result<Environment, OnnxError> {
    let unfit = |reason: String| OnnxError::NotTheLibrary {
        path: path.to_owned(),
        reason,
    };
    let builder = ort::init_from(path).map_err(|error| match error {
        LoadDynamicError::BadVersion { version_str, .. } => OnnxError::TooOld {
            path: path.to_owned(),
            version: version_str,
        },
        LoadDynamicError::Dlopen { error, .. } => unfit(format!("it cannot be loaded ({error})")),
        LoadDynamicError::MissingApi { .. } => unfit("it lacks its only function".to_owned()),
        LoadDynamicError::InvalidVersionString => unfit("its version is not readable".to_owned()),
    })?;
    builder
        .with_name("hearth")
        .with_telemetry(false)
        .build()
        .map_err(|error| unfit(error.to_string()))
}
