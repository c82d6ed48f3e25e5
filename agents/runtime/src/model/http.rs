//! Requests to servers of models, and their answers read with bounds: so many bytes, so much time.
//!
//! Redirects are not followed, because a key is for the server that was named; no proxy of the
//! machine's is used, and no cookie is kept. What a server sends beyond the bounds is not read: the
//! connection is dropped.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, Url};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::time::timeout;

use super::AskError;
use super::draft::too_much;
use super::fault::Fault;

const USER_AGENT: &str = concat!("hearth/", env!("CARGO_PKG_VERSION"));
/// A server that has not taken the connection by then is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next call of the same run.
const IDLE: Duration = Duration::from_secs(30);
/// How long one line of a stream may be: a piece of an answer, or all calls of one.
const LINE_BYTES: usize = 1024 * 1024;
/// How much a stream may come to: some 250 bytes around each token, reasoning included.
const STREAM_BYTES: usize = 16 * 1024 * 1024;
/// How much an answer may come to that is sent as a whole.
const WHOLE_BYTES: usize = 4 * 1024 * 1024;
/// How much is read of the words of a refusal.
const REFUSAL_BYTES: usize = 64 * 1024;

/// Makes the client of all servers. It reads the machine's certificates.
///
/// # Errors
/// TLS cannot be had.
pub(super) fn client() -> Result<Client, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .use_preconfigured_tls(tls)
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .user_agent(USER_AGENT)
        .build()
        .map_err(|error| error.to_string())
}

/// How long is waited for bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    pub(super) first: Duration,
    pub(super) next: Duration,
}

/// An answer that is being read.
pub(super) struct Reader<'a> {
    who: &'a str,
    response: Response,
    waits: Waits,
    buffer: Vec<u8>,
    /// Up to where there is no end of a line.
    searched: usize,
    taken: usize,
}

impl<'a> Reader<'a> {
    /// Sends a request, and waits until the answer begins. Where it `costs` something, one that does
    /// not come in time may have to be paid for all the same.
    ///
    /// # Errors
    /// Nobody answers.
    pub(super) async fn send(
        who: &'a str,
        request: RequestBuilder,
        waits: Waits,
        costs: bool,
    ) -> Result<Self, AskError> {
        let response = timeout(waits.first, request.send())
            .await
            .map_err(|_| silent(who, waits.first, costs))?
            .map_err(|error| AskError::Faulty(unreachable(who, &error)))?;
        Ok(Self {
            who,
            response,
            waits,
            buffer: Vec::new(),
            searched: 0,
            taken: 0,
        })
    }

    pub(super) fn response(&self) -> &Response {
        &self.response
    }

    /// Returns the next line, without its end; `None` after the last one.
    ///
    /// # Errors
    /// The line or the stream is too long, nothing came for too long, or the connection broke.
    pub(super) async fn line(&mut self, has_begun: bool) -> Result<Option<String>, AskError> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(place) = rest.iter().position(|byte| *byte == b'\n') {
                let end = self.searched + place;
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                line.pop();
                self.searched = 0;
                return Ok(Some(text_of(&line)));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LINE_BYTES {
                return Err(too_much());
            }
            if !self.more(STREAM_BYTES, has_begun).await? {
                let last = std::mem::take(&mut self.buffer);
                self.searched = 0;
                return Ok((!last.is_empty()).then(|| text_of(&last)));
            }
        }
    }

    /// Returns all of it.
    ///
    /// # Errors
    /// See [`Self::line`].
    pub(super) async fn whole(mut self) -> Result<Vec<u8>, AskError> {
        while self.more(WHOLE_BYTES, false).await? {}
        Ok(self.buffer)
    }

    /// Returns what a server says of its refusal, as far as it can be had.
    pub(super) async fn refusal(mut self) -> Vec<u8> {
        while let Ok(true) = self.more(REFUSAL_BYTES, false).await {}
        self.buffer
    }

    /// Reads on; returns whether there was more.
    async fn more(&mut self, most: usize, has_begun: bool) -> Result<bool, AskError> {
        let wait = if self.taken == 0 {
            self.waits.first
        } else {
            self.waits.next
        };
        let chunk = timeout(wait, self.response.chunk())
            .await
            .map_err(|_| silent(self.who, wait, has_begun))?
            .map_err(|error| AskError::Faulty(unreachable(self.who, &error).after(has_begun)))?;
        let Some(chunk) = chunk else {
            return Ok(false);
        };
        self.taken = self.taken.saturating_add(chunk.len());
        if self.taken > most {
            return Err(too_much());
        }
        self.buffer.extend_from_slice(&chunk);
        Ok(true)
    }
}

fn text_of(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

fn silent(who: &str, waited: Duration, has_begun: bool) -> AskError {
    let waited = waited.as_secs_f32();
    AskError::Faulty(Fault::passing(format!("{who} said nothing for {waited} s")).after(has_begun))
}

/// Says what went wrong, down to the cause, and without the address.
pub(super) fn unreachable(who: &str, error: &reqwest::Error) -> Fault {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if std::ptr::addr_eq(cause, std::ptr::from_ref(error)) {
        return Fault::passing(format!("{who}: the connection broke"));
    }
    let what = if error.is_connect() {
        "cannot be reached"
    } else {
        "broke off"
    };
    Fault::passing(format!("{who} {what}: {cause}"))
}

/// Asks a server on this machine something small, and does not wait long for it.
pub(super) async fn ask_briefly(request: RequestBuilder, wait: Duration) -> Option<Value> {
    let asked = async {
        let waits = Waits {
            first: wait,
            next: wait,
        };
        let reader = Reader::send("", request, waits, false).await.ok()?;
        if !reader.response().status().is_success() {
            return None;
        }
        serde_json::from_slice(&reader.whole().await.ok()?).ok()
    };
    timeout(wait, asked).await.ok().flatten()
}

/// Reads the address of a server; `None` where it is none, or has more in it than an address.
pub(super) fn address(text: &str) -> Option<Url> {
    let url: Url = text.trim_end_matches('/').parse().ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_plain.then_some(url)
}

/// Whether an address is on this machine, whoever resolves names.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
