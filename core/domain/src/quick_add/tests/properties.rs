//! What holds for any line.

use proptest::prelude::*;

use super::*;
use crate::when::Precision;

/// Pieces that titles and lines are made of: text, and whatever the grammar looks for.
const PIECES: [&str; 90] = [
    "Buy",
    "milk",
    "a",
    "the",
    "and",
    "to",
    "x",
    "3",
    "12",
    "twenty",
    "one",
    "first",
    "27th",
    "3kg",
    "@",
    "@web",
    "@\"",
    "#",
    "#a",
    "#12",
    "#\"",
    "!",
    "!high",
    "!hgih",
    "!1",
    "~",
    "~1h",
    "~x",
    "\"",
    "\"a",
    "b\"",
    "\\",
    "\\\"",
    "\u{201c}",
    "\u{201d}",
    "\u{201e}x",
    "project:",
    "project:web",
    "project",
    "due",
    "due:",
    "due friday",
    "every",
    "every day",
    "every monday",
    "monday",
    "friday",
    "daily",
    "weekly",
    "at",
    "9:00",
    "3pm",
    "pm",
    "noon",
    "by",
    "on",
    "in",
    "until",
    "before",
    "tomorrow",
    "today",
    "tonight",
    "yesterday",
    "next",
    "this",
    "week",
    "weekend",
    "2",
    "days",
    "end of month",
    "2026-11-27",
    "27.11.",
    "nov",
    "after",
    "task",
    "number",
    "for",
    "me",
    "seed",
    "high",
    "priority",
    "with",
    "labelled",
    "tagged",
    "\u{1f525}",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{202e}x",
    "\u{3000}",
    ",",
    ".",
];

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => r"\PC{0,5}",
    ];
    let blank = prop::sample::select(&[" ", " ", " ", " ", "", ",", "  "][..]);
    prop::collection::vec((piece, blank), 1..12).prop_map(|pieces| {
        pieces
            .into_iter()
            .flat_map(|(piece, blank)| [piece, blank.to_owned()])
            .collect()
    })
}

/// A title as [`crate::field::Title`] keeps it.
fn title() -> impl Strategy<Value = String> {
    pieces().prop_filter_map("not a title", |text| {
        text.parse::<crate::field::Title>().ok().map(String::from)
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![r"[a-zA-Z0-9._ -]{1,12}", r"\PC{1,12}", pieces()]
        .prop_filter_map("not a name", |text| {
            text.parse::<crate::field::Name>().ok().map(String::from)
        })
}

fn label() -> impl Strategy<Value = Label> {
    prop_oneof![r"[a-zA-Z0-9_-]{1,8}", r"[0-9]{1,3}", r"\PC{1,6}"]
        .prop_filter_map("not a label", |text: String| text.parse().ok())
}

fn agent() -> impl Strategy<Value = AgentName> {
    r"(owner|me|seed|[a-zA-Z0-9][a-zA-Z0-9._-]{0,8})".prop_map(|name| name.parse().unwrap())
}

/// After 2026, to the minute or the day.
fn due() -> impl Strategy<Value = When> {
    (1_830_000_000i64..5_000_000_000, any::<bool>()).prop_map(|(seconds, is_day)| {
        let at = Timestamp::from_millis(seconds / 60 * 60_000);
        if is_day {
            When::day(crate::when::local(at, &berlin()).date(), &berlin()).unwrap()
        } else {
            When {
                at,
                precision: Precision::Minute,
            }
        }
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    prop::sample::select(
        &[
            "every hour",
            "every 3 days",
            "every day 09:00",
            "every week",
            "every weekday 08:30",
            "every monday, thursday",
            "every 2 weeks on friday 00:00",
            "every last day of month",
            "every month on the 2nd",
            "every year on 24 december 18:00",
            "every 1000 years",
        ][..],
    )
    .prop_map(|rule| rule.parse().unwrap())
}

fn line() -> impl Strategy<Value = Line> {
    let option = prop::option::of::<BoxedStrategy<Priority>>;
    (
        title(),
        prop::option::of(name()),
        prop::collection::hash_set(label(), 0..4),
        option(prop::sample::select(&Priority::ALL[..]).boxed()),
        prop::option::of(due()),
        prop::option::of(rule()),
        prop::collection::hash_set(1..i64::MAX, 0..4),
        prop::option::of(agent()),
        prop::option::of(1..=u32::MAX),
    )
        .prop_map(
            |(
                title,
                project,
                labels,
                priority,
                due,
                recurrence,
                after,
                assigned_to,
                estimate_minutes,
            )| Line {
                title,
                project,
                labels: labels.into_iter().collect(),
                priority,
                due,
                recurrence,
                after: after.into_iter().collect(),
                assigned_to,
                estimate_minutes,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_line_that_is_written_reads_back_without_a_doubt(line in line()) {
        let zone = berlin();
        let now = Timestamp::from_millis(1_795_510_800_000);
        let projects: Vec<String> = line.project.iter().cloned().chain(["web".into()]).collect();
        let agents: Vec<String> = line.assigned_to.iter().map(ToString::to_string).chain(["seed".into()]).collect();
        let known = Known { projects: &projects, agents: &agents, now, zone: &zone };

        let written = render(&line, &zone);

        let parsed = parse(&written, &known);
        prop_assert_eq!(parsed.doubts, vec![], "{}", written);
        prop_assert_eq!(parsed.line, line, "{}", written);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in prop_oneof![r"(?s).{0,60}", pieces()]) {
        let parsed = read(&text);

        let title = &parsed.line.title;
        prop_assert!(!title.contains(char::is_control));
        prop_assert_eq!(title.trim(), title);
        for doubt in &parsed.doubts {
            prop_assert!(!doubt.problem.is_empty());
        }
        describe(&parsed.line, &berlin());
        prop_assert_eq!(read(&render(&parsed.line, &berlin())).line, parsed.line);
    }
}
