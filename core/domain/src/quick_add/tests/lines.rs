//! Lines and what they are understood as.

use super::*;

#[test]
fn a_line_with_everything_is_told_clause_by_clause() {
    check(
        "Build landing page @web #design !high due friday every monday 9:00 after #12 for seed ~30m",
        "Build landing page, in web, high priority, due Fri 27 Nov 2026, labelled design, every monday 09:00, after #12, for seed, about 30 minutes",
    );
}

#[test]
fn a_line_is_written_as_it_would_be_typed() {
    let line = read(
        "for seed ~90m Build page @\"home office\" tomorrow 3pm #b #a !2 after #12 and #3 daily",
    )
    .line;
    assert_eq!(
        render(&line, &berlin()),
        "Build page @\"Home Office\" #b #a !high due 2026-11-25 15:00 every day after #12 and #3 for seed ~1h30m"
    );
}

#[test]
fn markers_may_stand_anywhere() {
    for (text, told) in [
        ("Buy milk", "Buy milk"),
        ("@web Buy milk", "Buy milk, in web"),
        ("#a Buy #b milk #c", "Buy milk, labelled a and b and c"),
        ("!1 Buy milk", "Buy milk, critical priority"),
        ("Buy !2 milk", "Buy milk, high priority"),
        ("Buy milk !3", "Buy milk, medium priority"),
        ("Buy milk !4", "Buy milk, low priority"),
        ("Buy milk !LOW", "Buy milk, low priority"),
        (
            "Buy milk, @web, #a, !high.",
            "Buy milk, in web, high priority, labelled a",
        ),
        (
            "Buy milk @web @web #a #a !high !2",
            "Buy milk, in web, high priority, labelled a",
        ),
        ("Buy milk #A #a", "Buy milk, labelled A and a"),
        ("due friday Buy milk", "Buy milk, due Fri 27 Nov 2026"),
        ("Buy due friday milk", "Buy milk, due Fri 27 Nov 2026"),
        ("Buy milk due: friday", "Buy milk, due Fri 27 Nov 2026"),
        (
            "Buy milk due by friday at 3pm",
            "Buy milk, due Fri 27 Nov 2026, 15:00",
        ),
        ("every day Buy milk", "Buy milk, every day"),
        (
            "Buy milk every other week @web",
            "Buy milk, in web, every 2 weeks",
        ),
        ("after #12 Buy milk", "Buy milk, after #12"),
        ("for seed buy milk", "buy milk, for seed"),
    ] {
        check(text, told);
    }
}

#[test]
fn a_project_is_written_as_it_is_known() {
    for (text, told) in [
        ("Buy milk @WEB", "Buy milk, in web"),
        ("Buy milk @new", "Buy milk, in new"),
        ("Buy milk project:web", "Buy milk, in web"),
        ("Buy milk Project:web", "Buy milk, in web"),
        ("Buy milk @\"home office\"", "Buy milk, in Home Office"),
        (
            "Buy milk @\u{201c}home office\u{201d}",
            "Buy milk, in Home Office",
        ),
        ("Buy milk project:\"two words\".", "Buy milk, in two words"),
        ("Buy milk @\"say \\\"hi\\\"\"", "Buy milk, in say \"hi\""),
        ("Buy milk @v1.2", "Buy milk, in v1.2"),
        ("Buy milk @\u{1f525}", "Buy milk, in \u{1f525}"),
        ("in project web buy milk", "buy milk, in web"),
        ("buy milk in the web project", "buy milk, in web"),
        (
            "buy milk in the home office project today",
            "buy milk, in Home Office, due Tue 24 Nov 2026",
        ),
        (
            "buy milk in project home office",
            "buy milk, in Home Office",
        ),
        ("buy milk in project nowhere", "buy milk in project nowhere"),
        ("buy milk in the shop", "buy milk in the shop"),
    ] {
        check(text, told);
    }
}

#[test]
fn what_only_looks_like_a_marker_is_text() {
    for text in [
        "Mail bob@example.com",
        "Look @ this",
        "Greet @@all",
        "Fix #12",
        "## Heading",
        "C# code",
        "Wow!",
        "Stop ! now",
        "Check a != b",
        "!!!",
        "Clean ~/bin and ~tmp",
        "About ~",
        "project: web",
        "Ask about the project:",
        "A present for mom",
        "Look for it",
        "Book a table for me and Anna",
        "Find something for me to read",
        "Call after lunch",
        "Look after the cat",
        "Go after 12",
        "Pay what is due to Anna",
        "Do due diligence",
        "Check due dates",
        "Everything must go",
        "Set priorities",
        "Photos tagged by mom",
        "Daily standup",
        "A \"quote that never ends",
        "A 5\" pipe",
        "C:\\temp",
        "5 % \u{b1} 3",
    ] {
        check(text, text);
    }
}

