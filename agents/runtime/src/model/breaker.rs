//! Leaves a server alone that fails, and tries it again now and then.

use std::time::Duration;

use tokio::time::Instant;

use super::config::Patience;
use super::fault::{Fault, FaultKind};

/// Whether one server is asked.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// In a row.
    failures: u32,
    rest: Option<Rest>,
    /// Whether the one call is under way that tries it again.
    is_trying: bool,
}

/// A server that is left alone.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    pub(super) until: Instant,
    length: Duration,
    pub(super) fault: Fault,
}

impl Breaker {
    /// Whether a call would be let through.
    pub(super) fn would_let(&self, now: Instant) -> bool {
        match &self.rest {
            None => true,
            Some(rest) => rest.until <= now && !self.is_trying,
        }
    }

    /// Lets a call through, or not. After a rest, one call tries: then it is `Some(true)`.
    pub(super) fn let_through(&mut self, now: Instant) -> Option<bool> {
        if !self.would_let(now) {
            return None;
        }
        self.is_trying = self.rest.is_some();
        Some(self.is_trying)
    }

    /// Returns the rest that is taken, where one is.
    pub(super) fn rest(&self) -> Option<&Rest> {
        self.rest.as_ref()
    }

    /// The call that tries it again came to no end of its own.
    pub(super) fn gave_up(&mut self) {
        self.is_trying = false;
    }

    /// Notes that it answered; returns whether that is news.
    pub(super) fn succeeded(&mut self) -> bool {
        let was_resting = self.rest.is_some();
        *self = Self::default();
        was_resting
    }

    /// Notes that it did not; returns whether it is left alone from here on.
    pub(super) fn failed(&mut self, fault: &Fault, patience: &Patience, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.is_trying = false;
        let told = match fault.kind {
            // Until then every call would be refused.
            FaultKind::Passing {
                retry_after: Some(wait),
            } if wait > patience.retry_window => Some(wait.min(patience.rest_most)),
            FaultKind::Passing { .. } => None,
            FaultKind::Key | FaultKind::Setting { .. } => Some(patience.rest),
        };
        let length = match (&self.rest, told) {
            (Some(before), _) => (before.length * 2).min(patience.rest_most),
            (None, Some(told)) => told,
            (None, None) if self.failures >= patience.failures => patience.rest,
            (None, None) => return false,
        };
        self.rest = Some(Rest {
            until: now + length,
            length,
            fault: fault.clone(),
        });
        true
    }
}
