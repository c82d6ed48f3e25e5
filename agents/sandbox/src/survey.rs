//! What was found out about the sandbox, wall by wall.

use crate::Wall;

#[cfg(target_os = "linux")]
mod inside;

/// What was found out about the sandbox by using it.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The version of the interpreter, such as `3.11.2`.
    pub python_version: String,
    /// Every wall.
    pub walls: Vec<(Wall, Stands)>,
    /// What else is to be known of this sandbox.
    pub note: Option<&'static str>,
}

/// How a wall was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// It was seen to stand, from inside.
    Seen,
    /// It is this program's own doing and cannot be seen from inside; the reason says whose.
    Kept(&'static str),
    /// There is nothing here that it would hold back.
    NotNeeded(&'static str),
    /// It does not stand; how to mend that.
    Missing(&'static str),
}

impl Survey {
    /// Returns the first wall that does not stand, and how to mend that.
    pub fn missing(&self) -> Option<(Wall, &'static str)> {
        self.walls.iter().find_map(|(wall, stands)| match stands {
            Stands::Missing(remedy) => Some((*wall, *remedy)),
            Stands::Seen | Stands::Kept(_) | Stands::NotNeeded(_) => None,
        })
    }
}
