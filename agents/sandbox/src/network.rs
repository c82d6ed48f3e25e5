//! The network, as much of it as a job was granted.
//!
//! Reading order: [`address`] says what an address is, [`allow`] what may be reached, [`guard`]
//! decides about one URL, [`proxy`] carries what was allowed between a job and the world.

pub mod address;
pub mod allow;
pub mod guard;
