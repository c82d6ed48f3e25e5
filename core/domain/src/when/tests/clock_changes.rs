//! Phrases whose result lies at or behind a change of the clocks, in UTC.

use super::*;

/// Reads each phrase at 10:00 on a day and compares the moment in UTC.
fn check(name: &str, today: civil::Date, rows: &[(&str, &str)]) {
    let zone = zone(name);
    let now = local_time(today.at(10, 0, 0, 0), &zone);
    for (phrase, expected) in rows {
        let when = read(phrase, now, &zone).unwrap();
        let shown = when.at.to_string();
        let expected = format!("{expected}.000Z");
        assert_eq!(shown, expected, "{phrase:?} on {today} in {name}");
    }
}

#[test]
fn in_berlin_when_summer_ends() {
    check(
        "Europe/Berlin",
        date(2026, 10, 24),
        &[
            ("today", "2026-10-24T21:59:59"),
            ("tomorrow", "2026-10-25T22:59:59"),
            ("tomorrow at 9am", "2026-10-25T08:00:00"),
            ("tomorrow 1:59", "2026-10-24T23:59:00"),
            ("tomorrow 2:30", "2026-10-25T00:30:00"),
            ("tomorrow 3:00", "2026-10-25T02:00:00"),
            ("2026-10-25T02:30+01:00", "2026-10-25T01:30:00"),
            ("midnight", "2026-10-24T22:00:00"),
            ("tomorrow midnight", "2026-10-25T23:00:00"),
            ("in 24 hours", "2026-10-25T08:00:00"),
            ("in 1 day at 10:00", "2026-10-25T09:00:00"),
            ("next week", "2026-10-26T22:59:59"),
            ("end of month", "2026-10-31T22:59:59"),
        ],
    );
}

#[test]
fn in_berlin_when_summer_begins() {
    check(
        "Europe/Berlin",
        date(2026, 3, 28),
        &[
            ("today", "2026-03-28T22:59:59"),
            ("tomorrow", "2026-03-29T21:59:59"),
            ("tomorrow 1:59", "2026-03-29T00:59:00"),
            ("tomorrow 2:00", "2026-03-29T01:00:00"),
            ("tomorrow 2:30", "2026-03-29T01:30:00"),
            ("tomorrow 3:00", "2026-03-29T01:00:00"),
            ("tomorrow at noon", "2026-03-29T10:00:00"),
            ("in 24 hours", "2026-03-29T09:00:00"),
            ("sunday 9am", "2026-03-29T07:00:00"),
            ("monday 9am", "2026-03-30T07:00:00"),
            ("end of month", "2026-03-31T21:59:59"),
        ],
    );
}

#[test]
fn in_new_york_when_summer_ends() {
    check(
        "America/New_York",
        date(2026, 10, 24),
        &[
            ("today", "2026-10-25T03:59:59"),
            ("in 8 days at 9am", "2026-11-01T14:00:00"),
            ("next week sunday", "2026-11-02T04:59:59"),
            ("1 nov 1:30", "2026-11-01T05:30:00"),
            ("2026-11-01T01:30-05:00", "2026-11-01T06:30:00"),
            ("1 nov 2:00", "2026-11-01T07:00:00"),
            ("end of month", "2026-11-01T03:59:59"),
        ],
    );
}

#[test]
fn in_new_york_when_summer_begins() {
    check(
        "America/New_York",
        date(2026, 3, 7),
        &[
            ("today", "2026-03-08T04:59:59"),
            ("tomorrow", "2026-03-09T03:59:59"),
            ("tomorrow 2:30", "2026-03-08T07:30:00"),
            ("tomorrow 3:30", "2026-03-08T07:30:00"),
            ("in 24 hours", "2026-03-08T15:00:00"),
            ("in 1 day at 10am", "2026-03-08T14:00:00"),
        ],
    );
}

#[test]
fn a_day_whose_last_hour_is_taken_away_ends_before_it() {
    // In Nuuk the clocks went from 23:00 to midnight.
    let nuuk = zone("America/Nuuk");
    let saturday = date(2026, 3, 28);

    let when = When::day(saturday, &nuuk).unwrap();

    assert_eq!(local(when.at, &nuuk).datetime(), saturday.at(22, 59, 59, 0));
    assert_eq!(When::of_due(when.at, &nuuk), when);
    assert_eq!(when.to_line(&nuuk), "2026-03-28");
}

#[test]
fn the_second_of_two_times_that_look_the_same_is_written_with_its_offset() {
    let zone = zone("Europe/Berlin");
    let first = read("2026-10-25 02:30", now(&zone), &zone).unwrap();
    let second = When::of_due(
        Timestamp::from_millis(first.at.as_millis() + 3_600_000),
        &zone,
    );

    assert_eq!(first.to_line(&zone), "2026-10-25 02:30");
    assert_eq!(second.to_line(&zone), "2026-10-25T02:30+01:00");
    assert_eq!(
        read(&second.to_line(&zone), now(&zone), &zone),
        Some(second)
    );
}