#[test]
fn a_date_at_the_end_needs_no_marker() {
    for (text, told) in [
        ("Buy milk today", "Buy milk, due Tue 24 Nov 2026"),
        ("Buy milk tonight", "Buy milk, due Tue 24 Nov 2026, 20:00"),
        (
            "Buy milk this evening",
            "Buy milk, due Tue 24 Nov 2026, 18:00",
        ),
        ("Buy milk tomorrow", "Buy milk, due Wed 25 Nov 2026"),
        (
            "Buy milk tomorrow morning.",
            "Buy milk, due Wed 25 Nov 2026, 09:00",
        ),
        (
            "Buy milk, tomorrow at noon",
            "Buy milk, due Wed 25 Nov 2026, 12:00",
        ),
        (
            "Buy milk the day after tomorrow",
            "Buy milk, due Thu 26 Nov 2026",
        ),
        ("Buy milk in 3 days", "Buy milk, due Fri 27 Nov 2026"),
        (
            "Buy milk in half an hour",
            "Buy milk, due Tue 24 Nov 2026, 10:30",
        ),
        ("Buy milk next week", "Buy milk, due Mon 30 Nov 2026"),
        ("Buy milk next friday", "Buy milk, due Fri 4 Dec 2026"),
        ("Buy milk this weekend", "Buy milk, due Sat 28 Nov 2026"),
        ("Buy milk eow", "Buy milk, due Sun 29 Nov 2026"),
        ("Buy milk by friday", "Buy milk, due Fri 27 Nov 2026"),
        ("Buy milk on friday", "Buy milk, due Fri 27 Nov 2026"),
        ("Buy milk before the 27th", "Buy milk, due Fri 27 Nov 2026"),
        ("Buy milk until 27 nov", "Buy milk, due Fri 27 Nov 2026"),
        (
            "Buy milk by the end of the month",
            "Buy milk, due Mon 30 Nov 2026",
        ),
        (
            "Buy milk friday at 3pm",
            "Buy milk, due Fri 27 Nov 2026, 15:00",
        ),
        (
            "Buy milk at 3pm on friday",
            "Buy milk, due Fri 27 Nov 2026, 15:00",
        ),
        (
            "Buy milk friday morning",
            "Buy milk, due Fri 27 Nov 2026, 09:00",
        ),
        ("Buy milk at 3pm", "Buy milk, due Tue 24 Nov 2026, 15:00"),
        ("Buy milk at noon", "Buy milk, due Tue 24 Nov 2026, 12:00"),
        (
            "Buy milk by friday @web #a",
            "Buy milk, in web, due Fri 27 Nov 2026, labelled a",
        ),
        (
            "Buy milk at 8 tonight",
            "Buy milk, due Tue 24 Nov 2026, 20:00",
        ),
        (
            "Buy milk at 9 tomorrow",
            "Buy milk, due Wed 25 Nov 2026, 09:00",
        ),
        (
            "Buy milk tomorrow @web at 3pm",
            "Buy milk, in web, due Wed 25 Nov 2026, 15:00",
        ),
        (
            "Turn the heating on tonight",
            "Turn the heating on, due Tue 24 Nov 2026, 20:00",
        ),
        ("Buy milk daily", "Buy milk, every day"),
        (
            "Stand up weekly on monday at 9",
            "Stand up, every monday 09:00",
        ),
        (
            "Stand up daily at 9 by friday",
            "Stand up, due Fri 27 Nov 2026, every day 09:00",
        ),
        (
            "Stand up tomorrow daily",
            "Stand up, due Wed 25 Nov 2026, every day",
        ),
    ] {
        check(text, told);
    }
}

#[test]
fn what_may_be_a_title_is_not_taken_for_a_date() {
    for text in [
        "Read Friday",
        "Watch Black Sunday",
        "Plan weekend",
        "Report 27 nov",
        "Report 2026-11-27",
        "Buy milk tomorrow with eggs",
        "Count to 5 at 3",
        "Learn what broke yesterday",
        "Write up end of year",
        "Turn it on at last",
        "Prepare slides for next week",
        "Set the alarm for tomorrow at 7pm",
        "Choose between monday and friday at 3pm",
        "Buy 3 kg",
    ] {
        check(text, text);
    }
}

