//! About how long a task takes: `30m`, `1h30m`, `1d`.

const HOUR: u32 = 60;
/// A day of work has eight hours.
const DAY: u32 = 8 * HOUR;

/// Reads a length in minutes, at least one.
pub(super) fn read(text: &str) -> Option<u32> {
    let mut minutes = 0u32;
    let mut rest = text;
    let mut is_after_hours = false;
    while !rest.is_empty() {
        let split = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (count, unit) = rest.split_at_checked(split)?;
        let end = unit
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(unit.len());
        let (unit, after) = unit.split_at_checked(end)?;
        let each = match unit.to_ascii_lowercase().as_str() {
            "m" | "min" | "mins" => 1,
            "h" | "hr" | "hrs" => HOUR,
            "d" => DAY,
            // `1h30`
            "" if is_after_hours && after.is_empty() => 1,
            _ => return None,
        };
        is_after_hours = each == HOUR;
        minutes = minutes.checked_add(times(count, each)?)?;
        rest = after;
    }
    (minutes > 0).then_some(minutes)
}

/// `1.5` times `each`, down to whole minutes.
fn times(count: &str, each: u32) -> Option<u32> {
    let Some((whole, part)) = count.split_once('.') else {
        return count.parse::<u32>().ok()?.checked_mul(each);
    };
    let tenths = part.parse::<u32>().ok().filter(|_| part.len() == 1)?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(each)?
        .checked_add(tenths * each / 10)
}

/// Writes a length so that it reads back.
pub(super) fn write(minutes: u32) -> String {
    match (minutes / HOUR, minutes % HOUR) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    }
}

/// Says a length in words.
pub(super) fn show(minutes: u32) -> String {
    let count = |count: u32, unit: &str| match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    };
    match (minutes / HOUR, minutes % HOUR) {
        (0, minutes) => count(minutes, "minute"),
        (hours, 0) => count(hours, "hour"),
        (hours, minutes) => format!("{} {}", count(hours, "hour"), count(minutes, "minute")),
    }
}
