//! Listening and speaking, put together by the settings: which engine, which model, which voice, from where.
//!
//! Reading order: [`transcriber()`], [`find_speaker()`], [`files`], [`pull`]; `ear`, `client`, `unpack`,
//! `accepted`, [`used`].

mod accepted;
mod client;
mod ear;
pub mod files;
pub mod pull;
mod speaker;
mod transcriber;
mod unpack;
pub mod used;

pub use client::client;
pub use speaker::{Found, find_speaker};
pub use transcriber::transcriber;
