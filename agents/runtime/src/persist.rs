//! Writes what must be written, while what hinders it may pass.

use std::future::Future;
use std::time::Duration;

use hearth_app::{AppError, UnavailableCause};
use tracing::warn;

/// How often a write is tried while the node is busy or the disk full.
const TRIES: u32 = 8;
/// How long after the first failed try the next one comes; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Tries until it is stored, while what hinders it may pass.
pub(crate) async fn persist<T, F: Future<Output = Result<T, AppError>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, AppError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if may_pass(&error) => {
                warn!(%error, "what a run has to write could not be stored yet");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            other => return other,
        }
    }
    attempt().await
}

/// Whether what hinders may pass within moments.
fn may_pass(error: &AppError) -> bool {
    match error {
        AppError::Unavailable { cause, .. } => match cause {
            UnavailableCause::Busy | UnavailableCause::NoRoom => true,
            UnavailableCause::Stopping
            | UnavailableCause::NoSandbox
            | UnavailableCause::NoModel
            | UnavailableCause::NoVoice
            | UnavailableCause::VoiceFailed => false,
        },
        other => other.is_transient(),
    }
}
