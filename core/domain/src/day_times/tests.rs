use jiff::civil::time;
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// A moment by the clock on the wall, with the offset that is meant.
fn at(text: &str) -> Timestamp {
    let moment: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(moment.as_millisecond())
}

fn quiet(from: Time, until: Time) -> QuietHours {
    QuietHours::new(from, until).unwrap()
}

#[test]
fn quiet_hours_reach_across_midnight() {
    let night = quiet(time(22, 0, 0, 0), time(7, 0, 0, 0));
    let berlin = zone("Europe/Berlin");
    for (moment, is_quiet) in [
        ("2026-11-24T21:59:59+01:00", false),
        ("2026-11-24T22:00:00+01:00", true),
        ("2026-11-25T00:00:00+01:00", true),
        ("2026-11-25T06:59:59+01:00", true),
        ("2026-11-25T07:00:00+01:00", false),
        // The same clock in another zone is another moment.
        ("2026-11-24T22:00:00-05:00", true),
        ("2026-11-24T22:00:00-08:00", false),
    ] {
        assert_eq!(night.is_quiet(at(moment), &berlin), is_quiet, "{moment}");
    }
    let end = |moment| night.end(at(moment), &berlin);
    assert_eq!(
        end("2026-11-24T23:00:00+01:00"),
        Some(at("2026-11-25T07:00:00+01:00"))
    );
    assert_eq!(
        end("2026-11-25T01:00:00+01:00"),
        Some(at("2026-11-25T07:00:00+01:00"))
    );
    assert_eq!(end("2026-11-25T12:00:00+01:00"), None);
}

#[test]
fn quiet_hours_may_lie_within_a_day_and_need_not_be() {
    let nap = quiet(time(13, 0, 0, 0), time(14, 30, 0, 0));
    let utc = TimeZone::UTC;

    assert!(nap.is_quiet(at("2026-11-24T13:00:00Z"), &utc));
    assert!(!nap.is_quiet(at("2026-11-24T14:30:00Z"), &utc));
    assert!(!nap.is_quiet(at("2026-11-24T02:00:00Z"), &utc));
    assert_eq!(
        nap.end(at("2026-11-24T13:10:00Z"), &utc),
        Some(at("2026-11-24T14:30:00Z"))
    );
    assert_eq!(QuietHours::new(time(8, 0, 0, 0), time(8, 0, 0, 0)), None);
}

#[test]
fn quiet_hours_end_by_the_clock_when_it_is_put_on_or_back() {
    let berlin = zone("Europe/Berlin");
    let night = quiet(time(22, 0, 0, 0), time(7, 0, 0, 0));
    // The night in which the clock is put on is an hour shorter, the other an hour longer.
    assert_eq!(
        night.end(at("2026-03-28T22:00:00+01:00"), &berlin),
        Some(at("2026-03-29T07:00:00+02:00"))
    );
    assert_eq!(
        night.end(at("2026-10-24T22:00:00+02:00"), &berlin),
        Some(at("2026-10-25T07:00:00+01:00"))
    );

    // At half past two the clock is nowhere in one night, and twice there in the other.
    let early = quiet(time(22, 0, 0, 0), time(2, 30, 0, 0));
    assert_eq!(
        early.end(at("2026-03-29T01:30:00+01:00"), &berlin),
        Some(at("2026-03-29T03:30:00+02:00"))
    );
    assert_eq!(
        early.end(at("2026-10-25T02:10:00+02:00"), &berlin),
        Some(at("2026-10-25T02:30:00+02:00"))
    );
    assert_eq!(
        early.end(at("2026-10-25T02:10:00+01:00"), &berlin),
        Some(at("2026-10-25T02:30:00+01:00"))
    );
}

