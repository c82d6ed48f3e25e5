//! What is wrong with a JSON body, in words that name the field and the remedy.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::problem::Problem;

/// The longest piece of a caller's own text that is shown back.
const SHOWN_CHARS: usize = 80;
/// How like a known name a wrong one must be to be taken for a slip.
const LIKE: f64 = 0.7;

/// Says why `bytes` are no `T`; `error` is what the first look found.
pub(super) fn explain<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if bytes.is_empty() {
        return Problem::invalid("body", "is missing; send a JSON object");
    }
    if error.to_string().starts_with("recursion limit exceeded") {
        return Problem::invalid("body", "is too deeply nested; 127 levels are the most");
    }
    match error.classify() {
        Category::Data => {
            let mut json = serde_json::Deserializer::from_slice(bytes);
            match serde_path_to_error::deserialize::<_, T>(&mut json) {
                Ok(_) => Problem::invalid("body", "is not what this path takes"),
                Err(error) => wrong_field(&error.path().to_string(), &error.inner().to_string()),
            }
        }
        Category::Eof => Problem::invalid("body", "is not JSON: it ends too early"),
        Category::Syntax | Category::Io => {
            Problem::invalid("body", &format!("is not JSON: {}", cut(&error.to_string())))
        }
    }
}

/// Turns a path and serde's message into a field and what is wrong with it.
fn wrong_field(path: &str, message: &str) -> Problem {
    let parent = if path == "." { "" } else { path };
    let message = message
        .rfind(" at line ")
        .and_then(|end| message.get(..end))
        .unwrap_or(message);
    if let Some(name) = quoted_after(message, "missing field ") {
        return Problem::invalid(join(parent, name), "is missing");
    }
    if let Some(name) = quoted_after(message, "duplicate field ") {
        return Problem::invalid(join(parent, name), "is given twice");
    }
    if let Some(name) = quoted_after(message, "unknown field ") {
        let parent = parent
            .strip_suffix(name)
            .map_or(parent, |parent| parent.trim_end_matches('.'));
        return Problem::invalid(join(parent, &cut(name)), &not_a_field(name, message));
    }
    let field = if parent.is_empty() { "body" } else { parent };
    if let Some(name) = quoted_after(message, "unknown variant ") {
        let problem = format!("must be {}, not {}", choices(message), cut(name));
        return Problem::invalid(cut(field), &problem);
    }
    for lead in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((found, expected)) = message
            .strip_prefix(lead)
            .and_then(|rest| rest.rsplit_once(", expected "))
        {
            let problem = format!("must be {}, not {}", plain(expected), cut(&plain(found)));
            return Problem::invalid(cut(field), &problem);
        }
    }
    Problem::invalid(cut(field), &cut(message))
}

/// Says which fields there are, the likeliest first.
fn not_a_field(name: &str, message: &str) -> String {
    let known = expected(message);
    let nearest = known
        .iter()
        .map(|field| (strsim::jaro_winkler(name, field), field))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .filter(|(likeness, _)| *likeness >= LIKE);
    let fields = known.join(", ");
    match nearest {
        Some((_, field)) => {
            format!("is not a field of this; did you mean {field}? The fields are {fields}")
        }
        None => format!("is not a field of this; the fields are {fields}"),
    }
}

/// Lists the words that would be right.
fn choices(message: &str) -> String {
    match expected(message).as_slice() {
        [one] => (*one).to_owned(),
        several => format!("one of {}", several.join(", ")),
    }
}

/// Returns the names that serde expected.
fn expected(message: &str) -> Vec<&str> {
    let list = message
        .rsplit_once(", expected ")
        .map_or("", |(_, list)| list);
    list.split('`').skip(1).step_by(2).collect()
}

/// Writes what serde calls a type as people call it.
fn plain(type_name: &str) -> String {
    let known = match type_name {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" | "sequence" => "a list",
        "a map" | "map" => "an object",
        "a boolean" => "true or false",
        "unit" => "null",
        name if name.starts_with("struct ") => "an object",
        other => other,
    };
    known.replace('`', "")
}

/// Returns what stands in backquotes right after `lead`.
fn quoted_after<'a>(message: &'a str, lead: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(lead)?.strip_prefix('`')?;
    // The name may itself have backquotes; what serde expected comes after its last one.
    let end = rest.rfind("`, expected ").or_else(|| rest.rfind('`'))?;
    rest.get(..end)
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
