//! The person's day: when its summary is told, and in which hours nothing is told that can wait.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::clock::Timestamp;

/// Until when, at the latest, a summary that was missed in the morning is still told; later in the
/// day nobody calls it one.
const NOON: Time = Time::constant(12, 0, 0, 0);

/// How the person's day is divided. Times of day, in the person's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayTimes {
    /// When the morning's summary is told; never where there is none.
    pub morning: Option<Time>,
    /// When it is quiet; never where there is none.
    pub quiet: Option<QuietHours>,
}

/// Hours in which nothing is told that can wait, every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    until: Time,
}

impl QuietHours {
    /// Takes the first moment that is quiet and the first that is not any more; across midnight where
    /// the second is earlier. `None` where both are the same: that is no time at all.
    pub fn new(from: Time, until: Time) -> Option<Self> {
        (from != until).then_some(Self { from, until })
    }

    /// Whether it is quiet, by the clock on the wall.
    pub fn is_quiet(&self, moment: Timestamp, zone: &TimeZone) -> bool {
        let Some(local) = local(moment, zone) else {
            return false;
        };
        let time = local.time();
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }

    /// Returns when it is not quiet any more, if it is.
    pub fn end(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if !self.is_quiet(moment, zone) {
            return None;
        }
        let local = local(moment, zone)?;
        let day = if local.time() < self.until {
            local.date()
        } else {
            local.date().tomorrow().ok()?
        };
        // Where the clock is put back over it, the end comes twice.
        let twice = zone.to_ambiguous_zoned(day.to_datetime(self.until));
        let ends = [twice.clone().compatible(), twice.later()];
        let ends = ends.into_iter().flatten().map(|end| millis(&end));
        ends.filter(|end| *end > moment).min()
    }
}

/// One day's summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Morning {
    /// Which day.
    pub date: Date,
    /// When it is told.
    pub at: Timestamp,
    /// From when on it is too late.
    pub until: Timestamp,
    /// When that of the day before was told, or would have been.
    pub since: Timestamp,
    /// When the day begins, and the next.
    pub day: (Timestamp, Timestamp),
}

impl Morning {
    /// Returns the summary of the day that `moment` is in.
    pub fn of_day(at: Time, moment: Timestamp, zone: &TimeZone) -> Option<Self> {
        let date = local(moment, zone)?.date();
        let next = date.tomorrow().ok()?;
        let begins = |date: Date| Some(millis(&date.to_zoned(zone.clone()).ok()?));
        let day = (begins(date)?, begins(next)?);
        let told = on(date, at, zone)?;
        let late = if at < NOON {
            on(date, NOON, zone)?
        } else {
            // Whoever rises late is told until the day is over.
            day.1
        };
        Some(Self {
            date,
            at: told,
            until: late,
            since: on(date.yesterday().ok()?, at, zone)?,
            day,
        })
    }

    /// Whether it is to be told now.
    pub fn is_due(&self, moment: Timestamp) -> bool {
        self.at <= moment && moment < self.until
    }

    /// Names it among notices, so that no day has two.
    pub fn about(&self) -> String {
        format!("morning:{}", self.date)
    }
}

/// Returns when a summary is told next, after `moment`.
pub fn next_morning(at: Time, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = local(moment, zone)?.date();
    let told = on(today, at, zone)?;
    if told > moment {
        return Some(told);
    }
    on(today.tomorrow().ok()?, at, zone)
}

fn local(moment: Timestamp, zone: &TimeZone) -> Option<jiff::Zoned> {
    let moment = jiff::Timestamp::from_millisecond(moment.as_millis()).ok()?;
    Some(moment.to_zoned(zone.clone()))
}

/// A time of day that the clock leaves out comes when the clock is put on.
fn on(date: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    let zoned = date.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(millis(&zoned))
}

fn millis(zoned: &jiff::Zoned) -> Timestamp {
    Timestamp::from_millis(zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests;
