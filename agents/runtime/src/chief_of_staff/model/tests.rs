//! Conversations in which a scripted model answers, over a real store. It is Tuesday 24 November 2026,
//! 10:00 in Berlin.

mod acting;
mod limits;
mod remembering;
mod routing;
mod streaming;
mod support;
mod survives;
