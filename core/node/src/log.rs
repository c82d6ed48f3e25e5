//! The log: to standard error, for people or for programs.

use anyhow::{Context, anyhow};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload::Handle;

use crate::settings::{LogFormat, LogSettings};

/// Changes the level of a log that was started.
pub(crate) struct Level(Box<dyn Fn(EnvFilter) -> anyhow::Result<()> + Send + Sync>);

impl Level {
    /// Writes what is at least as severe as `level`, from here on.
    ///
    /// # Errors
    /// The level is none.
    pub(crate) fn set(&self, level: &str) -> anyhow::Result<()> {
        (self.0)(filter(level)?)
    }

    fn of<S: 'static>(handle: Handle<EnvFilter, S>) -> Self {
        Self(Box::new(move |filter| {
            handle
                .reload(filter)
                .map_err(|error| anyhow!("the log is gone: {error}"))
        }))
    }
}

/// Starts logging, once per process.
///
/// # Errors
/// The level is none.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<Level> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(&settings.level)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false);
    Ok(match settings.format {
        LogFormat::Text => {
            let lines = lines.with_filter_reloading();
            let level = Level::of(lines.reload_handle());
            lines.init();
            level
        }
        LogFormat::Json => {
            let lines = lines.json().with_filter_reloading();
            let level = Level::of(lines.reload_handle());
            lines.init();
            level
        }
    })
}

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(level).with_context(|| format!("log.level {level} is no level"))
}
