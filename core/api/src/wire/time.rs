//! Moments on the wire: RFC 3339 in UTC, to the millisecond.

use hearth_domain::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) Timestamp);

impl From<Timestamp> for Time {
    fn from(moment: Timestamp) -> Self {
        Self(moment)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = write(self.0);
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A moment, in RFC 3339; answers have it in UTC."))
            .into()
    }
}

impl ToSchema for Time {}

/// Writes a moment as `2026-11-23T09:00:00.000Z`. By hand, since a task has up to eight of them
/// and the general way costs as much as the rest of the task.
fn write(moment: Timestamp) -> [u8; 24] {
    const DAY_MS: u64 = 86_400_000;
    let millis = moment.as_millis().unsigned_abs();
    let (year, month, day) = date(millis / DAY_MS);
    let rest = millis % DAY_MS;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let fields = [
        (0, 4, year),
        (5, 2, month),
        (8, 2, day),
        (11, 2, rest / 3_600_000),
        (14, 2, rest / 60_000 % 60),
        (17, 2, rest / 1000 % 60),
        (20, 3, rest % 1000),
    ];
    for (start, len, mut value) in fields {
        for digit in text.iter_mut().skip(start).take(len).rev() {
            *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
            value /= 10;
        }
    }
    text
}

/// Returns the year, month and day of a day counted from 1970.
///
/// Counts in years that begin in March, so that the leap day is a year's last, and in eras of 400
/// years, which all have as many days.
fn date(days: u64) -> (u64, u64, u64) {
    let since_year_0 = days + 719_468;
    let (era, day_of_era) = (since_year_0 / 146_097, since_year_0 % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_everywhere_else() {
        let day = 86_400_000;
        let days = (0..60_000).map(|n| n * day + n);
        let edges = [0, 951_782_400_000, 4_107_542_399_999, 253_402_300_799_999];
        for millis in days.chain(edges) {
            let moment = Timestamp::from_millis(millis);

            let written = write(moment);

            assert_eq!(std::str::from_utf8(&written).unwrap(), moment.to_string());
        }
    }
}
