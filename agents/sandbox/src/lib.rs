//! Runs a command or Python code with an empty environment, one folder, and no network but what was
//! granted.
//!
//! Bubblewrap builds the walls outside; a stage of our own raises the inner ones (landlock,
//! seccomp, resource limits, closed descriptors) and then becomes the program. A thread per run
//! watches time, memory and the disk, and ends everything when a limit is passed.
//!
//! It knows nothing of tasks and keeps no state. Where the walls cannot be had,
//! [`Sandbox::probe`] says what is missing; nothing is ever run without them.
//!
//! Reading order:
//!
//! - [`config`], [`job`], [`outcome`], [`error`], [`walls`]: the words of the interface
//! - `probe`, `survey`: find out whether the sandbox works here, and which walls stand
//! - `run`, `supervise`: one run, from the caller's side and from the watching thread's
//! - `lifeguard`: ends runs with the node
//! - `feed`, `capture`, `watch`, `growth`, `kill`: what that thread does
//! - [`network`]: what may be reached, and the proxy that holds a job to it
//! - [`host`]: functions of the host that code inside may call
//! - `channel`, `pass`: how the sandbox hands out its end of both
//! - `folder`: which folders of the host may be granted
//! - `ownership`: hands a workspace to the unprivileged user where the node is root
//! - `message`, [`stage`]: what happens after the program is started, before and inside bubblewrap
//! - [`outside`]: a command that a person approved, with no walls
//! - `beneath`: reading what a run left behind, and writing below a folder, without following links
//! - `macos`: another sandbox, by a generated profile, on that system

pub mod config;
pub mod error;
pub mod host;
pub mod job;
pub mod network;
pub mod outcome;
#[cfg(unix)]
pub mod outside;
pub mod stage;
pub mod survey;
pub mod walls;

#[cfg(target_os = "linux")]
mod beneath;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod capture;
#[cfg(target_os = "linux")]
mod channel;
#[cfg(target_os = "linux")]
mod feed;
#[cfg(target_os = "linux")]
mod folder;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod growth;
#[cfg(target_os = "linux")]
mod kill;
#[cfg(target_os = "linux")]
mod lifeguard;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod message;
#[cfg(target_os = "linux")]
mod ownership;
#[cfg(target_os = "linux")]
mod pass;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod supervise;
#[cfg(target_os = "linux")]
mod watch;
#[cfg(target_os = "macos")]
#[path = "macos/watch.rs"]
mod watch;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(all(test, not(target_os = "macos")))]
#[path = "macos/profile.rs"]
mod macos_profile;

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod elsewhere;

#[cfg(target_os = "linux")]
pub use beneath::{open_beneath, open_granted, write_beneath};
pub use config::{Config, Stage};
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub use elsewhere::{Sandbox, open_beneath, open_granted, write_beneath};
pub use error::{SandboxError, Unavailable};
pub use host::{HostFunctions, HostGrant};
pub use job::{Access, Folder, Job, Limits, Program, Workspace};
#[cfg(target_os = "macos")]
pub use macos::{Sandbox, open_beneath, open_granted, write_beneath};
pub use network::Network;
pub use outcome::{End, Limit, Outcome};
#[cfg(target_os = "linux")]
pub use run::Sandbox;
pub use survey::{Stands, Survey};
pub use walls::{Wall, Walls};
