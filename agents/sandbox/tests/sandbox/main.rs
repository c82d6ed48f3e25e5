//! What runs in the sandbox, what it may use, and what it cannot reach.
//!
//! Attacks are judged by their effect on the host. As root, programs run as the sandbox's own user;
//! `plain_user` then repeats everything as a person's would.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ground;

mod files;
mod folders;
mod host_calls;
mod limits;
mod network;
mod outside;
mod plain_user;
mod processes;
mod proxied;
mod runs;
mod syscalls;
