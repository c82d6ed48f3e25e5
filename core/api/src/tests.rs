//! The interface through its router: no sockets but for the stream of events.

mod support;
mod dump;
