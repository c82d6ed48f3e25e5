//! Counting days: weeks that begin on Monday, the ends of months, dates without a year.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// Days from Monday to `day`, 0 to 6.
pub(crate) fn from_monday(day: Weekday) -> i64 {
    i64::from(day.to_monday_zero_offset())
}

/// The date `days` days later, held at the end of the calendar.
pub(crate) fn plus_days(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::SignedDuration::from_hours(days.saturating_mul(24)))
}

/// The Monday of the week of `date`.
pub(crate) fn monday(date: Date) -> Date {
    plus_days(date, -from_monday(date.weekday()))
}

/// The first `day` after `date`.
pub(super) fn weekday_after(date: Date, day: Weekday) -> Date {
    weekday_from(plus_days(date, 1), day)
}

/// The first `day` from `date` on.
pub(super) fn weekday_from(date: Date, day: Weekday) -> Date {
    let ahead = (from_monday(day) - from_monday(date.weekday())).rem_euclid(7);
    plus_days(date, ahead)
}

/// The `day` of the week that is `weeks` after that of `date`.
pub(super) fn weekday_of_week(date: Date, weeks: i64, day: Weekday) -> Date {
    plus_days(monday(date), weeks * 7 + from_monday(day))
}

/// The first of the month that is `months` after that of `date`.
pub(super) fn first_of_month(date: Date, months: i64) -> Date {
    date.first_of_month().saturating_add(months.months())
}

/// The date with these numbers; `None` if there is no such day.
pub(super) fn date(year: u32, month: u32, day: u32) -> Option<Date> {
    let year = i16::try_from(year)
        .ok()
        .filter(|year| (1970..=9999).contains(year))?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The next day with this month and number, from `today` on.
pub(super) fn coming(today: Date, month: u32, day: u32) -> Option<Date> {
    let year = u32::try_from(today.year()).ok()?;
    // A leap day may be eight years away, as after 2096.
    (year..=year + 8).find_map(|year| date(year, month, day).filter(|date| *date >= today))
}

/// The next day with this number in its month, from `today` on.
pub(super) fn coming_day(today: Date, day: u32) -> Option<Date> {
    let day = i8::try_from(day).ok()?;
    (0..3).find_map(|months| {
        let first = first_of_month(today, months);
        let date = Date::new(first.year(), first.month(), day).ok()?;
        (date >= today).then_some(date)
    })
}
