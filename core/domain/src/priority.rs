//! How urgent a task is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::InvalidField;

/// A task's priority; a greater one is claimed first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// When there is nothing else.
    Low,
    /// As usual.
    #[default]
    Medium,
    /// Soon.
    High,
    /// Before everything else.
    Critical,
}

impl Priority {
    /// Every priority, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Returns its place in the order: 0 for low to 3 for critical.
    pub fn rank(self) -> u8 {
        self as u8
    }

    /// Returns the priority at a place in the order.
    pub fn from_rank(rank: u8) -> Option<Self> {
        Self::ALL.get(usize::from(rank)).copied()
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.as_str() == text)
            .ok_or_else(|| InvalidField::new("priority", "must be low, medium, high or critical"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_words_read_back_in_order() {
        for (rank, priority) in (0..).zip(Priority::ALL) {
            assert_eq!(priority.rank(), rank);
            assert_eq!(Priority::from_rank(rank), Some(priority));
            assert_eq!(priority.as_str().parse(), Ok(priority));
        }
        assert_eq!(Priority::from_rank(4), None);
        assert!("urgent".parse::<Priority>().is_err());
        assert!(Priority::ALL.is_sorted());
    }
}
