//! What may be reached: names, and by their exact address servers of the owner's own.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::Host;

/// The ports of `http` and `https`, which are meant where a name has none.
const WEB_PORTS: [u16; 2] = [80, 443];

/// How many destinations a list may have.
const DESTINATIONS: usize = 1000;

/// One thing that may be reached.
///
/// Written as `example.org` (that name alone), `*.example.org` (every name below it, not itself),
/// `*` (every public name), each with `:PORT` or else for ports 80 and 443; or as the address and
/// port of one server, `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`. Only the last kind
/// leads to a private address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    target: Target,
    /// None for the ports of the web.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// Every public name.
    Any,
    /// One name, in lower case and Punycode.
    Name(String),
    /// Every name that ends with this, dot included.
    Below(String),
    /// One address.
    Address(IpAddr),
    /// This machine, without asking anybody what `localhost` is.
    Localhost,
}

/// A destination is written in no way that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "destination {text:?}: {problem}; write example.org, *.example.org, or 127.0.0.1:8080 for a server of your own"
)]
pub struct InvalidDestination {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|problem| InvalidDestination {
            text: text.to_owned(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<Destination, &'static str> {
    if text.contains(['/', '@', '?', '#', ' ']) {
        return Err("it is a host, with neither scheme nor path");
    }
    let (host, port) = match text.rsplit_once(':') {
        // The colons of a bare IPv6 address belong to it.
        Some((host, port)) if !text.ends_with(']') => (
            host,
            Some(
                port.parse()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or("the port is no number from 1 to 65535")?,
            ),
        ),
        _ => (text, None),
    };
    let target = target_of(host)?;
    if matches!(target, Target::Address(_) | Target::Localhost) && port.is_none() {
        return Err("an address needs its port");
    }
    Ok(Destination { target, port })
}

fn target_of(host: &str) -> Result<Target, &'static str> {
    if host == "*" {
        return Ok(Target::Any);
    }
    let (is_below, host) = match host.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, host),
    };
    if host.contains('*') {
        return Err("a star stands alone or as the first part");
    }
    match Host::parse(host).map_err(|_| "it is no host")? {
        Host::Ipv4(_) | Host::Ipv6(_) if is_below => Err("an address has no names below it"),
        Host::Ipv4(address) => Ok(Target::Address(address.into())),
        Host::Ipv6(address) if is_disguised(address) => Err("write it as an IPv4 address"),
        Host::Ipv6(address) => Ok(Target::Address(address.into())),
        Host::Domain(name) => match without_dot(&name) {
            "" => Err("it is no host"),
            "localhost" if !is_below => Ok(Target::Localhost),
            name if is_local(name) => Err("names below localhost lead nowhere"),
            name if is_below => Ok(Target::Below(format!(".{name}"))),
            name => Ok(Target::Name(name.to_owned())),
        },
    }
}

fn is_disguised(address: std::net::Ipv6Addr) -> bool {
    address.to_ipv4_mapped().is_some()
}

/// Returns a name without the dot that ends it where it is written in full.
pub(crate) fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Returns whether a name means this machine by definition (RFC 6761).
pub(crate) fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

impl Destination {
    /// Returns whether this leads to a host, as the URL parser gives it, without a dot at its end.
    fn matches(&self, host: &Host<&str>, port: u16) -> bool {
        let is_port = self
            .port
            .map_or(WEB_PORTS.contains(&port), |own| own == port);
        is_port
            && match (&self.target, host) {
                (Target::Any, Host::Domain(name)) => !is_local(name),
                (Target::Name(own), Host::Domain(name)) => own == name,
                (Target::Below(end), Host::Domain(name)) => name.ends_with(end.as_str()),
                (Target::Localhost, Host::Domain(name)) => *name == "localhost",
                (Target::Address(own), Host::Ipv4(address)) => *own == IpAddr::V4(*address),
                (Target::Address(own), Host::Ipv6(address)) => *own == IpAddr::V6(*address),
                _ => false,
            }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Any => f.write_str("*")?,
            Target::Name(name) => f.write_str(name)?,
            Target::Below(end) => write!(f, "*{end}")?,
            Target::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            Target::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Target::Localhost => f.write_str("localhost")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Everything that may be reached; an empty list allows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Destination>);

impl AllowList {
    /// Reads a list of destinations.
    ///
    /// # Errors
    /// Names the first that cannot be read, or the one after the last that fits (1,000).
    pub fn parse<T: AsRef<str>>(
        texts: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidDestination> {
        let mut list = vec![];
        for text in texts {
            if list.len() >= DESTINATIONS {
                return Err(InvalidDestination {
                    text: text.as_ref().to_owned(),
                    problem: "the list holds 1000 destinations at most",
                });
            }
            list.push(text.as_ref().parse()?);
        }
        Ok(Self(list))
    }

    /// Returns whether a host and port are on the list.
    pub(crate) fn allows(&self, host: &Host<&str>, port: u16) -> bool {
        self.0
            .iter()
            .any(|destination| destination.matches(host, port))
    }
}

impl From<Vec<Destination>> for AllowList {
    fn from(list: Vec<Destination>) -> Self {
        Self(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_and_shown_as_they_are_meant() {
        for (text, shown) in [
            ("example.org", "example.org"),
            ("EXAMPLE.org.", "example.org"),
            ("*.Example.org:8443", "*.example.org:8443"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("*", "*"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("0x7f.1:80", "127.0.0.1:80"),
            ("[::1]:8080", "[::1]:8080"),
            ("localhost:8080", "localhost:8080"),
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_could_be_misread_is_refused_with_how_to_write_it() {
        for text in [
            "",
            "http://example.org",
            "example.org/path",
            "me@example.org",
            "example.org:0",
            "example.org:99999",
            "example.org:",
            "*example.org",
            "a.*.org",
            "**",
            "127.0.0.1",
            "[::1]",
            "localhost",
            "*.localhost",
            "app.localhost:80",
            "*.127.0.0.1:80",
            "[::ffff:127.0.0.1]:80",
            "::1",
            "2130706433",
        ] {
            let error = text.parse::<Destination>().unwrap_err().to_string();
            assert!(error.contains("write example.org"), "{text}: {error}");
        }
    }
}
