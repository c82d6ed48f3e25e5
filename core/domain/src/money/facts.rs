//! What events say of budgets.

use serde::{Deserialize, Serialize};

use super::{Over, Resource, Scope, ScopeKind};

/// What every event about a budget says of it. Amounts are in the units of [`super::Charge`]:
/// millionths of a US dollar, tokens, turns, calls, milliseconds, tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetFacts {
    /// What sort of thing it is for.
    pub scope: ScopeKind,
    /// Which one: a UUID, an agent's name, a date, `each` or `all`.
    pub key: String,
    /// Of what.
    pub resource: Resource,
    /// The limit; none where it was taken away.
    pub limit: Option<u64>,
}

impl BudgetFacts {
    /// Says which limit is meant.
    pub fn new(scope: &Scope, resource: Resource, limit: Option<u64>) -> Self {
        Self {
            scope: scope.kind(),
            key: scope.key(),
            resource,
            limit,
        }
    }
}

impl Over {
    /// Returns which limit is in the way.
    pub fn facts(&self) -> BudgetFacts {
        BudgetFacts::new(&self.scope, self.what, Some(self.limit))
    }
}
