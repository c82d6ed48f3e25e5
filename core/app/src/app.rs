//! What every operation works with.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hearth_domain::day_times::DayTimes;
use hearth_domain::{Clock, IdSource, Timestamp};
use hearth_store::Store;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::acceptance::Examiner;
use crate::blobs::Blobs;
use crate::chat::Desk;
use crate::error::{AppError, UnavailableCause};
use crate::keys::KeyRing;
use crate::language_model::ModelSlot;
use crate::made_tools::Testers;
use crate::money::DefaultLimits;
use crate::sweep::Alarm;
use crate::telegram;
use crate::voice::VoiceSlot;

/// How the operations are set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where artifacts' bytes are kept.
    pub artifacts_dir: PathBuf,
    /// The largest artifact, in bytes.
    pub artifact_max_bytes: u64,
    /// After how long without a sign of life an agent counts as offline.
    pub offline_after: Duration,
    /// How long before a task is due the person is reminded.
    pub remind_before: Duration,
    /// What may be used up where nothing else was said.
    pub budgets: DefaultLimits,
    /// When the person is told of the day, and when of nothing.
    pub day: DayTimes,
}

/// Something the node may or may not be able to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facility {
    /// Whether it works.
    pub is_available: bool,
    /// Why it does not, or what hampers it; empty where all is well. For everybody's eyes, so that it
    /// names no path.
    pub reason: String,
    /// What exactly was found, for the owner alone: it may name paths of the machine.
    pub detail: String,
    /// What would mend it, for the owner alone; empty where nothing is to be mended.
    pub remedy: String,
}

impl Facility {
    /// One that works.
    pub fn works() -> Self {
        Self::hampered("", "")
    }

    /// One that works, though not as well as it could.
    pub fn hampered(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            is_available: true,
            reason: reason.into(),
            detail: String::new(),
            remedy: remedy.into(),
        }
    }

    /// One that does not work.
    pub fn missing(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            is_available: false,
            ..Self::hampered(reason, remedy)
        }
    }

    /// The same, with what exactly was found.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    /// Returns the reason, followed by what exactly was found.
    pub fn reason_in_detail(&self) -> String {
        if self.detail.is_empty() {
            return self.reason.clone();
        }
        format!("{}: {}", self.reason, self.detail)
    }
}

/// A setting whose value counts when the node is started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingSetting {
    /// Its name.
    pub setting: String,
    /// The value in force.
    pub running: Value,
    /// The value from the next start on.
    pub at_restart: Value,
}

/// What the node around the operations can do; told by the node once it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facilities {
    /// Whether the built-in agents run.
    pub agents: Facility,
    /// Whether generated code and commands can be run.
    pub sandbox: Facility,
    /// Whether there is a language model.
    pub model: Facility,
    /// Whether files in the inbox folder become tasks.
    pub inbox: Facility,
    /// Whether the node hears and speaks.
    pub voice: Facility,
    /// Whether the settings file is as it should be.
    pub settings: Facility,
    /// Whether the owner can talk over Telegram; none where there is no bot token.
    pub telegram: Option<Facility>,
    /// Settings that were changed and wait for the next start.
    pub restart_for: Vec<WaitingSetting>,
}

impl Default for Facilities {
    fn default() -> Self {
        let none = |reason| Facility::missing(reason, "");
        Self {
            agents: none("the built-in agents, which are not running"),
            sandbox: none("the sandbox was not looked for"),
            model: none("no language model was looked for"),
            inbox: none("the inbox folder was not looked at"),
            voice: none("the voice was not looked for"),
            settings: Facility::works(),
            telegram: None,
            restart_for: Vec::new(),
        }
    }
}

