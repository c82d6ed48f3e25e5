//! The interface through its router: no sockets but for the stream of events.

mod approvals;
mod artifacts;
mod at_work;
mod chat;
mod conditions;
mod document;
mod edge;
mod life;
mod lists;
mod memories;
mod money;
mod notices;
mod quick_add;
mod refusals;
mod roles;
mod runs;
mod stream;
mod support;
mod tools;
mod voice;
