//! Schemas for models, without what costs tokens and tells them nothing.

use serde_json::{Map, Value};

/// What a validator needs and a model does not: who goes beyond a bound is told by the validator.
const NOISE: [&str; 10] = [
    "$schema",
    "$id",
    "title",
    "format",
    "default",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
];
/// Keywords whose values are schemas under names of their author's.
const NAMED: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];

/// Returns a schema without its noise. Descriptions stay, and an argument that may be left out is not
/// said to be null as well.
pub(super) fn compact(schema: &Value) -> Value {
    match schema {
        Value::Object(keywords) => Value::Object(compact_object(keywords)),
        Value::Array(schemas) => schemas.iter().map(compact).collect(),
        other => other.clone(),
    }
}

fn compact_object(keywords: &Map<String, Value>) -> Map<String, Value> {
    let mut compacted = Map::new();
    for (keyword, value) in keywords {
        let value = match (keyword.as_str(), value) {
            (noise, _) if NOISE.contains(&noise) => continue,
            // That nothing else is taken, or anything, goes without saying.
            ("additionalProperties", Value::Bool(_)) => continue,
            ("enum", Value::Array(words)) => words
                .iter()
                .filter(|word| !word.is_null())
                .cloned()
                .collect(),
            ("const" | "examples", value) => value.clone(),
            ("type", Value::Array(types)) => without_null(types),
            (named, Value::Object(schemas)) if NAMED.contains(&named) => schemas
                .iter()
                .map(|(name, schema)| (name.clone(), compact(schema)))
                .collect(),
            ("items", Value::Object(item)) => Value::Object(compact_item(item)),
            (_, value) => compact(value),
        };
        compacted.insert(keyword.clone(), value);
    }
    compacted
}

/// What each entry of a list is; of a plain one the list's own description tells.
fn compact_item(item: &Map<String, Value>) -> Map<String, Value> {
    let mut compacted = compact_object(item);
    if !compacted.contains_key("properties") {
        compacted.remove("description");
    }
    compacted
}

/// One type beside null is that type.
fn without_null(types: &[Value]) -> Value {
    let mut others = types.iter().filter(|name| *name != "null");
    match (others.next(), others.next()) {
        (Some(only), None) => only.clone(),
        _ => types.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_that_are_called_like_a_keyword_are_kept() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Note", "type": "object", "description": "Keeps a note.",
            "properties": {
                "title": {"type": ["string", "null"], "title": "Title", "default": null, "description": "What."},
                "default": {"enum": ["title", null], "format": "x", "maxLength": 9},
                "pattern": {"type": "object", "additionalProperties": {"pattern": "^a"}},
                "kinds": {"type": ["string", "integer", "null"]},
                "words": {"type": "array", "items": {"type": "string", "description": "A word."}},
            },
            "required": ["title"], "additionalProperties": false,
        });

        assert_eq!(
            compact(&schema),
            json!({
                "type": "object", "description": "Keeps a note.",
                "properties": {
                    "title": {"type": "string", "description": "What."},
                    "default": {"enum": ["title"]},
                    "pattern": {"type": "object", "additionalProperties": {}},
                    "kinds": {"type": ["string", "integer", "null"]},
                    "words": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["title"],
            })
        );
    }
}
