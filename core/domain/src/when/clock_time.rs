//! Times of the day: `15:00`, `3pm`, `half past three`, `in the afternoon`.

use jiff::civil::Time;

use super::words::{Word, at, begins, digits, from, number};

/// A time of the day as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// The hour, 0 to 24.
    hour: i16,
    /// Minutes after the hour; less than none for `quarter to`.
    minutes: i16,
    half: Half,
}

/// Which half of the day an hour lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    /// It was said, with am or pm or on the 24-hour clock.
    Said,
    /// On the 24-hour clock, unless a part of the day says otherwise: `3:30`.
    Written,
    /// It was left open: `at three`.
    Open,
}

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Morning,
    Noon,
    Afternoon,
    Evening,
    Night,
}

impl Part {
    /// The hour that stands for this part when no time is said.
    pub(crate) fn hour(self) -> i8 {
        match self {
            Self::Morning => 9,
            Self::Noon => 12,
            Self::Afternoon => 15,
            Self::Evening => 18,
            Self::Night => 20,
        }
    }

    /// The hour meant by `hour` o'clock in this part; 24 and more is the next day.
    fn place(self, hour: i16) -> i16 {
        match (self, hour) {
            (Self::Morning, 12) => 0,
            (Self::Morning, _) | (Self::Noon, 10..) | (Self::Afternoon, 12) => hour,
            (Self::Evening | Self::Night, 12) => 24,
            (Self::Night, 1..=4) => hour + 24,
            (Self::Noon | Self::Afternoon | Self::Evening | Self::Night, _) => hour + 12,
        }
    }
}

impl Clock {
    /// The time, and whether it lies on the next day, as midnight does.
    pub(crate) fn time(self, part: Option<Part>) -> Option<(Time, bool)> {
        let is_open = (1..=12).contains(&self.hour);
        let hour = match (self.half, part) {
            (Half::Open | Half::Written, Some(part)) if is_open => part.place(self.hour),
            (Half::Open, None) if (1..=6).contains(&self.hour) => self.hour + 12,
            _ => self.hour,
        };
        let mut minutes = hour * 60 + self.minutes;
        if minutes < 0 {
            minutes += 12 * 60;
        }
        let is_next_day = minutes >= 24 * 60;
        let minutes = minutes % (24 * 60);
        let hour = i8::try_from(minutes / 60).ok()?;
        let minute = i8::try_from(minutes % 60).ok()?;
        Some((Time::new(hour, minute, 0, 0).ok()?, is_next_day))
    }
}

/// Reads a part of the day: `morning`, `in the morning`, `at night`.
pub(crate) fn part(words: &[Word]) -> Option<(Part, usize)> {
    let lead = begins(words, "in the")
        .or_else(|| begins(words, "at night").map(|_| 1))
        .unwrap_or(0);
    let part = match at(words, lead) {
        "morning" => Part::Morning,
        "noon" | "midday" if lead == 0 => Part::Noon,
        "afternoon" => Part::Afternoon,
        "evening" => Part::Evening,
        "night" => Part::Night,
        _ => return None,
    };
    Some((part, lead + 1))
}

/// Reads a part of the day that says more about a time, which noon does not.
pub(crate) fn part_after_time(words: &[Word]) -> Option<(Part, usize)> {
    part(words).filter(|(part, _)| *part != Part::Noon)
}

/// Whether `at` stood before a time, which lets a lone number be an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    At,
    Nothing,
}

/// Reads a time that says itself that it is one; after `at`, a lone hour too.
pub(crate) fn clock(words: &[Word], after: After) -> Option<(Clock, usize)> {
    named(words)
        .or_else(|| relative(words, after))
        .or_else(|| written(words))
        .or_else(|| spoken(words, after))
}

fn said(hour: i16, minutes: i16) -> Clock {
    Clock {
        hour,
        minutes,
        half: Half::Said,
    }
}

fn named(words: &[Word]) -> Option<(Clock, usize)> {
    match at(words, 0) {
        "noon" | "midday" => Some((said(12, 0), 1)),
        "midnight" => Some((said(24, 0), 1)),
        _ => None,
    }
}

/// `half past three`, `quarter to nine`, `ten minutes past noon`.
fn relative(words: &[Word], after: After) -> Option<(Clock, usize)> {
    let article = usize::from(at(words, 0) == "a");
    let (minutes, mut took) = match at(words, article) {
        "half" => (30, article + 1),
        "quarter" => (15, article + 1),
        _ => {
            let (minutes, took) = number(words)?;
            let unit = usize::from(matches!(at(words, took), "minutes" | "minute" | "min"));
            // `10 to 12` is more often a range.
            let is_range = at(words, took) == "to" && digits(at(words, 0)).is_some();
            if is_range && after == After::Nothing {
                return None;
            }
            (minutes, took + unit)
        }
    };
    let minutes = i16::try_from(minutes)
        .ok()
        .filter(|minutes| (1..=59).contains(minutes))?;
    let minutes = match at(words, took) {
        "past" => minutes,
        "to" | "before" if minutes != 30 => -minutes,
        _ => return None,
    };
    took += 1;
    let rest = from(words, took);
    if let Some((clock, more)) = named(rest) {
        return Some((Clock { minutes, ..clock }, took + more));
    }
    let (hour, more) = hour(rest, 12)?;
    let (clock, more) = with_half(hour, minutes, words, took + more, Half::Open)?;
    Some((clock, more))
}

