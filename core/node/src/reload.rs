//! The settings of a running node: what its owner writes into the file counts at once where it can.
//!
//! The file is read again whenever it changed. What cannot be read leaves everything as it is, and is
//! told once. Variables and flags go over the file here as at the start.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hearth_api::LiveLimit;
use hearth_app::{App, Facility, WaitingSetting};
use hearth_runtime::LiveLimits;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::compose;
use crate::log::Level;
use crate::output::text::quoted;
use crate::settings::table::{Applies, Setting, TABLE};
use crate::settings::value::{Given, Value};
use crate::settings::{Layers, Loaded, ModelSettings, Settings, TelegramSettings};
use crate::system::SystemClock;
use crate::watch::{Sought, Watch};

/// How long the file is to be left alone before it is read: an editor writes in several steps.
const SETTLE: Duration = Duration::from_millis(100);
/// After how many changes it is read although it is not left alone.
const SETTLE_MOST: usize = 50;
/// How often the file is read although nothing woke the worker: its folder may be made later, and a
/// link may lead to a folder that is not watched.
const REST: Duration = Duration::from_secs(10);

/// The settings in force, and what they are put into.
pub(crate) struct Live {
    /// The settings in force.
    pub(crate) loaded: Loaded,
    /// The limits of runs in the sandbox.
    pub(crate) limits: LiveLimits,
    /// The largest JSON body.
    pub(crate) max_body_bytes: LiveLimit,
    /// Which language models there are to be.
    pub(crate) model: watch::Sender<ModelSettings>,
    /// How talking over Telegram is set up.
    pub(crate) telegram: watch::Sender<TelegramSettings>,
    /// Where they are read from.
    pub(crate) layers: Layers,
    level: Level,
    clock: SystemClock,
}

impl Live {
    pub(crate) fn new(loaded: Loaded, layers: Layers, level: Level, clock: SystemClock) -> Self {
        Self {
            limits: LiveLimits::new(compose::limits(&loaded.settings.sandbox)),
            max_body_bytes: LiveLimit::new(compose::size(loaded.settings.http.max_body_bytes)),
            model: watch::Sender::new(loaded.settings.model.clone()),
            telegram: watch::Sender::new(loaded.settings.telegram.clone()),
            loaded,
            layers,
            level,
            clock,
        }
    }

    /// Puts settings into everything that reads them while it works.
    fn apply(&self, app: &App, settings: &Settings) {
        app.configure(compose::app_config(settings));
        self.limits.set(compose::limits(&settings.sandbox));
        let max_body_bytes = compose::size(settings.http.max_body_bytes);
        self.max_body_bytes.set(max_body_bytes);
        self.clock.set_zone(settings.time_zone.clone());
        self.telegram.send_if_modified(|telegram| {
            let is_new = *telegram != settings.telegram;
            telegram.clone_from(&settings.telegram);
            is_new
        });
        self.model.send_if_modified(|model| {
            let is_new = *model != settings.model;
            model.clone_from(&settings.model);
            is_new
        });
        if let Err(error) = self.level.set(&settings.log.level) {
            warn!(%error, "the level of the log stays as it was");
        }
    }
}

/// The worker that reads the settings file again.
pub(crate) struct Reload {
    app: App,
    live: Live,
    wake: Arc<Notify>,
    watch: Option<Watch>,
    /// What is the matter with the file, as it was told.
    problem: Option<String>,
    /// Settings that wait for the next start, as they were told.
    waiting: Vec<WaitingSetting>,
}

impl Reload {
    pub(crate) fn new(app: App, live: Live) -> Self {
        Self {
            app,
            live,
            wake: Arc::default(),
            watch: None,
            problem: None,
            waiting: Vec::new(),
        }
    }

