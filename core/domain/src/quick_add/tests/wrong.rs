//! Lines that are understood in part, and what is said about the rest.

use super::*;
use crate::field::{LIST_MAX, TITLE_MAX};

#[test]
fn a_slip_is_doubted_with_the_nearest_right_word() {
    for (text, told, doubt) in [
        (
            "Fix it !hgih",
            "Fix it !hgih",
            "[!hgih] priority is not a known word; did you mean !high?",
        ),
        (
            "Fix it !crit",
            "Fix it !crit",
            "[!crit] priority is not a known word; did you mean !critical?",
        ),
        (
            "Pay due fryday",
            "Pay due fryday",
            "[due fryday] due is not clear: did you mean friday?",
        ),
        (
            "Pay due 2026-02-30",
            "Pay due 2026-02-30",
            "[due 2026-02-30] due is not clear: February 2026 has 28 days",
        ),
        (
            "Pay due 31 february",
            "Pay due 31 february",
            "[due 31 february] due is not clear: February has 29 days",
        ),
        (
            "Pay due 3/4/2027",
            "Pay due 3/4/2027",
            "[due 3/4/2027] due is not clear: 3/4/2027 can be read two ways; write 2027-04-03 or 2027-03-04",
        ),
        (
            "Water plants every blursday",
            "Water plants every blursday",
            "[every blursday] recurrence is not clear: did you mean every thursday?",
        ),
        (
            "Water plants every 10 minutes",
            "Water plants every 10 minutes",
            "[every 10 minutes] recurrence is not clear: the shortest rhythm is every hour",
        ),
        (
            "Water plants every week on fryday",
            "Water plants on fryday, every week",
            "[on fryday] recurrence goes on with \"on fryday\", which is not clear: did you mean friday?",
        ),
        (
            "Pay due friday at nooon",
            "Pay at nooon, due Fri 27 Nov 2026",
            "[at nooon] due goes on with \"at nooon\", which is not clear: did you mean noon?",
        ),
    ] {
        check_doubts(text, told, &[doubt]);
    }
}

#[test]
fn a_marker_that_says_nothing_known_is_doubted_with_a_remedy() {
    let levels = "priority is not a known word; write !critical, !high, !medium or !low, or !1 to !4, and put text in quotes";
    let dates = "due is followed by no date; write due friday, due 27 nov or due 2026-11-27, and put text in quotes";
    let rules = "recurrence has no known rhythm; write every day, every monday 09:00 or every 2 weeks, and put text in quotes";
    let lengths = "estimate_minutes is not a length of time; write ~30m, ~2h, ~1h30m or ~1d, and put text in quotes";
    let labels = "labels can be written without quotes from letters, digits, '-' and '_' only; write #\"a/b\", or \"#a/b\" if it is text";
    for (text, said, problem) in [
        ("Fix it !urgent", "!urgent", levels),
        ("Fix it !5", "!5", levels),
        ("Rent due", "due", dates),
        ("Rent due soon", "due soon", dates),
        ("Check every file", "every file", rules),
        ("Check every", "every", rules),
        ("Work ~90", "~90", lengths),
        ("Work ~0m", "~0m", lengths),
        ("Work ~99999999999h", "~99999999999h", lengths),
        ("Sort #a/b", "#a/b", labels),
    ] {
        check_doubts(text, text, &[&format!("[{said}] {problem}")]);
    }
}

#[test]
fn two_values_for_one_field_are_doubted_and_the_first_is_kept() {
    for (text, told, doubt) in [
        (
            "Do @web @api",
            "Do, in web",
            "[@api] project was given as web and as api; keep one",
        ),
        (
            "Do !high !low",
            "Do, high priority",
            "[!low] priority was given as high and as low; keep one",
        ),
        (
            "Do due friday due monday",
            "Do, due Fri 27 Nov 2026",
            "[due monday] due was given as Fri 27 Nov 2026 and as Mon 30 Nov 2026; keep one",
        ),
        (
            "Do tomorrow due friday",
            "Do tomorrow, due Fri 27 Nov 2026",
            "[tomorrow] due was given as Fri 27 Nov 2026 and as Wed 25 Nov 2026; keep one",
        ),
        (
            "Do every day every week",
            "Do, every day",
            "[every week] recurrence was given as every day and as every week; keep one",
        ),
        (
            "Do for seed for me",
            "Do, for seed",
            "[for me] assigned_to was given as seed and as owner; keep one",
        ),
        (
            "Do ~1h ~30m",
            "Do, about 1 hour",
            "[~30m] estimate_minutes was given as 1 hour and as 30 minutes; keep one",
        ),
    ] {
        check_doubts(text, told, &[doubt]);
    }
}