#[test]
fn speech_is_read_without_signs() {
    for (text, told) in [
        ("fix the door high priority", "fix the door, high priority"),
        ("high priority fix the door", "fix the door, high priority"),
        (
            "fix the door with low priority",
            "fix the door, low priority",
        ),
        (
            "fix the door priority critical",
            "fix the door, critical priority",
        ),
        ("fix the door urgent", "fix the door urgent"),
        ("fix the door labelled home", "fix the door, labelled home"),
        (
            "fix the door tagged as home.",
            "fix the door, labelled home",
        ),
        (
            "fix the door after number twelve",
            "fix the door, after #12",
        ),
        ("fix the door after task 12", "fix the door, after #12"),
        (
            "fix the door after task twenty one and number 3",
            "fix the door, after #21 and #3",
        ),
        (
            "fix the door after tasks 12, 13 and 14",
            "fix the door, after #12 and #13 and #14",
        ),
        (
            "fix the door after #12, #13 & #12",
            "fix the door, after #12 and #13",
        ),
        (
            "fix the door after task 12 and then paint",
            "fix the door and then paint, after #12",
        ),
        ("fix the door for me", "fix the door, for owner"),
        (
            "fix the door for myself tomorrow",
            "fix the door, due Wed 25 Nov 2026, for owner",
        ),
        ("fix the door for owner", "fix the door, for owner"),
        ("fix the door for SCOUT.", "fix the door, for Scout"),
        (
            "fix the door due next friday at three",
            "fix the door, due Fri 4 Dec 2026, 15:00",
        ),
        (
            "water plants every monday and thursday at half past eight",
            "water plants, every monday, thursday 08:30",
        ),
    ] {
        check(text, told);
    }
}

#[test]
fn quotes_are_literal() {
    for (text, told) in [
        ("\"due friday\"", "due friday"),
        ("Read \"every day\" @web", "Read every day, in web"),
        ("Read \"tomorrow\"", "Read tomorrow"),
        (
            "\"@web #a !high\" due friday",
            "@web #a !high, due Fri 27 Nov 2026",
        ),
        ("Say \"Hello\", she said", "Say Hello, she said"),
        ("Say \"a \\\"b\\\" \\\\ \\c\"", "Say a \"b\" \\ \\c"),
        ("Say \u{201c}due friday\u{201d}", "Say due friday"),
        ("Say \u{201e}due friday\u{201c}", "Say due friday"),
        ("\"two  blanks\"", "two  blanks"),
        ("\"ends in a comma,\" @web", "ends in a comma,, in web"),
        (
            "due \"diligence\" to \"do\" due friday",
            "due diligence to do, due Fri 27 Nov 2026",
        ),
    ] {
        let parsed = read(text);
        assert_eq!(describe(&parsed.line, &berlin()), told, "{text:?}");
        let again = read(&render(&parsed.line, &berlin()));
        assert_eq!(
            (again.line, again.doubts),
            (parsed.line, Vec::new()),
            "{text:?}"
        );
    }
}

#[test]
fn an_estimate_is_in_minutes() {
    for (text, minutes) in [
        ("~30m", 30),
        ("~2h", 120),
        ("~1h30m", 90),
        ("~1h30", 90),
        ("~1.5h", 90),
        ("~1d", 480),
        ("~1d2h", 600),
        ("~45min,", 45),
        ("~1H", 60),
    ] {
        let line = read(&format!("Work {text}")).line;
        assert_eq!(
            (line.title.as_str(), line.estimate_minutes),
            ("Work", Some(minutes)),
            "{text}"
        );
    }
}

#[test]
fn every_script_keeps_its_text() {
    for (text, told) in [
        (
            "\u{1f525} fix \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} #\u{1f525}",
            "\u{1f525} fix \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}, labelled \u{1f525}",
        ),
        (
            "\u{627}\u{634}\u{62a}\u{631}\u{650} \u{627}\u{644}\u{62d}\u{644}\u{64a}\u{628} #\u{645}\u{646}\u{632}\u{644} due tomorrow",
            "\u{627}\u{634}\u{62a}\u{631}\u{650} \u{627}\u{644}\u{62d}\u{644}\u{64a}\u{628}, due Wed 25 Nov 2026, labelled \u{645}\u{646}\u{632}\u{644}",
        ),
        (
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd} @web",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}, in web",
        ),
        (
            "\u{8cb7}\u{3044}\u{7269} #\u{8cb7}\u{3044}\u{7269}",
            "\u{8cb7}\u{3044}\u{7269}, labelled \u{8cb7}\u{3044}\u{7269}",
        ),
        (
            "#\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940} \u{92a}\u{922}\u{93c}\u{94b}",
            "\u{92a}\u{922}\u{93c}\u{94b}, labelled \u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
        ),
        ("\u{c9}t\u{e9} \u{e0} la mer", "\u{c9}t\u{e9} \u{e0} la mer"),
    ] {
        check(text, told);
    }
}

#[test]
fn a_title_is_one_line_without_control_characters() {
    check("Buy\tmilk\r\nand\u{7}eggs", "Buy milk and eggs");
    check("\"Buy\u{7}milk\"", "Buy milk");
    check("  Buy   milk  ", "Buy milk");
}
