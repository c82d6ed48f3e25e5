//! What the arguments of a call must be like, so that a standing permission allows it.

use std::collections::BTreeMap;

use hearth_domain::permission::{self, Pattern};
use hearth_domain::{InvalidField, JsonObject};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, SchemaType};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// What a pattern may be, for errors.
const PATTERNS: &str = r#"must be "any", {"is": VALUE}, {"starts_with": TEXT} or {"items": [...]}"#;

/// A shape as the document describes it: a pattern for each argument; arguments without one must not
/// be there.
pub(crate) struct Shape<'a>(pub(crate) &'a permission::Shape);

struct ShapePattern<'a>(&'a Pattern);

impl Serialize for Shape<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.0.0.iter();
        serializer.collect_map(entries.map(|(name, pattern)| (name, ShapePattern(pattern))))
    }
}

impl Serialize for ShapePattern<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let one = |serializer: S| serializer.serialize_map(Some(1));
        match self.0 {
            Pattern::Any => serializer.serialize_str("any"),
            Pattern::Is(value) => {
                let mut map = one(serializer)?;
                map.serialize_entry("is", value)?;
                map.end()
            }
            Pattern::StartsWith(start) => {
                let mut map = one(serializer)?;
                map.serialize_entry("starts_with", start)?;
                map.end()
            }
            Pattern::Items(items) => {
                let items: Vec<_> = items.iter().map(ShapePattern).collect();
                let mut map = one(serializer)?;
                map.serialize_entry("items", &items)?;
                map.end()
            }
        }
    }
}

/// Reads a shape, and checks its size.
pub(crate) fn read(field: &str, shape: &JsonObject) -> Result<permission::Shape, InvalidField> {
    let entries = shape.iter().map(|(name, value)| {
        let pattern = pattern(&format!("{field}.{name}"), value)?;
        Ok((name.clone(), pattern))
    });
    let shape = permission::Shape(entries.collect::<Result<BTreeMap<_, _>, InvalidField>>()?);
    shape.check().map_err(|error| {
        let below = error.field.strip_prefix("shape").unwrap_or_default();
        InvalidField::new(format!("{field}{below}"), error.problem)
    })?;
    Ok(shape)
}

fn pattern(field: &str, value: &Value) -> Result<Pattern, InvalidField> {
    let wrong = || InvalidField::new(field, PATTERNS);
    let object = match value {
        Value::String(word) if word == "any" => return Ok(Pattern::Any),
        Value::Object(object) => object,
        _ => return Err(wrong()),
    };
    match only(object).ok_or_else(wrong)? {
        ("is", value) => Ok(Pattern::Is(value.clone())),
        ("starts_with", Value::String(start)) => Ok(Pattern::StartsWith(start.clone())),
        ("items", Value::Array(items)) => {
            let items = items.iter().enumerate();
            let items = items.map(|(place, item)| pattern(&format!("{field}[{place}]"), item));
            items.collect::<Result<_, _>>().map(Pattern::Items)
        }
        _ => Err(wrong()),
    }
}

fn only(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut fields = object.iter();
    match (fields.next(), fields.next()) {
        (Some((name, value)), None) => Some((name, value)),
        _ => None,
    }
}

impl PartialSchema for Shape<'_> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "What the arguments of a call must be like: a pattern for each. Arguments without a \
                 pattern must not be there.",
            ))
            .additional_properties(Some(Ref::from_schema_name("ShapePattern")))
            .into()
    }
}

impl ToSchema for Shape<'_> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("ShapePattern".into(), ShapePattern::schema()));
    }
}

impl PartialSchema for ShapePattern<'_> {
    fn schema() -> RefOr<Schema> {
        let case = |name: &str, about: &str, schema: RefOr<Schema>| {
            ObjectBuilder::new()
                .description(Some(about))
                .property(name, schema)
                .required(name)
                .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        };
        let anything = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        let text = ObjectBuilder::new().schema_type(Type::String);
        let items = ArrayBuilder::new()
            .items(Ref::from_schema_name("ShapePattern"))
            .max_items(Some(50));
        let any = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Anything at all."))
            .enum_values(Some(["any"]));
        OneOfBuilder::new()
            .description(Some("What a value must be like."))
            .item(any)
            .item(case("is", "Exactly this.", anything.into()))
            .item(case(
                "starts_with",
                "A text that begins so.",
                text.min_length(Some(1)).into(),
            ))
            .item(case(
                "items",
                "A list of exactly so many values, each like its pattern.",
                items.into(),
            ))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> JsonObject {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_shape_is_written_as_it_is_read() {
        let json = json!({
            "argv": {"items": [{"is": "git"}, {"is": ["a", 1]}, "any"]},
            "url": {"starts_with": "https://example.org/"},
        });

        let shape = read("shape", &object(json.clone())).unwrap();

        assert_eq!(serde_json::to_value(Shape(&shape)).unwrap(), json);
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        for (json, field) in [
            (json!({}), "x.shape"),
            (json!({"url": "https://example.org/"}), "x.shape.url"),
            (json!({"url": {"is": 1, "starts_with": "a"}}), "x.shape.url"),
            (json!({"url": {"any": null}}), "x.shape.url"),
            (json!({"url": {"starts_with": ""}}), "x.shape.url"),
            (json!({"url": {"starts_with": 1}}), "x.shape.url"),
            (json!({"a": {"items": ["any", "some"]}}), "x.shape.a[1]"),
        ] {
            let error = read("x.shape", &object(json.clone())).unwrap_err();
            assert_eq!(error.field, field, "{json}");
        }
    }
}