/// `15:00`, `3:30pm`, `3.30 pm`, `3pm`, `15h`, `15h30`.
fn written(words: &[Word]) -> Option<(Clock, usize)> {
    let word = at(words, 0);
    let (body, half) = [("am", Some(false)), ("pm", Some(true))]
        .iter()
        .find_map(|(ending, half)| Some((word.strip_suffix(ending)?, *half)))
        .unwrap_or((word, None));
    let mut took = 1;
    let half = half.or_else(|| half_of_day(at(words, 1)).inspect(|_| took = 2));
    if let Some(is_pm) = half {
        let (hour, minute) = match body.split_once([':', '.']) {
            Some((hour, minute)) => (short(hour)?, two(minute)?),
            None => (short(body)?, 0),
        };
        return Some((said(twelve(hour, is_pm)?, minute), took));
    }
    if let Some((hour, minute)) = word.split_once('h') {
        let minute = if minute.is_empty() { 0 } else { two(minute)? };
        return on_24(short(hour)?, minute, Half::Said).map(|clock| (clock, 1));
    }
    let (hour, minute) = word.split_once(':')?;
    let half = if hour.len() == 1 {
        Half::Written
    } else {
        Half::Said
    };
    let half = if matches!(hour, "10" | "11" | "12") {
        Half::Written
    } else {
        half
    };
    on_24(short(hour)?, two(minute)?, half).map(|clock| (clock, 1))
}

/// `three thirty pm`, `3 o'clock`, and after `at` `three`, `15` or `three thirty`.
fn spoken(words: &[Word], after: After) -> Option<(Clock, usize)> {
    let (hour, mut took) = hour(words, 24)?;
    let mut minutes = 0;
    if let Some((value, more)) = spoken_minutes(from(words, took)) {
        let is_marked = half_of_day(at(words, took + more)).is_some();
        let is_spelled = digits(at(words, took)).is_none();
        if is_marked || (after == After::At && is_spelled) {
            minutes = value;
            took += more;
        }
    } else if at(words, took) == "oclock" {
        took += 1;
        return with_half(hour, 0, words, took, Half::Open);
    }
    let is_marked = half_of_day(at(words, took)).is_some()
        || (at(words, took) == "in" && part(from(words, took)).is_some());
    if after == After::Nothing && !is_marked {
        return None;
    }
    with_half(hour, minutes, words, took, Half::Open)
}

/// Ten to fifty-nine, or `oh five`.
fn spoken_minutes(words: &[Word]) -> Option<(i16, usize)> {
    if at(words, 0) == "oh" {
        let (value, took) = number(from(words, 1))?;
        return Some((
            i16::try_from(value).ok().filter(|value| *value < 10)?,
            took + 1,
        ));
    }
    let (value, took) = number(words)?;
    Some((
        i16::try_from(value)
            .ok()
            .filter(|value| (10..60).contains(value))?,
        took,
    ))
}

fn hour(words: &[Word], most: u32) -> Option<(i16, usize)> {
    // `at twenty one` is an hour; of `at ten thirty` only `ten` is.
    let (hour, took) = number(words)?;
    let hour = i16::try_from(hour).ok()?;
    (u32::try_from(hour).ok()? <= most && at(words, 0).len() <= 12).then_some((hour, took))
}

/// Adds am or pm, if it stands at `took`, to an hour.
fn with_half(
    hour: i16,
    minutes: i16,
    words: &[Word],
    took: usize,
    otherwise: Half,
) -> Option<(Clock, usize)> {
    match half_of_day(at(words, took)) {
        Some(is_pm) => {
            let hour = twelve(hour, is_pm)?;
            Some((said(hour, minutes), took + 1))
        }
        None => on_24(hour, minutes, otherwise).map(|clock| (clock, took)),
    }
}

/// Whether a word is `am` or `pm`, and then whether it is `pm`.
fn half_of_day(word: &str) -> Option<bool> {
    match word {
        "am" => Some(false),
        "pm" => Some(true),
        _ => None,
    }
}

fn twelve(hour: i16, is_pm: bool) -> Option<i16> {
    match (hour, is_pm) {
        (12, false) => Some(0),
        (12, true) => Some(12),
        (1..=11, _) => Some(hour + if is_pm { 12 } else { 0 }),
        _ => None,
    }
}

fn on_24(hour: i16, minutes: i16, half: Half) -> Option<Clock> {
    let is_time = (0..24).contains(&hour) || (hour == 24 && minutes == 0);
    is_time.then_some(Clock {
        hour,
        minutes,
        half,
    })
}

/// One or two digits.
fn short(word: &str) -> Option<i16> {
    let number = digits(word).filter(|_| word.len() <= 2)?;
    i16::try_from(number).ok()
}

/// Two digits below sixty.
fn two(word: &str) -> Option<i16> {
    short(word).filter(|minute| word.len() == 2 && *minute < 60)
}
