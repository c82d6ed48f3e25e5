//! Reads a plan, and looks whether it can ever be done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{
    InvalidPlan, Plan, PlannedStep, RETRIES_MAX, RETRY_WAIT_MAX, Retry, STEP_TIME_MAX, STEPS_MAX,
    results,
};
use crate::field::{JsonObject, NAME_MAX, Word, line};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    #[serde(default)]
    id: Option<Word>,
    tool: Word,
    #[serde(default)]
    args: JsonObject,
    #[serde(default)]
    after: Option<Vec<String>>,
    #[serde(default)]
    limit_seconds: Option<f64>,
    #[serde(default)]
    retry: Option<WrittenRetry>,
    #[serde(default)]
    idempotency_key: Option<String>,
    #[serde(default)]
    optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRetry {
    times: u32,
    #[serde(default)]
    wait_seconds: f64,
}

pub(super) fn plan(plan: &Value) -> Result<Plan, InvalidPlan> {
    let example = r#"such as [{"tool": "python", "args": {"code": "print(1)"}}]"#;
    let written = plan
        .as_array()
        .filter(|steps| !steps.is_empty())
        .ok_or_else(|| invalid("", format!("must be a list of steps, {example}")))?;
    if written.len() > STEPS_MAX {
        let problem = format!(
            "has {} steps; at most {STEPS_MAX} are executed, so make several tasks of it",
            written.len()
        );
        return Err(invalid("", problem));
    }
    let written: Vec<WrittenStep> = written
        .iter()
        .enumerate()
        .map(|(place, step)| {
            WrittenStep::deserialize(step)
                .map_err(|problem| at(place, "", format!("is not understood: {problem}")))
        })
        .collect::<Result<_, _>>()?;
    let names = names(&written)?;
    let steps = written
        .into_iter()
        .enumerate()
        .map(|(place, step)| planned(place, step, &names))
        .collect::<Result<Vec<_>, _>>()?;
    let plan = Plan { steps };
    match circle(&plan) {
        None => Ok(plan),
        Some(names) => {
            let problem = format!("goes in a circle: {} wait for each other", names.join(", "));
            Err(invalid("", problem))
        }
    }
}

/// The steps' names, each once, with their places.
fn names(written: &[WrittenStep]) -> Result<BTreeMap<String, usize>, InvalidPlan> {
    let mut names = BTreeMap::new();
    for (place, step) in written.iter().enumerate() {
        let name = name_of(place, step).to_string();
        if let Some(earlier) = names.insert(name.clone(), place) {
            let problem =
                format!("is {name:?}, as that of context.plan[{earlier}]; names are given once");
            return Err(at(place, ".id", problem));
        }
    }
    Ok(names)
}

fn name_of(place: usize, step: &WrittenStep) -> Word {
    step.id
        .clone()
        .unwrap_or_else(|| Word::from_stored(format!("step-{}", place + 1)))
}

fn planned(
    place: usize,
    step: WrittenStep,
    names: &BTreeMap<String, usize>,
) -> Result<PlannedStep, InvalidPlan> {
    let known = |field: &str, name: &str| {
        names
            .get(name)
            .copied()
            .filter(|named| *named != place)
            .ok_or_else(|| {
                let others: Vec<&str> = names
                    .iter()
                    .filter(|(_, named)| **named != place)
                    .map(|(name, _)| name.as_str())
                    .collect();
                let problem = format!(
                    "names {name:?}, which is no other step; there is {}",
                    if others.is_empty() {
                        "none".to_owned()
                    } else {
                        others.join(", ")
                    }
                );
                at(place, field, problem)
            })
    };
    let name = name_of(place, &step);
    let mut after: BTreeSet<usize> = match &step.after {
        None => (0..place).collect(),
        Some(named) => named
            .iter()
            .map(|name| known(".after", name))
            .collect::<Result<_, _>>()?,
    };
    for asked in results::asked_for(&step.args).map_err(|problem| at(place, ".args", problem))? {
        after.insert(known(".args", &asked)?);
    }
    let limit = step
        .limit_seconds
        .map(|seconds| seconds_within(place, ".limit_seconds", seconds, STEP_TIME_MAX))
        .transpose()?;
    if limit.is_some_and(|limit| limit.is_zero()) {
        return Err(at(place, ".limit_seconds", "must be more than 0".into()));
    }
    let retry = step
        .retry
        .map(|retry| read_retry(place, &retry))
        .transpose()?
        .unwrap_or_default();
    let idempotency_key = step
        .idempotency_key
        .map(|key| line("idempotency_key", &key, NAME_MAX))
        .transpose()
        .map_err(|error| at(place, ".idempotency_key", error.problem))?;
    Ok(PlannedStep {
        name,
        tool: step.tool,
        args: step.args,
        after,
        limit,
        retry,
        idempotency_key,
        is_optional: step.optional,
    })
}

fn read_retry(place: usize, retry: &WrittenRetry) -> Result<Retry, InvalidPlan> {
    if retry.times > RETRIES_MAX {
        let problem = format!("must be at most {RETRIES_MAX}");
        return Err(at(place, ".retry.times", problem));
    }
    let wait = seconds_within(
        place,
        ".retry.wait_seconds",
        retry.wait_seconds,
        RETRY_WAIT_MAX,
    )?;
    Ok(Retry {
        times: retry.times,
        wait,
    })
}

fn seconds_within(
    place: usize,
    field: &str,
    seconds: f64,
    max: Duration,
) -> Result<Duration, InvalidPlan> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| *duration <= max)
        .ok_or_else(|| at(place, field, format!("must be 0 to {}", max.as_secs())))
}

/// Returns the names of steps that can never begin, because they wait for each other.
fn circle(plan: &Plan) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    loop {
        let before = done.len();
        for (place, step) in plan.steps.iter().enumerate() {
            if step.after.is_subset(&done) {
                done.insert(place);
            }
        }
        if done.len() == plan.steps.len() {
            return None;
        }
        if done.len() == before {
            let left = plan.steps.iter().enumerate();
            let names = left
                .filter(|(place, _)| !done.contains(place))
                .map(|(_, step)| step.name.to_string());
            return Some(names.collect());
        }
    }
}

fn at(place: usize, field: &str, problem: String) -> InvalidPlan {
    invalid(&format!("[{place}]{field}"), problem)
}

fn invalid(field: &str, problem: String) -> InvalidPlan {
    InvalidPlan {
        field: format!("context.plan{field}"),
        problem,
    }
}
