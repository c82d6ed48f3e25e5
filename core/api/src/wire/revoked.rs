//! Asking for what was taken back, too.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Type};

use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, one_parameter};

/// Whether a list shows what was taken back, too.
pub(crate) struct WithRevoked(pub(crate) bool);

impl FromQuery for WithRevoked {
    const PARAMETERS: &'static [&'static str] = &["all"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        match query.one("all")? {
            None | Some("false") => Ok(Self(false)),
            Some("true") => Ok(Self(true)),
            Some(_) => Err(Problem::invalid("all", "must be true or false")),
        }
    }
}

impl IntoParams for WithRevoked {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![one_parameter(
            "all",
            "Whether those that were taken back are shown, too.",
            ObjectBuilder::new().schema_type(Type::Boolean),
        )]
    }
}
