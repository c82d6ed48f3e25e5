//! The agents that come with the node. There is one so far: Seed, which executes tasks whose
//! context carries a plan, without a language model.
//!
//! Reading order: [`seed`], `run` (one attempt at one task), [`plan`], `tools`, `workspace`,
//! [`facility`] (the sandbox, and whether there is one).

pub mod facility;
pub mod plan;
mod run;
pub mod seed;
mod tools;
mod workspace;

pub use facility::SandboxFacility;
pub use seed::{Config, Seed};
