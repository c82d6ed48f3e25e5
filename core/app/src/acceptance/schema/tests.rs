//! Which schemas are taken, and what is said of results that do not fit.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

fn refusal(schema: &Value) -> String {
    compile(schema).unwrap_err()
}

fn object(value: &Value) -> Option<JsonObject> {
    value.as_object().cloned()
}

fn words() -> Value {
    json!({
        "type": "object",
        "required": ["words"],
        "properties": {"words": {"$ref": "#/$defs/count"}},
        "$defs": {"count": {"type": "integer", "minimum": 1}},
    })
}

#[test]
fn a_result_that_fits_passes_and_another_is_told_what_is_wrong_and_where() {
    assert_eq!(
        check(&words(), object(&json!({"words": 3}))),
        Ok("its result has it".into())
    );
    assert_eq!(
        check(&words(), object(&json!({"words": "three"}))),
        Err("at /words, \"three\" is not of type \"integer\"".into())
    );
    assert_eq!(
        check(&words(), object(&json!({}))),
        Err("\"words\" is a required property".into())
    );
}

#[test]
fn a_missing_result_fits_no_schema() {
    for schema in [words(), json!({}), json!({"required": ["words"]})] {
        assert_eq!(
            check(&schema, None),
            Err("its worker handed in no result".into())
        );
    }
}

#[test]
fn what_is_told_of_a_result_has_an_end() {
    let many = json!({"properties": {"a": {"type": "integer"}}, "additionalProperties": false});
    let result = JsonObject::from_iter([("a".to_owned(), json!("x".repeat(200_000)))]);

    let told = check(&many, Some(result)).unwrap_err();

    assert!(
        told.chars().count() < TOLD_MAX * (TOLD_CHARS + 50),
        "{told}"
    );
}

#[test]
fn what_is_no_schema_is_refused_with_the_reason_and_the_place() {
    for (schema, expected) in [
        (json!(true), "must be a JSON Schema, which is an object"),
        (json!([]), "must be a JSON Schema, which is an object"),
        (
            json!({"type": "text"}),
            "is no JSON Schema: at /type, \"text\" is not valid under any of the schemas listed in \
             the 'anyOf' keyword",
        ),
        (
            json!({"properties": {"a": {"minimum": "low"}}}),
            "is no JSON Schema: at /properties/a/minimum, \"low\" is not of type \"number\"",
        ),
    ] {
        assert_eq!(refusal(&schema), expected);
    }
    let bad_pattern = refusal(&json!({"properties": {"a": {"pattern": "("}}}));
    assert!(bad_pattern.contains("is not a \"regex\""), "{bad_pattern}");
    // A pattern that looks ahead may take time without end.
    assert!(compile(&json!({"pattern": "(?=a)b"})).is_err());
    assert!(compile(&json!({"pattern": "(\\w{100}){100}"})).is_err());
}

#[test]
fn nothing_outside_the_schema_is_referred_to() {
    for reference in [
        "https://example.com/schema.json",
        "file:///etc/passwd",
        "other.json#/$defs/a",
        "#anchor",
        "#/$defs/a%25b",
    ] {
        let told = refusal(&json!({"properties": {"a": {"$ref": reference}}}));
        assert_eq!(
            told,
            format!(
                "refers to {reference}; only what is in the schema itself can be referred to, such \
                 as #/$defs/name"
            )
        );
    }
    assert_eq!(
        refusal(&json!({"$ref": "#/$defs/a"})),
        "refers to #/$defs/a, which is not in it"
    );
    assert!(compile(&json!({"$schema": "https://example.com/draft"})).is_err());
    assert!(refusal(&json!({"$dynamicRef": "#a"})).starts_with("uses $dynamicRef"));
    assert!(refusal(&json!({"not": {"$id": "x"}})).contains("$id"));
    // A property may be called anything, and a value may look like anything.
    let named = json!({
        "properties": {"$ref": {"type": "string"}, "$id": {}, "const": {}},
        "const": {"$ref": "https://example.com"},
    });
    assert!(compile(&named).is_ok(), "{}", refusal(&named));
}

#[test]
fn a_schema_that_leads_back_to_itself_is_refused() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"$defs": {"a": {"$ref": "#/$defs/a"}}}),
        json!({"properties": {"child": {"$ref": "#/properties/child"}}}),
        json!({
            "anyOf": [{"$ref": "#/$defs/a"}],
            "$defs": {
                "a": {"items": {"$ref": "#/$defs/b"}},
                "b": {"properties": {"x": {"$ref": "#/$defs/a"}}},
            },
        }),
    ] {
        assert!(
            refusal(&schema).contains("leads back to itself"),
            "{schema}"
        );
    }
}

/// A chain of definitions, each of which refers `times` to the next.
fn chain(length: usize, times: usize) -> Value {
    let link = |next: usize| json!({"$ref": format!("#/$defs/d{next}")});
    let mut defs = JsonObject::new();
    for place in 0..length {
        let all: Vec<Value> = (0..times).map(|_| link(place + 1)).collect();
        defs.insert(format!("d{place}"), json!({ "allOf": all }));
    }
    defs.insert(format!("d{length}"), json!({"type": "object"}));
    json!({"$ref": "#/$defs/d0", "$defs": defs})
}

#[test]
fn a_schema_that_unfolds_without_measure_is_refused() {
    assert!(refusal(&chain(40, 2)).contains("unfolds to more than 5000 schemas"));
    assert!(refusal(&chain(3000, 1)).contains("nested more than 100 deep"));
    let patterns: Vec<Value> = (0..=PATTERNS_MAX)
        .map(|_| json!({"pattern": "a"}))
        .collect();
    assert!(refusal(&json!({ "allOf": patterns })).contains("200 patterns"));
    let mut unevaluated = json!({});
    for _ in 0..=UNEVALUATED_MAX {
        unevaluated = json!({"allOf": [unevaluated], "unevaluatedProperties": false});
    }
    assert!(refusal(&unevaluated).contains("unevaluated"));
}

#[test]
fn the_largest_that_is_taken_is_held_against_a_result_on_the_stack_of_a_thread() {
    let wide = chain(10, 2);
    let deep = chain(DEPTH_MAX / 2 - 1, 1);
    let mut nested = json!({"type": "object"});
    for _ in 0..DEPTH_MAX - 1 {
        nested = json!({"properties": {"a": nested}});
    }
    for schema in [wide, deep, nested] {
        let started = Instant::now();
        let result = object(&json!({"a": {"a": {"a": [1, 2, 3]}}}));
        // What runs in the node has a stack of two MiB.
        let told = std::thread::Builder::new()
            .stack_size(2 * 1024 * 1024)
            .spawn(move || check(&schema, result))
            .unwrap()
            .join()
            .unwrap();
        assert!(told.is_ok(), "{told:?}");
        assert!(started.elapsed() < Duration::from_mins(1));
    }
}
