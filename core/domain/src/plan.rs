//! Plans: what a task's context asks to be done, as steps that may wait for each other.
//!
//! `{"plan": [{"id": "page", "tool": "http_get", "args": {"url": "https://example.org/"}},
//! {"tool": "write_file", "args": {"path": "out/page.html", "content": {"$result": "page", "at":
//! "/body"}}}]}`
//!
//! A step begins when those it waits for are done: those that `after` names and those whose results
//! its arguments ask for; one that says nothing waits for every step before it in the list. What a
//! tool's arguments must look like is the tool's to say, and no matter here.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use crate::field::{JsonObject, Word};

mod read;
mod results;

/// The most steps in a plan.
pub const STEPS_MAX: usize = 50;
/// How often a step may be tried again by its own rule.
pub const RETRIES_MAX: u32 = 10;
/// The longest pause before a step is tried again.
pub const RETRY_WAIT_MAX: Duration = Duration::from_mins(1);
/// The longest time that a step may be given.
pub const STEP_TIME_MAX: Duration = Duration::from_hours(1);

/// Steps that wait for each other without a circle.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In the order of the list; a step's place is its index.
    pub steps: Vec<PlannedStep>,
}

/// One step, as it was planned.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStep {
    /// What the others call it; `step-3` where the third one says nothing.
    pub name: Word,
    /// The tool to call.
    pub tool: Word,
    /// With what; `{"$result": "page", "at": "/body"}` stands for a part of an earlier result.
    pub args: JsonObject,
    /// The places of the steps it waits for.
    pub after: BTreeSet<usize>,
    /// How long one try may take; the tool's own limit where nothing is said.
    pub limit: Option<Duration>,
    /// What to do when it fails.
    pub retry: Retry,
    /// What the world knows the call by, so that doing it twice is doing it once.
    pub idempotency_key: Option<String>,
    /// Whether the plan goes on without it when it fails.
    pub is_optional: bool,
}

/// How often a failed step is tried again, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retry {
    /// How often.
    pub times: u32,
    /// How long before the first time; doubled each time, up to [`RETRY_WAIT_MAX`].
    pub wait: Duration,
}

impl Retry {
    /// Returns how long to wait before the next try, `failures` having failed; `None` if it was the
    /// last.
    pub fn pause(&self, failures: u32) -> Option<Duration> {
        let doublings = failures.checked_sub(1)?;
        (failures <= self.times).then(|| {
            let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
            self.wait.saturating_mul(factor).min(RETRY_WAIT_MAX)
        })
    }
}

/// A plan that cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field} {problem}")]
pub struct InvalidPlan {
    /// Where in the task, such as `context.plan[3].after`.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// Names the step that is not understood, the name that no step has, or the circle.
    pub fn parse(plan: &Value) -> Result<Self, InvalidPlan> {
        read::plan(plan)
    }

    /// Returns the place of the step that is called so, by its name or its number from 1 on.
    pub fn place_of(&self, step: &str) -> Option<usize> {
        let by_name = self
            .steps
            .iter()
            .position(|planned| planned.name.as_str() == step);
        by_name.or_else(|| {
            let number: usize = step.parse().ok()?;
            number
                .checked_sub(1)
                .filter(|place| *place < self.steps.len())
        })
    }

    /// Returns `place` and the places of all steps that wait for it, at once or by others.
    pub fn from(&self, place: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([place]);
        loop {
            let before = found.len();
            for (place, step) in self.steps.iter().enumerate() {
                if !step.after.is_disjoint(&found) {
                    found.insert(place);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }
}

impl PlannedStep {
    /// Returns the arguments with the results that they ask for in their places.
    ///
    /// # Errors
    /// Says which part of which result is not there.
    pub fn args_with(
        &self,
        result_of: impl Fn(&str) -> Option<Value>,
    ) -> Result<JsonObject, String> {
        let mut args = self.args.clone();
        for (key, value) in &mut args {
            results::fill(value, &result_of).map_err(|problem| format!("args.{key} {problem}"))?;
        }
        Ok(args)
    }
}

#[cfg(test)]
mod tests;
