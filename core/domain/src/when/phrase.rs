//! A whole date phrase: a day, a time, or both in either order.

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Zoned};

use super::clock_time::{self, After, Clock, Part};
use super::day::{self, Day};
use super::numeric;
use super::span::{self, Length};
use super::words::{Word, at, begins, from};
use super::{Precision, When, local, stamp};
use crate::clock::Timestamp;

/// What a phrase was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Phrase {
    /// The date.
    pub(crate) when: When,
    /// How many words the phrase has.
    pub(crate) took: usize,
    /// Whether it can stand at the end of a title and be meant as a date without a word before it:
    /// `tomorrow` can, `friday` cannot, `friday at 3pm` can.
    pub(crate) stands_alone: bool,
}

/// Reads phrases said at one moment in one zone.
pub(crate) struct Reader<'a> {
    now: Zoned,
    zone: &'a TimeZone,
}

impl<'a> Reader<'a> {
    /// A reader for phrases said at `now`.
    pub(crate) fn new(now: Timestamp, zone: &'a TimeZone) -> Self {
        Self {
            now: local(now, zone),
            zone,
        }
    }

    /// The day the phrases are said on.
    pub(super) fn today(&self) -> Date {
        self.now.date()
    }

    /// Reads the longest phrase that `words` begin with.
    pub(crate) fn read(&self, words: &[Word]) -> Option<Phrase> {
        let lead = lead(words);
        let rest = from(words, lead);
        let after = match at(words, 0) {
            "at" if lead == 1 => After::At,
            _ => After::Nothing,
        };
        let readings = [
            self.exact(rest),
            self.length(rest),
            self.day_then_time(rest),
            self.time_then_day(rest, after),
        ];
        let phrase = readings
            .into_iter()
            .flatten()
            .reduce(|best, next| if next.took > best.took { next } else { best })?;
        Some(Phrase {
            took: phrase.took + lead,
            ..phrase
        })
    }

    /// `2026-11-27T15:00`, with or without an offset.
    fn exact(&self, words: &[Word]) -> Option<Phrase> {
        let (at, offset) = numeric::date_time(at(words, 0))?;
        let when = match offset {
            None => When::moment(at, self.zone)?,
            Some(minutes) => {
                let offset = Offset::from_seconds(minutes * 60).ok()?;
                minute(offset.to_timestamp(at).ok()?)?
            }
        };
        Some(Phrase {
            when,
            took: 1,
            stands_alone: false,
        })
    }

    /// `in half an hour`, `20 minutes from now`.
    fn length(&self, words: &[Word]) -> Option<Phrase> {
        let lead = usize::from(at(words, 0) == "in");
        let (length, took) = span::length(from(words, lead))?;
        let Length::Minutes(minutes) = length else {
            return None;
        };
        let took = took + lead;
        let tail = begins(from(words, took), "from now").unwrap_or(0);
        if lead + tail == 0 {
            return None;
        }
        let then = self
            .now
            .timestamp()
            .checked_add(SignedDuration::from_mins(minutes))
            .ok()?;
        Some(Phrase {
            when: minute(then)?,
            took: took + tail,
            stands_alone: true,
        })
    }

    fn day_then_time(&self, words: &[Word]) -> Option<Phrase> {
        let (mut day, mut took) = day::day(words, self.today())?;
        let mut stands_alone = !day.is_name;
        if let Some((part, more)) = clock_time::part(from(words, took)) {
            day.part = Some(part);
            took += more;
            stands_alone = true;
        }
        let (marked, after) = match at(words, took) {
            "at" => (1, After::At),
            "by" | "before" | "until" => (1, After::Nothing),
            _ => (0, After::Nothing),
        };
        let Some((clock, more)) = clock_time::clock(from(words, took + marked), after) else {
            return Some(Phrase {
                when: self.place(day, None)?,
                took,
                stands_alone,
            });
        };
        took += marked + more;
        if let Some((part, more)) = clock_time::part_after_time(from(words, took)) {
            day.part = Some(part);
            took += more;
        }
        Some(Phrase {
            when: self.place(day, Some(clock))?,
            took,
            stands_alone: true,
        })
    }

    fn time_then_day(&self, words: &[Word], after: After) -> Option<Phrase> {
        let (clock, mut took) = clock_time::clock(words, after)?;
        let mut part = None;
        if let Some((said, more)) = clock_time::part_after_time(from(words, took)) {
            part = Some(said);
            took += more;
        }
        let on = usize::from(matches!(at(words, took), "on" | "by"));
        let Some((mut day, more)) = day::day(from(words, took + on), self.today()) else {
            return Some(Phrase {
                when: self.alone(clock, part)?,
                took,
                stands_alone: false,
            });
        };
        took += on + more;
        if let Some((said, more)) = clock_time::part_after_time(from(words, took)) {
            day.part = Some(said);
            took += more;
        }
        day.part = part.or(day.part);
        Some(Phrase {
            when: self.place(day, Some(clock))?,
            took,
            stands_alone: true,
        })
    }

    fn place(&self, day: Day, clock: Option<Clock>) -> Option<When> {
        match (clock, day.part) {
            (Some(clock), part) => self.on(day.date, clock, part),
            (None, Some(part)) => When::moment(day.date.at(part.hour(), 0, 0, 0), self.zone),
            (None, None) => When::day(day.date, self.zone),
        }
    }

    fn on(&self, date: Date, clock: Clock, part: Option<Part>) -> Option<When> {
        let (time, is_next_day) = clock.time(part)?;
        let date = if is_next_day {
            date.tomorrow().ok()?
        } else {
            date
        };
        When::moment(date.to_datetime(time), self.zone)
    }

    /// A time without a day: today's if it is ahead, otherwise tomorrow's.
    fn alone(&self, clock: Clock, part: Option<Part>) -> Option<When> {
        let today = self.on(self.today(), clock, part)?;
        if today.at.as_millis() > self.now.timestamp().as_millisecond() {
            return Some(today);
        }
        self.on(self.today().checked_add(1.day()).ok()?, clock, part)
    }
}

/// How many words lead into a phrase: `by`, `on the`, none.
fn lead(words: &[Word]) -> usize {
    usize::from(matches!(
        at(words, 0),
        "by" | "on" | "at" | "before" | "until" | "till"
    ))
}

/// The minute that `at` lies in.
fn minute(at: jiff::Timestamp) -> Option<When> {
    let at = stamp(at)?;
    let millis = at.as_millis();
    Some(When {
        at: Timestamp::from_millis(millis - millis.rem_euclid(60_000)),
        precision: Precision::Minute,
    })
}
