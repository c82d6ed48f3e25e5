//! Libraries that are not the ONNX Runtime, or too old, end in a message and never in the end of the program.
//! The right one is loaded nowhere here, because then no other is looked at.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "functions of a test fail it")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hearth_voice::onnx::{OnnxError, Runtime};

/// Compiles a library that says it is the ONNX Runtime.
#[expect(
    clippy::disallowed_methods,
    reason = "a library to be refused is compiled"
)]
fn pretended(folder: &Path, name: &str, source: &str) -> PathBuf {
    let (code, library) = (folder.join(format!("{name}.c")), folder.join(name));
    std::fs::write(&code, source).unwrap();
    let status = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&code)
        .status()
        .unwrap();
    assert!(status.success());
    library
}

#[test]
fn an_old_library_is_refused_by_its_version_and_a_slow_one_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let old = pretended(
        folder.path(),
        "libold.so",
        "static const void *api(unsigned v) { return 0; }
         static const char *version(void) { return \"1.17.3\"; }
         static struct { const void *(*api)(unsigned); const char *(*version)(void); } base = {api, version};
         const void *OrtGetApiBase(void) { return &base; }",
    );

    let error = Runtime::load(&old).err().unwrap();

    assert!(matches!(error, OnnxError::TooOld { .. }), "{error}");
    assert!(
        error.to_string().contains("1.17.3, and 1.24 or newer"),
        "{error}"
    );

    // A program begins like a library, and this one knows the name of the function.
    let own = std::env::current_exe().unwrap();
    let error = Runtime::load(&own).err().unwrap();
    assert!(matches!(error, OnnxError::NotTheLibrary { .. }), "{error}");

    // Last, because what never comes back leaves nothing more to load.
    let slow = pretended(
        folder.path(),
        "libslow.so",
        "#include <unistd.h>
         const void *OrtGetApiBase(void) { sleep(3); return 0; }",
    );
    let asked_at = Instant::now();

    let error = Runtime::load_within(Duration::from_millis(100), &slow)
        .err()
        .unwrap();

    assert!(matches!(error, OnnxError::TooSlow(_)), "{error}");
    assert!(asked_at.elapsed() < Duration::from_secs(2));
}

#[test]
fn another_library_is_not_loaded_even_to_look() {
    let folder = tempfile::tempdir().unwrap();
    let other = pretended(
        folder.path(),
        "libother.so",
        "#include <stdlib.h>
         __attribute__((constructor)) static void boom(void) { abort(); }",
    );

    let error = Runtime::load(&other).err().unwrap();

    assert!(error.to_string().contains("another library"), "{error}");
}
