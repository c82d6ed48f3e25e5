use jiff::civil::date;
use proptest::prelude::*;

use super::*;

mod clock_changes;
mod phrases;

const ZONES: [&str; 2] = ["Europe/Berlin", "America/New_York"];

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// When the clocks in `zone` show 10:00 on Tuesday 24 November 2026.
fn now(zone: &TimeZone) -> Timestamp {
    local_time(date(2026, 11, 24).at(10, 0, 0, 0), zone)
}

fn local_time(at: civil::DateTime, zone: &TimeZone) -> Timestamp {
    When::moment(at, zone).unwrap().at
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn phrases_mean_the_same_on_the_clocks_of_every_zone() {
    for name in ZONES {
        let zone = zone(name);
        for row in phrases::READ.lines() {
            let (phrase, expected) = row.split_once('|').unwrap();
            let (phrase, expected) = (phrase.trim(), expected.trim());
            let when = read(phrase, now(&zone), &zone);
            let shown = when.map(|when| when.show(&zone));
            assert_eq!(shown.as_deref(), Some(expected), "{phrase:?} in {name}");
        }
    }
}

#[test]
fn what_is_no_date_is_not_read() {
    let zone = zone("Europe/Berlin");
    for phrase in phrases::NOT_READ {
        assert_eq!(read(phrase, now(&zone), &zone), None, "{phrase:?} was read");
    }
}

#[test]
fn what_was_read_is_written_so_that_it_reads_back() {
    for name in ZONES {
        let zone = zone(name);
        for row in phrases::READ.lines() {
            let phrase = row.split('|').next().unwrap();
            let when = read(phrase, now(&zone), &zone).unwrap();
            assert_eq!(read(&when.to_line(&zone), now(&zone), &zone), Some(when));
            assert_eq!(read(&when.show(&zone), now(&zone), &zone), Some(when));
            assert_eq!(When::of_due(when.at, &zone), when);
        }
    }
}

#[test]
fn a_phrase_ends_before_the_first_word_that_is_no_part_of_it() {
    let zone = zone("Europe/Berlin");
    for (text, took, shown) in [
        ("friday buy milk", 1, "Fri 27 Nov 2026"),
        ("friday at 3pm buy milk", 3, "Fri 27 Nov 2026, 15:00"),
        ("friday at the office", 1, "Fri 27 Nov 2026"),
        ("by tomorrow with eggs", 2, "Wed 25 Nov 2026"),
        ("27 nov 15 people", 2, "Fri 27 Nov 2026"),
        ("friday 10 to 12 people", 1, "Fri 27 Nov 2026"),
        ("next week of work", 2, "Mon 30 Nov 2026"),
        ("in 3 days and more", 3, "Fri 27 Nov 2026"),
        ("tomorrow in the house", 1, "Wed 25 Nov 2026"),
        ("friday 28 november", 0, ""),
    ] {
        let read = read_prefix(&words(text), now(&zone), &zone);
        let expected = (took > 0).then(|| (shown.to_owned(), took));
        assert_eq!(
            read.map(|(when, took)| (when.show(&zone), took)),
            expected,
            "{text:?}"
        );
    }
}

#[test]
fn an_offset_is_kept_and_shown_on_the_clocks_here() {
    let zone = zone("Europe/Berlin");
    for (phrase, shown) in [
        ("2026-11-27T15:00Z", "Fri 27 Nov 2026, 16:00"),
        ("2026-11-27T15:00:00.000+01:00", "Fri 27 Nov 2026, 15:00"),
        ("2026-11-27T15:00:00-05:00", "Fri 27 Nov 2026, 21:00"),
        ("2026-11-27T23:30-0500", "Sat 28 Nov 2026, 05:30"),
    ] {
        let when = read(phrase, now(&zone), &zone).unwrap();
        assert_eq!(when.show(&zone), shown, "{phrase:?}");
    }
}

#[test]
fn words_that_are_nearly_a_date_say_what_is_wrong() {
    let zone = zone("Europe/Berlin");
    for (text, problem) in [
        ("fryday", "did you mean friday?"),
        ("wensday", "did you mean wednesday?"),
        ("by tomorow", "did you mean by tomorrow?"),
        ("nxt friday", "did you mean next friday?"),
        ("next fryday at noon", "did you mean next friday at noon?"),
        ("end of mnth", "did you mean end of month?"),
        ("27 novembr", "did you mean 27 november?"),
        ("2026-02-30", "February 2026 has 28 days"),
        ("2028-02-30", "February 2028 has 29 days"),
        ("2026-13-01", "there is no month 13"),
        ("31 february", "February has 29 days"),
        ("30 february 2027", "February 2027 has 28 days"),
        ("november 31", "November has 30 days"),
        ("31.11.", "November has 30 days"),
        (
            "11/12/2026",
            "11/12/2026 can be read two ways; write 2026-12-11 or 2026-11-12",
        ),
        ("27.11", "if 27.11 is a date, write 27 November"),
        ("27/11", "if 27/11 is a date, write 27 November"),
        ("12/31", "if 12/31 is a date, write 31 December"),
        ("friday 28 november", "2026-11-28 is a saturday"),
    ] {
        let said = nearly(&words(text), now(&zone), &zone);
        assert_eq!(said.as_deref(), Some(problem), "{text:?}");
    }
    for text in ["", "milk", "every", "the house", "mom", "2026", "🔥"] {
        assert_eq!(nearly(&words(text), now(&zone), &zone), None, "{text:?}");
    }
}

#[test]
fn on_the_last_days_of_the_week_the_weekend_is_the_one_at_hand() {
    let zone = zone("Europe/Berlin");
    for (day, phrase, shown) in [
        (27, "friday", "Fri 4 Dec 2026"),
        (27, "this friday", "Fri 27 Nov 2026"),
        (27, "next friday", "Fri 4 Dec 2026"),
        (28, "weekend", "Sat 28 Nov 2026"),
        (28, "next weekend", "Sat 5 Dec 2026"),
        (29, "this weekend", "Sun 29 Nov 2026"),
        (29, "next weekend", "Sat 5 Dec 2026"),
        (29, "next week", "Mon 30 Nov 2026"),
        (29, "end of week", "Sun 29 Nov 2026"),
        (29, "monday", "Mon 30 Nov 2026"),
        (30, "next monday", "Mon 7 Dec 2026"),
    ] {
        let now = local_time(date(2026, 11, day).at(10, 0, 0, 0), &zone);
        let when = read(phrase, now, &zone).unwrap();
        assert_eq!(when.show(&zone), shown, "{phrase:?} on the {day}th");
    }
}

#[test]
fn a_date_past_the_end_of_the_calendar_is_not_read() {
    let zone = zone("Europe/Berlin");
    let end = Timestamp::from_millis(i64::MAX);
    for phrase in [
        "tomorrow",
        "in 3 years",
        "next friday",
        "in 9999 hours",
        "the 31st",
        "29 february",
    ] {
        assert_eq!(read(phrase, end, &zone), None, "{phrase:?} was read");
    }
    assert_eq!(When::day(date(1969, 12, 31), &zone), None);
    assert!(!When::of_due(end, &zone).show(&zone).is_empty());
}

proptest! {
    #[test]
    fn any_moment_is_written_so_that_it_reads_back(
        minutes in 0i64..80_000_000,
        is_day: bool,
        name in prop::sample::select(&ZONES[..]),
    ) {
        let zone = zone(name);
        let at = Timestamp::from_millis(minutes * 60_000);
        let when = if is_day {
            When::day(local(at, &zone).date(), &zone).unwrap()
        } else {
            When { at, precision: Precision::Minute }
        };
        prop_assert_eq!(read(&when.to_line(&zone), now(&zone), &zone), Some(when));
        prop_assert_eq!(When::of_due(when.at, &zone), when);
    }

    #[test]
    fn any_words_at_any_time_are_read_without_a_panic(
        text in r"(\PC{0,6} ?|(in|at|by|the|of|next|end|half|past|to|a|and|3|27|27th|99|9999|twenty|one|friday|nov|week|days|hours|pm|noon|morning|2026-11-27|27\.11\.|tomorrow|from|now|after) ){0,16}",
        millis in 0i64..=253_402_300_799_999,
        name in prop::sample::select(&["Europe/Berlin", "America/Nuuk", "Pacific/Apia", "UTC"][..]),
    ) {
        let zone = zone(name);
        let now = Timestamp::from_millis(millis);
        let words: Vec<&str> = text.split_whitespace().collect();
        if let Some((when, took)) = read_prefix(&words, now, &zone) {
            prop_assert!((1..=words.len()).contains(&took));
            when.show(&zone);
            when.to_line(&zone);
        }
        read(&text, now, &zone);
        nearly(&words, now, &zone);
    }
}
