//! The addresses of one fetch's current hop.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use reqwest::dns::{Name, Resolving};

/// Where the current hop of one fetch leads: the only name that its client can resolve.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Held for the length of a copy; nobody waits inside.
    pinned: Mutex<(String, Vec<SocketAddr>)>,
}

impl Place {
    /// Makes this the name that can be resolved.
    pub(super) fn pin(&self, host: &str, addresses: Vec<SocketAddr>) {
        let pinned = (host.to_owned(), addresses);
        *self.pinned.lock().unwrap_or_else(PoisonError::into_inner) = pinned;
    }

    /// Returns the name of the current hop.
    pub(super) fn host(&self) -> String {
        let pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.0.clone()
    }
}

impl reqwest::dns::Resolve for Place {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, addresses) = self
            .pinned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Box::pin(async move {
            if name.as_str() != host {
                return Err("this name was not looked at".into());
            }
            Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
        })
    }
}