    /// Follows the file until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let Some(file) = self.live.loaded.file.clone() else {
            // No home folder, and no file named: nothing can change.
            return shutdown.cancelled().await;
        };
        loop {
            // Watched before it is read, so that no change falls in between.
            self.watch(&file);
            self.read_again().await;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.wake.notified() => (),
                () = tokio::time::sleep(REST) => (),
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.settle() => (),
            }
        }
    }

    /// Waits until the file was left alone for a moment, but not for long.
    async fn settle(&self) {
        for _ in 0..SETTLE_MOST {
            let changed = tokio::time::timeout(SETTLE, self.wake.notified()).await;
            if changed.is_err() {
                return;
            }
        }
    }

    /// Watches the folder of the file, where it is there and not watched yet.
    fn watch(&mut self, file: &Path) {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
            return;
        };
        if !folder.is_dir() {
            self.watch = None;
        } else if !self.watch.as_ref().is_some_and(Watch::is_in_place) {
            let sought = Sought::Entry(name.to_owned());
            // Where it cannot be watched, it is read now and then.
            self.watch = Watch::on(folder, sought, Arc::clone(&self.wake)).ok();
        }
    }

    async fn read_again(&mut self) {
        let layers = self.live.layers.clone();
        let read = tokio::task::spawn_blocking(move || layers.load()).await;
        match read.map_err(anyhow::Error::from).and_then(|read| read) {
            Ok(fresh) => self.take(&fresh),
            Err(error) => self.refuse(&format!("{error:#}")),
        }
    }

    /// Keeps what is in force, and tells once what is wrong.
    fn refuse(&mut self, problem: &str) {
        if self.problem.as_deref() == Some(problem) {
            return;
        }
        let remedy = remedy(problem, &self.live.loaded, self.live.layers.names_file());
        warn!(
            remedy,
            "the settings stay as they were: {problem}; do this: {remedy}"
        );
        self.problem = Some(problem.to_owned());
        let facility =
            Facility::missing("the settings stay as they were", remedy).with_detail(problem);
        self.app
            .change_facilities(|facilities| facilities.settings = facility);
    }

    /// Puts what changed into force, as far as that goes while the node runs.
    fn take(&mut self, fresh: &Loaded) {
        if self.problem.take().is_some() {
            info!("the settings file is right again");
            self.app
                .change_facilities(|facilities| facilities.settings = Facility::works());
        }
        let before = &self.live.loaded.settings;
        let (at_once, at_restart) = changed(before, &fresh.settings);
        let settings = with_changes(before, &fresh.settings, &at_once);
        self.keep_waiting(&at_restart, &fresh.settings);
        if at_once.is_empty() {
            return;
        }
        // Told at whichever level of the log lets it through, the one before or the one after.
        let is_told = tracing::enabled!(tracing::Level::INFO);
        if is_told {
            tell(&at_once, &settings);
        }
        self.live.apply(&self.app, &settings);
        if !is_told {
            tell(&at_once, &settings);
        }
        self.live.loaded.settings = settings;
    }

    /// Tells what waits for the next start: in the log where it is new, and in the status.
    fn keep_waiting(&mut self, at_restart: &[&Setting], fresh: &Settings) {
        let before = &self.live.loaded.settings;
        let waiting: Vec<_> = at_restart
            .iter()
            .map(|setting| WaitingSetting {
                setting: setting.key.to_owned(),
                running: (setting.get)(before).to_json(),
                at_restart: (setting.get)(fresh).to_json(),
            })
            .collect();
        if self.waiting == waiting {
            return;
        }
        for setting in at_restart {
            let (key, value) = (setting.key, (setting.get)(fresh));
            info!(setting = key, value = %value, "{key}: {value} takes effect when the node is started again");
        }
        self.waiting.clone_from(&waiting);
        self.app
            .change_facilities(|facilities| facilities.restart_for = waiting);
    }
}

fn tell(changed: &[&Setting], settings: &Settings) {
    for setting in changed {
        let (key, value) = (setting.key, (setting.get)(settings));
        info!(setting = key, value = %value, "{key} is now {value}");
    }
}

/// Returns what changed: the settings that count at once, and those that wait for a restart.
fn changed(before: &Settings, fresh: &Settings) -> (Vec<&'static Setting>, Vec<&'static Setting>) {
    TABLE
        .iter()
        .filter(|setting| (setting.get)(before) != (setting.get)(fresh))
        .partition(|setting| setting.applies == Applies::AtOnce)
}

/// Returns `before` with those of `fresh` that are named.
fn with_changes(before: &Settings, fresh: &Settings, named: &[&Setting]) -> Settings {
    let mut settings = before.clone();
    for setting in named {
        let value = (setting.get)(fresh).to_toml();
        if let Err(problem) = (setting.set)(&mut settings, Given::Toml(&value)) {
            // What was read once reads again.
            warn!(
                setting = setting.key,
                problem, "{} stays as it was", setting.key
            );
        }
    }
    settings
}

/// Returns the command that mends the file: the value in force, where one setting is wrong, else the
/// file itself in an editor.
fn remedy(problem: &str, in_force: &Loaded, is_file_named: bool) -> String {
    let file = in_force.file.as_deref().unwrap_or(Path::new("hearth.toml"));
    let file = quoted(file.display());
    let wrong = TABLE.iter().find(|setting| {
        let rest = problem.strip_prefix(setting.key);
        rest.is_some_and(|rest| rest.starts_with(" in ") && !rest.contains("single value"))
    });
    let Some(setting) = wrong else {
        return format!("${{EDITOR:-vi}} {file}");
    };
    let value = match (setting.get)(&in_force.settings) {
        Value::List(words) => words.join(","),
        value => value.to_string(),
    };
    let value = quoted(value);
    // The one who mends it need not have been the one who named it.
    let named = if is_file_named {
        format!("--config {file} ")
    } else {
        String::new()
    };
    format!("hearth {named}config set {} {value}", setting.key)
}

#[cfg(test)]
mod tests;
