//! From the text of a field to what it means, with the field's name in every error.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use hearth_domain::field::{AgentName, Label};
use hearth_domain::{InvalidField, Timestamp};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The greatest whole number that every JSON reader keeps exactly.
pub(crate) const EXACT_MAX: u64 = (1 << 53) - 1;

/// Reads a value that says itself how it is read.
pub(crate) fn parse<T: FromStr<Err = InvalidField>>(
    field: &str,
    text: &str,
) -> Result<T, InvalidField> {
    text.parse()
        .map_err(|error: InvalidField| InvalidField::new(field, error.problem))
}

/// Reads a list of such values; an error names the entry.
pub(crate) fn parse_all<T: FromStr<Err = InvalidField>>(
    field: &str,
    texts: &[String],
) -> Result<Vec<T>, InvalidField> {
    each(field, texts, parse)
}

/// Reads labels.
pub(crate) fn labels(field: &str, texts: &[String]) -> Result<Vec<Label>, InvalidField> {
    each(field, texts, Label::parse)
}

/// Reads an optional agent name.
pub(crate) fn agent(field: &str, text: Option<&str>) -> Result<Option<AgentName>, InvalidField> {
    text.map(|name| AgentName::parse(field, name)).transpose()
}

/// Reads an optional moment.
pub(crate) fn time(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<Timestamp>, InvalidField> {
    text.map(|text| Timestamp::parse(field, text)).transpose()
}

/// A struct that is read from a JSON object only. Without this, serde would take a list of its
/// fields' values as well.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Checks that a number survives every JSON reader and the store.
pub(crate) fn exact(field: &str, number: u64) -> Result<u64, InvalidField> {
    if number <= EXACT_MAX {
        return Ok(number);
    }
    Err(InvalidField::new(
        field,
        format!("must be at most {EXACT_MAX}"),
    ))
}

/// Reads a field of a patch that may be left out, but not be null.
pub(crate) fn not_null<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads a field of a patch that may be left out, and is emptied by null.
#[expect(
    clippy::option_option,
    reason = "left out, emptied and set are three things"
)]
pub(crate) fn or_null<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

fn each<T>(
    field: &str,
    texts: &[String],
    parse: impl Fn(&str, &str) -> Result<T, InvalidField>,
) -> Result<Vec<T>, InvalidField> {
    let entries = texts.iter().enumerate();
    entries
        .map(|(place, text)| {
            parse(field, text)
                .map_err(|error| InvalidField::new(format!("{field}[{place}]"), error.problem))
        })
        .collect()
}
