//! The network, as much of it as a job was granted.
//!
//! Reading order: [`address`] says what an address is, [`allow`] what may be reached, [`guard`]
//! decides about one URL, [`proxy`] carries what was allowed between a job and the world, and
//! `usage` counts it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub mod address;
pub mod allow;
pub mod guard;
pub mod proxy;
mod usage;

pub use allow::{AllowList, Destination, InvalidDestination};
pub use guard::{Guard, Pinned, Refusal, Resolve, SystemResolver};
pub use proxy::Proxy;
pub use usage::{NetworkUsage, NetworkUse};

/// What of the network a job sees.
#[derive(Debug, Clone, Default)]
pub enum Network {
    /// Nothing.
    #[default]
    None,
    /// A proxy of its own, named to it in `http_proxy`, `https_proxy` and the same in capitals.
    /// Nothing else answers.
    Proxy(ProxyRules),
}

/// What a job's proxy lets through.
#[derive(Clone)]
pub struct ProxyRules {
    /// Where to.
    pub allow: AllowList,
    /// How many bytes, in both directions and over all connections; what is over is cut off.
    pub byte_quota: u64,
    /// How many connections at once; further ones wait.
    pub connections: usize,
    /// How long a connection may be silent.
    pub idle: Duration,
    /// How long a connection may last.
    pub total: Duration,
    /// Who knows the addresses of names.
    pub resolver: Arc<dyn Resolve>,
}

impl ProxyRules {
    /// Returns rules with the default limits: 64 MiB, 16 connections, half a minute of silence, ten
    /// minutes in all.
    pub fn new(allow: AllowList) -> Self {
        Self {
            allow,
            byte_quota: 64 * 1024 * 1024,
            connections: 16,
            idle: Duration::from_secs(30),
            total: Duration::from_mins(10),
            resolver: Arc::new(SystemResolver),
        }
    }
}

impl fmt::Debug for ProxyRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyRules")
            .field("allow", &self.allow)
            .field("byte_quota", &self.byte_quota)
            .field("connections", &self.connections)
            .field("idle", &self.idle)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}
