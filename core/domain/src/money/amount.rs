//! Amounts as people read them.

use super::Resource;

/// Millionths in a dollar.
const DOLLAR: u64 = 1_000_000;
/// Milliseconds in a minute.
const MINUTE: u64 = 60_000;

/// Writes an amount of money, given in millionths of a US dollar: in cents, and where that would show
/// nothing, in smaller parts.
pub fn dollars(usd_micros: u64) -> String {
    let (unit, digits) = match usd_micros {
        0 | 10_000.. => (10_000, 2),
        100.. => (100, 4),
        _ => (1, 6),
    };
    // To the nearest, as half a unit up.
    let units = usd_micros.saturating_add(unit / 2) / unit;
    let per_dollar = DOLLAR / unit;
    format!("${}.{:0digits$}", units / per_dollar, units % per_dollar)
}

/// Returns an amount of US dollars in millionths, to the nearest; nothing for what is no amount.
pub fn micros(usd: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast holds what is out of range at the ends"
    )]
    let micros = (usd * 1e6).round() as u64;
    micros.min(super::Usage::MOST)
}

/// Returns an amount in millionths in US dollars.
pub fn usd(micros: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most 10^15, far below 2^53")]
    let micros = micros.min(super::Usage::MOST) as f64;
    micros / 1e6
}

/// Writes so much of a resource.
pub fn amount(what: Resource, value: u64) -> String {
    match what {
        Resource::Usd => dollars(value),
        Resource::Tokens => counted(value, "token", "tokens"),
        Resource::Turns => counted(value, "turn", "turns"),
        Resource::ToolCalls => counted(value, "tool call", "tool calls"),
        Resource::Children => counted(value, "child task", "child tasks"),
        Resource::WallTime if value < MINUTE && value > 0 => {
            counted(value.div_ceil(1000), "second", "seconds")
        }
        Resource::WallTime => counted(value / MINUTE, "minute", "minutes"),
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", grouped(count))
}

/// Writes a number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
