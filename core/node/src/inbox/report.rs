//! What is told of the inbox: in the status of the node, and in its log.

use std::error::Error;
use std::ffi::OsStr;

use hearth_app::{AppError, Facility, UnavailableCause};
use tracing::{error, info, warn};

use super::reading::shown;
use super::{Inbox, Look};
use crate::output::text::quoted;

/// What keeps the inbox from going on for now.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Why, without a path.
    pub(super) reason: String,
    /// What exactly was found.
    pub(super) detail: String,
    /// The command that mends it.
    pub(super) remedy: String,
}

/// Files that wait for somebody else, for longer than it usually takes.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// They have no bytes.
    pub(super) empty: Count,
    /// They are open in another program, which may write to them.
    pub(super) being_written: Count,
}

/// How many files there are of a sort, and the name of the first.
#[derive(Debug, Default)]
pub(super) struct Count {
    files: usize,
    first: String,
}

impl Count {
    /// Counts a file, if it is to be told of.
    pub(super) fn note(&mut self, is_told: bool, name: &OsStr) {
        if !is_told {
            return;
        }
        if self.files == 0 {
            self.first = shown(name);
        }
        self.files += 1;
    }

    /// Says what these files are; nothing where there are none.
    fn say(&self, what_they_are: &str) -> Option<String> {
        match self.files {
            0 => None,
            1 => Some(format!("a file waits: it is {what_they_are}")),
            files => Some(format!("{files} files wait: they are {what_they_are}")),
        }
    }
}

impl Idle {
    fn facility(&self) -> Facility {
        let parts = [
            (self.empty.say("empty"), &self.empty),
            (
                self.being_written.say("open for writing in a program"),
                &self.being_written,
            ),
        ];
        let told = parts
            .into_iter()
            .find_map(|(said, count)| Some((said?, count)));
        match told {
            None => Facility::works(),
            Some((said, count)) => {
                Facility::hampered(said, "write to it and close it, or take it out")
                    .with_detail(&count.first)
            }
        }
    }
}

impl Inbox {
    /// Tells what a look came to, where that is news.
    pub(super) fn tell(&self, looked: Result<Look, Trouble>) {
        let facility = match looked {
            Err(Trouble {
                reason,
                detail,
                remedy,
            }) => Facility::missing(reason, remedy).with_detail(detail),
            Ok(look) => match &self.watch {
                Ok(_) => look.idle.facility(),
                Err(unwatched) => Facility::hampered(
                    format!(
                        "the folder cannot be watched ({}), and is looked at every {} s",
                        unwatched.reason,
                        super::REST.as_secs()
                    ),
                    unwatched.remedy,
                ),
            },
        };
        if self.app.facilities().inbox == facility {
            return;
        }
        let (reason, remedy) = (facility.reason_in_detail(), &facility.remedy);
        if reason.is_empty() {
            info!("the inbox takes files");
        } else {
            warn!(reason, remedy, "the inbox: {reason}; do this: {remedy}");
        }
        self.app
            .change_facilities(|facilities| facilities.inbox = facility);
    }

    /// What an operation that failed means for the inbox.
    pub(super) fn trouble(&self, error: &AppError) -> Trouble {
        let remedy = match error {
            AppError::Unavailable {
                cause: UnavailableCause::NoRoom,
                ..
            } => format!("df -h {}", quoted(self.folder.path().display())),
            error if error.is_transient() => String::new(),
            error => {
                error!(?error, "the inbox could not make a task and tries again");
                "hearth doctor".into()
            }
        };
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        Trouble {
            reason: error.to_string(),
            detail: causes.join(": "),
            remedy,
        }
    }
}
