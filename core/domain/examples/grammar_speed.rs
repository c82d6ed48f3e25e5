//! Prints how long the quick line's grammar takes, in milliseconds for 1000 characters.

use std::time::Instant;

use hearth_domain::Timestamp;
use hearth_domain::quick_add::{Known, parse};
use jiff::tz::TimeZone;

fn main() {
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let names = |stem: &str| (0..100).map(|n| format!("{stem}{n}")).collect::<Vec<_>>();
    let (projects, agents) = (names("project "), names("agent"));
    let known = Known {
        projects: &projects,
        agents: &agents,
        now: Timestamp::from_millis(1_795_510_800_000),
        zone: &zone,
    };
    let words = 10_000;
    let inputs = [
        ("plain words", "word ".repeat(words)),
        ("one word", "w".repeat(words * 5)),
        ("markers", "@web #label !high ~30m ".repeat(words / 4)),
        ("many labels", counted(words, |n| format!("#label{n} "))),
        ("wrong markers", "!hgih #a/b ~3x ".repeat(words / 3)),
        ("every", "every ".repeat(words)),
        ("every blursday", "every blursday ".repeat(words / 2)),
        ("due", "due ".repeat(words)),
        ("due fryday", "due fryday ".repeat(words / 2)),
        ("due friday", "due friday at 3pm ".repeat(words / 4)),
        ("after", "after #12 and ".repeat(words / 3)),
        (
            "many numbers",
            format!("after {}", counted(words, |n| format!("#{} and ", n + 1))),
        ),
        ("in the", "in the ".repeat(words / 2)),
        ("mondays", format!("every {}", "monday ".repeat(words))),
        ("quotes", "\"word ".repeat(words)),
        ("low quotes", "\u{201e}word ".repeat(words)),
        ("tomorrow", "tomorrow ".repeat(words)),
        (
            "emoji",
            "\u{1f525}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} ".repeat(words),
        ),
        (
            "right to left",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd} ".repeat(words),
        ),
    ];
    for (name, text) in inputs {
        let started = Instant::now();
        let parsed = parse(&text, &known);
        let taken = started.elapsed().as_secs_f64() * 1000.0;
        let thousands = f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX)) / 1000.0;
        println!(
            "{name:16} {:8.3} ms per 1000 characters, {taken:8.1} ms in all, {} doubts",
            taken / thousands,
            parsed.doubts.len()
        );
    }
}

fn counted(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |text, n| text + &part(n))
}
