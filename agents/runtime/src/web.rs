//! Fetches a page for a tool, from where the tool may fetch; `Web::visit` does so as a guest who
//! asks first (`robots`) and takes turns (`manners`), and `readable` takes out what there is to read.
//!
//! The sandbox's guard decides at every hop, and the connection goes to the addresses that it
//! looked at. Redirects are followed here and not by the client, no proxy of the machine's is used,
//! and nothing is kept between two fetches: no cookie, no connection.

use std::sync::Arc;
use std::time::Duration;

use hearth_sandbox::network::{AllowList, Guard, Refusal, Resolve};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::time::timeout;

use self::manners::Manners;
use self::place::Place;
use self::readable::Gate;
use self::robots::Robots;
use crate::search::Searching;

/// Whom servers see.
const USER_AGENT: &str = concat!("hearth/", env!("CARGO_PKG_VERSION"));

/// The headers of an answer that tools are shown.
const SHOWN: [&str; 6] = [
    "content-type",
    "content-length",
    "content-language",
    "etag",
    "last-modified",
    "retry-after",
];

/// How much of a header is shown.
const HEADER_BYTES: usize = 1024;

/// What to fetch.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// The address, as it was given.
    pub url: String,
    /// Where to it, and its redirects, may lead.
    pub allow: AllowList,
    /// How much of the body is kept.
    pub byte_limit: usize,
    /// How long all of it may take.
    pub time_limit: Duration,
    /// How many redirects are followed.
    pub max_redirects: usize,
    /// Headers that go with every hop. With a key among them, no redirect may be followed.
    pub(crate) headers: HeaderMap,
    /// What is sent there, as JSON; without it, the page is asked for.
    pub(crate) post: Option<Vec<u8>>,
    /// What the host asks of programs that read it.
    robots: Option<Arc<Robots>>,
}

impl Fetch {
    /// Returns a fetch with the default limits: 2 MiB, half a minute, 5 redirects.
    pub fn new(url: String, allow: AllowList) -> Self {
        Self {
            url,
            allow,
            byte_limit: 2 * 1024 * 1024,
            time_limit: Duration::from_secs(30),
            max_redirects: 5,
            headers: HeaderMap::new(),
            post: None,
            robots: None,
        }
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The status code, such as 200; a page that is not there came back too.
    pub status: u16,
    /// Those headers that say what the body is, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The body, up to the limit.
    pub body: Vec<u8>,
    /// Whether the body was longer.
    pub truncated: bool,
    /// Where it came from after all redirects.
    pub final_url: String,
}

/// Why nothing came back.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The guard refused the address, or that of a redirect.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// One redirect after another.
    #[error("more than {0} redirects: name the address that they lead to")]
    Redirects(usize),
    /// A redirect to nowhere.
    #[error("{host} answered with a redirect that says no address")]
    BadRedirect {
        /// Who did.
        host: String,
    },
    /// It took too long.
    #[error("{host} took longer than {} s", limit.as_secs_f32())]
    TimedOut {
        /// Who was waited for at the end.
        host: String,
        /// How long was waited in all.
        limit: Duration,
    },
    /// No connection, or one that broke.
    #[error("{host} cannot be reached: {problem}")]
    Unreachable {
        /// Who.
        host: String,
        /// What went wrong.
        problem: String,
    },
    /// The host asks programs not to read this.
    #[error("{host} asks programs not to read this page (robots.txt); a person may")]
    Robots {
        /// Who does.
        host: String,
    },
    /// Nobody knows what the host asks of programs.
    #[error("{host} answered {status} to what it asks of programs (robots.txt): try again later")]
    NoRobots {
        /// Who did.
        host: String,
        /// With which status.
        status: u16,
    },
    /// As many wait for their turn at the host as may.
    #[error("too many pages of {host} are waited for already: try again later")]
    NoTurn {
        /// At whom.
        host: String,
    },
    /// The client could not be made.
    #[error("the machine's certificates cannot be used: {0}")]
    Client(String),
}

impl FetchError {
    /// Returns whether the same fetch may well succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_transient(),
            Self::TimedOut { .. }
            | Self::Unreachable { .. }
            | Self::NoRobots { .. }
            | Self::NoTurn { .. } => true,
            Self::Redirects(_)
            | Self::BadRedirect { .. }
            | Self::Robots { .. }
            | Self::Client(_) => false,
        }
    }
}

/// Fetches pages; cheap to clone.
#[derive(Clone)]
pub struct Web {
    tls: ClientConfig,
    resolver: Arc<dyn Resolve>,
    manners: Arc<Manners>,
    gate: Gate,
    searching: Searching,
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}

