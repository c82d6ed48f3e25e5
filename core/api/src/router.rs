//! Every route, with what surrounds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::FromRef;
use bytes::Bytes;
use hearth_app::App;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::edge::EdgeLayer;
use crate::guard::Guard;
use crate::metrics::{Meters, Metrics};
use crate::routes::stream::Pace;
use crate::{openapi, routes};

/// How the interface is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names besides those of the machine itself under which it may be addressed, such as
    /// `hearth.example` or `hearth.example:8443`.
    pub allowed_hosts: Vec<String>,
    /// The largest JSON body, in bytes.
    pub max_body_bytes: LiveLimit,
    /// The largest recording, in bytes.
    pub max_audio_bytes: LiveLimit,
    /// The most connections at a time; more wait to be accepted.
    pub max_connections: usize,
    /// The most subscribers to events at a time.
    pub max_subscribers: usize,
    /// The version of the program, for its status and the OpenAPI document.
    pub version: &'static str,
}

/// A limit that can be changed while the interface is served; a clone is the same limit.
#[derive(Debug, Clone)]
pub struct LiveLimit(Arc<AtomicUsize>);

impl LiveLimit {
    /// A limit to begin with.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(limit)))
    }

    /// Changes it for the requests that begin from here on.
    pub fn set(&self, limit: usize) {
        self.0.store(limit, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What every handler works with.
#[derive(Clone)]
pub(crate) struct Api(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) app: App,
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: CancellationToken,
    /// One place per subscriber to events; a subscriber that finds none is told to come back.
    pub(crate) subscribers: Arc<Semaphore>,
    pub(crate) pace: Pace,
    /// The OpenAPI document as it is served.
    pub(crate) document: Bytes,
}

impl std::ops::Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl FromRef<Api> for App {
    fn from_ref(api: &Api) -> Self {
        api.app.clone()
    }
}

/// Returns the whole interface: routes, middleware, and the answers to what is no route.
///
/// `shutdown` ends the streams of events; [`crate::serve()`] takes the same.
pub fn router(app: App, config: Config, metrics: Metrics, shutdown: CancellationToken) -> Router {
    assemble(app, config, metrics, shutdown, Pace::default())
}

/// As [`router()`], with the patience of the stream of events.
pub(crate) fn assemble(
    app: App,
    config: Config,
    metrics: Metrics,
    shutdown: CancellationToken,
    pace: Pace,
) -> Router {
    let (routes, document) = routes::all().split_for_parts();
    let mut document = openapi::complete(document);
    config.version.clone_into(&mut document.info.version);
    let templates = document.paths.paths.keys().map(String::as_str);
    let edge = EdgeLayer::new(Guard::new(&config.allowed_hosts), Meters::new(templates));
    let api = Api(Arc::new(Shared {
        subscribers: Arc::new(Semaphore::new(
            config.max_subscribers.min(Semaphore::MAX_PERMITS),
        )),
        // A document that is made of strings always becomes JSON.
        document: document.to_json().unwrap_or_default().into(),
        app,
        config,
        metrics,
        shutdown,
        pace,
    }));
    routes
        .fallback(routes::no_such_path)
        .method_not_allowed_fallback(routes::no_such_method)
        .with_state(api)
        .layer(edge)
}
