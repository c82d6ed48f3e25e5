use jiff::civil::{DateTime, date};
use proptest::prelude::*;

use super::*;
use crate::when::{Precision, local};

const ZONES: [&str; 2] = ["Europe/Berlin", "America/New_York"];

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(time: DateTime, zone: &TimeZone) -> Timestamp {
    When::moment(time, zone).unwrap().at
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn rule(text: &str) -> Rule {
    text.parse().unwrap()
}

#[test]
fn a_rule_is_read_as_people_say_it_and_written_in_one_way() {
    for (said, written) in [
        ("every monday 9:00", "every monday 09:00"),
        ("every monday at 9", "every monday 09:00"),
        ("Every Monday, at nine", "every monday 09:00"),
        ("every monday morning", "every monday 09:00"),
        ("every mon, wed, fri", "every monday, wednesday, friday"),
        (
            "every monday and thursday at 9:00",
            "every monday, thursday 09:00",
        ),
        ("every thursday & monday", "every monday, thursday"),
        ("every monday to friday at 8:30", "every weekday 08:30"),
        (
            "every friday to monday",
            "every monday, friday, saturday, sunday",
        ),
        ("every saturday and sunday", "every weekend"),
        ("every weekday 8:30", "every weekday 08:30"),
        ("every workday", "every weekday"),
        ("every weekend at noon", "every weekend 12:00"),
        ("every day", "every day"),
        ("every 1 day", "every day"),
        ("every day at 9am", "every day 09:00"),
        ("every day in the morning", "every day 09:00"),
        ("every day at midnight", "every day 00:00"),
        ("every day at quarter past seven pm", "every day 19:15"),
        ("every morning", "every day 09:00"),
        ("every morning at 8", "every day 08:00"),
        ("every afternoon", "every day 15:00"),
        ("every evening", "every day 18:00"),
        ("every evening at 8", "every day 20:00"),
        ("every night", "every day 21:00"),
        ("every sunday night", "every sunday 21:00"),
        ("every other day", "every 2 days"),
        ("every third day at 9am", "every 3 days 09:00"),
        ("every 1000 days", "every 1000 days"),
        ("every week", "every week"),
        ("every other week", "every 2 weeks"),
        ("every two weeks", "every 2 weeks"),
        ("every fortnight", "every 2 weeks"),
        ("every other monday", "every 2 weeks on monday"),
        (
            "every 2 weeks on thursday and monday at 9am",
            "every 2 weeks on monday, thursday 09:00",
        ),
        (
            "every week on mondays at three thirty pm",
            "every monday 15:30",
        ),
        ("every hour", "every hour"),
        ("every 3 hours", "every 3 hours"),
        ("every month", "every month"),
        ("every 3 months", "every 3 months"),
        ("every month on the 15th", "every month on the 15th"),
        ("every month on the first", "every month on the 1st"),
        ("every 15th", "every month on the 15th"),
        (
            "every 2nd of the month at noon",
            "every month on the 2nd 12:00",
        ),
        ("every month on the 31st", "every last day of month"),
        (
            "every last day of the month at 5pm",
            "every last day of month 17:00",
        ),
        (
            "every 2 months on the last day",
            "every 2 months on the last day",
        ),
        ("every 2 months on the 23rd", "every 2 months on the 23rd"),
        ("every year", "every year"),
        ("every year on 24 december", "every year on 24 december"),
        ("every 24 december", "every year on 24 december"),
        (
            "every december 24th at 6pm",
            "every year on 24 december 18:00",
        ),
        ("every 2 years on the 1st of may", "every 2 years on 1 may"),
        ("every 29 february", "every year on 29 february"),
        ("hourly", "every hour"),
        ("daily", "every day"),
        ("daily at 9", "every day 09:00"),
        ("weekly", "every week"),
        ("weekly on friday", "every friday"),
        ("fortnightly on monday", "every 2 weeks on monday"),
        ("monthly", "every month"),
        ("monthly on the 15th", "every month on the 15th"),
        ("yearly", "every year"),
        ("annually on 3 march", "every year on 3 march"),
    ] {
        let (rule, took) = Rule::read_prefix(&words(said)).unwrap();
        assert_eq!(took, words(said).len(), "{said:?}");
        assert_eq!(rule.to_string(), written, "{said:?}");
        assert_eq!(written.parse(), Ok(rule), "{written:?}");
    }
}

#[test]
fn a_rule_ends_before_the_first_word_that_is_no_part_of_it() {
    for (text, took) in [
        ("every monday 9:00 buy milk", 3),
        ("every monday 9 eggs", 2),
        ("every 3 hours at 9", 3),
        ("every day in the house", 2),
        ("every month on paper", 2),
        ("every week on and on", 2),
        ("daily standup", 1),
        ("every 24 december 2026", 3),
    ] {
        let read = Rule::read_prefix(&words(text));
        assert_eq!(read.map(|(_, took)| took), Some(took), "{text:?}");
    }
}

#[test]
fn what_is_no_rule_says_what_is_wrong_if_it_nearly_was_one() {
    let two_ways =
        "days such as the first friday of a month are not known; write every 2 weeks on friday";
    for (text, problem) in [
        ("every blursday", Some("did you mean every thursday?")),
        ("every mondy at 9", Some("did you mean every monday at 9?")),
        ("every oter week", Some("did you mean every other week?")),
        ("every second friday", Some(two_ways)),
        (
            "every 30 minutes",
            Some("the shortest rhythm is every hour"),
        ),
        ("every minute", Some("the shortest rhythm is every hour")),
        ("every half hour", Some("the shortest rhythm is every hour")),
        ("every 0 days", Some("the interval must be 1 to 1000")),
        ("every 1001 weeks", Some("the interval must be 1 to 1000")),
        ("every 600 fortnights", None),
        ("every year on 30 february", Some("February has 29 days")),
        ("every 31 april", Some("April has 30 days")),
        ("every file", None),
        ("every", None),
        ("", None),
        ("monday", None),
    ] {
        assert_eq!(Rule::read_prefix(&words(text)), None, "{text:?} was read");
        assert_eq!(Rule::nearly(&words(text)).as_deref(), problem, "{text:?}");
    }
}

#[test]
fn a_text_that_is_no_rule_is_refused_with_a_remedy() {
    let refusal = |text: &str| text.parse::<Rule>().unwrap_err().to_string();
    assert_eq!(
        refusal("every mondy"),
        "recurrence is not a rule: did you mean every monday?"
    );
    assert_eq!(
        refusal("every day or so"),
        "recurrence is not a rule; write it as every day, every monday 09:00 or every 2 weeks"
    );
}

/// Compares the first occasion after `start` and those after it, by the clocks there.
fn check(text: &str, name: &str, start: DateTime, expected: &[&str]) {
    let zone = zone(name);
    let mut when = rule(text).first(at(start, &zone), &zone);
    for expected in expected {
        assert_eq!(
            &when.show(&zone),
            expected,
            "{text:?} from {start} in {name}"
        );
        when = rule(text).next(when.at, &zone);
    }
}

#[test]
fn a_time_of_the_day_stays_what_it_is_across_a_clock_change() {
    for (name, day) in [
        ("Europe/Berlin", date(2026, 10, 24)),
        ("Europe/Berlin", date(2026, 3, 28)),
        ("America/New_York", date(2026, 10, 31)),
        ("America/New_York", date(2026, 3, 7)),
    ] {
        let zone = zone(name);
        let first = rule("every day 9:00").first(at(day.at(8, 0, 0, 0), &zone), &zone);
        let second = rule("every day 9:00").next(first.at, &zone);
        let hours = (second.at.as_millis() - first.at.as_millis()) / 3_600_000;
        assert_eq!(
            hours,
            if day.month() == 3 { 23 } else { 25 },
            "{day} in {name}"
        );
        assert_eq!(local(second.at, &zone).hour(), 9);
    }
}

#[test]
fn occasions_follow_one_another() {
    let tuesday = date(2026, 11, 24).at(10, 0, 0, 0);
    for name in ZONES {
        check(
            "every day",
            name,
            tuesday,
            &["Tue 24 Nov 2026", "Wed 25 Nov 2026"],
        );
        check(
            "every day 9:00",
            name,
            tuesday,
            &["Wed 25 Nov 2026, 09:00", "Thu 26 Nov 2026, 09:00"],
        );
        check(
            "every day 10:00",
            name,
            tuesday,
            &["Wed 25 Nov 2026, 10:00"],
        );
        check(
            "every weekday",
            name,
            date(2026, 11, 27).at(10, 0, 0, 0),
            &["Fri 27 Nov 2026", "Mon 30 Nov 2026"],
        );
        check(
            "every 3 days",
            name,
            tuesday,
            &["Tue 24 Nov 2026", "Fri 27 Nov 2026", "Mon 30 Nov 2026"],
        );
        check(
            "every 2 weeks",
            name,
            tuesday,
            &["Tue 24 Nov 2026", "Tue 8 Dec 2026"],
        );
        check(
            "every monday, thursday 09:00",
            name,
            tuesday,
            &[
                "Thu 26 Nov 2026, 09:00",
                "Mon 30 Nov 2026, 09:00",
                "Thu 3 Dec 2026, 09:00",
            ],
        );
        check(
            "every 2 weeks on monday, thursday",
            name,
            tuesday,
            &[
                "Thu 26 Nov 2026",
                "Mon 7 Dec 2026",
                "Thu 10 Dec 2026",
                "Mon 21 Dec 2026",
            ],
        );
        check(
            "every 5 hours",
            name,
            tuesday,
            &["Tue 24 Nov 2026, 15:00", "Tue 24 Nov 2026, 20:00"],
        );
        check(
            "every last day of month",
            name,
            date(2027, 1, 30).at(0, 0, 0, 0),
            &["Sun 31 Jan 2027", "Sun 28 Feb 2027", "Wed 31 Mar 2027"],
        );
        check(
            "every month on the 30th",
            name,
            date(2028, 1, 31).at(0, 0, 0, 0),
            &["Tue 29 Feb 2028", "Thu 30 Mar 2028"],
        );
        check(
            "every 3 months on the 31st",
            name,
            tuesday,
            &["Mon 30 Nov 2026", "Sun 28 Feb 2027", "Mon 31 May 2027"],
        );
        check(
            "every year on 29 february",
            name,
            tuesday,
            &["Sun 28 Feb 2027", "Tue 29 Feb 2028"],
        );
        check(
            "every 2 years on 1 march",
            name,
            tuesday,
            &["Mon 1 Mar 2027", "Thu 1 Mar 2029"],
        );
    }
}

#[test]
fn a_skipped_time_moves_on_and_comes_back_the_next_day() {
    check(
        "every day 2:30",
        "Europe/Berlin",
        date(2026, 3, 28).at(0, 0, 0, 0),
        &[
            "Sat 28 Mar 2026, 02:30",
            "Sun 29 Mar 2026, 03:30",
            "Mon 30 Mar 2026, 02:30",
        ],
    );
    check(
        "every day 2:30",
        "America/New_York",
        date(2026, 3, 7).at(0, 0, 0, 0),
        &[
            "Sat 7 Mar 2026, 02:30",
            "Sun 8 Mar 2026, 03:30",
            "Mon 9 Mar 2026, 02:30",
        ],
    );
    // In Nuuk the clocks went from 23:00 to midnight: the day keeps its occasion.
    check(
        "every 2 days 23:30",
        "America/Nuuk",
        date(2026, 3, 28).at(0, 0, 0, 0),
        &["Sat 28 Mar 2026, 22:30", "Mon 30 Mar 2026, 23:30"],
    );
}

#[test]
fn a_doubled_time_comes_once() {
    check(
        "every day 2:30",
        "Europe/Berlin",
        date(2026, 10, 24).at(12, 0, 0, 0),
        &["Sun 25 Oct 2026, 02:30", "Mon 26 Oct 2026, 02:30"],
    );
}

#[test]
fn years_of_sleep_are_caught_up_at_once() {
    let zone = zone("Europe/Berlin");
    let last = at(date(1971, 1, 4).at(9, 0, 0, 0), &zone);
    let now = at(date(2026, 11, 24).at(10, 0, 0, 0), &zone);
    for (text, shown, passed) in [
        ("every hour", "Tue 24 Nov 2026, 11:00", 489_913),
        ("every day 9:00", "Wed 25 Nov 2026, 09:00", 20_413),
        ("every monday 9:00", "Mon 30 Nov 2026, 09:00", 2_916),
        ("every month on the 4th 9:00", "Fri 4 Dec 2026, 09:00", 670),
        ("every year 9:00", "Mon 4 Jan 2027, 09:00", 55),
    ] {
        let (when, count) = rule(text).catch_up(last, now, &zone);
        assert_eq!(
            (when.show(&zone).as_str(), count),
            (shown, passed),
            "{text:?}"
        );
    }
}

#[test]
fn after_the_year_9999_nothing_comes() {
    let zone = zone("Europe/Berlin");
    let end = Timestamp::from_millis(i64::MAX);
    for text in [
        "every hour",
        "every day",
        "every 1000 weeks",
        "every month",
        "every year on 1 may 9:00",
    ] {
        assert_eq!(rule(text).next(end, &zone).at, end, "{text:?}");
        assert_eq!(
            rule(text)
                .catch_up(Timestamp::from_millis(0), end, &zone)
                .0
                .at,
            end,
            "{text:?}"
        );
    }
}

fn any_rule(longest: u16) -> impl Strategy<Value = Rule> {
    let interval = prop_oneof![Just(1u16), 1u16..=5, 1..=longest];
    let day = prop::option::of(1i8..=31);
    let date = prop::option::of((1i8..=12, 1i8..=29));
    let rhythm =
        (0..5, interval, 0u8..128, day, date).prop_map(|(unit, interval, days, day, date)| {
            match unit {
                0 => Rhythm::Hours(interval),
                1 => Rhythm::Days(interval),
                2 => {
                    let all =
                        Weekdays::range(jiff::civil::Weekday::Monday, jiff::civil::Weekday::Sunday);
                    let days = all
                        .days()
                        .enumerate()
                        .filter(|(index, _)| days & (1 << index) != 0);
                    Rhythm::Weeks(
                        interval,
                        days.fold(Weekdays::default(), |set, (_, day)| set.with(day)),
                    )
                }
                3 => Rhythm::Months(interval, day),
                _ => Rhythm::Years(interval, date),
            }
        });
    let time = prop::option::of((0i8..24, 0i8..60));
    (rhythm, time).prop_map(|(rhythm, time)| Rule {
        rhythm,
        time: time
            .filter(|_| !matches!(rhythm, Rhythm::Hours(_)))
            .map(|(hour, minute)| Time::constant(hour, minute, 0, 0)),
    })
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    prop::sample::select(
        &[
            "Europe/Berlin",
            "America/New_York",
            "America/Nuuk",
            "Asia/Beirut",
            "UTC",
        ][..],
    )
    .prop_map(zone)
}

/// From 1990 to 2080, in milliseconds.
fn any_moment() -> impl Strategy<Value = i64> {
    631_152_000_000i64..3_471_292_800_000
}

proptest! {
    #[test]
    fn what_is_written_reads_back(rule in any_rule(INTERVAL_MAX)) {
        prop_assert_eq!(rule.to_string().parse(), Ok(rule));
    }

    #[test]
    fn every_occasion_is_later_than_the_one_before(rule in any_rule(100), zone in any_zone(), start in any_moment()) {
        let start = Timestamp::from_millis(start);
        let mut last = start;
        let mut when = rule.first(start, &zone);
        for _ in 0..20 {
            prop_assert!(when.at > last);
            let is_day = rule.time.is_none() && !matches!(rule.rhythm, Rhythm::Hours(_));
            prop_assert_eq!(when.precision == Precision::Day, is_day);
            last = when.at;
            when = rule.next(last, &zone);
        }
        prop_assert!(rule.next(start, &zone).at > start);
    }

    #[test]
    fn catching_up_is_the_same_as_going_through_every_occasion(
        rule in any_rule(100),
        zone in any_zone(),
        last in any_moment(),
        steps in 0u64..60,
        more in 0i64..100_000_000,
    ) {
        let last = Timestamp::from_millis(last);
        let mut now = last;
        for _ in 0..steps {
            now = rule.next(now, &zone).at;
        }
        let now = Timestamp::from_millis(now.as_millis() + more);

        let mut when = rule.next(last, &zone);
        let mut passed = 0;
        while when.at <= now {
            when = rule.next(when.at, &zone);
            passed += 1;
        }
        prop_assert_eq!(rule.catch_up(last, now, &zone), (when, passed));
    }

    #[test]
    fn any_words_are_read_without_a_panic(
        text in r"(\PC{0,6} ?|(every|other|on|the|and|of|last|day|days|weeks|months|year|monday|fri|weekday|3|15th|december|at|9|9:00|morning|1000|twenty|second|half|hour) ){0,16}",
    ) {
        let words = words(&text);
        if let Some((rule, took)) = Rule::read_prefix(&words) {
            prop_assert!((1..=words.len()).contains(&took));
            prop_assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        Rule::nearly(&words);
    }
}
