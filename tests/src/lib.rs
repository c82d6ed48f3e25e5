//! What the tests of the whole program share: a node to talk to, and ways of talking to it.
//!
//! - [`node`]: a real node, in a process of its own, in a folder of its own
//! - [`database`]: what a test looks for in a database, and how one is made large
//! - [`data_folder`]: a data folder with no node on it, and commands on it
//! - [`killed`]: a command that is killed at a moment that only looks random
//! - [`aimock`]: a server of language models that answers from a list
//! - [`bot_api`]: a server that speaks Telegram's Bot API
//! - [`sound`]: a sound server with a loudspeaker that its microphone hears
//! - [`ears`]: a node that hears
//! - [`noise`]: what it sounds like when nobody speaks
//! - [`keyring`]: a keyring of the desktop's kind, on a bus of its own
//! - [`small_disk`]: a file system that is soon full
//! - [`faults`]: a disk that fails when it is told to
//! - [`raw_http`]: the least a client needs, for measuring
//! - [`subscriber`]: a WebSocket reader of events
//! - [`skip`]: how a test says that it could not run

pub mod aimock;
pub mod bot_api;
pub mod data_folder;
pub mod database;
pub mod ears;
pub mod faults;
pub mod keyring;
pub mod killed;
pub mod node;
pub mod noise;
pub mod raw_http;
pub mod skip;
pub mod small_disk;
pub mod sound;
pub mod subscriber;
