//! Operations on notices: what there is to tell the person, told once.

use hearth_domain::event::EventKind;
use hearth_domain::field::Word;
use hearth_domain::notice::{Delivery, NewNotice, Notice, NoticeKind};
use hearth_domain::task::{Task, TaskState};
use hearth_domain::{Actor, Change, JsonObject, NoticeId, Timestamp};
use hearth_store::notices::{self, NoticeCursor};
use hearth_store::{Page, WriteTx, tasks};
use serde_json::Value;

use crate::app::App;
use crate::authority::must_be_owner;
use crate::chat::CHIEF_OF_STAFF;
use crate::error::AppError;
use crate::runs::follow::{News, follow};

/// The most notices that a channel takes at a time.
pub const TAKE_MAX: usize = 50;
/// How many finished tasks wait to be told of at most; more are told of by the morning's summary, so
/// that a program which makes a thousand tasks does not fill the outbox.
pub const FINISHED_MAX: usize = 20;
/// How much of a task's result a notice tells.
const GIST_CHARS: usize = 160;
/// How much of a task's reason a notice tells; the whole is in the task.
const REASON_CHARS: usize = 300;

/// Whether a channel knows that the person is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The person has opened it to talk.
    There,
    /// It would speak up by itself.
    Unknown,
}

/// What a channel was handed.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// What it is to tell, oldest first.
    pub notices: Vec<Notice>,
    /// While it is quiet: until when what can wait is held back.
    pub quiet_until: Option<Timestamp>,
}

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
    /// waits again. In the quiet hours only what cannot wait is handed out, unless the person is
    /// there.
    ///
    /// # Errors
    /// The caller is not the owner.
    pub async fn take_notices(
        &self,
        actor: &Actor,
        channel: Word,
        presence: Presence,
    ) -> Result<Taken, AppError> {
        must_be_owner(actor, "take the owner's notices")?;
        let now = self.now();
        let quiet_until = match presence {
            Presence::There => None,
            Presence::Unknown => self
                .config()
                .day
                .quiet
                .and_then(|quiet| quiet.end(now, &self.zone())),
        };
        let notices = self
            .store()
            .write(move |tx| {
                let waiting = match quiet_until {
                    None => notices::waiting(tx, TAKE_MAX)?,
                    Some(_) => notices::waiting_urgently(tx, TAKE_MAX)?,
                };
                let mut taken = Vec::new();
                for notice in waiting {
                    if let Some(notice) = notice.take(channel.clone(), now) {
                        notices::save_taken(tx, &notice)?;
                        taken.push(notice);
                    }
                }
                Ok::<_, AppError>(taken)
            })
            .await?;
        Ok(Taken {
            notices,
            quiet_until,
        })
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
                let is_withdrawn = matches!(notice.delivery, Delivery::Withdrawn { .. });
                let change = notice.deliver(channel, now).ok_or_else(|| {
                    if is_withdrawn {
                        AppError::conflict(
                            "withdrawn",
                            "this notice is not worth telling any more: it was answered or done meanwhile",
                        )
                    } else {
                        AppError::conflict(
                            "already_delivered",
                            "another channel has told this notice, or is about to",
                        )
                    }
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
    let is_over = over(&change.event);
    let finisher = finisher(&change);
    let task = tasks::save(tx, change)?;
    if !is_over.is_empty() {
        withdraw(tx, &task, is_over)?;
    }
    if let Some(news) = news {
        follow(tx, &task, news)?;
    }
    if let Some((reason, options)) = blocked {
        let new = blocked_notice(&task, &reason, &options);
        insert(tx, new, task.updated_at)?;
    }
    if finisher && !notices::are_many_finished(tx, FINISHED_MAX)? {
        insert(tx, finished_notice(&task), task.updated_at)?;
    }
    Ok(task)
}

/// Which notices of a task are not worth telling after a change of it.
fn over(event: &EventKind) -> &'static [NoticeKind] {
    match event {
        EventKind::TaskAnswered { .. } => &[NoticeKind::Blocked],
        EventKind::TaskCompleted { .. } | EventKind::TaskCancelled { .. } => &[
            NoticeKind::Blocked,
            NoticeKind::DueSoon,
            NoticeKind::Overdue,
        ],
        EventKind::TaskReopened { .. } => &[NoticeKind::Finished],
        _ => &[],
    }
}

/// Takes back what nobody has told yet. Whoever is telling it at this moment learns of it when it
/// reports that.
fn withdraw(tx: &mut WriteTx<'_>, task: &Task, kinds: &[NoticeKind]) -> Result<(), AppError> {
    let now = task.updated_at;
    for notice in notices::waiting_of(tx, task.id)? {
        if kinds.contains(&notice.kind)
            && let Some(change) = notice.withdraw(now)
        {
            notices::save(tx, change, &task.updated_by, now)?;
        }
    }
    Ok(())
}

/// Whether an agent has done what the person asked for, on the command line, by a program or in chat.
fn finisher(change: &Change<Task>) -> bool {
    let EventKind::TaskCompleted { agent, .. } = &change.event else {
        return false;
    };
    let asked_by = change.after.created_by.as_str();
    !agent.is_owner() && (asked_by == Actor::Owner.name() || asked_by == CHIEF_OF_STAFF)
}

fn finished_notice(task: &Task) -> NewNotice {
    let result = match &task.state {
        TaskState::Completed { result, .. } => result.as_ref(),
        _ => None,
    };
    let gist = result.map(gist).unwrap_or_default();
    let (number, title) = (task.number, &task.title);
    let said = if gist.is_empty() {
        format!("#{number} {title} is done.")
    } else {
        format!("#{number} {title} is done: {gist}.")
    };
    NewNotice {
        kind: NoticeKind::Finished,
        task_id: Some(task.id),
        about: format!("finished:{}:{}", task.id.0.simple(), task.version),
        text: format!("{said} See: hearth task show {number}"),
    }
}

/// Returns what came of a task, in a line: its words where it is a text, else its first fields.
fn gist(result: &JsonObject) -> String {
    let shown = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let fields: Vec<(&String, String)> = result
        .iter()
        .filter_map(|(name, value)| Some((name, shown(value)?)))
        .collect();
    let whole = match fields.as_slice() {
        [(_, only)] if result.len() == 1 && result.values().all(Value::is_string) => only.clone(),
        fields => {
            let pairs: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            pairs.join(", ")
        }
    };
    let line: String = whole
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = line.split_whitespace().collect();
    let line = words.join(" ");
    let cut: String = line.chars().take(GIST_CHARS).collect();
    if cut.len() < line.len() {
        return format!("{}…", cut.trim_end());
    }
    line.trim_end_matches('.').to_owned()
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

#[cfg(test)]
mod tests;
