//! Talking with the chief of staff over Telegram, by text and by voice note.
//!
//! The bridge speaks the Bot API as a thin client, because what it promises lies between the API's calls:
//! an update is committed here before the next `getUpdates` tells Telegram to forget it, and an answer is
//! committed with the update that it answers before it is sent. What it does not do: webhooks, pictures,
//! inline mode, and reading anything of chats that are not paired.
//!
//! Reading order: [`Bridge`], `client` and `fault` (one call of the Bot API), `update` (what comes in,
//! read), `poll`, `handle` with `command`, `say`, `hear`, `press` and `lists` (what is done with it),
//! `prompt` (questions with buttons), `notices`, `send` with `split` (what goes out), [`voice`], [`token`].

mod bridge;
mod client;
mod command;
mod fault;
mod handle;
mod health;
mod hear;
mod lists;
mod notices;
mod poll;
mod press;
mod prompt;
mod say;
mod send;
mod split;
pub mod token;
mod update;
pub mod voice;

pub use bridge::{Bridge, Config, DEFAULT_API_URL, api_url};
pub use token::{NoToken, Token, TokenSource};
pub use voice::{CannotHear, Voice};
