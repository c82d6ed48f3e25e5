//! The store: the only crate that knows SQL.
//!
//! [`Store::write`] runs a closure on the one writer thread and answers after its change is on
//! disk; [`Store::read`] runs one on a read-only connection. Neither hands out a connection.
//! Every change brings its event, appended in the same transaction and announced after the commit.
//!
//! Reading order: [`Store`], `writer`, [`write_tx`], [`events`], [`event_stream`], then the
//! entities ([`tasks`], [`projects`], [`agents`], [`artifacts`], [`keys`],
//! [`conversations`] with [`chat_requests`], [`notices`], [`runs`] with [`steps`], [`approvals`], [`permissions`],
//! [`folders`], [`made_tools`], [`memories`], [`money`], [`pages`], [`specialists`], [`telegram`]), [`migrate`], then the care of the whole: [`backup`], [`restore`],
//! [`dump`], [`inspect`].

pub mod agents;
pub mod approvals;
pub mod artifacts;
pub mod backup;
mod care_error;
pub mod chat_requests;
mod checkpoint;
mod columns;
pub mod contents;
pub mod conversations;
pub mod dump;
mod error;
pub mod event_stream;
pub mod events;
pub mod folders;
pub mod idempotency;
pub mod inspect;
pub mod keys;
pub mod made_tools;
mod match_words;
pub mod memories;
pub mod migrate;
pub mod money;
pub mod notices;
mod page;
pub mod pages;
pub mod permissions;
mod pragmas;
pub mod projects;
mod read_tx;
pub mod restore;
pub mod runs;
pub mod specialists;
pub mod steps;
mod store;
mod swap;
pub mod tasks;
pub mod telegram;
#[cfg(test)]
mod test_support;
mod text_index;
pub mod write_tx;
mod writer;

pub use care_error::CareError;
pub use error::{OpenError, StoreError};
pub use event_stream::EventStream;
pub use page::Page;
pub use read_tx::{ReadTx, Tx};
pub use store::{Config, Store, StoreGauges};
pub use write_tx::WriteTx;
