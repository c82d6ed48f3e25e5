//! Host and Origin, checked before anything else, against DNS rebinding: a web page may make a
//! browser connect to this machine, but not under a name that this machine goes by.

use http::header;
use http::{HeaderMap, StatusCode, Uri};

use crate::problem::Problem;

/// The names of the machine itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The names under which the node may be addressed.
#[derive(Debug)]
pub(crate) struct Guard {
    allowed_hosts: Vec<String>,
}

impl Guard {
    pub(crate) fn new(allowed_hosts: &[String]) -> Self {
        Self {
            allowed_hosts: allowed_hosts.to_vec(),
        }
    }

    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "host_missing",
                "a request names exactly one Host",
            ));
        };
        // A request line with a whole address overrules the header, so both are checked.
        let asked = uri.authority().map(http::uri::Authority::as_str);
        if !host.to_str().is_ok_and(|host| self.is_ours(host))
            || asked.is_some_and(|authority| !self.is_ours(authority))
        {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "host_not_allowed",
                "the Host is no name of this node; use localhost, or allow the name in its settings",
            ));
        }
        for origin in headers.get_all(header::ORIGIN) {
            if !origin.to_str().is_ok_and(|origin| self.is_our_page(origin)) {
                return Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    "origin_not_allowed",
                    "the Origin is no page of this node",
                ));
            }
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        is_loopback(host) || self.is_configured(host)
    }

    fn is_our_page(&self, origin: &str) -> bool {
        if let Some(host) = origin.strip_prefix("http://") {
            return is_loopback(host) || self.is_configured(host);
        }
        origin
            .strip_prefix("https://")
            .is_some_and(|host| self.is_configured(host))
    }

    fn is_configured(&self, host: &str) -> bool {
        self.allowed_hosts.iter().any(|allowed| {
            host.eq_ignore_ascii_case(allowed)
                || without_port(host).is_some_and(|name| name.eq_ignore_ascii_case(allowed))
        })
    }
}

fn is_loopback(host: &str) -> bool {
    without_port(host).is_some_and(|name| {
        LOOPBACK
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// Returns the name in `name` or `name:port`; `None` where the port is none.
fn without_port(host: &str) -> Option<&str> {
    // The colons of an IPv6 address stand before its bracket.
    let from = host.rfind(']').unwrap_or(0);
    let Some(colon) = host.get(from..)?.find(':') else {
        return Some(host);
    };
    let (name, port) = host.split_at_checked(from + colon)?;
    port.strip_prefix(':')?.parse::<u16>().ok()?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>) -> Result<(), StatusCode> {
        let guard = Guard::new(&["hearth.example".into(), "box:8443".into()]);
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        guard
            .check(&Uri::from_static("/"), &headers)
            .map_err(|problem| axum::response::IntoResponse::into_response(problem).status())
    }

    #[test]
    fn the_names_of_the_machine_are_taken_with_any_port() {
        for host in [
            "localhost",
            "LocalHost:4747",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:4747",
            "hearth.example",
            "hearth.example:99",
            "box:8443",
        ] {
            assert_eq!(check(host, None), Ok(()), "{host}");
        }
    }

    #[test]
    fn any_other_name_is_refused() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost:",
            "localhost:x",
            "localhost:1:2",
            "localhost.",
            "",
            "[::1]evil",
            "[::1]evil:80",
            "user@localhost",
            "box",
            "box:1",
            "192.168.1.2",
        ] {
            assert_eq!(check(host, None), Err(StatusCode::FORBIDDEN), "{host:?}");
        }
    }

    #[test]
    fn a_page_from_elsewhere_is_refused() {
        for origin in [
            "http://localhost:4747",
            "http://[::1]:1",
            "https://hearth.example",
        ] {
            assert_eq!(check("localhost", Some(origin)), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "https://evil.example",
            "http://localhost.evil.example",
            "file://",
            "localhost",
        ] {
            assert_eq!(
                check("localhost", Some(origin)),
                Err(StatusCode::FORBIDDEN),
                "{origin}"
            );
        }
    }
}
