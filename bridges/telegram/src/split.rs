//! Cuts long texts into messages that Telegram takes, where a reader would pause.

/// The longest text of a message, in UTF-16 units as Telegram counts: 4,096, less what is said in front
/// of one that is sent again.
pub(crate) const MESSAGE_UNITS: usize = 4000;
/// The most messages that one answer becomes.
pub(crate) const PARTS_MAX: usize = 10;
/// What ends a text that is longer than all of these.
const REST: &str = "\n… (the rest is longer than can be read here)";

/// Returns the text in parts of at most [`MESSAGE_UNITS`], none empty; nothing of it is lost but what is
/// beyond the last part, and blanks at the cuts.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if parts.len() + 1 == PARTS_MAX && units(rest) > MESSAGE_UNITS {
            let room = MESSAGE_UNITS - units(REST);
            let (head, _) = rest.split_at(end(rest, room));
            parts.push(format!("{}{REST}", head.trim_end()));
            return parts;
        }
        let (head, tail) = rest.split_at(end(rest, MESSAGE_UNITS));
        parts.push(head.trim_end().to_owned());
        rest = tail.trim_start();
    }
    parts
}

/// Returns as much of a text as one message holds.
pub(crate) fn fitting(text: &str) -> &str {
    within(text, MESSAGE_UNITS)
}

/// Returns as much of a text as `room` units hold.
pub(crate) fn within(text: &str, room: usize) -> &str {
    text.get(..whole(text, room)).unwrap_or(text)
}

/// Counts as Telegram does.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Returns where to cut: after a paragraph, a line, a sentence or a word, if one ends in the second half.
fn end(text: &str, room: usize) -> usize {
    let most = whole(text, room);
    if most == text.len() {
        return most;
    }
    let head = text.get(..most).unwrap_or(text);
    let at = |pause: &str| {
        let place = head.rfind(pause)? + pause.len();
        (place > most / 2).then_some(place)
    };
    let places = ["\n\n", "\n", ". ", "? ", "! ", " "];
    places.into_iter().find_map(at).unwrap_or(most)
}

/// Returns how many bytes of a text fit, at the end of a character.
fn whole(text: &str, room: usize) -> usize {
    let mut taken = 0;
    for (place, c) in text.char_indices() {
        taken += c.len_utf16();
        if taken > room {
            return place;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_stays_whole_and_none_becomes_nothing() {
        assert_eq!(split(" *bold_ [x](y) <b> \n"), ["*bold_ [x](y) <b>"]);
        assert!(split(" \n ").is_empty());
    }

    #[test]
    fn a_long_text_is_cut_where_a_reader_would_pause() {
        let paragraph = "word ".repeat(500);
        let text = format!("{paragraph}\n\n{paragraph}");

        let parts = split(&text);

        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|part| part == paragraph.trim()));
    }

    #[test]
    fn characters_outside_the_first_plane_count_twice_and_stay_whole() {
        let parts = split(&"🌻".repeat(MESSAGE_UNITS / 2 + 1));

        assert_eq!(units(&parts[0]), MESSAGE_UNITS);
        assert_eq!(parts[1], "🌻");
    }

    #[test]
    fn what_is_beyond_the_last_part_is_said_to_be() {
        let parts = split(&"x".repeat(MESSAGE_UNITS * (PARTS_MAX + 3)));

        assert_eq!(parts.len(), PARTS_MAX);
        assert!(parts[PARTS_MAX - 1].ends_with("read here)"));
    }

    proptest! {
        #[test]
        fn every_part_fits_and_no_word_is_lost(text in "([a-z🌻.]{1,30}[ \n]{1,2}){0,900}") {
            let parts = split(&text);

            prop_assert!(parts.iter().all(|part| !part.is_empty() && units(part) <= MESSAGE_UNITS));
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            if parts.len() < PARTS_MAX {
                prop_assert_eq!(words(&parts.join(" ")), words(&text));
            }
        }
    }
}
