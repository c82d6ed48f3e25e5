//! Query strings: lists by repetition or commas, and no parameter that is not known.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use hearth_domain::InvalidField;
use hearth_domain::field::{LIST_MAX, NAME_MAX};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Required, Schema, Type};

use crate::problem::Problem;

/// The most items of a page.
pub(crate) const LIMIT_MAX: usize = 500;
/// The items of a page unless the caller says otherwise.
pub(crate) const LIMIT_DEFAULT: usize = 50;

/// What a handler reads from a query string.
pub(crate) trait FromQuery: Sized {
    /// Every parameter there is.
    const PARAMETERS: &'static [&'static str];

    fn read(query: &Pairs) -> Result<Self, Problem>;
}

/// A query string, read.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: FromQuery, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        T::read(&Pairs::parse(parts.uri.query(), T::PARAMETERS)?).map(Self)
    }
}

/// The parameters of a query string, decoded.
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs = Vec::new();
        for pair in query.unwrap_or_default().split('&') {
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode("query", name)?;
            if !known.contains(&name.as_str()) {
                let shown: String = name.chars().take(NAME_MAX).collect();
                return Err(Problem::invalid(shown, &unknown(known)));
            }
            let value = decode(&name, value)?;
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Returns a parameter that may be given once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut given = self.values(name);
        match (given.next(), given.next()) {
            (Some(_), Some(_)) => Err(Problem::invalid(name, "must be given once")),
            (value, _) => Ok(value),
        }
    }

    /// Returns the values of a parameter that may be repeated or hold several after commas.
    pub(crate) fn many<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, InvalidField>,
    ) -> Result<Vec<T>, Problem> {
        let mut values = Vec::new();
        for text in self.values(name).flat_map(|value| value.split(',')) {
            if values.len() == LIST_MAX {
                return Err(Problem::invalid(
                    name,
                    &format!("must have at most {LIST_MAX} values"),
                ));
            }
            values.push(parse(text).map_err(|error| Problem::invalid(name, &error.problem))?);
        }
        Ok(values)
    }

    /// As [`Pairs::many`], for values that say themselves how they are read.
    pub(crate) fn words<T: FromStr<Err = InvalidField>>(
        &self,
        name: &str,
    ) -> Result<Vec<T>, Problem> {
        self.many(name, str::parse)
    }

    /// Returns how many items a page may have.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.one("limit")? else {
            return Ok(LIMIT_DEFAULT);
        };
        text.parse()
            .ok()
            .filter(|limit| (1..=LIMIT_MAX).contains(limit))
            .ok_or_else(|| Problem::invalid("limit", &format!("must be 1 to {LIMIT_MAX}")))
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Documents a parameter that may be given once.
pub(crate) fn one_parameter(
    name: &str,
    about: &str,
    schema: impl Into<RefOr<Schema>>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

/// Documents a parameter that may be given several times.
pub(crate) fn many_parameter(name: &str, about: &str, schema: impl Into<Schema>) -> Parameter {
    let list = ArrayBuilder::new()
        .items(RefOr::T(schema.into()))
        .min_items(Some(1))
        .max_items(Some(LIST_MAX));
    one_parameter(
        name,
        &format!("{about} Repeated or comma-separated values mean any of them."),
        Schema::Array(list.build()),
    )
}

/// Documents the two parameters that every list has.
pub(crate) fn page_parameters() -> Vec<Parameter> {
    let limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(LIMIT_MAX))
        .default(Some(LIMIT_DEFAULT.into()));
    let cursor = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[A-Za-z0-9_-]+$"));
    vec![
        one_parameter("limit", "The most items of the page.", limit),
        one_parameter(
            "cursor",
            "Where to go on: next_cursor of the page before, with the same filters and order.",
            cursor,
        ),
    ]
}

fn unknown(known: &[&str]) -> String {
    if known.is_empty() {
        return "is not a parameter; this path takes none".into();
    }
    format!("is not a parameter; those are {}", known.join(", "))
}

fn decode(name: &str, text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Problem::invalid(name, "is not UTF-8"))
}
