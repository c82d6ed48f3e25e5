//! What may be done: one operation per function, authorization included.
//!
//! An operation says who may, loads, lets the domain decide, and saves. It knows nothing of HTTP,
//! and the command line, the API, agents and bridges all come through here.
//!
//! Reading order: [`App`], [`tasks`], [`holding`], then the other entities, [`sweep`].

pub mod agents;
mod app;
pub mod artifacts;
mod authority;
pub mod blobs;
mod error;
pub mod events;
pub mod holding;
pub mod keys;
pub mod projects;
pub mod status;
pub mod sweep;
pub mod tasks;
#[cfg(test)]
mod test_support;

pub use app::{App, Config, Facilities, Facility};
pub use error::{AppError, UnavailableCause};
pub use hearth_store::EventStream;
