//! What the calendar asks for: the next task of a series, reminders of due dates. Done by the sweep.

use std::time::Duration;

use hearth_domain::notice::{NewNotice, NoticeKind};
use hearth_domain::task::{NewRecurrence, NewTask, Task};
use hearth_domain::when::{Precision, When};
use hearth_domain::{Actor, TaskId, Timestamp};
use hearth_store::{WriteTx, tasks};
use jiff::tz::TimeZone;

use crate::app::App;
use crate::error::AppError;
use crate::notices;

/// How far back a due date is still reminded of: a node that was off for longer does not begin with
/// a hundred old ones.
const REMIND_BACK: Duration = Duration::from_hours(7 * 24);

/// What one look at the calendar did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Tasks made for occasions.
    pub made: usize,
    /// Reminders made.
    pub reminded: usize,
}

/// Gives a task that begins a series its first occasion, where it is not told when it is due. It is
/// not to be started before.
pub(crate) fn begin_series(new: &mut NewTask, now: Timestamp, zone: &TimeZone) {
    let Some(NewRecurrence::Begins { rule }) = &new.recurrence else {
        return;
    };
    let occasion = new.due_at.map_or_else(
        || rule.first(now, zone),
        |due_at| When::of_due(due_at, zone),
    );
    new.due_at = Some(occasion.at);
    new.not_before.get_or_insert(begins(occasion, zone));
}

/// Returns from when on a task for an occasion may be started: the moment, or its day's beginning.
pub fn begins(occasion: When, zone: &TimeZone) -> Timestamp {
    match occasion.precision {
        Precision::Minute => occasion.at,
        Precision::Day => {
            let day = jiff::Timestamp::from_millisecond(occasion.at.as_millis())
                .ok()
                .and_then(|moment| moment.to_zoned(zone.clone()).start_of_day().ok());
            day.map_or(occasion.at, |day| {
                Timestamp::from_millis(day.timestamp().as_millisecond())
            })
        }
    }
}

impl App {
    /// Makes the next task of every series whose last has ended or whose occasion has come, and the
    /// reminders that are due.
    ///
    /// # Errors
    /// The store failed; the next look does what is left.
    pub async fn keep_calendar(&self) -> Result<Kept, AppError> {
        let (now, zone) = (self.now(), self.zone());
        let mut kept = Kept::default();
        loop {
            let zone = zone.clone();
            let made = self
                .store()
                .write(move |tx| {
                    let last = tasks::series_to_continue(tx, now)?;
                    let count = last.len();
                    for task in last {
                        go_on(tx, &task, now, &zone)?;
                    }
                    Ok::<_, AppError>(count)
                })
                .await?;
            kept.made += made;
            if made == 0 {
                break;
            }
        }
        for kind in [NoticeKind::Overdue, NoticeKind::DueSoon] {
            loop {
                let (zone, before) = (zone.clone(), self.config().remind_before);
                let reminded = self
                    .store()
                    .write(move |tx| remind(tx, kind, now, before, &zone))
                    .await?;
                kept.reminded += reminded;
                if reminded == 0 {
                    break;
                }
            }
        }
        Ok(kept)
    }

    /// Returns when the calendar next asks for something.
    pub(crate) async fn next_by_calendar(&self) -> Result<Option<Timestamp>, AppError> {
        let (now, before) = (self.now(), self.config().remind_before);
        let morning = self.next_by_morning();
        let next = self.store().read(move |tx| {
            let soon = tasks::next_due(tx, now.after(before))?.map(|due| earlier(due, before));
            let moments = [
                tasks::next_occasion(tx, now)?,
                tasks::next_due(tx, now)?,
                soon,
                morning,
            ];
            Ok(moments.into_iter().flatten().min())
        });
        next.await
    }

    /// Has the sweep look when the calendar asks for something about a task that changed.
    pub(crate) fn expect_by_calendar(&self, task: &Task) {
        if let Some(due) = task.due_at {
            self.alarm()
                .set_no_later_than(earlier(due, self.config().remind_before));
            self.alarm().set_no_later_than(due);
        }
        if let Some(recurrence) = &task.recurrence {
            let moment = if task.status().is_terminal() {
                self.now()
            } else {
                recurrence.occasion
            };
            self.alarm().set_no_later_than(moment);
        }
    }
}