#[test]
fn a_morning_is_told_from_its_time_until_noon() {
    let berlin = zone("Europe/Berlin");
    let morning = |moment| Morning::of_day(time(8, 0, 0, 0), at(moment), &berlin).unwrap();
    let due = |moment| morning(moment).is_due(at(moment));

    assert!(!due("2026-11-24T07:59:59+01:00"));
    assert!(due("2026-11-24T08:00:00+01:00"));
    assert!(due("2026-11-24T11:59:59+01:00"));
    assert!(!due("2026-11-24T12:00:00+01:00"));
    let today = morning("2026-11-24T08:00:00+01:00");
    assert_eq!(today.about(), "morning:2026-11-24");
    assert_eq!(today.since, at("2026-11-23T08:00:00+01:00"));
    assert_eq!(
        today.day,
        (
            at("2026-11-24T00:00:00+01:00"),
            at("2026-11-25T00:00:00+01:00")
        )
    );
    // The day is the person's: in Berlin it is tomorrow already.
    assert_eq!(
        morning("2026-11-24T23:30:00Z").about(),
        "morning:2026-11-25"
    );
}

#[test]
fn who_has_the_morning_after_noon_is_told_until_midnight() {
    let late = Morning::of_day(
        time(14, 0, 0, 0),
        at("2026-11-24T15:00:00Z"),
        &TimeZone::UTC,
    );
    let late = late.unwrap();

    assert!(late.is_due(at("2026-11-24T23:59:59Z")));
    assert!(!late.is_due(at("2026-11-24T13:00:00Z")));
}

#[test]
fn the_next_morning_is_todays_or_tomorrows_whatever_the_clock_does() {
    let berlin = zone("Europe/Berlin");
    let next = |moment| next_morning(time(8, 0, 0, 0), at(moment), &berlin);
    assert_eq!(
        next("2026-11-24T07:00:00+01:00"),
        Some(at("2026-11-24T08:00:00+01:00"))
    );
    assert_eq!(
        next("2026-11-24T08:00:00+01:00"),
        Some(at("2026-11-25T08:00:00+01:00"))
    );
    assert_eq!(
        next("2026-03-28T09:00:00+01:00"),
        Some(at("2026-03-29T08:00:00+02:00"))
    );

    let left_out = next_morning(time(2, 30, 0, 0), at("2026-03-29T01:00:00+01:00"), &berlin);
    assert_eq!(left_out, Some(at("2026-03-29T03:30:00+02:00")));
}

fn any_time() -> impl Strategy<Value = Time> {
    (0_i8..24, 0_i8..60).prop_map(|(hour, minute)| time(hour, minute, 0, 0))
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    let names = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
    ];
    proptest::sample::select(names.to_vec()).prop_map(zone)
}

proptest! {
    /// Looked at every quarter of an hour over a year, no day has two mornings, and the sweep that
    /// wakes at the next one misses none.
    #[test]
    fn every_day_has_one_morning(time in any_time(), zone in any_zone(), start in 0_i64..365) {
        let mut moment = Timestamp::from_millis(1_767_225_600_000 + start * 86_400_000);
        for _ in 0..20 {
            let next = next_morning(time, moment, &zone).unwrap();
            prop_assert!(next > moment);
            let morning = Morning::of_day(time, next, &zone).unwrap();
            prop_assert!(morning.is_due(next), "{:?} at {}", morning, next);
            let after = next_morning(time, next, &zone).unwrap();
            let of_after = Morning::of_day(time, after, &zone).unwrap();
            prop_assert_eq!(of_after.date, morning.date.tomorrow().unwrap());
            moment = next;
        }
    }

    #[test]
    fn quiet_hours_end_when_they_say(
        from in any_time(),
        until in any_time(),
        zone in any_zone(),
        minutes in 0_i64..525_600,
    ) {
        let moment = Timestamp::from_millis(1_767_225_600_000 + minutes * 60_000);
        let Some(hours) = QuietHours::new(from, until) else {
            return Ok(());
        };
        match hours.end(moment, &zone) {
            None => prop_assert!(!hours.is_quiet(moment, &zone)),
            Some(end) => {
                prop_assert!(hours.is_quiet(moment, &zone));
                prop_assert!(end > moment);
                // No longer than a day, and an hour that the clock may be put back.
                prop_assert!(end.since(moment) <= std::time::Duration::from_hours(25));
            }
        }
    }
}
