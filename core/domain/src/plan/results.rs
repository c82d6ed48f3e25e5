//! Where arguments ask for the result of another step: `{"$result": "page", "at": "/body"}`.
//!
//! An object and no form inside text, so that nothing that happens to be in code or prose is taken
//! for one. `at` is a JSON pointer (RFC 6901) into the result; without it the whole is meant.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::field::JsonObject;

const RESULT: &str = "$result";
const AT: &str = "at";

struct Asked<'a> {
    step: &'a str,
    at: &'a str,
}

/// Returns the names of the steps whose results are asked for.
pub(super) fn asked_for(args: &JsonObject) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for value in args.values() {
        collect(value, &mut found)?;
    }
    Ok(found)
}

fn collect(value: &Value, found: &mut BTreeSet<String>) -> Result<(), String> {
    if let Some(asked) = asked(value)? {
        found.insert(asked.step.to_owned());
        return Ok(());
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, found)),
        Value::Object(fields) => fields.values().try_for_each(|field| collect(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Puts the results in their places.
pub(super) fn fill(
    value: &mut Value,
    result_of: &impl Fn(&str) -> Option<Value>,
) -> Result<(), String> {
    if let Some(Asked { step, at }) = asked(value)? {
        let result = result_of(step)
            .ok_or_else(|| format!("asks for the result of {step:?}, which has none"))?;
        let part = result.pointer(at).cloned().ok_or_else(|| {
            format!("asks for {at:?} of the result of {step:?}, which is not in it")
        })?;
        *value = part;
        return Ok(());
    }
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, result_of)),
        Value::Object(fields) => fields
            .values_mut()
            .try_for_each(|field| fill(field, result_of)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn asked(value: &Value) -> Result<Option<Asked<'_>>, String> {
    let Some(fields) = value
        .as_object()
        .filter(|fields| fields.contains_key(RESULT))
    else {
        return Ok(None);
    };
    let step = fields.get(RESULT).and_then(Value::as_str);
    let at = match fields.get(AT) {
        None => Some(""),
        Some(at) => at
            .as_str()
            .filter(|at| at.is_empty() || at.starts_with('/')),
    };
    let known = 1 + usize::from(fields.contains_key(AT));
    match (step, at) {
        (Some(step), Some(at)) if fields.len() == known => Ok(Some(Asked { step, at })),
        _ => Err(format!(
            r#"has a {RESULT} that is not understood; write {{"{RESULT}": "STEP", "{AT}": "/FIELD"}}"#
        )),
    }
}
