//! Starting and stopping background workers: none goes quiet, and all end before the node does.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

/// How long workers have to end after they were asked to.
const GRACE: Duration = Duration::from_secs(10);

/// The background workers of a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lifecycle {
    tracker: TaskTracker,
    shutdown: CancellationToken,
    /// Cancelled when a worker ended that should not have.
    failed: CancellationToken,
}

impl Lifecycle {
    /// Returns the token that is cancelled when the node is to stop.
    pub(crate) fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Runs a worker. One that ends or panics before the node is stopped stops the node.
    pub(crate) fn spawn(
        &self,
        name: &'static str,
        worker: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let guard = EarlyEnd {
            name,
            lifecycle: self.clone(),
        };
        self.tracker.spawn(async move {
            let _guard = guard;
            if let Err(failure) = worker.await {
                error!(worker = name, "{name} failed: {failure:#}");
            }
        });
    }

    /// Waits until a signal or a failed worker asks the node to stop, then until the workers have
    /// ended. Returns whether it was asked to, and all ended in time.
    pub(crate) async fn wait(&self, signals: Signals) -> bool {
        let Signals {
            mut terminate,
            mut interrupt,
        } = signals;
        tokio::select! {
            _ = terminate.recv() => info!("stopping"),
            _ = interrupt.recv() => info!("stopping"),
            () = self.shutdown.cancelled() => (),
        }
        self.shutdown.cancel();
        self.tracker.close();
        let has_ended = tokio::select! {
            () = self.tracker.wait() => true,
            () = tokio::time::sleep(GRACE) => {
                error!("not everything ended in {} s; the database is safe all the same", GRACE.as_secs());
                false
            }
            _ = terminate.recv() => false,
            _ = interrupt.recv() => false,
        };
        has_ended && !self.failed.is_cancelled()
    }
}

/// The signals that ask a node to stop. Listened to before the node says that it is ready: one that
/// came earlier would end it on the spot.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system does not allow it.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Stops the node if it is dropped before the node was asked to stop.
struct EarlyEnd {
    name: &'static str,
    lifecycle: Lifecycle,
}

impl Drop for EarlyEnd {
    fn drop(&mut self) {
        if !self.lifecycle.shutdown.is_cancelled() {
            error!(
                worker = self.name,
                "{} ended by itself; the node stops", self.name
            );
            self.lifecycle.failed.cancel();
            self.lifecycle.shutdown.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_ends_by_itself_stops_the_node_with_a_failure() {
        let lifecycle = Lifecycle::default();

        lifecycle.spawn("short-lived", async { Ok(()) });

        assert!(!lifecycle.wait(Signals::listen().unwrap()).await);
    }

    #[tokio::test]
    async fn a_worker_that_panics_stops_the_node_with_a_failure() {
        let lifecycle = Lifecycle::default();

        lifecycle.spawn("broken", async { panic!("on purpose") });

        assert!(!lifecycle.wait(Signals::listen().unwrap()).await);
    }

    #[tokio::test]
    async fn workers_that_end_when_asked_make_a_clean_stop() {
        let lifecycle = Lifecycle::default();
        let shutdown = lifecycle.shutdown().clone();

        lifecycle.spawn("patient", async move {
            shutdown.cancelled().await;
            Ok(())
        });
        lifecycle.shutdown().cancel();

        assert!(lifecycle.wait(Signals::listen().unwrap()).await);
    }
}
