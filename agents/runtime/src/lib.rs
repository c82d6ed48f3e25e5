//! The agents that come with the node: Seed, which executes tasks whose context carries a plan, and
//! the chief of staff, who talks with the person. Both work without a language model.
//!
//! Reading order: [`chief_of_staff`], [`seed`], `run` (one claim of one task), `executor` (the steps of
//! its plan), `hands` (how one call is made and written down), [`tools`], `workspace`, [`checks`] (acceptance checks that are programs), [`facility`] (the sandbox, and
//! whether there is one), [`web`] (what is fetched for a tool), [`search`] (whom searches are put to).

pub mod checks;
pub mod chief_of_staff;
mod executor;
pub mod facility;
mod hands;
mod live_limits;
pub mod model;
mod persist;
mod run;
pub mod search;
pub mod seed;
#[cfg(test)]
mod test_support;
pub mod tools;
mod turns;
pub mod web;
mod workspace;

pub use checks::SandboxChecks;
pub use chief_of_staff::ChiefOfStaff;
pub use facility::SandboxFacility;
pub use live_limits::LiveLimits;
pub use model::{ModelDesk, Models};
pub use search::Searching;
pub use seed::{Config, Seed};
pub use tools::SandboxToolTester;
pub use web::Web;
