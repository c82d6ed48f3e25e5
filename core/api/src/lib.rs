//! REST and WebSocket: translates, decides nothing; the OpenAPI document.
//!
//! A handler reads its request, calls one operation of `hearth-app`, and writes what comes back.
//! Whether a caller may, and whether a change is allowed, is decided behind that call.
//!
//! Reading order: [`router()`], `routes`, `wire`, `problem`, then what surrounds every request:
//! `edge`, `guard`, `caller`, and [`serve()`].

mod body;
mod caller;
mod cursor;
mod edge;
mod guard;
mod metrics;
mod openapi;
mod path;
mod precondition;
mod problem;
mod query;
mod request_id;
mod respond;
mod router;
mod routes;
mod serve;
mod wire;

pub use metrics::Metrics;
pub use openapi::openapi;
pub use router::{Config, LiveLimit, router};
pub use serve::serve;

#[cfg(test)]
mod tests;
