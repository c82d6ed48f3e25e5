//! A set of weekdays.

use jiff::civil::Weekday;

use crate::when::weekday_name;

/// A set of weekdays, one bit each from Monday on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Weekdays(u8);

impl Weekdays {
    /// Monday to Friday.
    pub(super) const WORKING: Self = Self(0b001_1111);
    /// Saturday and Sunday.
    pub(super) const WEEKEND: Self = Self(0b110_0000);

    /// The days from `first` to `last`, over the end of the week if need be.
    pub(super) fn range(first: Weekday, last: Weekday) -> Self {
        first
            .cycle_forward()
            .take(7)
            .take_while(|day| *day != last)
            .fold(Self::default().with(last), Self::with)
    }

    /// The set with `day` in it too.
    pub(super) fn with(self, day: Weekday) -> Self {
        Self(self.0 | Self::bit(day))
    }

    /// Whether `day` is in the set.
    pub(super) fn contains(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    /// Whether no day is in the set.
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many days are in the set.
    pub(super) fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The days in the set, Monday first.
    pub(super) fn days(self) -> impl Iterator<Item = Weekday> {
        Weekday::Monday
            .cycle_forward()
            .take(7)
            .filter(move |day| self.contains(*day))
    }

    /// The set in one word if there is one.
    pub(super) fn name(self) -> String {
        match self {
            Self::WORKING => "weekday".into(),
            Self::WEEKEND => "weekend".into(),
            _ => self.list(),
        }
    }

    /// The names of the days: `monday, thursday`.
    pub(super) fn list(self) -> String {
        let names: Vec<_> = self.days().map(weekday_name).collect();
        names.join(", ")
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset()
    }
}
