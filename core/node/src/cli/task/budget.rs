//! What a task may use up, as flags say it.

use serde_json::{Map, Value, json};

/// One limit: the field of the body, and how much.
pub(super) type Limit = (String, Value);

/// Reads one limit, such as `usd=2`, `turns=30` or `minutes=60`.
pub(super) fn limit(text: &str) -> Result<Limit, String> {
    let problem =
        || "write it as usd=2, tokens=20000, turns=30, tool_calls=100, minutes=60 or children=3";
    let (what, amount) = text.split_once('=').ok_or_else(problem)?;
    let count = || amount.parse::<u64>().map_err(|_| problem());
    let (field, value) = match what {
        "usd" => {
            let usd: f64 = amount
                .trim_start_matches('$')
                .parse()
                .map_err(|_| problem())?;
            if !usd.is_finite() || usd < 0.0 {
                return Err(problem().into());
            }
            ("usd", json!(usd))
        }
        "tokens" | "turns" | "tool_calls" | "children" => (what, json!(count()?)),
        "minutes" => ("wall_seconds", json!(count()?.saturating_mul(60))),
        _ => return Err(problem().into()),
    };
    Ok((field.to_owned(), value))
}

/// Returns the budget that limits make; `None` where there are none.
pub(super) fn of(limits: &[Limit]) -> Option<Value> {
    let budget: Map<String, Value> = limits.iter().cloned().collect();
    (!budget.is_empty()).then_some(Value::Object(budget))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_make_a_budget() {
        let limits: Vec<Limit> = ["usd=$2.50", "turns=30", "minutes=60"]
            .iter()
            .map(|text| limit(text).unwrap())
            .collect();

        assert_eq!(
            of(&limits),
            Some(json!({"usd": 2.5, "turns": 30, "wall_seconds": 3600}))
        );
        assert_eq!(of(&[]), None);
        for bad in ["usd", "usd=-1", "usd=NaN", "turns=1.5", "eur=3", "turns="] {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }
}
