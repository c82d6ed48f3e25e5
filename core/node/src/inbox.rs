//! The inbox: files that are put into a folder become tasks, each exactly once.
//!
//! A text becomes a task as a line typed by its owner would; anything else becomes a task to look at
//! it, with the file as an artifact. The task is committed first, under a key that names the file,
//! and then the file moves to `done`: a node that is killed in between finds the file again, and the
//! key with it.
//!
//! Reading order: [`Inbox`], `taking` (one file), `reading`, `folder`.

mod folder;
mod reading;
mod taking;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hearth_app::{App, Facility};
use hearth_domain::Actor;
use hearth_domain::notice::{NewNotice, NoticeKind};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::inbox::folder::{BATCH, Folder, Kind, Stamp};
use crate::inbox::reading::shown;
use crate::inbox::taking::{Failure, notice_key};
use crate::watch::{Sought, Watch};

/// How long a file must lie unchanged until it counts as whole.
const SETTLE: Duration = Duration::from_millis(300);
/// How long ago it must last have been written to: whoever writes it may stop for a moment.
const QUIET: Duration = Duration::from_secs(2);
/// How often the folder is looked at although nothing woke the inbox: a lost wake-up costs no more.
const LONGEST_REST: Duration = Duration::from_mins(1);
/// The same where the system does not wake anybody.
const REST_UNWATCHED: Duration = Duration::from_secs(10);
/// The first and the longest pause after a failure.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// The most refused files that are kept in mind. Beyond it they are refused anew, which tells nobody
/// twice.
const REFUSED_MAX: usize = 10_000;
/// The most keys that wait to be forgotten. One that is not only takes room.
const FORGET_MAX: usize = 10_000;

/// The worker that takes files from the inbox.
pub(crate) struct Inbox {
    app: App,
    folder: Folder,
    wake: Arc<Notify>,
    /// The watch on the folder, and which folder that was: it may be removed and made anew.
    watch: Option<(Watch, u64)>,
    is_told_unwatched: bool,
    /// How long ago a file must last have been written to; shorter where tests cannot wait.
    quiet: Duration,
    /// Files that stay where they are until they change.
    refused: HashMap<OsString, Stamp>,
    /// The largest artifact when these were refused.
    refused_beyond: u64,
    /// Keys of files that were moved, where forgetting failed.
    to_forget: Vec<String>,
}

/// What keeps the inbox from going on for now.
#[derive(Debug)]
struct Trouble {
    reason: String,
    remedy: String,
}

/// When to look again.
enum Rest {
    /// After this long.
    For(Duration),
    /// When something changes.
    UntilWoken,
}

impl Inbox {
    pub(crate) fn new(app: App, folder: PathBuf) -> Self {
        Self {
            app,
            folder: Folder::at(folder),
            wake: Arc::default(),
            watch: None,
            is_told_unwatched: false,
            quiet: QUIET,
            refused: HashMap::new(),
            refused_beyond: 0,
            to_forget: Vec::new(),
        }
    }

