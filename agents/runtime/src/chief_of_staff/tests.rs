//! Conversations as people have them, typed and as speech recognition writes them.
//!
//! Each line is `(said, what it must cause, what the answer must say)`: event types with task
//! numbers, and pieces of the answer with `|` between them. It is Tuesday 24 November 2026, 10:00 in
//! Berlin.

mod consent;
mod dialogues;
mod lines;
pub(super) mod talk;
