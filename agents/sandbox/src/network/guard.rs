//! Decides whether an address on the network may be reached, and pins what was decided on.
//!
//! Three parts, because each alone can be walked around: the host as the URL parser reads it (so
//! that `127.1` and `2130706433` are the addresses that they are), every address that its name has
//! at this moment, and the same again for every redirect. The caller connects to the addresses in
//! [`Pinned`] and never asks for the name's again, or the answer could be another one.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use super::address::{AddressClass, class_of};
use super::allow::{AllowList, without_dot};

/// How long a name's addresses are waited for.
const RESOLVE_FOR: Duration = Duration::from_secs(10);

/// How many addresses of a name are tried, and how long each.
const TRIES: usize = 4;
const CONNECT_FOR: Duration = Duration::from_secs(10);

/// Asks for the addresses of a name.
pub trait Resolve: Send + Sync {
    /// Returns every address that a name has.
    fn resolve(&self, name: String) -> Answer;
}

/// What [`Resolve::resolve`] returns.
pub type Answer = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Asks the system, as every program on it does.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: String) -> Answer {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name, 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// Why something may not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text is no URL.
    #[error("{0} is no URL: write https://HOST/PATH")]
    NoUrl(String),
    /// Something other than the web.
    #[error("scheme {0} is refused: use http or https")]
    Scheme(String),
    /// A name or password before the host.
    #[error("a URL with a user name or password is refused: leave out what stands before @")]
    UserInfo,
    /// Not on the list.
    #[error("{host}:{port} is not on the allow-list: it would have to name {host}{suffix}", suffix = port_suffix(*port, host))]
    NotAllowed {
        /// The host, as the URL parser reads it.
        host: String,
        /// The port.
        port: u16,
    },
    /// A name on the list leads where it must not.
    #[error(
        "{host} leads to {address}, which is {class}: a server of your own is allowed by its address and port"
    )]
    NotPublic {
        /// The name.
        host: String,
        /// The first such address.
        address: IpAddr,
        /// What that is.
        class: AddressClass,
    },
    /// A name on the list leads nowhere.
    #[error("{host} has no address: {problem}")]
    NoAddress {
        /// The name.
        host: String,
        /// What the resolver said.
        problem: String,
    },
}

impl Refusal {
    /// Returns whether it may be reached, and only its name could not be resolved.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NoAddress { .. })
    }
}

/// What a list has to say beside the host.
fn port_suffix(port: u16, host: &str) -> String {
    let is_name = Url::parse(&format!("http://{host}")).is_ok_and(|url| url.domain().is_some());
    if is_name && host != "localhost" && matches!(port, 80 | 443) {
        String::new()
    } else {
        format!(":{port}")
    }
}

/// Something that may be reached, and the addresses that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The host as the URL parser reads it, in brackets where it is an IPv6 address.
    pub host: String,
    /// The port, given or the scheme's.
    pub port: u16,
    /// Where to connect to: these and no others.
    pub addresses: Vec<SocketAddr>,
}

impl Pinned {
    /// Connects to the first address that answers.
    ///
    /// # Errors
    /// Gives the last address's error.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in self.addresses.iter().take(TRIES) {
            match timeout(CONNECT_FOR, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }
}

/// An allow-list and a way to ask for addresses; cheap to clone.
#[derive(Clone)]
pub struct Guard {
    allow: AllowList,
    resolver: Arc<dyn Resolve>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("allow", &self.allow)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// Returns a guard over this list.
    pub fn new(allow: AllowList, resolver: Arc<dyn Resolve>) -> Self {
        Self { allow, resolver }
    }

    /// Decides about a URL. Every redirect is to be brought here again.
    ///
    /// # Errors
    /// Says what is refused and what would allow it.
    pub async fn check(&self, url: &Url) -> Result<Pinned, Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Refusal::NoUrl(url.scheme().to_owned()));
        };
        let host = match host {
            Host::Domain(name) => Host::Domain(without_dot(name)),
            address => address,
        };
        let text = host.to_string();
        if !self.allow.allows(&host, port) {
            return Err(Refusal::NotAllowed { host: text, port });
        }
        let addresses = match host {
            // Named by the list itself, so that they may be private.
            Host::Ipv4(address) => vec![address.into()],
            Host::Ipv6(address) => vec![address.into()],
            Host::Domain("localhost") => {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Host::Domain(name) => self.public_addresses(name).await?,
        };
        let addresses = addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port));
        Ok(Pinned {
            host: text,
            port,
            addresses: addresses.collect(),
        })
    }

    async fn public_addresses(&self, name: &str) -> Result<Vec<IpAddr>, Refusal> {
        let nowhere = |problem: String| Refusal::NoAddress {
            host: name.to_owned(),
            problem,
        };
        let addresses = timeout(RESOLVE_FOR, self.resolver.resolve(name.to_owned()))
            .await
            .map_err(|_| nowhere("no answer in time".into()))?
            .map_err(|error| nowhere(error.to_string()))?;
        if addresses.is_empty() {
            return Err(nowhere("the answer is empty".into()));
        }
        // One private address among public ones is how a name is turned against its reader.
        for address in &addresses {
            let class = class_of(*address);
            if class != AddressClass::Public {
                return Err(Refusal::NotPublic {
                    host: name.to_owned(),
                    address: *address,
                    class,
                });
            }
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests;