impl Web {
    /// Returns one that trusts whom the machine trusts. It reads the machine's certificates.
    ///
    /// # Errors
    /// Fails where TLS cannot be had. A machine without certificates still fetches `http`.
    pub fn new(resolver: Arc<dyn Resolve>) -> Result<Self, FetchError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::trusting(roots, resolver)
    }

    fn trusting(roots: RootCertStore, resolver: Arc<dyn Resolve>) -> Result<Self, FetchError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| FetchError::Client(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls,
            resolver,
            manners: Arc::default(),
            gate: Gate::default(),
            searching: Searching::default(),
        })
    }

    /// The same, searching with what the owner configured.
    #[must_use]
    pub fn searching(self, searching: Searching) -> Self {
        Self { searching, ..self }
    }

    /// Returns what searches are made with.
    pub(crate) fn search(&self) -> &Searching {
        &self.searching
    }

    /// Fetches a page, its redirects followed.
    ///
    /// # Errors
    /// Says what was refused, and how it would be allowed, or what went wrong. An answer with a
    /// status of an error is no error.
    pub async fn fetch(&self, fetch: Fetch) -> Result<Fetched, FetchError> {
        let url: Url = fetch
            .url
            .parse()
            .map_err(|_| Refusal::NoUrl(fetch.url.chars().take(200).collect()))?;
        let place = Arc::new(Place::default());
        let guard = Guard::new(fetch.allow, Arc::clone(&self.resolver));
        let hops = Hops {
            client: self.client(Arc::clone(&place))?,
            guard,
            place: Arc::clone(&place),
            headers: fetch.headers,
            post: fetch.post,
            robots: fetch.robots,
        };
        let work = async {
            let (url, response) = hops.follow(url, fetch.max_redirects).await?;
            read(&place.host(), url, response, fetch.byte_limit).await
        };
        let limit = fetch.time_limit;
        timeout(limit, work).await.unwrap_or_else(|_| {
            Err(FetchError::TimedOut {
                host: place.host(),
                limit,
            })
        })
    }

    fn client(&self, place: Arc<Place>) -> Result<Client, FetchError> {
        Client::builder()
            .use_preconfigured_tls(self.tls.clone())
            .dns_resolver(place)
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .pool_max_idle_per_host(0)
            .user_agent(USER_AGENT)
            .build()
            .map_err(|error| FetchError::Client(error.to_string()))
    }
}

/// The hops of one fetch.
struct Hops {
    client: Client,
    guard: Guard,
    place: Arc<Place>,
    headers: HeaderMap,
    post: Option<Vec<u8>>,
    robots: Option<Arc<Robots>>,
}

impl Hops {
    async fn follow(&self, mut url: Url, most: usize) -> Result<(Url, Response), FetchError> {
        for _ in 0..=most {
            let response = self.one(&mut url).await?;
            if !is_redirect(response.status()) {
                return Ok((url, response));
            }
            url = target(&url, response.headers()).ok_or_else(|| FetchError::BadRedirect {
                host: self.place.host(),
            })?;
        }
        Err(FetchError::Redirects(most))
    }

    async fn one(&self, url: &mut Url) -> Result<Response, FetchError> {
        url.set_fragment(None);
        let pinned = self.guard.check(url).await?;
        // As the guard wrote it, without a dot at its end: so it is in the certificate too.
        if url.domain().is_some() {
            let _ = url.set_host(Some(&pinned.host));
        }
        self.place.pin(&pinned.host, pinned.addresses);
        if self
            .robots
            .as_ref()
            .is_some_and(|robots| !robots.allow(url))
        {
            return Err(FetchError::Robots { host: pinned.host });
        }
        let request = match &self.post {
            None => self.client.get(url.clone()),
            Some(body) => self
                .client
                .post(url.clone())
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone()),
        };
        request
            .header(ACCEPT, "*/*")
            .headers(self.headers.clone())
            .send()
            .await
            .map_err(|error| unreachable(&pinned.host, &error))
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn target(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    from.join(location).ok()
}

async fn read(
    host: &str,
    url: Url,
    mut response: Response,
    byte_limit: usize,
) -> Result<Fetched, FetchError> {
    let mut body = vec![];
    let mut truncated = false;
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(host, &error))?
    {
        let room = byte_limit - body.len();
        body.extend(chunk.iter().take(room));
        if chunk.len() > room {
            truncated = true;
            break;
        }
    }
    Ok(Fetched {
        status: response.status().as_u16(),
        headers: shown(response.headers()),
        body,
        truncated,
        final_url: url.into(),
    })
}

fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |name: &&str| {
        let value = headers.get(*name)?.to_str().ok()?;
        Some((
            (*name).to_owned(),
            value.chars().take(HEADER_BYTES).collect(),
        ))
    };
    SHOWN.iter().filter_map(text).collect()
}

/// Says what went wrong, down to the cause, and without the address: there may be a secret in it.
fn unreachable(host: &str, error: &reqwest::Error) -> FetchError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let is_whole = std::ptr::addr_eq(cause, std::ptr::from_ref(error));
    FetchError::Unreachable {
        host: host.to_owned(),
        problem: if is_whole {
            "the connection broke".into()
        } else {
            cause.to_string()
        },
    }
}

mod manners;
mod place;
pub(crate) mod readable;
mod robots;
#[cfg(test)]
mod tests;
