//! Operations on notices: what there is to tell the person, told once.

use hearth_domain::event::EventKind;
use hearth_domain::field::Word;
use hearth_domain::notice::{NewNotice, Notice, NoticeKind};
use hearth_domain::task::Task;
use hearth_domain::{Actor, Change, NoticeId, Timestamp};
use hearth_store::notices::{self, NoticeCursor};
use hearth_store::{Page, WriteTx, tasks};

use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;
use crate::runs::follow::{News, follow};

/// The most notices that a channel takes at a time.
pub const TAKE_MAX: usize = 50;
/// How much of a task's reason a notice tells; the whole is in the task.
const REASON_CHARS: usize = 300;

impl App {
    /// Returns a page of notices, told ones too, newest first.
    ///
    /// # Errors
    /// The caller is not the owner, to whom they are addressed.
    pub async fn list_notices(
        &self,
        actor: &Actor,
        cursor: Option<NoticeCursor>,
        limit: usize,
    ) -> Result<Page<Notice, NoticeCursor>, AppError> {
        must_be_owner(actor, "read the owner's notices")?;
        self.store()
            .read(move |tx| Ok(notices::list(tx, cursor, limit)?))
            .await
    }

    /// Hands the waiting notices, oldest first, to a channel that is about to tell them. For a
    /// minute no other channel gets them; what the channel has not reported as delivered by then
    /// waits again.
    ///
    /// # Errors
    /// The caller is not the owner.
    pub async fn take_notices(
        &self,
        actor: &Actor,
        channel: Word,
    ) -> Result<Vec<Notice>, AppError> {
        must_be_owner(actor, "take the owner's notices")?;
        let now = self.now();
        self.store()
            .write(move |tx| {
                let mut taken = Vec::new();
                for notice in notices::undelivered(tx, TAKE_MAX)? {
                    if let Some(notice) = notice.take(channel.clone(), now) {
                        notices::save_taken(tx, &notice)?;
                        taken.push(notice);
                    }
                }
                Ok(taken)
            })
            .await
    }

    /// Notes that a channel has told a notice.
    ///
    /// # Errors
    /// There is no such notice; another channel has told it or is about to; the caller is not the
    /// owner.
    pub async fn deliver_notice(
        &self,
        actor: &Actor,
        id: NoticeId,
        channel: Word,
    ) -> Result<Notice, AppError> {
        must_be_owner(actor, "deliver the owner's notices")?;
        let (by, now) = (actor.name().to_owned(), self.now());
        self.store()
            .write(move |tx| {
                let notice =
                    notices::get(tx, id)?.ok_or_else(|| AppError::not_found("notice", id))?;
                let change = notice.deliver(channel, now).ok_or_else(|| {
                    AppError::conflict(
                        "already_delivered",
                        "another channel has told this notice, or is about to",
                    )
                })?;
                Ok(notices::save(tx, change, &by, now)?)
            })
            .await
    }

    /// Tells the person something, once for each `about`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn notify(&self, new: NewNotice) -> Result<(), AppError> {
        let now = self.now();
        self.store()
            .write(move |tx| insert(tx, new, now).map(drop))
            .await
    }
}

/// Stores a task that changed, and tells the person where that is needed: the one way in which
/// operations save a task.
pub(crate) fn save_task(tx: &mut WriteTx<'_>, change: Change<Task>) -> Result<Task, AppError> {
    let blocked = match &change.event {
        EventKind::TaskBlocked {
            reason, options, ..
        } if change.after.updated_by != Actor::Owner.name() => {
            Some((reason.clone(), options.clone()))
        }
        _ => None,
    };
    let news = News::of(&change.event);
    let task = tasks::save(tx, change)?;
    if let Some(news) = news {
        follow(tx, &task, news)?;
    }
    if let Some((reason, options)) = blocked {
        let new = blocked_notice(&task, &reason, &options);
        insert(tx, new, task.updated_at)?;
    }
    Ok(task)
}

/// Stores a notice of the node's, unless there is one of this already.
pub(crate) fn insert(
    tx: &mut WriteTx<'_>,
    new: NewNotice,
    now: Timestamp,
) -> Result<bool, AppError> {
    let id = NoticeId(tx.fresh_uuid());
    Ok(notices::insert(
        tx,
        Notice::create(id, new, now),
        Actor::System.name(),
    )?)
}

fn blocked_notice(task: &Task, reason: &str, options: &[String]) -> NewNotice {
    let mut told: String = reason.chars().take(REASON_CHARS).collect();
    if told.len() < reason.len() {
        told.push('…');
    }
    let choices = if options.is_empty() {
        String::new()
    } else {
        format!(" ({})", options.join(", "))
    };
    NewNotice {
        kind: NoticeKind::Blocked,
        task_id: Some(task.id),
        about: format!("blocked:{}:{}", task.id.0.simple(), task.version),
        text: format!(
            "#{} {} waits for you: {told}{choices}",
            task.number, task.title
        ),
    }
}
