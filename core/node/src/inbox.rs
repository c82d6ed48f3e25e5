//! The inbox: files that are put into a folder become tasks, each exactly once.
//!
//! A text becomes a task as a line typed by its owner would, and so does what is said in a recording, which
//! is kept as an artifact; anything else becomes a task to look at it, with the file as an artifact. The
//! task is committed first, under a key that names the file, and then the file moves to `done`: a node that
//! is killed in between finds the file again, and the key with it. Moves are written to disk many at a time,
//! and only then are their keys forgotten.
//!
//! Reading order: [`Inbox`], `taking` (one file), `hearing` (what is said in it), `making` (its task),
//! `moving`, `reading`, `folder`, `writers`, `report` (what is told of it all).

mod folder;
mod hearing;
mod making;
mod moving;
mod reading;
mod report;
mod taking;
mod writers;

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
use tracing::info;

use crate::inbox::folder::{BATCH, Folder, Kind, Stamp};
use crate::inbox::hearing::Hearing;
use crate::inbox::moving::Moves;
pub(crate) use crate::inbox::reading::is_ignored;
use crate::inbox::reading::shown;
use crate::inbox::report::{Idle, Trouble};
use crate::inbox::taking::{Failure, notice_key};
use crate::watch::{Sought, Unwatched, Watch};

/// How long a file must lie unchanged until it counts as whole.
const SETTLE: Duration = Duration::from_millis(300);
/// How long ago it must last have been written to: whoever writes it may stop for a moment.
const QUIET: Duration = Duration::from_secs(2);
/// After how long without a change it is told that a file is empty, or open in another program.
const TOLD_AFTER: Duration = Duration::from_mins(1);
/// How often the folder is looked at although nothing woke the inbox: a lost wake-up, or a folder
/// that cannot be watched, costs no more.
const REST: Duration = Duration::from_secs(10);
/// The first and the longest pause after a failure.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// The most refused files that are kept in mind. Beyond it they are refused anew, which tells nobody
/// twice.
const REFUSED_MAX: usize = 10_000;

/// The worker that takes files from the inbox.
pub(crate) struct Inbox {
    app: App,
    folder: Folder,
    wake: Arc<Notify>,
    watch: Result<Watch, Unwatched>,
    /// How long ago a file must last have been written to; shorter where tests cannot wait.
    quiet: Duration,
    /// As [`TOLD_AFTER`]; shorter where tests cannot wait.
    told_after: Duration,
    /// Files that stay where they are until they change.
    refused: HashMap<OsString, Stamp>,
    /// The largest artifact when these were refused.
    refused_beyond: u64,
    moves: Moves,
    hearing: Hearing,
    /// Whether keys that an earlier node left were forgotten.
    is_clean: bool,
}

/// What a look at the folder came to.
#[derive(Debug, Default)]
struct Look {
    /// Whether a file changes still, so that the next look comes soon.
    is_unsettled: bool,
    /// Files that wait for somebody else.
    idle: Idle,
    /// What was in the way of the first file that must be tried again.
    trouble: Option<Trouble>,
}

impl Inbox {
    pub(crate) fn new(app: App, folder: PathBuf) -> Self {
        Self {
            app,
            folder: Folder::at(folder),
            wake: Arc::default(),
            watch: Err(Unwatched {
                reason: "not tried yet".into(),
                remedy: "",
            }),
            quiet: QUIET,
            told_after: TOLD_AFTER,
            refused: HashMap::new(),
            refused_beyond: 0,
            moves: Moves::default(),
            hearing: Hearing::default(),
            is_clean: false,
        }
    }

