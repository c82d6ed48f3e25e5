//! Schemas for models, without what costs tokens and tells them nothing.

use serde_json::{Map, Value};

/// What a validator needs and a model does not.
const NOISE: [&str; 5] = ["$schema", "$id", "title", "format", "default"];
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
            ("const" | "enum" | "examples", value) => value.clone(),
            ("type", Value::Array(types)) => without_null(types),
            (named, Value::Object(schemas)) if NAMED.contains(&named) => schemas
                .iter()
                .map(|(name, schema)| (name.clone(), compact(schema)))
                .collect(),
            (_, value) => compact(value),
        };
        compacted.insert(keyword.clone(), value);
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
                "default": {"enum": ["title", null], "format": "x"},
                "kinds": {"type": ["string", "integer", "null"]},
            },
            "required": ["title"],
        });

        assert_eq!(
            compact(&schema),
            json!({
                "type": "object", "description": "Keeps a note.",
                "properties": {
                    "title": {"type": "string", "description": "What."},
                    "default": {"enum": ["title", null]},
                    "kinds": {"type": ["string", "integer", "null"]},
                },
                "required": ["title"],
            })
        );
    }
}
