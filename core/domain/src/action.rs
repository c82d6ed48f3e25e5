//! One exact act: which tool, with which arguments. What is approved is this and nothing like it.

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::field::{JsonObject, Word};

/// One exact act.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// The tool.
    pub tool: Word,
    /// With what.
    pub args: JsonObject,
}

/// SHA-256 of an action, by which it is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActionHash(pub [u8; 32]);

impl fmt::Display for ActionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Action {
    /// Returns the hash, which is the same for equal arguments in any order of their fields.
    pub fn hash(&self) -> ActionHash {
        let mut hasher = Sha256::new();
        feed(&mut hasher, &Value::from(self.tool.as_str()));
        feed_fields(&mut hasher, &self.args);
        ActionHash(hasher.finalize().into())
    }
}

/// Feeds a value so that no two different ones feed the same bytes: each begins with what it is and
/// how long it is.
fn feed(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(value) => hasher.update(if *value { b"t" } else { b"f" }),
        Value::Number(number) => feed_text(hasher, b'd', &number.to_string()),
        Value::String(text) => feed_text(hasher, b's', text),
        Value::Array(items) => {
            feed_length(hasher, b'a', items.len());
            for item in items {
                feed(hasher, item);
            }
        }
        Value::Object(fields) => feed_fields(hasher, fields),
    }
}

fn feed_fields(hasher: &mut Sha256, fields: &JsonObject) {
    let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    feed_length(hasher, b'o', sorted.len());
    for (key, value) in sorted {
        feed_text(hasher, b'k', key);
        feed(hasher, value);
    }
}

fn feed_text(hasher: &mut Sha256, kind: u8, text: &str) {
    feed_length(hasher, kind, text.len());
    hasher.update(text.as_bytes());
}

fn feed_length(hasher: &mut Sha256, kind: u8, length: usize) {
    hasher.update([kind]);
    hasher.update((length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hash(tool: &str, args: &str) -> String {
        let action = Action {
            tool: tool.parse().unwrap(),
            args: serde_json::from_str(args).unwrap(),
        };
        action.hash().to_string()
    }

    #[test]
    fn the_order_of_fields_does_not_matter_and_everything_else_does() {
        let one = hash("a", r#"{"x": 1, "y": ["b", "c"]}"#);

        assert_eq!(hash("a", r#"{"y": ["b", "c"], "x": 1}"#), one);
        for (tool, args) in [
            ("b", r#"{"x": 1, "y": ["b", "c"]}"#),
            ("a", r#"{"x": 1.0, "y": ["b", "c"]}"#),
            ("a", r#"{"x": "1", "y": ["b", "c"]}"#),
            ("a", r#"{"x": 1, "y": ["c", "b"]}"#),
            ("a", r#"{"x": 1, "y": ["b"], "c": null}"#),
            ("a", r#"{"x": 1, "y": ["bc"]}"#),
            ("a", r#"{"x": 1, "y": [["b", "c"]]}"#),
        ] {
            assert_ne!(hash(tool, args), one, "{args}");
        }
    }

    #[test]
    fn the_hash_is_a_stored_format() {
        let args = json!({"argv": ["git", "push"], "n": [null, true, -1.5]}).to_string();
        assert_eq!(
            hash("run_command", &args),
            "4fc8f028de9b0ca4e56fb18e034eb93eac79ea06c377d7e2ec91349fb064edde"
        );
    }
}
