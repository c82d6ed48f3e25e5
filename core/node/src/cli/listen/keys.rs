//! Which keys go down and up, read from what a terminal sends.
//!
//! Where a terminal speaks the keyboard protocol of kitty, every key comes as `ESC [ code ; modifiers : event
//! u`, releases included; elsewhere as the character it types.

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The one that is held.
    Space,
    /// Throws away what is being said.
    Cancel,
    /// Ends.
    Quit,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyEvent {
    /// It went down.
    Down(Key),
    /// It went up.
    Up(Key),
    /// The terminal says that it tells of releases.
    Holds,
    /// The terminal answered what every terminal answers.
    Answered,
}

const ESCAPE: u8 = 0x1b;
/// The longest sequence that is read; what is longer is none.
const SEQUENCE_MAX: usize = 64;

/// Reads keys from bytes, however they are cut.
#[derive(Debug, Default)]
pub(super) struct Keys {
    waiting: Vec<u8>,
}

impl Keys {
    /// Takes the next bytes and returns what they say. An escape that is the last of them is the key.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<KeyEvent> {
        let mut events = Vec::new();
        for byte in bytes {
            self.take(*byte, &mut events);
        }
        if self.waiting == [ESCAPE] {
            self.waiting.clear();
            events.push(KeyEvent::Down(Key::Cancel));
        }
        events
    }

    fn take(&mut self, byte: u8, events: &mut Vec<KeyEvent>) {
        match self.waiting.as_slice() {
            [] if byte == ESCAPE => self.waiting.push(byte),
            [] => events.extend(character(u32::from(byte)).map(KeyEvent::Down)),
            [_] if byte == b'[' => self.waiting.push(byte),
            [_] => {
                // The key, and another after it.
                self.waiting.clear();
                events.push(KeyEvent::Down(Key::Cancel));
                self.take(byte, events);
            }
            [_, _, parameters @ ..] => {
                if (0x40..=0x7e).contains(&byte) {
                    events.extend(sequence(parameters, byte));
                    self.waiting.clear();
                } else if self.waiting.len() >= SEQUENCE_MAX {
                    self.waiting.clear();
                } else {
                    self.waiting.push(byte);
                }
            }
        }
    }
}

fn character(code: u32) -> Option<Key> {
    match code {
        0x20 => Some(Key::Space),
        // Ctrl-C, Ctrl-D, q.
        0x03 | 0x04 | 0x71 => Some(Key::Quit),
        0x1b => Some(Key::Cancel),
        _ => None,
    }
}

fn sequence(parameters: &[u8], last: u8) -> Option<KeyEvent> {
    let text = std::str::from_utf8(parameters).ok()?;
    if let Some(rest) = text.strip_prefix('?') {
        return match last {
            b'u' if rest.bytes().all(|byte| byte.is_ascii_digit()) => Some(KeyEvent::Holds),
            b'c' => Some(KeyEvent::Answered),
            _ => None,
        };
    }
    if last != b'u' {
        return None;
    }
    let mut fields = text.split(';');
    let code = fields.next()?.split(':').next()?.parse().ok()?;
    let mut state = fields.next().unwrap_or("1").split(':');
    let modifiers: u32 = state.next()?.parse().unwrap_or(1);
    let event = state.next().unwrap_or("1");
    let is_control = modifiers.saturating_sub(1) & 0b100 != 0;
    let key = match code {
        // The letters of Ctrl-C and Ctrl-D.
        0x63 | 0x64 if is_control => Key::Quit,
        _ => character(code)?,
    };
    match event {
        "1" => Some(KeyEvent::Down(key)),
        "3" => Some(KeyEvent::Up(key)),
        // It is held.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str) -> Vec<KeyEvent> {
        Keys::default().push(bytes.as_bytes())
    }

    #[test]
    fn a_terminal_without_releases_sends_characters() {
        assert_eq!(read(" "), [KeyEvent::Down(Key::Space)]);
        for quit in ["q", "\u{3}", "\u{4}"] {
            assert_eq!(read(quit), [KeyEvent::Down(Key::Quit)]);
        }
        assert_eq!(read("xyz\r"), []);
    }

    #[test]
    fn a_press_its_repeats_and_its_release_are_told_apart() {
        let events = read("\u{1b}[32u\u{1b}[32;1:2u\u{1b}[32;1:2u\u{1b}[32;1:3u");

        assert_eq!(
            events,
            [KeyEvent::Down(Key::Space), KeyEvent::Up(Key::Space)]
        );
        assert_eq!(read("\u{1b}[99;5u"), [KeyEvent::Down(Key::Quit)]);
        assert_eq!(read("\u{1b}[99;1u"), []);
        // With caps lock, and with what the key types.
        assert_eq!(read("\u{1b}[32::32;65:1;32u"), [KeyEvent::Down(Key::Space)]);
    }

    #[test]
    fn a_sequence_may_be_cut_anywhere_but_after_its_escape() {
        let mut keys = Keys::default();

        assert_eq!(keys.push(b"\x1b[3"), []);
        assert_eq!(keys.push(b"2;1:"), []);
        assert_eq!(keys.push(b"3u"), [KeyEvent::Up(Key::Space)]);
    }

    #[test]
    fn the_answers_of_a_terminal_say_what_it_can() {
        assert_eq!(
            read("\u{1b}[?0u\u{1b}[?62;c"),
            [KeyEvent::Holds, KeyEvent::Answered]
        );
        assert_eq!(read("\u{1b}[?1;2c"), [KeyEvent::Answered]);
    }

    #[test]
    fn escape_alone_cancels_and_other_keys_mean_nothing() {
        assert_eq!(read("\u{1b}"), [KeyEvent::Down(Key::Cancel)]);
        assert_eq!(read("\u{1b}[27u"), [KeyEvent::Down(Key::Cancel)]);
        assert_eq!(read("\u{1b}[A\u{1b}[200~"), []);
        let endless = format!("\u{1b}[{}", "1;".repeat(500));
        assert_eq!(read(&endless), []);
    }
}
