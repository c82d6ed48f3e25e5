//! The worker for this crate's own tests; the node has `hearth voice-worker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hearth_voice::transcription::worker::stage::main()
}
