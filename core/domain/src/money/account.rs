//! What fits into what is left.

use super::{Charge, Limits, Resource, Scope};

/// From how many hundredths of a limit on its owner is told.
pub const LOW_PERCENT: u64 = 80;

/// What may be used up in one scope, and what was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Where.
    pub scope: Scope,
    /// How much may be.
    pub limits: Limits,
    /// How much was.
    pub spent: Charge,
    /// How much more calls under way may use at most.
    pub reserved: Charge,
}

/// One limit that is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// Whose.
    pub scope: Scope,
    /// Of what.
    pub what: Resource,
    /// The limit.
    pub limit: u64,
    /// What was used up of it, what is reserved included.
    pub spent: u64,
    /// What of that is only reserved, by calls under way.
    pub reserved: u64,
    /// What is asked for.
    pub asked: u64,
}

/// Returns every limit that is in the way of `asked`; none where it fits. What asks for nothing of a
/// resource fits, whatever was spent of it: a model that costs nothing is called at a limit of zero.
pub fn overs(accounts: &[Account], asked: &Charge) -> Vec<Over> {
    let mut found = Vec::new();
    for account in accounts {
        for what in Resource::ALL {
            let (Some(limit), more) = (account.limits.get(what), asked.get(what)) else {
                continue;
            };
            let spent = account.held(what);
            if more > 0 && spent.saturating_add(more) > limit {
                found.push(Over {
                    scope: account.scope.clone(),
                    what,
                    limit,
                    spent,
                    reserved: account.reserved.get(what),
                    asked: more,
                });
            }
        }
    }
    found
}

impl Account {
    /// Returns how much of a resource is not to be had any more: what was spent and is reserved.
    pub fn held(&self, what: Resource) -> u64 {
        self.spent.get(what).saturating_add(self.reserved.get(what))
    }

    /// Returns how much of a resource is left; `None` where nothing limits it.
    pub fn left(&self, what: Resource) -> Option<u64> {
        let limit = self.limits.get(what)?;
        Some(limit.saturating_sub(self.held(what)))
    }

    /// Returns the limits of which most was spent, each with its height. What is only reserved does
    /// not count: most of it comes back.
    pub fn low(&self) -> Vec<(Resource, u64)> {
        let limited = Resource::ALL
            .into_iter()
            .filter_map(|what| Some((what, self.limits.get(what)?)));
        limited
            .filter(|(what, limit)| {
                let spent = u128::from(self.spent.get(*what));
                *limit > 0 && spent * 100 >= u128::from(*limit) * u128::from(LOW_PERCENT)
            })
            .collect()
    }
}

impl Over {
    /// Returns the least limit with which what is asked would fit.
    pub fn needed(&self) -> u64 {
        self.spent.saturating_add(self.asked)
    }

    /// Returns a limit to propose: twice the present one, or more where that would not do, and a
    /// round number.
    pub fn suggested(&self) -> u64 {
        let least = self.limit.saturating_mul(2).max(self.needed());
        let unit = match self.what {
            Resource::Usd if least <= 1_000_000 => 50_000,
            Resource::Usd if least <= 10_000_000 => 500_000,
            Resource::Usd => 1_000_000,
            Resource::Tokens => 1000,
            Resource::WallTime => 60_000,
            Resource::Turns | Resource::ToolCalls | Resource::Children => 1,
        };
        least.div_ceil(unit).saturating_mul(unit)
    }
}
