//! The program `hearth`: command line, settings, wiring, lifecycle.
//!
//! The single place that knows every part, and the only one that reads files, the environment and
//! flags.
//!
//! Reading order: [`cli`], [`settings`], [`secrets`], [`data_dir`], [`client`], [`output`], [`up`],
//! [`offline`], [`doctor`], [`voice`]; of what a node does beside answering, `inbox`, `listening` and `reload`.

pub mod cli;
pub mod client;
mod compose;
pub mod data_dir;
pub mod doctor;
mod inbox;
mod lifecycle;
mod listening;
mod log;
mod media_type;
mod model;
pub mod offline;
pub mod output;
mod reload;
mod search;
pub mod secrets;
pub mod settings;
pub mod system;
mod telegram;
pub mod up;
pub mod voice;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

/// The argument after which the program is not itself but a stage of its sandbox.
pub const SANDBOX_STAGE: &str = "sandbox-stage";

/// The argument after which the program is not itself but the process that transcribes.
pub const VOICE_WORKER: &str = "voice-worker";

/// Does what the command line says; `args` begins with the program's own name.
pub fn run(args: Vec<OsString>) -> ExitCode {
    // Before anything else: a stage must come up before there are other threads.
    if args.get(1).is_some_and(|arg| arg == SANDBOX_STAGE) {
        return hearth_sandbox::stage::main(args.into_iter().skip(2));
    }
    if args.get(1).is_some_and(|arg| arg == VOICE_WORKER) {
        return hearth_voice::transcription::worker::stage::main();
    }
    cli::run(args)
}