/// The operations. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    blobs: Blobs,
    keys: KeyRing,
    alarm: Alarm,
    desk: Desk,
    examiner: Examiner,
    models: ModelSlot,
    testers: Testers,
    telegram: telegram::Line,
    voice: VoiceSlot,
    /// The last morning whose summary was looked at, as the moment it was for, in milliseconds. Only
    /// a hint: that no day has two is the outbox's to see to.
    morning_ms: AtomicI64,
    /// Read by operations, written when the owner changes a setting. A lock of the standard library:
    /// it is held for a copy of the pointer.
    config: RwLock<Arc<Config>>,
    /// Read for every pending task that is shown, written when a part of the node comes or goes.
    facilities: RwLock<Arc<Facilities>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("store", &self.inner.store)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Puts the operations together; makes the artifacts folder where it is missing.
    ///
    /// # Errors
    /// The artifacts folder cannot be made.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        config: Config,
    ) -> std::io::Result<Self> {
        let blobs = Blobs::open(config.artifacts_dir.clone(), Arc::clone(&ids))?;
        let inner = Inner {
            store,
            clock,
            ids,
            blobs,
            keys: KeyRing::default(),
            alarm: Alarm::default(),
            desk: Desk::default(),
            examiner: Examiner::default(),
            models: ModelSlot::default(),
            testers: Testers::default(),
            telegram: telegram::Line::default(),
            voice: VoiceSlot::default(),
            morning_ms: AtomicI64::new(0),
            config: RwLock::new(Arc::new(config)),
            facilities: RwLock::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Tells what the node can do.
    pub fn set_facilities(&self, facilities: Facilities) {
        *self
            .inner
            .facilities
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(facilities);
    }

    /// Tells of one part what it can do, and leaves what others told.
    pub fn change_facilities(&self, change: impl FnOnce(&mut Facilities)) {
        let mut facilities = self
            .inner
            .facilities
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut facilities));
    }

    /// Sets the operations up anew, from the next one on. The folder of artifacts stays where it is.
    pub fn configure(&self, config: Config) {
        *self
            .inner
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        // What is expected of the calendar and of agents may come earlier.
        self.alarm().set_no_later_than(self.now());
    }

    /// Returns how the operations are set up.
    pub fn config(&self) -> Arc<Config> {
        self.inner
            .config
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns what the node can do.
    pub fn facilities(&self) -> Arc<Facilities> {
        self.inner
            .facilities
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the present moment.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Returns the time zone the person is in.
    pub fn zone(&self) -> TimeZone {
        self.inner.clock.zone()
    }

    /// Whether the database answers: what a readiness check asks.
    ///
    /// # Errors
    /// It does not.
    pub fn check_ready(&self) -> Result<(), AppError> {
        self.inner.store.gauges()?;
        Ok(())
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn ids(&self) -> &Arc<dyn IdSource> {
        &self.inner.ids
    }

    pub(crate) fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.inner.keys
    }

    pub(crate) fn alarm(&self) -> &Alarm {
        &self.inner.alarm
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.inner.desk
    }

    pub(crate) fn morning_seen(&self) -> Timestamp {
        Timestamp::from_millis(self.inner.morning_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn see_morning(&self, at: Timestamp) {
        self.inner
            .morning_ms
            .store(at.as_millis(), Ordering::Relaxed);
    }

    pub(crate) fn examiner(&self) -> &Examiner {
        &self.inner.examiner
    }

    pub(crate) fn models(&self) -> &ModelSlot {
        &self.inner.models
    }

    pub(crate) fn telegram(&self) -> &telegram::Line {
        &self.inner.telegram
    }

    pub(crate) fn testers(&self) -> &Testers {
        &self.inner.testers
    }

    pub(crate) fn voice_slot(&self) -> &VoiceSlot {
        &self.inner.voice
    }
}

/// Does something in a task of its own: whoever asked for it may go away, and it is done to its end all
/// the same.
///
/// # Errors
/// Its own; the node is stopping.
pub(crate) async fn apart<T: Send + 'static>(
    work: impl Future<Output = Result<T, AppError>> + Send + 'static,
) -> Result<T, AppError> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(AppError::Unavailable {
                cause: UnavailableCause::Stopping,
                detail: "the node is stopping".into(),
            }),
        },
    }
}
