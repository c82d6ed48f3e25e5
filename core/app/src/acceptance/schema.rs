//! The shape of a result, as JSON Schema: refused where it could never be held against anything, or
//! only in unbounded time.
//!
//! What is written down beside a task may come from anybody who may create one, and a validation
//! cannot be interrupted. So its cost is bounded beforehand: no schema that leads back to itself, a
//! bound on all that references unfold to, and patterns of the kind that take linear time. Nothing
//! is fetched.

use std::collections::HashMap;

use hearth_domain::JsonObject;
use jsonschema::{PatternOptions, Retrieve, Uri, Validator};
use serde_json::Value;

/// How many schemas within schemas there may be, with every reference unfolded.
const UNFOLDED_MAX: usize = 5000;
/// How deep these may lie in each other: far below what a thread's stack takes.
const DEPTH_MAX: usize = 100;
/// How many patterns there may be, with every reference unfolded.
const PATTERNS_MAX: usize = 200;
/// How many `unevaluated...` there may be, with every reference unfolded: one around another looks
/// at everything within it twice.
const UNEVALUATED_MAX: usize = 5;
/// The largest pattern, in bytes when compiled.
const PATTERN_MAX_BYTES: usize = 256 * 1024;
/// How many things wrong with a result are told.
const TOLD_MAX: usize = 5;
/// How much of each is told, in characters.
const TOLD_CHARS: usize = 300;

/// Returns what holds a result against `schema`.
///
/// # Errors
/// Says what is wrong with the schema; reads on from its name.
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    if !schema.is_object() {
        return Err("must be a JSON Schema, which is an object".into());
    }
    let mut unfolding = Unfolding {
        root: schema,
        known: HashMap::new(),
    };
    let size = unfolding.size(schema, 0)?;
    if size.schemas > UNFOLDED_MAX {
        return Err(format!(
            "unfolds to more than {UNFOLDED_MAX} schemas; ask for less at once"
        ));
    }
    if size.patterns > PATTERNS_MAX {
        return Err(format!("unfolds to more than {PATTERNS_MAX} patterns"));
    }
    if size.unevaluated > UNEVALUATED_MAX {
        return Err(format!(
            "unfolds to more than {UNEVALUATED_MAX} of unevaluatedProperties and unevaluatedItems"
        ));
    }
    jsonschema::options()
        .with_retriever(Nowhere)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_MAX_BYTES))
        .build(schema)
        .map_err(|error| {
            let place = error.instance_path().to_string();
            let said = shortened(&error.to_string());
            if place.is_empty() {
                format!("is no JSON Schema: {said}")
            } else {
                format!("is no JSON Schema: at {place}, {said}")
            }
        })
}

/// Holds a result against `schema`. None at all never fits: a schema that only says what an object
/// must have would let it pass.
pub(super) fn check(schema: &Value, result: Option<JsonObject>) -> Result<String, String> {
    let validator = compile(schema).map_err(|problem| format!("its schema {problem}"))?;
    let Some(result) = result.map(Value::Object) else {
        return Err("its worker handed in no result".into());
    };
    let told: Vec<String> = validator
        .iter_errors(&result)
        .take(TOLD_MAX)
        .map(|error| match error.instance_path().as_str() {
            "" => shortened(&error.to_string()),
            place => format!("at {place}, {}", shortened(&error.to_string())),
        })
        .collect();
    if told.is_empty() {
        Ok("its result has it".into())
    } else {
        Err(told.join("; "))
    }
}

/// Fetches nothing, whatever the crate was built with.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{uri} lies elsewhere, and nothing is fetched").into())
    }
}

/// How much a schema is, with every reference unfolded.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    schemas: usize,
    patterns: usize,
    unevaluated: usize,
    depth: usize,
}

impl Size {
    fn add(&mut self, within: Self) {
        self.schemas = self.schemas.saturating_add(within.schemas);
        self.patterns = self.patterns.saturating_add(within.patterns);
        self.unevaluated = self.unevaluated.saturating_add(within.unevaluated);
        self.depth = self.depth.max(within.depth.saturating_add(1));
    }
}

