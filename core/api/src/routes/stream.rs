//! `WS /api/v1/events/stream`

mod subscriber;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::caller::{Caller, shown_key};
use crate::problem::Problem;
use crate::query::Query;
use crate::router::Api;
use crate::serve::Place;
use crate::wire::event::{Event, StreamEvents};
use subscriber::Subscriber;

/// The largest message taken from a subscriber; none is needed.
const MESSAGE_MAX: usize = 4 * 1024;
/// A subscriber's buffers. Small, since there may be hundreds.
const BUFFER_BYTES: usize = 8 * 1024;
/// The most that waits for a subscriber before it counts as slow; above the largest event.
const WAITING_MAX: usize = 4 * 1024 * 1024;

/// How patient the stream is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How often a subscriber is asked whether it is there.
    pub(crate) ping_every: Duration,
    /// How long it may take to say so.
    pub(crate) answer_within: Duration,
    /// How long it may take to read what it is sent.
    pub(crate) read_within: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(20),
            answer_within: Duration::from_secs(40),
            read_within: Duration::from_secs(10),
        }
    }
}

/// Real-time event stream
///
/// A WebSocket: each text message is one event as JSON. Stored events after `after` come first,
/// then live ones, without a gap or a repeat; without `after`, live ones only. A subscriber that
/// answers no ping or does not read is closed with 1008 or 1013, and goes on later with the last
/// `seq` it has as `after`; at the end of the node the code is 1001.
#[utoipa::path(
    get, path = "/api/v1/events/stream", tag = "events", params(StreamEvents),
    responses(
        (status = 101, description = "The stream begins; each message is an Event.", body = Event<'_>),
        (status = 426, description = "The request is no WebSocket handshake.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn stream_events(
    State(api): State<Api>,
    _caller: Caller,
    Query(query): Query<StreamEvents>,
    headers: HeaderMap,
    place: Option<Extension<Place>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| no_handshake())?;
    let seat = Arc::clone(&api.subscribers)
        .try_acquire_owned()
        .map_err(|_| Problem::busy("as many subscribe to events as may; try again in a moment"))?;
    let subscriber = Subscriber {
        newest_at_start: api.app.gauges()?.last_seq,
        events: api.app.subscribe(query.after, query.filter)?,
        key: shown_key(&headers)?.unwrap_or_default().to_owned(),
        app: api.app.clone(),
        shutdown: api.shutdown.clone(),
        pace: api.pace,
        _held: (seat, place),
    };
    Ok(upgrade
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_write_buffer_size(WAITING_MAX)
        .on_upgrade(|socket| subscriber.serve(socket)))
}

fn no_handshake() -> Problem {
    Problem::new(
        StatusCode::UPGRADE_REQUIRED,
        "upgrade_required",
        "this path speaks WebSocket, version 13; GET /api/v1/events lists events without it",
    )
    .with_header(header::UPGRADE, HeaderValue::from_static("websocket"))
}
