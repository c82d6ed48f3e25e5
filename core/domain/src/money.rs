//! Money, and what else work uses up: what counts, where it counts, and what fits.
//!
//! A call of a model is paid for in three movements: its worst case is reserved before it is made,
//! the call is made, and what it used is settled. What is reserved counts as spent until then, so
//! that however many calls are made at once, no limit is passed.
//!
//! Reading order: [`Charge`], [`Scope`], [`Limits`], [`overs`], [`ModelCall`], [`Answer`].

mod account;
mod amount;
mod answer;
mod call;
mod charge;
mod facts;
mod limits;
mod scope;

pub use account::{Account, LOW_PERCENT, Over, overs};
pub use amount::{amount, dollars, micros, usd};
pub use answer::Answer;
pub use call::{CallEnd, CallStatus, ModelCall, NewCall, Purpose, StepKey};
pub use charge::{Charge, Resource, Usage};
pub use facts::BudgetFacts;
pub use limits::Limits;
pub use scope::{Scope, ScopeKind, counted_in};

#[cfg(test)]
mod tests;