#[test]
fn a_date_in_the_past_is_kept_and_doubted() {
    let problem = |shown: &str| {
        format!("due lies in the past, on {shown}; give a later date if that is not meant")
    };
    for (text, told, said, shown) in [
        ("Do due yesterday", "Do", "due yesterday", "Mon 23 Nov 2026"),
        (
            "Do due 2020-01-01",
            "Do",
            "due 2020-01-01",
            "Wed 1 Jan 2020",
        ),
        (
            "Do this morning",
            "Do",
            "this morning",
            "Tue 24 Nov 2026, 09:00",
        ),
        (
            "Do by 2026-11-24 9:59",
            "Do",
            "by 2026-11-24 9:59",
            "Tue 24 Nov 2026, 09:59",
        ),
    ] {
        check_doubts(
            text,
            &format!("{told}, due {shown}"),
            &[&format!("[{said}] {}", problem(shown))],
        );
    }
}

#[test]
fn a_line_without_a_title_is_doubted() {
    let problem = "[] title must not be empty; say what is to be done";
    for (text, told) in [
        ("", ""),
        (" \t ", ""),
        ("\"\"", ""),
        ("\" \"", ""),
        ("@web", "in web"),
        ("tomorrow", "due Wed 25 Nov 2026"),
        ("daily", "every day"),
    ] {
        check_doubts(text, told, &[problem]);
    }
}

#[test]
fn a_title_that_is_too_long_is_doubted_and_repeated_in_part() {
    let parsed = read(&"x".repeat(TITLE_MAX + 1));
    let [doubt] = parsed.doubts.as_slice() else {
        panic!("{:?}", parsed.doubts);
    };
    assert_eq!(doubt.problem, "must be at most 500 characters");
    assert_eq!(doubt.said, "x".repeat(60) + "…");
    assert_eq!(parsed.line.title.len(), TITLE_MAX + 1);
}

#[test]
fn a_label_or_a_project_that_cannot_be_one_stays_text() {
    let long = "x".repeat(51);
    check_doubts(
        &format!("Do #{long}"),
        &format!("Do #{long}"),
        &[&format!("[#{long}] labels must be at most 50 characters")],
    );
    check_doubts(
        "Do #\"a b\"",
        "Do #a b",
        &["[#\"a b\"] labels must not contain blanks, commas or '#'"],
    );
    check_doubts("Do @\"\"", "Do @", &["[@] project must not be empty"]);
    let long = "x".repeat(201);
    let parsed = read(&format!("Do @{long}"));
    assert_eq!(parsed.line.project, None);
    assert_eq!(parsed.doubts.len(), 1);
}

#[test]
fn what_is_more_than_a_list_takes_is_doubted() {
    let labels: Vec<_> = (0..=LIST_MAX).map(|number| format!("#l{number}")).collect();
    let parsed = read(&format!("Do {}", labels.join(" ")));
    assert_eq!(parsed.line.labels.len(), LIST_MAX);
    assert_eq!(parsed.doubts.len(), 1);
    assert_eq!(parsed.doubts[0].field, "labels");

    let tasks: Vec<_> = (1..=LIST_MAX + 1)
        .map(|number| format!("#{number}"))
        .collect();
    let parsed = read(&format!("Do after {}", tasks.join(", ")));
    assert_eq!(parsed.line.after.len(), LIST_MAX);
    assert_eq!(parsed.doubts.len(), 1);
    assert_eq!(parsed.doubts[0].field, "after");
}

#[test]
fn no_more_is_doubted_than_anyone_mends() {
    let parsed = read(&"every file ".repeat(1000));
    assert_eq!(parsed.doubts.len(), 20);
}
