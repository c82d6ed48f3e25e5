//! What surrounds every request: its identifier, the check of Host and Origin, its measure, the
//! headers that every answer has. One layer that does it all, since each costs every request.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderValue, header};
use tower_layer::Layer;
use tower_service::Service;

use crate::guard::Guard;
use crate::metrics::Meters;
use crate::problem::{Problem, Shape};
use crate::request_id;

/// Puts an [`Edge`] around each route.
#[derive(Clone)]
pub(crate) struct EdgeLayer(Arc<Shared>);

struct Shared {
    guard: Guard,
    meters: Meters,
}

impl EdgeLayer {
    pub(crate) fn new(guard: Guard, meters: Meters) -> Self {
        Self(Arc::new(Shared { guard, meters }))
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge {
            inner,
            shared: Arc::clone(&self.0),
        }
    }
}

/// A route, surrounded.
#[derive(Clone)]
pub(crate) struct Edge<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request> for Edge<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let started = Instant::now();
        let shared = Arc::clone(&self.shared);
        let request_id = request_id::of(request.headers());
        let shape = Shape::of_path(request.uri().path());
        let template = request.extensions().get().map(MatchedPath::as_str);
        let meter = shared.meters.find(template, request.method());
        let work = match shared.guard.check(request.uri(), request.headers()) {
            Ok(()) => Ok(self.inner.call(request)),
            Err(problem) => Err(problem),
        };
        Box::pin(async move {
            let mut response = match work {
                Ok(work) => AssertUnwindSafe(work)
                    .catch_unwind()
                    .await
                    .map_or_else(|panic| panicked(&*panic), |Ok(response)| response),
                Err(problem) => problem.into_response(),
            };
            finish(&mut response, request_id, shape);
            shared
                .meters
                .record(meter, response.status(), started.elapsed());
            Ok(response)
        })
    }
}

fn finish(response: &mut Response, request_id: HeaderValue, shape: Shape) {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        problem.write(response, request_id.to_str().unwrap_or_default(), shape);
    }
    let headers = response.headers_mut();
    headers.insert(request_id::HEADER, request_id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message");
    Problem::internal(format!("the handler panicked: {message}")).into_response()
}
