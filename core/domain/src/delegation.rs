//! Handing work on: a run makes a task for another agent and waits for what comes of it.

use crate::field::InvalidField;
use crate::money::{Account, Limits, Resource, amount};

/// How far down tasks are handed on: a task that nobody handed on is at 0.
pub const DEPTH_MAX: u64 = 4;
/// Which part of what is left to a task goes with one that it hands on, where nothing is said: enough
/// for a few of them, with as much left for the work on what they bring.
const SHARE: u64 = 4;

impl Account {
    /// Takes the limits of a task that is handed on out of this task's; returns them, and this task's
    /// own from then on. What costs is divided, so that nothing is gained by handing on; of the rest a
    /// task has no more than this one, and hands on a part of the tasks that this one may.
    ///
    /// # Errors
    /// It wants more than there is.
    pub fn carve(&self, wanted: Limits) -> Result<(Limits, Limits), InvalidField> {
        let (mut child, mut own) = (wanted, self.limits);
        for what in Resource::ALL {
            let (Some(limit), Some(left)) = (self.limits.get(what), self.left(what)) else {
                continue;
            };
            let is_divided = matches!(what, Resource::Usd | Resource::Tokens);
            let most = match what {
                Resource::Usd | Resource::Tokens => left,
                // Down to the last that may be, one is left to hand on.
                Resource::Children => left / 2,
                Resource::Turns | Resource::ToolCalls | Resource::WallTime => limit,
            };
            if wanted.get(what).is_some_and(|wanted| wanted > most) {
                return Err(InvalidField::new(
                    format!("budget.{}", what.field()),
                    format!(
                        "must be at most {}, which is what this task has",
                        amount(what, most)
                    ),
                ));
            }
            if is_divided {
                let given = wanted.get(what).unwrap_or(left / SHARE);
                child.set(what, Some(given));
                own.set(what, Some(limit - given));
            } else {
                child.set(what, wanted.get(what).or(Some(most)));
            }
        }
        Ok((child, own))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::TaskId;
    use crate::money::{Charge, Scope, Usage};

    fn limits(usd_micros: Option<u64>, tokens: Option<u64>) -> Limits {
        Limits {
            usd_micros,
            tokens,
            ..Limits::default()
        }
    }

    fn account(limits: Limits) -> Account {
        Account {
            scope: Scope::Task(TaskId(uuid::Uuid::nil())),
            limits,
            spent: Charge::default(),
            reserved: Charge::default(),
        }
    }

    #[test]
    fn a_part_goes_along_and_the_rest_is_left() {
        let own = account(limits(Some(2_000_000), Some(100)));

        let (child, left) = own.carve(limits(Some(500_000), Some(100))).unwrap();
        assert_eq!(child, limits(Some(500_000), Some(100)));
        assert_eq!(left, limits(Some(1_500_000), Some(0)));
        let (child, left) = own.carve(Limits::default()).unwrap();
        assert_eq!(child, limits(Some(500_000), Some(25)));
        assert_eq!(left, limits(Some(1_500_000), Some(75)));
        let (child, left) = account(limits(None, None))
            .carve(limits(Some(1), None))
            .unwrap();
        assert_eq!((child, left), (limits(Some(1), None), Limits::default()));
    }

    #[test]
    fn what_was_spent_does_not_go_along() {
        let mut own = account(limits(None, Some(100)));
        own.spent = Charge::turn(Usage {
            input_tokens: 40,
            output_tokens: 20,
            ..Usage::default()
        });

        let (child, left) = own.carve(Limits::default()).unwrap();

        assert_eq!(child.tokens, Some(10));
        assert_eq!(left.tokens, Some(90));
        let refused = own.carve(limits(None, Some(41))).unwrap_err();
        assert_eq!(refused.field, "budget.tokens");
    }

    #[test]
    fn more_than_there_is_is_refused_by_name() {
        let own = account(Limits {
            turns: Some(3),
            ..limits(Some(2_000_000), Some(100))
        });
        let field = |wanted| own.carve(wanted).unwrap_err().field;

        assert_eq!(field(limits(Some(2_000_001), None)), "budget.usd");
        assert_eq!(field(limits(None, Some(101))), "budget.tokens");
        let turns = Limits {
            turns: Some(4),
            ..Limits::default()
        };
        assert_eq!(field(turns), "budget.turns");
    }

    #[test]
    fn whoever_gets_a_part_has_no_more_of_the_rest_and_hands_on_less() {
        let own = account(Limits {
            turns: Some(5),
            tool_calls: Some(10),
            wall_ms: Some(60_000),
            children: Some(9),
            ..Limits::default()
        });

        let (child, left) = own.carve(Limits::default()).unwrap();

        assert_eq!(child.children, Some(4));
        assert_eq!((child.turns, child.tool_calls), (Some(5), Some(10)));
        assert_eq!(left, own.limits);
    }

    proptest! {
        #[test]
        fn nothing_is_gained_by_handing_on(
            own in 0_u64..1000,
            wanted in prop::collection::vec(prop::option::of(0_u64..400), 0..12),
        ) {
            let (mut left, mut given) = (limits(None, Some(own)), 0);
            for wanted in wanted {
                if let Ok((child, rest)) = account(left).carve(limits(None, wanted)) {
                    given += child.tokens.unwrap();
                    left = rest;
                }
            }
            prop_assert_eq!(given + left.tokens.unwrap(), own);
        }
    }
}
