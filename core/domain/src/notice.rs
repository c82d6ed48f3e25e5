//! Notices: what there is to tell the person. They wait in an outbox until one channel has told them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::{EventKind, NoticeFacts};
use crate::field::{InvalidField, Word};
use crate::id::{NoticeId, TaskId};

/// How long a channel that took a notice may be about telling it; then another may.
pub const TAKEN_FOR: Duration = Duration::from_mins(1);

/// What sort of thing there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A task is due soon.
    DueSoon,
    /// A task was due and is not done.
    Overdue,
    /// A task waits for the person.
    Blocked,
    /// Occasions of a recurring task were passed over.
    CaughtUp,
    /// A file in the inbox folder could not be taken.
    InboxFile,
    /// Most of a budget is spent.
    BudgetLow,
    /// A tool that an agent made failed too often and is not used any more.
    ToolSetAside,
    /// A task that the person asked for is done.
    Finished,
    /// What the day brings.
    Morning,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::DueSoon,
        Self::Overdue,
        Self::Blocked,
        Self::CaughtUp,
        Self::InboxFile,
        Self::BudgetLow,
        Self::ToolSetAside,
        Self::Finished,
        Self::Morning,
    ];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DueSoon => "due_soon",
            Self::Overdue => "overdue",
            Self::Blocked => "blocked",
            Self::CaughtUp => "caught_up",
            Self::InboxFile => "inbox_file",
            Self::BudgetLow => "budget_low",
            Self::ToolSetAside => "tool_set_aside",
            Self::Finished => "finished",
            Self::Morning => "morning",
        }
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NoticeKind {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                InvalidField::new(
                    "kind",
                    "must be due_soon, overdue, blocked, caught_up, inbox_file, budget_low, tool_set_aside, finished or morning",
                )
            })
    }
}

/// Where a notice stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Nobody has told it.
    Waiting,
    /// A channel is about to tell it.
    Taken {
        /// Which.
        channel: Word,
        /// Until when it may be about it.
        until: Timestamp,
    },
    /// It was told.
    Delivered {
        /// Over which channel.
        channel: Word,
        /// When.
        at: Timestamp,
    },
    /// It is not worth telling any more: what it asked was answered, what it reminded of was done.
    Withdrawn {
        /// Since when.
        at: Timestamp,
    },
}

/// Something to tell the person, once.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Identifies it.
    pub id: NoticeId,
    /// What sort it is.
    pub kind: NoticeKind,
    /// The task it is about.
    pub task_id: Option<TaskId>,
    /// What exactly it tells of, such as one due date of one task. No two notices have the same.
    pub about: String,
    /// What to tell, in a sentence or two.
    pub text: String,
    /// Where it stands.
    pub delivery: Delivery,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a notice is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNotice {
    /// See [`Notice::kind`].
    pub kind: NoticeKind,
    /// See [`Notice::task_id`].
    pub task_id: Option<TaskId>,
    /// See [`Notice::about`].
    pub about: String,
    /// See [`Notice::text`].
    pub text: String,
}

impl Notice {
    /// Makes a notice, waiting.
    pub fn create(id: NoticeId, new: NewNotice, now: Timestamp) -> Change<Self> {
        let after = Self {
            id,
            kind: new.kind,
            task_id: new.task_id,
            about: new.about,
            text: new.text,
            delivery: Delivery::Waiting,
            created_at: now,
        };
        let event = EventKind::NoticeCreated(after.facts());
        Change { after, event }
    }

    /// Hands it to a channel that is about to tell it; `None` if another has it, or has told it.
    #[must_use]
    pub fn take(mut self, channel: Word, now: Timestamp) -> Option<Self> {
        match &self.delivery {
            Delivery::Delivered { .. } | Delivery::Withdrawn { .. } => return None,
            Delivery::Taken { until, .. } if *until > now => return None,
            Delivery::Taken { .. } | Delivery::Waiting => (),
        }
        self.delivery = Delivery::Taken {
            channel,
            until: now.after(TAKEN_FOR),
        };
        Some(self)
    }

