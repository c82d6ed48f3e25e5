//! What a transition returns.

use crate::event::EventKind;

/// A changed thing and the event that tells of the change, to be saved together.
#[must_use = "a change that is not saved did not happen"]
#[derive(Debug, Clone, PartialEq)]
pub struct Change<T> {
    /// The thing as it is after the change, with its next version.
    pub after: T,
    /// What happened.
    pub event: EventKind,
}