    /// Takes files until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let (first, longest) = RETRY;
        let mut pause = first;
        // Until something turns out to be in the way: a first look at many files takes a while.
        self.app
            .change_facilities(|facilities| facilities.inbox = Facility::works());
        loop {
            let looked = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                // Cut off between any two steps, a file is found again with its key.
                looked = self.look() => looked,
            };
            let looked = looked.and_then(|look| match look.trouble {
                Some(trouble) => Err(trouble),
                None => Ok(look),
            });
            let (rest, may_wake) = match &looked {
                Ok(look) if look.is_unsettled => (SETTLE, false),
                Ok(_) => (REST, true),
                Err(_) => (pause, false),
            };
            pause = match &looked {
                Ok(_) => first,
                Err(_) => longest.min(pause * 2),
            };
            self.tell(looked);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.wake.notified(), if may_wake => (),
                () = tokio::time::sleep(rest) => (),
            }
        }
    }

    /// Takes the files that wait and are whole.
    async fn look(&mut self) -> Result<Look, Trouble> {
        self.prepare().await?;
        self.settle_moves().await?;
        let mut look = Look::default();
        let mut after = None;
        loop {
            let page = self.waiting(after.take()).await?;
            if page.is_empty() {
                break;
            }
            tokio::time::sleep(SETTLE).await;
            let is_full = page.len() >= BATCH;
            after = page.last_key_value().map(|(name, _)| name.clone());
            let taken = self.take_page(page, &mut look).await;
            // Whatever was in the way, what was moved is made to last.
            self.settle_moves().await?;
            taken?;
            if !is_full {
                return Ok(look);
            }
        }
        let has_none = after.is_none() && self.refused.is_empty() && self.moves.has_none();
        if has_none && !self.is_clean {
            // No file is there that they could belong to.
            let forgotten = self.app.forget_all_files(&Actor::Owner).await;
            forgotten.map_err(|error| self.trouble(&error))?;
            self.is_clean = true;
        }
        Ok(look)
    }

    async fn take_page(
        &mut self,
        page: BTreeMap<OsString, Stamp>,
        look: &mut Look,
    ) -> Result<(), Trouble> {
        for (name, before) in page {
            if self.is_fresh(&before) {
                look.is_unsettled = true;
                continue;
            }
            match self.take(&name, before).await {
                // One that is being heard wakes the inbox when it was.
                Ok(()) | Err(Failure::BeingHeard) => (),
                Err(Failure::Gone) => {
                    self.refused.remove(&name);
                }
                Err(Failure::Changed) => look.is_unsettled = true,
                Err(Failure::Empty) => {
                    let is_told = self.is_old(&before);
                    look.idle.empty.note(is_told, &name);
                }
                Err(Failure::BeingWritten) => {
                    let is_told = self.is_old(&before);
                    look.idle.being_written.note(is_told, &name);
                }
                Err(Failure::Refused(stamp, problem)) => {
                    self.refuse(name, stamp, &problem).await?;
                }
                // One file that cannot be taken yet does not hold up the others.
                Err(Failure::Later(why)) => {
                    look.trouble.get_or_insert(why);
                }
            }
        }
        Ok(())
    }

    /// Whether a file was written to so lately that more may come. A time that lies ahead says
    /// nothing.
    fn is_fresh(&self, stamp: &Stamp) -> bool {
        let is_recent = (0..nanos(self.quiet)).contains(&self.age_ns(stamp.modified_ns));
        stamp.kind == Kind::File && is_recent
    }

    /// Whether nothing about a file changed for so long that its owner is told.
    fn is_old(&self, stamp: &Stamp) -> bool {
        self.age_ns(stamp.changed_ns) >= nanos(self.told_after)
    }

    fn age_ns(&self, at_ns: i128) -> i128 {
        i128::from(self.app.now().as_millis()) * 1_000_000 - at_ns
    }

    /// Makes the folder where it is missing, and watches it where that is not done.
    async fn prepare(&mut self) -> Result<(), Trouble> {
        let made = self.blocking(Folder::ensure).await.and_then(|made| made);
        made.map_err(|error| self.folder.unmade(&error))?;
        if !self.watch.as_ref().is_ok_and(Watch::is_in_place) {
            self.watch = Watch::on(self.folder.path(), Sought::Anything, Arc::clone(&self.wake));
        }
        let beyond = self.app.config().artifact_max_bytes;
        if beyond != self.refused_beyond || self.refused.len() > REFUSED_MAX {
            self.refused_beyond = beyond;
            self.refused.clear();
        }
        Ok(())
    }

    /// Returns the next files that wait, in the order of their names.
    async fn waiting(
        &mut self,
        after: Option<OsString>,
    ) -> Result<BTreeMap<OsString, Stamp>, Trouble> {
        // Handed over and back rather than copied.
        let refused = std::mem::take(&mut self.refused);
        let looked = self.blocking(move |folder| {
            let waiting = folder.waiting(after.as_deref(), &refused);
            (waiting, refused)
        });
        let (waiting, refused) = looked
            .await
            .map_err(|error| self.folder.unreadable(&error))?;
        self.refused = refused;
        waiting.map_err(|error| self.folder.unreadable(&error.into()))
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

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests;
