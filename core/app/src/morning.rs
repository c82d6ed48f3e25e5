//! The morning's summary: once a day, what it brings, if there is anything to say. Done by the sweep.

use std::time::Duration;

use hearth_domain::Timestamp;
use hearth_domain::day_times::{Morning, next_morning};
use hearth_domain::notice::{NewNotice, NoticeKind};
use hearth_domain::task::Task;
use hearth_domain::when::{Precision, When};
use hearth_store::{Tx, notices as stored, tasks};
use jiff::tz::TimeZone;

use crate::app::App;
use crate::calendar::earlier;
use crate::error::AppError;
use crate::notices;

/// How many tasks of a sort are named; of the others, how many there are.
const NAMED_MAX: usize = 4;
/// The most tasks of a sort that are looked at.
const LOOKED_AT: usize = 50;
/// How far back what is late is still told of.
const LATE_BACK: Duration = Duration::from_hours(7 * 24);
/// How much of a title is told: the summary is heard as well as read.
const TITLE_CHARS: usize = 50;

impl App {
    /// Tells what the day brings, if its morning has come and is not over, and nothing was told of it
    /// yet. A day of which there is nothing to say is passed over. Returns whether it was told.
    ///
    /// # Errors
    /// The store failed; the next look does it.
    pub async fn tell_morning(&self) -> Result<bool, AppError> {
        let (now, zone) = (self.now(), self.zone());
        let morning = self.config().day.morning;
        let Some(morning) = morning.and_then(|at| Morning::of_day(at, now, &zone)) else {
            return Ok(false);
        };
        // What comes up later in the morning is no summary: each moment is looked at once.
        if !morning.is_due(now) || self.morning_seen() == morning.at {
            return Ok(false);
        }
        let told = self
            .store()
            .write(move |tx| {
                if stored::is_told_of(tx, &morning.about())? {
                    return Ok(false);
                }
                let Some(text) = summary(tx, &morning, &zone)? else {
                    return Ok(false);
                };
                let notice = NewNotice {
                    kind: NoticeKind::Morning,
                    task_id: None,
                    about: morning.about(),
                    text,
                };
                notices::insert(tx, notice, now)
            })
            .await?;
        self.see_morning(morning.at);
        Ok(told)
    }

    /// Returns when a morning comes next.
    pub(crate) fn next_by_morning(&self) -> Option<Timestamp> {
        let at = self.config().day.morning?;
        next_morning(at, self.now(), &self.zone())
    }
}

/// Returns what there is to say; `None` where that is nothing.
fn summary(tx: &impl Tx, morning: &Morning, zone: &TimeZone) -> Result<Option<String>, AppError> {
    let (begins, ends) = morning.day;
    let due = tasks::due_within(tx, begins, ends, LOOKED_AT)?;
    let late = tasks::due_within(tx, earlier(begins, LATE_BACK), begins, LOOKED_AT)?;
    let waiting = tasks::blocked(tx, LOOKED_AT)?;
    let done = tasks::completed_since(tx, morning.since, LOOKED_AT)?;
    let at_work = tasks::at_work(tx, LOOKED_AT)?;
    let parts = [
        part("Due today", &due, |task| with_time(task, zone)),
        part("Late", &late, named),
        part("Waiting for you", &waiting, named),
        part("Done since yesterday", &done, named),
        part("At work", &at_work, with_worker),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    Ok((!said.is_empty()).then(|| format!("Good morning. {}", said.join(" "))))
}

/// Returns one sentence of it: the first few tasks, and how many there are beside.
fn part(heading: &str, tasks: &[Task], shown: impl Fn(&Task) -> String) -> Option<String> {
    if tasks.is_empty() {
        return None;
    }
    let few: Vec<String> = tasks.iter().take(NAMED_MAX).map(shown).collect();
    let rest = tasks.len().saturating_sub(NAMED_MAX);
    let more = match rest {
        0 => String::new(),
        _ if tasks.len() == LOOKED_AT => format!(", and at least {rest} more"),
        _ => format!(", and {rest} more"),
    };
    Some(format!("{heading}: {}{more}.", few.join(", ")))
}

fn named(task: &Task) -> String {
    let title = task.title.as_str();
    let cut: String = title.chars().take(TITLE_CHARS).collect();
    let sign = if cut.len() < title.len() { "…" } else { "" };
    format!("#{} {}{sign}", task.number, cut.trim_end())
}

fn with_time(task: &Task, zone: &TimeZone) -> String {
    let due = task.due_at.map(|due| When::of_due(due, zone));
    match due {
        Some(due) if due.precision == Precision::Minute => {
            let shown = due.show(zone);
            let time = shown.rsplit(' ').next().unwrap_or_default();
            format!("{} at {time}", named(task))
        }
        Some(_) | None => named(task),
    }
}

fn with_worker(task: &Task) -> String {
    match task.lease() {
        Some(lease) => format!("{} on {}", lease.holder, named(task)),
        None => named(task),
    }
}

#[cfg(test)]
mod tests;
