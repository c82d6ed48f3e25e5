//! The limits of calls, which their owner may change while agents work.

use std::sync::{Arc, PoisonError, RwLock};

use hearth_sandbox::Limits;

/// What each call may use. Clones are the same limits; a run has those of the moment it began.
#[derive(Debug, Clone, Default)]
pub struct LiveLimits {
    /// A lock of the standard library, held for a copy.
    limits: Arc<RwLock<Limits>>,
}

impl LiveLimits {
    /// Limits that hold from the start.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits: Arc::new(RwLock::new(limits)),
        }
    }

    /// Returns what holds at this moment.
    pub fn get(&self) -> Limits {
        let limits = self.limits.read().unwrap_or_else(PoisonError::into_inner);
        limits.clone()
    }

    /// Sets what holds for the runs that begin from here on.
    pub fn set(&self, limits: Limits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }
}
