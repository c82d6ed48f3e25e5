use jiff::civil::date;

use super::*;

mod lines;
mod properties;
mod wrong;

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Reads a line on Tuesday 24 November 2026 at 10:00, with a few known names.
fn read(text: &str) -> Parsed {
    let zone = berlin();
    let now = When::moment(date(2026, 11, 24).at(10, 0, 0, 0), &zone)
        .unwrap()
        .at;
    let projects = names(&["web", "Home Office", "office"]);
    let agents = names(&["seed", "Scout", "cos-agent"]);
    let known = Known {
        projects: &projects,
        agents: &agents,
        now,
        zone: &zone,
    };
    parse(text, &known)
}

/// Compares what was understood, as it is told. There must be no doubt.
fn check(text: &str, told: &str) {
    let parsed = read(text);
    assert_eq!(describe(&parsed.line, &berlin()), told, "{text:?}");
    assert_eq!(parsed.doubts, [], "{text:?}");
    assert_eq!(read(&render(&parsed.line, &berlin())), parsed, "{text:?}");
}

/// Compares what was understood and what was doubted.
fn check_doubts(text: &str, told: &str, doubts: &[&str]) {
    let parsed = read(text);
    let said: Vec<_> = parsed
        .doubts
        .iter()
        .map(|doubt| format!("[{}] {} {}", doubt.said, doubt.field, doubt.problem))
        .collect();
    assert_eq!(describe(&parsed.line, &berlin()), told, "{text:?}");
    assert_eq!(said, doubts, "{text:?}");
}
