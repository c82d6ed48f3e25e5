//! How a caller names a thing that people know by a number: by that, or by its identifier.

use std::fmt;
use std::str::FromStr;

use hearth_domain::{ApprovalId, InvalidField, RunId, TaskId};

/// How a caller names a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<I> {
    /// By its identifier.
    Id(I),
    /// By its number.
    Number(i64),
}

/// An identifier of a thing that has a number too.
pub trait Numbered: FromStr + fmt::Display {
    /// Whose it is, such as `a task`.
    const OF: &'static str;
    /// What stands before a number in a sentence.
    const SIGN: &'static str;
}

impl Numbered for TaskId {
    const OF: &'static str = "a task";
    const SIGN: &'static str = "#";
}

impl Numbered for RunId {
    const OF: &'static str = "a run";
    const SIGN: &'static str = "";
}

impl Numbered for ApprovalId {
    const OF: &'static str = "an approval";
    const SIGN: &'static str = "";
}

impl<I: Numbered> FromStr for Named<I> {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        text.parse()
            .map(Self::Id)
            .map_err(|_| InvalidField::new("id", format!("must be {}'s UUID or its number", I::OF)))
    }
}

impl<I: Numbered> fmt::Display for Named<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Number(number) => write!(f, "{}{number}", I::SIGN),
        }
    }
}