    /// Notes that `channel` has told it; `None` if another channel has, or is about to.
    pub fn deliver(mut self, channel: Word, now: Timestamp) -> Option<Change<Self>> {
        match &self.delivery {
            Delivery::Delivered { .. } | Delivery::Withdrawn { .. } => return None,
            Delivery::Taken { channel: by, until } if *by != channel && *until > now => {
                return None;
            }
            Delivery::Taken { .. } | Delivery::Waiting => (),
        }
        self.delivery = Delivery::Delivered {
            channel: channel.clone(),
            at: now,
        };
        let event = EventKind::NoticeDelivered {
            notice: self.facts(),
            channel,
        };
        Some(Change { after: self, event })
    }

    /// Gives it back: `channel` has told it, as it thought, and it did not arrive. `None` if that channel has
    /// not.
    pub fn give_back(mut self, channel: Word) -> Option<Change<Self>> {
        match &self.delivery {
            Delivery::Delivered { channel: by, .. } if *by == channel => (),
            Delivery::Delivered { .. }
            | Delivery::Withdrawn { .. }
            | Delivery::Taken { .. }
            | Delivery::Waiting => return None,
        }
        self.delivery = Delivery::Waiting;
        let event = EventKind::NoticeReturned {
            notice: self.facts(),
            channel,
        };
        Some(Change { after: self, event })
    }

    /// Takes it back, whoever is about to tell it; `None` if it was told, or taken back before.
    pub fn withdraw(mut self, now: Timestamp) -> Option<Change<Self>> {
        match &self.delivery {
            Delivery::Delivered { .. } | Delivery::Withdrawn { .. } => return None,
            Delivery::Taken { .. } | Delivery::Waiting => (),
        }
        self.delivery = Delivery::Withdrawn { at: now };
        let event = EventKind::NoticeWithdrawn(self.facts());
        Some(Change { after: self, event })
    }

    fn facts(&self) -> NoticeFacts {
        NoticeFacts {
            notice_id: self.id,
            kind: self.kind,
            task_id: self.task_id,
            text: self.text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn channel(name: &str) -> Word {
        name.parse().unwrap()
    }

    fn notice() -> Notice {
        let new = NewNotice {
            kind: NoticeKind::Overdue,
            task_id: None,
            about: "overdue:1".into(),
            text: "Late.".into(),
        };
        Notice::create(NoticeId(Uuid::from_u128(1)), new, at(0)).after
    }

    #[test]
    fn one_channel_at_a_time_is_about_to_tell_it() {
        let taken = notice().take(channel("chat"), at(1)).unwrap();

        assert_eq!(taken.clone().take(channel("telegram"), at(2)), None);
        assert_eq!(taken.clone().deliver(channel("telegram"), at(2)), None);
        let later = at(1).after(TAKEN_FOR);
        assert!(taken.take(channel("telegram"), later).is_some());
    }

    #[test]
    fn it_is_told_once() {
        let taken = notice().take(channel("chat"), at(1)).unwrap();

        let told = taken.deliver(channel("chat"), at(2)).unwrap();

        assert_eq!(told.event.type_name(), "notice.delivered");
        assert_eq!(told.after.clone().deliver(channel("chat"), at(3)), None);
        assert_eq!(told.after.take(channel("chat"), at(900)), None);
    }

    #[test]
    fn what_did_not_arrive_waits_again() {
        let told = notice().deliver(channel("telegram"), at(2)).unwrap().after;

        let back = told.clone().give_back(channel("telegram")).unwrap();

        assert_eq!(back.event.type_name(), "notice.returned");
        assert_eq!(back.after.clone().give_back(channel("telegram")), None);
        assert!(back.after.take(channel("desktop"), at(3)).is_some());
        assert_eq!(told.give_back(channel("desktop")), None);
    }

    #[test]
    fn what_was_taken_back_is_not_told_and_what_was_told_is_not_taken_back() {
        let taken = notice().take(channel("chat"), at(1)).unwrap();
        let back = taken.clone().withdraw(at(2)).unwrap();
        assert_eq!(back.event.type_name(), "notice.withdrawn");

        assert_eq!(back.after.clone().take(channel("chat"), at(900)), None);
        assert_eq!(back.after.clone().deliver(channel("chat"), at(3)), None);
        assert_eq!(back.after.withdraw(at(3)), None);
        let told = taken.deliver(channel("chat"), at(2)).unwrap().after;
        assert_eq!(told.withdraw(at(3)), None);
    }

    #[test]
    fn words_of_kinds_read_back() {
        for kind in NoticeKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("news".parse::<NoticeKind>().is_err());
    }
}
