//! Stretches of time that questions ask for.

use std::time::Duration;

use hearth_domain::Timestamp;
use hearth_domain::quick_add::Known;
use hearth_domain::when::{self, When};
use jiff::ToSpan;
use jiff::civil::Date;

use super::super::words::Span;

/// From when until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Period {
    /// Its first moment.
    pub(in super::super) from: Timestamp,
    /// Its last moment.
    pub(in super::super) until: Timestamp,
    /// How it is spoken of, such as `today` or `by Fri 27 Nov 2026`.
    pub(in super::super) name: String,
}

impl Period {
    /// Everything up to `known.now`.
    pub(in super::super) fn past(known: &Known<'_>, name: &str) -> Self {
        Self {
            from: Timestamp::from_millis(0),
            until: known.now,
            name: name.into(),
        }
    }

    /// The seven days from today on.
    pub(super) fn coming_week(known: &Known<'_>) -> Option<Self> {
        let today = today(known)?;
        days(
            known,
            today,
            today.checked_add(6.days()).ok()?,
            "in the next seven days",
        )
    }
}

/// Reads which stretch of time to come is meant: `today`, `this week`, `by friday`.
pub(super) fn ahead(span: Span<'_>, known: &Known<'_>) -> Option<Period> {
    let today = today(known)?;
    let monday = monday(today)?;
    let sunday = monday.checked_add(6.days()).ok()?;
    match span.plain().as_str() {
        "" | "soon" => Period::coming_week(known),
        "today" | "now" => days(known, today, today, "today"),
        "tomorrow" => {
            let day = today.tomorrow().ok()?;
            days(known, day, day, "tomorrow")
        }
        "this week" | "by the end of the week" => days(known, today, sunday, "this week"),
        "next week" => {
            let start = monday.checked_add(7.days()).ok()?;
            days(known, start, start.checked_add(6.days()).ok()?, "next week")
        }
        "this month" => days(known, today, today.last_of_month(), "this month"),
        _ => {
            let when = when::read(span.written(), known.now, known.zone)?;
            let shown = when.show(known.zone);
            if span.at(0) == "by" || span.at(0) == "until" || span.at(0) == "before" {
                return Some(Period {
                    from: known.now,
                    until: when.at,
                    name: format!("by {shown}"),
                });
            }
            let day = day_of(when, known)?;
            days(known, day, day, &format!("on {shown}"))
        }
    }
}

/// Reads which stretch of time behind is meant: `today`, `yesterday`, `this week`.
pub(super) fn behind(span: Span<'_>, known: &Known<'_>) -> Option<Period> {
    let today = today(known)?;
    let monday = monday(today)?;
    match span.plain().as_str() {
        "" | "today" | "so far today" | "so far" => days(known, today, today, "today"),
        "yesterday" => {
            let day = today.yesterday().ok()?;
            days(known, day, day, "yesterday")
        }
        "this week" => days(known, monday, today, "this week"),
        "last week" => {
            let start = monday.checked_sub(7.days()).ok()?;
            days(known, start, monday.yesterday().ok()?, "last week")
        }
        "this month" => days(known, today.first_of_month(), today, "this month"),
        _ => None,
    }
}

/// Returns `due`, or the present moment, later by a length of time such as `2 days`.
pub(in super::super) fn postponed(
    due: Option<Timestamp>,
    length: &str,
    known: &Known<'_>,
) -> Option<When> {
    let base = due.unwrap_or(known.now);
    let later = when::read(&format!("in {length}"), base, known.zone)?;
    // What is due on a day stays due on a day.
    match due.map(|due| When::of_due(due, known.zone)) {
        Some(was) if was.precision == when::Precision::Day => {
            When::day(day_of(later, known)?, known.zone)
        }
        _ => Some(later),
    }
}

/// Returns the day on which a moment lies.
fn day_of(when: When, known: &Known<'_>) -> Option<Date> {
    let moment = jiff::Timestamp::from_millisecond(when.at.as_millis()).ok()?;
    Some(moment.to_zoned(known.zone.clone()).date())
}

fn today(known: &Known<'_>) -> Option<Date> {
    let now = jiff::Timestamp::from_millisecond(known.now.as_millis()).ok()?;
    Some(now.to_zoned(known.zone.clone()).date())
}

fn monday(day: Date) -> Option<Date> {
    let ahead = day.weekday().to_monday_zero_offset();
    day.checked_sub(i64::from(ahead).days()).ok()
}

fn days(known: &Known<'_>, first: Date, last: Date, name: &str) -> Option<Period> {
    let start = first.to_zoned(known.zone.clone()).ok()?;
    let until = When::day(last, known.zone)?.at;
    Some(Period {
        from: Timestamp::from_millis(start.timestamp().as_millisecond()),
        // To the end of its last second.
        until: until.after(Duration::from_millis(999)),
        name: name.into(),
    })
}
