//! The connection loop.

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::header;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::router::Config;

/// How long a connection may take to bring the head of a request, or stay without one: as long as
/// clients commonly keep one for later, so that they seldom send into one that is being closed.
const HEAD_WITHIN: Duration = Duration::from_mins(1);
/// How long requests get to end once the node stops.
const GRACE: Duration = Duration::from_secs(10);
/// The most a connection reads ahead; bounds the head of a request.
const READ_AHEAD_BYTES: usize = 64 * 1024;
/// How long to wait where the system has no room for a connection.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Holds a connection's place among the connections, for what outlives its HTTP.
#[derive(Clone)]
pub(crate) struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// Serves `router` until `shutdown`: then it accepts nothing more, lets requests end for a grace
/// period, and returns when no connection is left.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: &Config,
    shutdown: CancellationToken,
) {
    let most = u32::try_from(config.max_connections.max(1)).unwrap_or(u32::MAX);
    let places = Arc::new(Semaphore::new(most as usize));
    while let Some((stream, place)) = next(&listener, &places, &shutdown).await {
        let connection = Connection {
            stream,
            router: router.clone(),
            place,
        };
        tokio::spawn(connection.run(shutdown.clone()));
    }
    drop(listener);
    // Every place is free again once every connection has ended.
    if timeout(GRACE + BACK_OFF, places.acquire_many(most))
        .await
        .is_err()
    {
        tracing::warn!("connections were cut off that did not end within the grace period");
    }
}

/// Waits for a place, then for a connection; `None` at shutdown.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, Place)> {
    let accepted = async {
        let permit = Arc::clone(places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let place = Place {
                        _permit: Arc::new(permit),
                    };
                    return Some((stream, place));
                }
                Err(error) => back_off(&error).await,
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        accepted = accepted => accepted,
    }
}

/// Waits where the system is out of descriptors or memory; a connection that its client gave up
/// is no reason to.
async fn back_off(error: &io::Error) {
    match error.kind() {
        ErrorKind::ConnectionAborted
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionRefused => (),
        _ => {
            tracing::warn!(%error, "no connection can be accepted and it will be tried again");
            sleep(BACK_OFF).await;
        }
    }
}

struct Connection {
    stream: TcpStream,
    router: Router,
    place: Place,
}

impl Connection {
    async fn run(self, shutdown: CancellationToken) {
        let Self {
            stream,
            router,
            place,
        } = self;
        // Answers are whole when they are written; waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection sends with delay");
        }
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            if request.headers().contains_key(header::UPGRADE) {
                request.extensions_mut().insert(place.clone());
            }
            router.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(READ_AHEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                match timeout(GRACE, connection).await {
                    Ok(ended) => ended,
                    Err(_) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