    /// Takes files until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let (first, longest) = RETRY;
        let mut pause = first;
        loop {
            let looked = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                // Cut off between any two steps, a file is found again with its key.
                looked = self.look() => looked,
            };
            let (rest, may_wake) = match looked {
                Ok(rest) => {
                    pause = first;
                    self.tell(Facility::works());
                    match rest {
                        Rest::For(rest) => (rest, false),
                        Rest::UntilWoken if self.watch.is_some() => (LONGEST_REST, true),
                        Rest::UntilWoken => (REST_UNWATCHED, true),
                    }
                }
                Err(Trouble { reason, remedy }) => {
                    let rest = pause;
                    pause = longest.min(pause * 2);
                    if self.app.facilities().inbox.reason != reason {
                        warn!(reason, remedy, "the inbox waits: {reason}");
                    }
                    self.tell(Facility::missing(reason, remedy));
                    (rest, false)
                }
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.wake.notified(), if may_wake => (),
                () = tokio::time::sleep(rest) => (),
            }
        }
    }

    fn tell(&self, facility: Facility) {
        if self.app.facilities().inbox != facility {
            self.app
                .change_facilities(|facilities| facilities.inbox = facility);
        }
    }

    /// Takes the files that wait and are whole.
    async fn look(&mut self) -> Result<Rest, Trouble> {
        while let Some(key) = self.to_forget.last() {
            let forgotten = self.app.forget_file(&Actor::Owner, key).await;
            forgotten.map_err(|error| self.trouble(&error))?;
            self.to_forget.pop();
        }
        let first = self.waiting().await?;
        if first.is_empty() {
            return Ok(Rest::UntilWoken);
        }
        tokio::time::sleep(SETTLE).await;
        let is_full = first.len() >= BATCH;
        let mut is_settled = true;
        let mut trouble = None;
        for (name, before) in first {
            if self.is_fresh(&before) {
                is_settled = false;
                continue;
            }
            match self.take(&name, before).await {
                Ok(()) => (),
                Err(Failure::Gone) => {
                    self.refused.remove(&name);
                }
                Err(Failure::Changed) => is_settled = false,
                Err(Failure::Refused(stamp, problem)) => {
                    self.refuse(name, stamp, &problem).await?;
                }
                // One file that cannot be taken yet does not hold up the others.
                Err(Failure::Later(why)) => {
                    trouble.get_or_insert(why);
                }
            }
        }
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        Ok(match (is_settled, is_full) {
            (false, _) => Rest::For(SETTLE),
            (true, true) => Rest::For(Duration::ZERO),
            (true, false) => Rest::UntilWoken,
        })
    }

    /// Whether a file was written to so lately that more may come. A time that lies ahead says
    /// nothing.
    fn is_fresh(&self, stamp: &Stamp) -> bool {
        let now_ns = i128::from(self.app.now().as_millis()) * 1_000_000;
        let quiet_ns = i128::try_from(self.quiet.as_nanos()).unwrap_or(i128::MAX);
        stamp.kind == Kind::File && (0..quiet_ns).contains(&(now_ns - stamp.modified_ns))
    }

    /// Returns the files that wait, once the folder is there and watched.
    async fn waiting(&mut self) -> Result<BTreeMap<OsString, Stamp>, Trouble> {
        let folder = self.blocking(Folder::ensure).await.and_then(|made| made);
        let folder = folder.map_err(|error| Trouble {
            reason: format!("{error:#}"),
            remedy: format!("mkdir -p -m 700 {}", self.folder.path().display()),
        })?;
        if self.watch.as_ref().is_none_or(|(_, of)| *of != folder) {
            self.watch = None;
            match Watch::on(self.folder.path(), Sought::Anything, Arc::clone(&self.wake)) {
                Ok(watch) => self.watch = Some((watch, folder)),
                Err(error) if !self.is_told_unwatched => {
                    self.is_told_unwatched = true;
                    warn!(
                        %error,
                        "the inbox cannot be watched; it is looked at every {} s",
                        REST_UNWATCHED.as_secs()
                    );
                }
                Err(_) => (),
            }
        }
        let beyond = self.app.config().artifact_max_bytes;
        if beyond != self.refused_beyond || self.refused.len() > REFUSED_MAX {
            self.refused_beyond = beyond;
            self.refused.clear();
        }
        // Handed over and back rather than copied.
        let refused = std::mem::take(&mut self.refused);
        let looked = self.blocking(move |folder| (folder.waiting(&refused), refused));
        let (waiting, refused) = looked.await.map_err(|error| self.unreadable(&error))?;
        self.refused = refused;
        waiting.map_err(|error| self.unreadable(&error.into()))
    }

    fn unreadable(&self, error: &anyhow::Error) -> Trouble {
        let shown = self.folder.path().display();
        Trouble {
            reason: format!("{shown} cannot be read: {error}"),
            remedy: format!("chmod 700 {shown}"),
        }
    }

    /// Leaves a file where it is until it changes, and tells the person why.
    async fn refuse(&mut self, name: OsString, stamp: Stamp, problem: &str) -> Result<(), Trouble> {
        let shown = shown(&name);
        // A folder changes with what is put into it, and is refused for what it is.
        let state = match stamp.kind {
            Kind::Folder => None,
            Kind::File | Kind::Link | Kind::Other => Some(stamp),
        };
        let notice = NewNotice {
            kind: NoticeKind::InboxFile,
            task_id: None,
            about: notice_key(&name, state),
            text: format!("{shown} stays in the inbox: it {problem}."),
        };
        let told = self.app.notify(notice).await;
        told.map_err(|error| self.trouble(&error))?;
        info!(
            file = shown,
            problem, "{shown} stays in the inbox: it {problem}"
        );
        self.refused.insert(name, stamp);
        Ok(())
    }

    /// Runs what touches the disk where it keeps nobody waiting.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let folder = self.folder.clone();
        Ok(tokio::task::spawn_blocking(move || work(&folder)).await?)
    }
}

#[cfg(test)]
mod tests;
