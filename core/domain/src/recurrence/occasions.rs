//! The occasions of a rule, one after the other.

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::weekdays::Weekdays;
use super::{Rhythm, Rule};
use crate::clock::Timestamp;
use crate::when::{Precision, When, from_monday, local, monday, plus_days};

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// Days before today that no clock change can carry past this moment.
const SAFE_DAYS: i64 = 3;

pub(super) fn first(rule: &Rule, moment: Timestamp, zone: &TimeZone) -> When {
    if let Rhythm::Hours(interval) = rule.rhythm {
        return hours_after(moment, interval, 1);
    }
    let mut date = local(moment, zone).date();
    // The first date may be past its time, and a clock change may take a date away.
    for _ in 0..4 {
        let Some(next) = matching(rule.rhythm, date) else {
            break;
        };
        match on(rule, next, zone) {
            Some(when) if when.at > moment => return when,
            _ => date = plus_days(next, 1),
        }
    }
    end()
}

pub(super) fn next(rule: &Rule, last: Timestamp, zone: &TimeZone) -> When {
    let is_every = matches!(
        rule.rhythm,
        Rhythm::Days(1) | Rhythm::Months(1, Some(_)) | Rhythm::Years(1, Some(_))
    );
    if is_every || matches!(rule.rhythm, Rhythm::Weeks(1, days) if !days.is_empty()) {
        return first(rule, last, zone);
    }
    if let Rhythm::Hours(interval) = rule.rhythm {
        return hours_after(last, interval, 1);
    }
    let mut date = local(last, zone).date();
    for _ in 0..4 {
        let Some(next) = step(rule.rhythm, date) else {
            break;
        };
        match on(rule, next, zone) {
            Some(when) if when.at > last => return when,
            _ => date = next,
        }
    }
    end()
}

pub(super) fn catch_up(
    rule: &Rule,
    last: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> (When, u64) {
    let mut when = next(rule, last, zone);
    if when.at > now {
        return (when, 0);
    }
    let mut passed = 0;
    if let Rhythm::Hours(interval) = rule.rhythm {
        let hours = (now.as_millis() - when.at.as_millis()) / HOUR_MS;
        let steps = hours / i64::from(interval);
        when = hours_after(when.at, interval, steps);
        passed = steps.unsigned_abs();
    } else {
        let limit = plus_days(local(now, zone).date(), -SAFE_DAYS);
        let (date, steps) = leap(rule.rhythm, local(when.at, zone).date(), limit);
        if let Some(there) = on(rule, date, zone).filter(|_| steps > 0) {
            when = there;
            passed = steps;
        }
    }
    while when.at <= now {
        let following = next(rule, when.at, zone);
        if following.at <= when.at {
            break;
        }
        when = following;
        passed += 1;
    }
    (when, passed)
}

/// After the year 9999 nothing comes.
fn end() -> When {
    When {
        at: Timestamp::from_millis(i64::MAX),
        precision: Precision::Minute,
    }
}

fn hours_after(moment: Timestamp, interval: u16, steps: i64) -> When {
    let minute = moment.as_millis() - moment.as_millis().rem_euclid(MINUTE_MS);
    let hours = i64::from(interval).saturating_mul(steps);
    When {
        at: Timestamp::from_millis(minute.saturating_add(hours.saturating_mul(HOUR_MS))),
        precision: Precision::Minute,
    }
}

/// The occasion on a date.
fn on(rule: &Rule, date: Date, zone: &TimeZone) -> Option<When> {
    let Some(time) = rule.time else {
        return When::day(date, zone);
    };
    let when = When::moment(date.to_datetime(time), zone)?;
    if local(when.at, zone).date() == date {
        return Some(when);
    }
    // A clock change at midnight would move it to the next day: keep it before the change.
    let earlier = zone
        .to_ambiguous_timestamp(date.to_datetime(time))
        .earlier()
        .ok()?;
    Some(When {
        at: Timestamp::from_millis(earlier.as_millisecond()),
        precision: Precision::Minute,
    })
}

/// The first date from `date` on that the rule names, whatever its interval.
fn matching(rhythm: Rhythm, date: Date) -> Option<Date> {
    match rhythm {
        Rhythm::Weeks(_, days) if !days.is_empty() => (0..7)
            .map(|ahead| plus_days(date, ahead))
            .find(|date| days.contains(date.weekday())),
        Rhythm::Months(_, Some(day)) => {
            let this = clamped(date, day)?;
            if this >= date {
                Some(this)
            } else {
                step(Rhythm::Months(1, Some(day)), date)
            }
        }
        Rhythm::Years(_, Some((month, day))) => {
            let this = in_year(date.year(), month, day)?;
            if this >= date {
                Some(this)
            } else {
                in_year(date.year() + 1, month, day)
            }
        }
        _ => Some(date),
    }
}

/// The date of the occasion after the one on `date`.
fn step(rhythm: Rhythm, date: Date) -> Option<Date> {
    match rhythm {
        Rhythm::Hours(_) => None,
        Rhythm::Days(interval) => date.checked_add(i64::from(interval).days()).ok(),
        Rhythm::Weeks(interval, days) if days.is_empty() => {
            date.checked_add(i64::from(interval).weeks()).ok()
        }
        Rhythm::Weeks(interval, days) => Some(week_step(interval, days, date)),
        Rhythm::Months(interval, None) => date.checked_add(i64::from(interval).months()).ok(),
        Rhythm::Months(interval, Some(day)) => {
            let first = date
                .first_of_month()
                .checked_add(i64::from(interval).months())
                .ok()?;
            clamped(first, day)
        }
        Rhythm::Years(interval, None) => date.checked_add(i64::from(interval).years()).ok(),
        Rhythm::Years(interval, Some((month, day))) => in_year(
            date.year().checked_add(i16::try_from(interval).ok()?)?,
            month,
            day,
        ),
    }
}

/// A later day of the same week, or the first day of the week that is `interval` weeks ahead.
fn week_step(interval: u16, days: Weekdays, date: Date) -> Date {
    let today = from_monday(date.weekday());
    let monday = monday(date);
    let later = days.days().map(from_monday).find(|day| *day > today);
    let ahead = later.unwrap_or_else(|| {
        i64::from(interval) * 7 + days.days().map(from_monday).next().unwrap_or(0)
    });
    plus_days(monday, ahead)
}

/// Follows the dates from `date` while they are not after `limit`; returns the last of them and
/// how many steps it is away.
fn leap(rhythm: Rhythm, mut date: Date, limit: Date) -> (Date, u64) {
    let days = date.duration_until(limit).as_hours() / 24;
    let (stride, each) = match rhythm {
        Rhythm::Days(interval) => (i64::from(interval), 1),
        Rhythm::Weeks(interval, set) => (i64::from(interval) * 7, i64::from(set.count().max(1))),
        // There are so few months in all that they can be walked.
        _ => {
            let mut steps = 0;
            while let Some(next) = step(rhythm, date).filter(|next| *next <= limit) {
                date = next;
                steps += 1;
            }
            return (date, steps);
        }
    };
    let strides = (days / stride).max(0);
    (
        plus_days(date, strides * stride),
        (strides * each).unsigned_abs(),
    )
}

/// The day `day` of the month of `date`, or the month's last.
fn clamped(date: Date, day: i8) -> Option<Date> {
    Date::new(date.year(), date.month(), day.min(date.days_in_month())).ok()
}

/// The day in `year`, or the last of the month in a year without it.
fn in_year(year: i16, month: i8, day: i8) -> Option<Date> {
    clamped(Date::new(year, month, 1).ok()?, day)
}
