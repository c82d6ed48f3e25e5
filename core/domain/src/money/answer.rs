//! What the owner says when a limit is reached.

use super::Resource;

/// What the owner says when a limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Raise every limit that is in the way, as it was proposed.
    Raise,
    /// Raise those of one resource to so much, and any others in the way as it was proposed.
    To {
        /// Of what.
        what: Resource,
        /// To how much, in the units of [`super::Charge`].
        limit: u64,
    },
    /// Anything else: do not go on.
    Stop,
}

impl Answer {
    /// Reads what the owner said. A number alone is of `only`, where one resource alone is in the
    /// way. Whatever is not understood stops: no money is spent by a guess.
    pub fn read(text: &str, only: Option<Resource>) -> Self {
        let lower = text.trim().to_lowercase();
        let words = lower.trim_end_matches(['.', '!']).trim();
        match words {
            "raise" | "raise it" | "raise them" | "raise all" | "yes" | "yes, raise it"
            | "more" => return Self::Raise,
            _ => (),
        }
        let words = ["raise it to ", "raise to ", "raise ", "to "]
            .iter()
            .find_map(|lead| words.strip_prefix(lead))
            .unwrap_or(words);
        read_amount(words, only).map_or(Self::Stop, |(what, limit)| Self::To { what, limit })
    }
}

fn read_amount(words: &str, only: Option<Resource>) -> Option<(Resource, u64)> {
    if let Some(number) = words.strip_prefix('$') {
        return Some((Resource::Usd, scaled(number.trim(), 1_000_000)?));
    }
    let (number, unit) = match words.split_once(' ') {
        Some((number, unit)) => (number, unit.trim()),
        None => (words, ""),
    };
    let (what, scale) = match unit {
        "dollars" | "dollar" | "usd" => (Resource::Usd, 1_000_000),
        "cents" | "cent" => (Resource::Usd, 10_000),
        "tokens" | "token" => (Resource::Tokens, 1),
        "turns" | "turn" => (Resource::Turns, 1),
        "tool calls" | "tool call" | "calls" => (Resource::ToolCalls, 1),
        "minutes" | "minute" | "min" => (Resource::WallTime, 60_000),
        "hours" | "hour" | "h" => (Resource::WallTime, 3_600_000),
        "child tasks" | "child task" | "children" => (Resource::Children, 1),
        "" => match only? {
            Resource::Usd => (Resource::Usd, 1_000_000),
            Resource::WallTime => (Resource::WallTime, 60_000),
            other => (other, 1),
        },
        _ => return None,
    };
    Some((what, scaled(number, scale)?))
}

/// Reads a number with or without a fraction, such as `1,200` or `2.50`, in units of which `scale`
/// make one; `None` where it is finer than the unit or larger than can be counted.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let number = number.replace(',', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let fraction = fraction.trim_end_matches('0');
    let parts: u64 = if fraction.is_empty() {
        0
    } else {
        let tenths = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let scaled = fraction.parse::<u64>().ok()?.checked_mul(scale)?;
        if !scaled.is_multiple_of(tenths) {
            return None;
        }
        scaled / tenths
    };
    let total = whole.checked_mul(scale)?.checked_add(parts)?;
    (total <= super::Usage::MOST).then_some(total)
}
