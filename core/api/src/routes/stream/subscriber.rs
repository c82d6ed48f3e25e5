//! One subscriber to events, from its handshake to its end.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::{FutureExt, SinkExt};
use hearth_app::{App, EventStream};
use hearth_domain::event::{Event, Seq};
use metrics::Histogram;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::Pace;
use crate::serve::Place;
use crate::wire::event::Event as WireEvent;

/// The most events that are sent before anything else is looked at.
const BATCH: usize = 64;
/// How long a subscriber gets to say goodbye.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// A subscriber.
pub(super) struct Subscriber {
    pub(super) events: EventStream,
    /// The last event when it came; what is after it is live.
    pub(super) newest_at_start: Seq,
    pub(super) app: App,
    /// Kept to see whether it is still valid.
    pub(super) key: String,
    pub(super) shutdown: CancellationToken,
    pub(super) pace: Pace,
    /// Its places among the subscribers and among the connections.
    pub(super) _held: (OwnedSemaphorePermit, Option<Extension<Place>>),
}

/// Why a stream ends.
enum End {
    /// The client closed it, or is gone.
    Left,
    Stopping,
    KeyRevoked,
    Silent,
    Slow,
    Failed,
}

impl Subscriber {
    pub(super) async fn serve(mut self, mut socket: WebSocket) {
        let end = self.run(&mut socket).await;
        let Some(farewell) = farewell(&end) else {
            return;
        };
        let goodbye = async {
            if socket.send(Message::Close(Some(farewell))).await.is_ok() {
                // Reading on until the client closes too lets it see why.
                while let Some(Ok(_)) = socket.recv().await {}
            }
        };
        // Whoever does not answer is cut off.
        let _ = timeout(GOODBYE_WITHIN, goodbye).await;
    }

    async fn run(&mut self, socket: &mut WebSocket) -> End {
        let every = self.pace.ping_every;
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked: Option<Instant> = None;
        let lag = crate::metrics::event_lag();
        let shutdown = self.shutdown.clone();
        loop {
            let step = tokio::select! {
                biased;
                () = shutdown.cancelled() => Err(End::Stopping),
                _ = ping.tick() => self.ping(socket, &mut asked).await,
                message = socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Left),
                    Some(Ok(_)) => {
                        asked = None;
                        Ok(())
                    }
                },
                next = self.events.next() => match next {
                    Ok(Some(event)) => self.deliver(socket, event, &lag).await,
                    Ok(None) => Err(End::Stopping),
                    Err(error) => {
                        tracing::error!(%error, "a stream of events ended");
                        Err(End::Failed)
                    }
                },
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Asks whether the client is there, and looks whether its key is still valid.
    async fn ping(&self, socket: &mut WebSocket, asked: &mut Option<Instant>) -> Result<(), End> {
        // A store that fails is no reason to doubt a key.
        if matches!(self.app.authenticate(&self.key), Ok(None)) {
            return Err(End::KeyRevoked);
        }
        if asked.is_some_and(|asked| asked.elapsed() >= self.pace.answer_within) {
            return Err(End::Silent);
        }
        asked.get_or_insert_with(Instant::now);
        let sent = timeout(
            self.pace.read_within,
            socket.send(Message::Ping(bytes::Bytes::new())),
        );
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Left),
            Err(_) => Err(End::Slow),
        }
    }

    /// Sends an event and those that follow it at once.
    async fn deliver(
        &mut self,
        socket: &mut WebSocket,
        first: Arc<Event>,
        lag: &Histogram,
    ) -> Result<(), End> {
        let within = self.pace.read_within;
        let sending = async {
            let mut next = Some(first);
            let mut sent = 0;
            while let Some(event) = next.take() {
                if event.seq > self.newest_at_start {
                    lag.record(self.app.now().since(event.timestamp).as_secs_f64());
                }
                let message = message(&event).ok_or(End::Failed)?;
                socket.feed(message).await.map_err(|_| End::Left)?;
                sent += 1;
                if sent < BATCH
                    && let Some(ready) = self.events.next().now_or_never()
                {
                    // A failure shows again at the next call.
                    next = ready.ok().flatten();
                }
            }
            socket.flush().await.map_err(|_| End::Left)
        };
        timeout(within, sending).await.unwrap_or(Err(End::Slow))
    }
}

fn message(event: &Event) -> Option<Message> {
    let text = serde_json::to_string(&WireEvent::from(event)).ok()?;
    Some(Message::Text(text.into()))
}

/// What is said at the end; nothing to a client that is gone.
fn farewell(end: &End) -> Option<CloseFrame> {
    let (code, reason) = match end {
        End::Left => return None,
        End::Stopping => (close_code::AWAY, "the node is stopping"),
        End::KeyRevoked => (close_code::POLICY, "the key is not valid any more"),
        End::Silent => (close_code::POLICY, "no answer to a ping"),
        End::Slow => (
            close_code::AGAIN,
            "too slow; go on after the last seq you have",
        ),
        End::Failed => (close_code::ERROR, "the node failed; its log has the story"),
    };
    Some(CloseFrame {
        code,
        reason: Utf8Bytes::from_static(reason),
    })
}
