//! What several tests here need.

pub(crate) mod graph;

use std::io::Write;
use std::path::PathBuf;

/// Says loudly that a test was skipped, and why; `./test` counts it.
#[expect(
    clippy::disallowed_methods,
    reason = "the file to count skipped tests in is told by ./test"
)]
pub(crate) fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("HEARTH_SKIP_LOG") {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        writeln!(log.unwrap(), "{test}: {reason}").unwrap();
    }
}

/// A file of real speech or real weights beside the repository. None, said loudly, where it is absent.
pub(crate) fn shared(test: &str, name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/voice")
        .join(name);
    if path.is_file() {
        return Some(path);
    }
    skip(test, &format!("../shared/data/voice/{name} is absent"));
    None
}

/// A file of this crate's own tests.
pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// The ONNX Runtime that `./test` installs. None, said loudly, where it is absent.
#[expect(clippy::disallowed_methods, reason = "the library is told by ./test")]
pub(crate) fn onnx_library(test: &str) -> Option<PathBuf> {
    let library = std::env::var_os("HEARTH_ONNXRUNTIME").map(PathBuf::from);
    if library.is_none() {
        skip(test, "HEARTH_ONNXRUNTIME names no ONNX Runtime");
    }
    library
}

/// The program espeak-ng of this machine. None, said loudly, where it is absent.
#[expect(
    clippy::disallowed_methods,
    reason = "where programs are is told by PATH"
)]
pub(crate) fn espeak(test: &str) -> Option<PathBuf> {
    let found =
        std::env::var_os("PATH").and_then(|path| crate::speech::find_program("espeak-ng", &path));
    if found.is_none() {
        skip(test, "espeak-ng is not installed");
    }
    found
}

/// A tone of so many seconds, at half the loudness there is.
pub(crate) fn tone(hertz: f32, seconds: f32, rate: u32) -> Vec<f32> {
    let count = (seconds * rate as f32) as usize;
    (0..count)
        .map(|n| (n as f32 * hertz * std::f32::consts::TAU / rate as f32).sin() * 0.5)
        .collect()
}

/// The tone in some samples, by how often they rise through zero.
pub(crate) fn hertz(samples: &[f32], rate: u32) -> f32 {
    let rises = samples
        .windows(2)
        .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0)
        .count();
    rises as f32 * rate as f32 / samples.len() as f32
}

/// Noise that is the same every time, each sample between -1 and 1.
pub(crate) struct Noise(u32);

impl Noise {
    pub(crate) fn new(seed: u32) -> Self {
        Self(seed.max(1))
    }
}

impl Iterator for Noise {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        Some(self.0 as f32 / u32::MAX as f32 * 2.0 - 1.0)
    }
}
