//! `hearth up`: runs the node in the foreground.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;
use tracing::{info, warn};

use crate::compose;
use crate::data_dir::{DataDir, Lock, reachable_url};
use crate::lifecycle::{Lifecycle, Signals};
use crate::log;
use crate::reload::Live;
use crate::settings::{Layers, Loaded};
use crate::system::SystemClock;

/// The most threads that serve requests.
const WORKERS_MAX: usize = 4;
/// Threads for reads and files that may take their time.
const BLOCKING_MAX: usize = 16;

/// Runs the node until it is told to stop. The flags are in the settings already.
///
/// # Errors
/// The node cannot start, or one of its parts failed.
pub fn run(loaded: Loaded, layers: Layers) -> anyhow::Result<ExitCode> {
    let settings = &loaded.settings.clone();
    let level = log::start(&settings.log)?;
    let data = DataDir::at(&settings.data_dir);
    data.create()?;
    let mut lock = Lock::acquire(&data)?;
    let clock = SystemClock::in_zone(settings.time_zone.clone());
    let (store, app) = compose::open_app_with(settings, clock.clone())?;
    let live = Live::new(loaded, layers, level, clock);

    // Half the cores: the writer, the sandbox and whoever asks need the others, and two threads that
    // hand requests to each other use more of a small machine than one that does not.
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores / 2).clamp(1, WORKERS_MAX))
        .max_blocking_threads(BLOCKING_MAX)
        .enable_all()
        .build()
        .context("cannot start the threads")?;
    let is_clean = runtime.block_on(async {
        compose::ensure_owner_key(&app, &data).await?;
        let cut_off = app.settle_cut_off_calls().await?;
        if cut_off > 0 {
            warn!(
                calls = cut_off,
                "calls of models were cut off with the node; they count at the most they may have used"
            );
        }
        let listener = TcpListener::bind(settings.listen).await.with_context(|| {
            format!(
                "cannot listen on {}; --listen 127.0.0.1:0 picks a free port",
                settings.listen
            )
        })?;
        let address = listener.local_addr()?;
        let signals = Signals::listen().context("cannot listen to signals")?;
        let lifecycle = Lifecycle::default();
        compose::start(&app, live, listener, &lifecycle)?;
        if !address.ip().is_loopback() {
            warn!(
                "listening on {address} beyond this machine, without encryption: keys can be read on \
                 the way; put a TLS proxy in front, or listen on 127.0.0.1"
            );
        }
        let url = reachable_url(address);
        lock.announce(&url)?;
        info!(url, data_dir = %settings.data_dir.display(), "ready at {url}");
        announce(&url);
        anyhow::Ok(lifecycle.wait(signals).await)
    })?;
    // Ends what is left of requests before the store closes under them.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    drop(app);
    store.close();
    drop(lock);
    info!("stopped");
    Ok(if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints the line that whoever started the node waits for. That nobody reads it is no failure.
fn announce(url: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "ready {url}").and_then(|()| out.flush());
}
