//! An HTTP proxy for one job: the only way from the sandbox to the network.
//!
//! It takes `CONNECT host:port`, whose bytes it does not look into, and requests with a whole
//! `http://` URL. Each connection carries one request, so that what was allowed for one host cannot
//! be followed by something for another.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use self::rejection::{Rejection, empty};
use self::rewrite::{drop_hop_by_hop, rewritten};
use super::ProxyRules;
use super::guard::{Guard, Pinned, Refusal};
use super::usage::{Account, Metered, NetworkUsage, Pulse};

/// How long a program may take to write the head of its request, and how long that may be.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
const HEAD_BYTES: usize = 16 * 1024;

/// How long is waited after an accept failed, which it does where descriptors run out.
const PAUSE: Duration = Duration::from_millis(50);

/// The proxy of one job; cheap to clone.
#[derive(Debug, Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    guard: Guard,
    account: Arc<Account>,
    connections: Arc<Semaphore>,
    idle: Duration,
    total: Duration,
}

impl Proxy {
    /// Returns a proxy that knows these rules.
    pub fn new(rules: ProxyRules) -> Self {
        let connections = rules.connections.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            shared: Arc::new(Shared {
                guard: Guard::new(rules.allow, rules.resolver),
                account: Account::new(rules.byte_quota),
                connections: Arc::new(Semaphore::new(connections)),
                idle: rules.idle,
                total: rules.total,
            }),
        }
    }

    /// Returns what was asked for so far.
    pub fn usage(&self) -> NetworkUsage {
        self.shared.account.usage()
    }

    /// Serves connections until it is dropped; they end with it.
    pub async fn serve(&self, listener: TcpListener) -> Infallible {
        let mut connections = JoinSet::new();
        loop {
            // Those beyond the bound wait in the listener's queue, which is short.
            let Ok(permit) = Arc::clone(&self.shared.connections).acquire_owned().await else {
                return std::future::pending().await;
            };
            while connections.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((stream, _)) => {
                    let proxy = self.clone();
                    connections.spawn(async move {
                        proxy.carry(stream).await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn carry(&self, stream: TcpStream) {
        let connection = Connection {
            shared: Arc::clone(&self.shared),
            pulse: Pulse::new(),
            upstream: Mutex::default(),
        };
        let work = async {
            connection.serve(stream).await;
            connection.tunnel().await;
        };
        tokio::select! {
            _ = timeout(self.shared.total, work) => {}
            () = connection.pulse.stopped(self.shared.idle) => {}
        }
    }
}

/// One connection from the sandbox.
struct Connection {
    shared: Arc<Shared>,
    pulse: Arc<Pulse>,
    /// The other side of it, once there is one. Held for the length of a move; nobody waits inside.
    upstream: Mutex<Option<Upstream>>,
}

enum Upstream {
    /// A tunnel that begins when the answer has been written.
    Tunnel(OnUpgrade, Metered<TcpStream>),
    /// A request under way.
    Request {
        _until_dropped: AbortOnDropHandle<()>,
    },
}

type Body = BoxBody<Bytes, hyper::Error>;

impl Connection {
    async fn serve(&self, stream: TcpStream) {
        let service = service_fn(|request| self.answer(request));
        // It fails where the program hangs up or talks nonsense, and both are its own affair.
        let _ = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(HEAD_BYTES)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
            .await;
    }

    /// Carries bytes both ways where the request was to connect.
    async fn tunnel(&self) {
        let upstream = self
            .upstream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Upstream::Tunnel(upgrade, mut far)) = upstream
            && let Ok(near) = upgrade.await
        {
            // It ends when both sides have, at the quota, and where it falls silent.
            let _ = copy_bidirectional(&mut TokioIo::new(near), &mut far).await;
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        self.pulse.beat();
        let answer = if request.method() == Method::CONNECT {
            self.connect(request).await
        } else {
            self.forward(request).await
        };
        Ok(answer.unwrap_or_else(Rejection::into_response))
    }

    async fn connect(&self, request: Request<Incoming>) -> Result<Response<Body>, Rejection> {
        let authority = request.uri().authority().ok_or_else(Rejection::no_target)?;
        if authority.port_u16().is_none() {
            return Err(Rejection::no_target());
        }
        let url =
            Url::parse(&format!("https://{authority}/")).map_err(|_| Rejection::no_target())?;
        let far = self.reach(&url).await?;
        self.keep(Upstream::Tunnel(hyper::upgrade::on(request), far));
        Ok(Response::new(empty()))
    }

    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, Rejection> {
        if request.uri().scheme_str() != Some("http") {
            return Err(Rejection::no_target());
        }
        let url = Url::parse(&request.uri().to_string()).map_err(|_| Rejection::no_target())?;
        let far = self.reach(&url).await?;
        let failed = |error| Rejection::unreachable(&url, &error);
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(4 * HEAD_BYTES)
            .handshake(TokioIo::new(far))
            .await
            .map_err(failed)?;
        let driven = AbortOnDropHandle::new(tokio::spawn(async move {
            // What goes wrong shows in the answer or in its body.
            let _ = connection.await;
        }));
        self.keep(Upstream::Request {
            _until_dropped: driven,
        });
        let mut answer = sender
            .send_request(rewritten(request, &url).ok_or_else(Rejection::no_target)?)
            .await
            .map_err(failed)?;
        drop_hop_by_hop(answer.headers_mut());
        Ok(answer.map(BodyExt::boxed))
    }

    fn keep(&self, upstream: Upstream) {
        *self.upstream.lock().unwrap_or_else(PoisonError::into_inner) = Some(upstream);
    }

    /// Asks the guard, and connects to what it looked at.
    async fn reach(&self, url: &Url) -> Result<Metered<TcpStream>, Rejection> {
        let account = &self.shared.account;
        if account.is_used_up() {
            return Err(Rejection::forbidden(
                "the byte quota of this run is used up".into(),
            ));
        }
        let checked = self.shared.guard.check(url).await;
        let allowed = checked
            .as_ref()
            .map_or_else(Refusal::is_transient, |_| true);
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let bytes = account.note(host, port, allowed);
        let pinned: Pinned = checked.map_err(|refusal| {
            if allowed {
                Rejection::new(StatusCode::BAD_GATEWAY, refusal.to_string())
            } else {
                Rejection::forbidden(refusal.to_string())
            }
        })?;
        let stream = pinned
            .connect()
            .await
            .map_err(|error| Rejection::unreachable(url, &error))?;
        let pulse = Arc::clone(&self.pulse);
        Ok(Metered::new(stream, Arc::clone(account), bytes, pulse))
    }
}

mod rejection;
mod rewrite;
#[cfg(test)]
mod tests;
