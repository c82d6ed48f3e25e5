//! What the tests of the whole program share: a node to talk to, and ways of talking to it.
//!
//! - [`node`]: a real node, in a process of its own, in a folder of its own
//! - [`raw_http`]: the least a client needs, for measuring
//! - [`subscriber`]: a WebSocket reader of events
//! - [`skip`]: how a test says that it could not run

pub mod node;
pub mod raw_http;
pub mod skip;
pub mod subscriber;