/// Follows references through a schema. A target is measured once.
struct Unfolding<'a> {
    root: &'a Value,
    /// The size of each target; none while it is being measured.
    known: HashMap<&'a str, Option<Size>>,
}

impl<'a> Unfolding<'a> {
    fn size(&mut self, schema: &'a Value, depth: usize) -> Result<Size, String> {
        let mut size = Size {
            schemas: 1,
            ..Size::default()
        };
        if depth > DEPTH_MAX {
            return Err(format!("is nested more than {DEPTH_MAX} deep"));
        }
        let Value::Object(keywords) = schema else {
            return Ok(size);
        };
        for (keyword, value) in keywords {
            if keyword.starts_with("unevaluated") {
                size.unevaluated = size.unevaluated.saturating_add(1);
            }
            match (keyword.as_str(), value) {
                // Values, not schemas.
                ("const" | "enum" | "default" | "examples", _) => (),
                ("$ref", Value::String(reference)) => {
                    let target = self.target(reference, depth)?;
                    size.add(target);
                }
                ("$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                    return Err(format!(
                        "uses {keyword}, which is not followed; use $ref, such as #/$defs/name"
                    ));
                }
                ("$id" | "id", Value::String(_)) if depth > 0 => {
                    return Err(
                        "names a part of itself by $id; use $ref, such as #/$defs/name".into(),
                    );
                }
                ("pattern", Value::String(_)) => size.patterns = size.patterns.saturating_add(1),
                // Costs nothing where nobody refers to it, but must be sound.
                ("$defs" | "definitions", Value::Object(named)) => {
                    for value in named.values() {
                        self.size(value, depth + 1)?;
                    }
                }
                (
                    "properties" | "patternProperties" | "dependentSchemas" | "dependencies",
                    Value::Object(named),
                ) => {
                    if keyword == "patternProperties" {
                        size.patterns = size.patterns.saturating_add(named.len());
                    }
                    for value in named.values() {
                        let within = self.size(value, depth + 1)?;
                        size.add(within);
                    }
                }
                (_, Value::Object(_)) => {
                    let within = self.size(value, depth + 1)?;
                    size.add(within);
                }
                (_, Value::Array(list)) => {
                    for value in list {
                        let within = self.size(value, depth + 1)?;
                        size.add(within);
                    }
                }
                (_, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => (),
            }
        }
        if depth.saturating_add(size.depth) > DEPTH_MAX {
            return Err(format!("is nested more than {DEPTH_MAX} deep"));
        }
        Ok(size)
    }

    fn target(&mut self, reference: &'a str, depth: usize) -> Result<Size, String> {
        match self.known.get(reference) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(leads_back(reference)),
            None => (),
        }
        let shown = shortened(reference);
        let pointer = match reference.strip_prefix('#') {
            Some("") => return Err(leads_back(reference)),
            // Escapes could be read in two ways, and another place be measured than is followed.
            Some(pointer) if pointer.starts_with('/') && !pointer.contains('%') => pointer,
            Some(_) | None => {
                return Err(format!(
                    "refers to {shown}; only what is in the schema itself can be referred to, such \
                     as #/$defs/name"
                ));
            }
        };
        let Some(target) = self.root.pointer(pointer) else {
            return Err(format!("refers to {shown}, which is not in it"));
        };
        self.known.insert(reference, None);
        let size = self.size(target, depth + 1)?;
        self.known.insert(reference, Some(size));
        Ok(size)
    }
}

fn leads_back(reference: &str) -> String {
    format!(
        "refers to {}, which leads back to itself; how deep a result goes must be known",
        shortened(reference)
    )
}

/// Returns the beginning of a text, in one line.
fn shortened(text: &str) -> String {
    let mut short: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TOLD_CHARS)
        .collect();
    if text.chars().nth(TOLD_CHARS).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
