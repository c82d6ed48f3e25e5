//! Whether this machine's processor can run whisper.cpp as it is built here.

use super::super::TranscriptionError;

/// # Errors
/// It lacks an instruction set. Without this look, the worker would be killed at the first such instruction.
pub(super) fn check() -> Result<(), TranscriptionError> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    Err(TranscriptionError::UnsupportedProcessor {
        missing: missing.join(", "),
    })
}

/// The instruction sets that ggml is built with where it is not built for the builder's own machine.
#[cfg(target_arch = "x86_64")]
fn missing() -> Vec<&'static str> {
    let present = [
        ("SSE4.2", std::arch::is_x86_feature_detected!("sse4.2")),
        ("AVX", std::arch::is_x86_feature_detected!("avx")),
        ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
        ("BMI2", std::arch::is_x86_feature_detected!("bmi2")),
        ("FMA", std::arch::is_x86_feature_detected!("fma")),
        ("F16C", std::arch::is_x86_feature_detected!("f16c")),
    ];
    let missing = present.iter().filter(|(_, is_present)| !is_present);
    missing.map(|(name, _)| *name).collect()
}

/// Others are built for what every processor of their kind has.
#[cfg(not(target_arch = "x86_64"))]
fn missing() -> Vec<&'static str> {
    Vec::new()
}
