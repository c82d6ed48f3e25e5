//! Handing work on: a run makes a task for another agent and waits for what comes of it.

use crate::field::InvalidField;
use crate::task::Budget;

/// How far down tasks are handed on: a task that nobody handed on is at 0.
pub const DEPTH_MAX: u64 = 4;
/// The most tasks that one task may hand on.
pub const CHILDREN_MAX: u64 = 10;
/// Which part of what a task may spend goes with one that it hands on, where nothing is said: enough
/// for a few of them, with as much left for the work on what they bring.
const SHARE: u64 = 4;

impl Budget {
    /// Takes the budget of a task that is handed on out of this one; returns it, and what is left.
    ///
    /// # Errors
    /// It wants more than there is.
    pub fn carve(self, wanted: Self) -> Result<(Self, Self), InvalidField> {
        let (usd, usd_left) = carve_usd(self.usd, wanted.usd)?;
        let (tokens, tokens_left) = carve_tokens(self.tokens, wanted.tokens)?;
        let child = Self { usd, tokens };
        let left = Self {
            usd: usd_left,
            tokens: tokens_left,
        };
        Ok((child, left))
    }
}

type Carved<T> = (Option<T>, Option<T>);

fn carve_usd(own: Option<f64>, wanted: Option<f64>) -> Result<Carved<f64>, InvalidField> {
    if wanted.is_some_and(|wanted| !wanted.is_finite() || wanted < 0.0) {
        return Err(InvalidField::new("budget.usd", "must be 0 or more"));
    }
    let Some(own) = own else {
        return Ok((wanted, None));
    };
    // The share is of the same kind of number as the rest of a budget; four is exact.
    let wanted = wanted.unwrap_or(own / 4.0);
    if wanted > own {
        return Err(too_much("usd", own));
    }
    Ok((Some(wanted), Some(own - wanted)))
}

fn carve_tokens(own: Option<u64>, wanted: Option<u64>) -> Result<Carved<u64>, InvalidField> {
    let Some(own) = own else {
        return Ok((wanted, None));
    };
    let wanted = wanted.unwrap_or(own / SHARE);
    match own.checked_sub(wanted) {
        Some(left) => Ok((Some(wanted), Some(left))),
        None => Err(too_much("tokens", own)),
    }
}

fn too_much(what: &str, own: impl std::fmt::Display) -> InvalidField {
    InvalidField::new(
        format!("budget.{what}"),
        format!("must be at most {own}, which is what this task has"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(usd: Option<f64>, tokens: Option<u64>) -> Budget {
        Budget { usd, tokens }
    }

    #[test]
    fn a_part_goes_along_and_the_rest_is_left() {
        let own = budget(Some(2.0), Some(100));

        let (child, left) = own.carve(budget(Some(0.5), Some(100))).unwrap();
        assert_eq!(child, budget(Some(0.5), Some(100)));
        assert_eq!(left, budget(Some(1.5), Some(0)));
        let (child, left) = own.carve(Budget::default()).unwrap();
        assert_eq!(child, budget(Some(0.5), Some(25)));
        assert_eq!(left, budget(Some(1.5), Some(75)));
        let (child, left) = budget(None, None).carve(budget(Some(1.0), None)).unwrap();
        assert_eq!((child, left), (budget(Some(1.0), None), Budget::default()));
    }

    #[test]
    fn more_than_there_is_is_refused_by_name() {
        let own = budget(Some(2.0), Some(100));
        let field = |wanted| own.carve(wanted).unwrap_err().field;

        assert_eq!(field(budget(Some(2.1), None)), "budget.usd");
        assert_eq!(field(budget(Some(f64::NAN), None)), "budget.usd");
        assert_eq!(field(budget(None, Some(101))), "budget.tokens");
    }

    proptest! {
        #[test]
        fn nothing_is_gained_by_handing_on(
            own in 0_u64..1000,
            wanted in prop::collection::vec(prop::option::of(0_u64..400), 0..12),
        ) {
            let (mut left, mut given) = (budget(None, Some(own)), 0);
            for wanted in wanted {
                if let Ok((child, rest)) = left.carve(budget(None, wanted)) {
                    given += child.tokens.unwrap();
                    left = rest;
                }
            }
            prop_assert_eq!(given + left.tokens.unwrap(), own);
        }
    }
}