pub(crate) fn earlier(moment: Timestamp, by: Duration) -> Timestamp {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(moment.as_millis().saturating_sub(millis))
}

/// Makes the task for the next occasion. Occasions that were passed over, because the node was off,
/// get none: the last task stands for them, and the person is told.
fn go_on(
    tx: &mut WriteTx<'_>,
    last: &Task,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(), AppError> {
    let Some(recurrence) = &last.recurrence else {
        return Ok(());
    };
    let Some(rule) = &recurrence.rule else {
        return Ok(());
    };
    let (occasion, passed) = rule.catch_up(recurrence.occasion, now, zone);
    let new = NewTask {
        project_id: last.project_id,
        parent_id: last.parent_id,
        description: last.description.clone(),
        priority: last.priority,
        assigned_to: last.reserved_for.clone(),
        context: fresh_context(last),
        labels: last.labels.clone(),
        due_at: Some(occasion.at),
        not_before: Some(begins(occasion, zone)),
        max_attempts: last.max_attempts,
        acceptance: last.acceptance.clone(),
        budget: last.budget,
        estimate_minutes: last.estimate_minutes,
        trust: last.trust,
        recurrence: Some(NewRecurrence::GoesOn {
            rule: rule.clone(),
            series: recurrence.series,
            occasion: occasion.at,
        }),
        ..NewTask::titled(last.title.clone())
    };
    let id = TaskId(tx.fresh_uuid());
    let number = tasks::next_number(tx)?;
    let next = tasks::insert(tx, Task::create(id, number, new, &Actor::System, now))?;
    if passed > 0 {
        let text = caught_up(last, &next, occasion, passed, zone);
        let notice = NewNotice {
            kind: NoticeKind::CaughtUp,
            task_id: Some(next.id),
            about: format!("caught_up:{}", next.id.0.simple()),
            text,
        };
        notices::insert(tx, notice, now)?;
    }
    Ok(())
}

/// What the next worker should know: all that the last one was told, but no answers to its
/// questions.
fn fresh_context(last: &Task) -> hearth_domain::JsonObject {
    let mut context = last.context.clone();
    context.remove("answers");
    context
}

fn caught_up(last: &Task, next: &Task, occasion: When, passed: u64, zone: &TimeZone) -> String {
    let times = if passed == 1 {
        "one occasion".to_owned()
    } else {
        format!("{passed} occasions")
    };
    let stands = if last.status().is_terminal() {
        "I skipped them".to_owned()
    } else {
        format!("#{} stands for them", last.number)
    };
    format!(
        "{times} of \"{}\" passed while I was off. {stands}; the next is #{} on {}.",
        last.title,
        next.number,
        occasion.show(zone)
    )
}

fn remind(
    tx: &mut WriteTx<'_>,
    kind: NoticeKind,
    now: Timestamp,
    before: Duration,
    zone: &TimeZone,
) -> Result<usize, AppError> {
    let (after, until) = match kind {
        NoticeKind::DueSoon if before.is_zero() => return Ok(0),
        NoticeKind::DueSoon => (now, now.after(before)),
        _ => (earlier(now, REMIND_BACK), now),
    };
    let due = tasks::to_remind_of(tx, kind, after, until)?;
    let count = due.len();
    for task in due {
        let Some(due_at) = task.due_at else {
            continue;
        };
        let when = When::of_due(due_at, zone).show(zone);
        let is_late = kind == NoticeKind::Overdue;
        let text = if is_late {
            format!("#{} {} was due {when}.", task.number, task.title)
        } else {
            format!("#{} {} is due {when}.", task.number, task.title)
        };
        let notice = NewNotice {
            kind,
            task_id: Some(task.id),
            about: tasks::reminder_of(kind, &task),
            text,
        };
        notices::insert(tx, notice, now)?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
