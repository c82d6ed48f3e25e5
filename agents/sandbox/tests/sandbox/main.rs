//! What runs in the sandbox, what it sees and may use, and how it ends. The ways out of it are tried
//! in `../escape`.
//!
//! As root, programs run as the sandbox's own user;
//! `plain_user` then repeats everything as a person's would.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ground;

mod files;
mod folders;
mod host_calls;
mod limits;
mod outside;
mod plain_user;
mod processes;
mod proxied;
mod runs;
mod syscalls;
