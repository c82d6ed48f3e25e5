//! What may be done: one operation per function, authorization included.
//!
//! An operation says who may, loads, lets the domain decide, and saves. It knows nothing of HTTP,
//! and the command line, the API, agents and bridges all come through here.
//!
//! Reading order: [`App`], [`tasks`], [`quick_add`], [`holding`] with [`acceptance`], [`runs`] with
//! [`approvals`], [`permissions`] and [`folders`], [`specialists`], [`owner`], [`money`], [`memories`] with [`local_search`], [`trust`], then the other entities, [`inbox`], [`chat`], [`made_tools`], [`notices`], [`telegram`], [`sweep`] with [`calendar`], [`voice`].

pub mod acceptance;
pub mod agents;
mod app;
pub mod approvals;
pub mod artifacts;
mod authority;
pub mod blobs;
pub mod calendar;
pub mod chat;
mod error;
pub mod events;
pub mod folders;
pub mod holding;
pub mod inbox;
pub mod keys;
pub mod language_model;
pub mod local_search;
pub mod made_tools;
pub mod memories;
pub mod money;
mod morning;
pub mod named;
pub mod notices;
pub mod owner;
pub mod permissions;
pub mod projects;
pub mod quick_add;
pub mod runs;
pub mod specialists;
pub mod status;
pub mod sweep;
pub mod tasks;
pub mod telegram;
#[cfg(test)]
mod test_support;
pub mod trust;
pub mod voice;

pub use app::{App, Config, Facilities, Facility, WaitingSetting};
pub use error::{AppError, Unaccepted, UnavailableCause};
pub use hearth_store::EventStream;
