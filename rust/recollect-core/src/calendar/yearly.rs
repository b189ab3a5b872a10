//! Days of every year: a range of months and days without a year.

use super::civil::{first_of, month_of};
use super::unit::Window;
use super::zone::{DAY, Zone};
use crate::error::{Error, Result};

/// The years that have windows.
const YEARS: (i64, i64) = (1, 9_999);

/// Days from a month and day to another, both inside, in every year; over the new year where the first lies after the
/// last. A day that a month does not have is none: the 29th of February comes in leap years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yearly {
    from: (i64, i64),
    to: (i64, i64),
}

impl Yearly {
    /// From a month (1 to 12) and day (1 to 31) to another.
    ///
    /// # Errors
    /// [`Error::Invalid`] for other numbers.
    pub fn new(from: (u8, u8), to: (u8, u8)) -> Result<Self> {
        for (month, day) in [from, to] {
            if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
                return Err(Error::invalid("ranges", "expected a month from 1 to 12 and a day from 1 to 31"));
            }
        }
        let wide = |(month, day): (u8, u8)| (i64::from(month), i64::from(day));
        Ok(Self { from: wide(from), to: wide(to) })
    }

    /// The windows of a zone that share an instant with `[start, end)`, ascending, in the years 1 to 9999.
    pub fn windows(&self, zone: &Zone, start: i64, end: i64) -> Vec<Window> {
        // A year more on each side: a zone shifts days, and a window may begin in the year before.
        let year = |at: i64| month_of(at.div_euclid(DAY)).0.clamp(YEARS.0, YEARS.1);
        let years = (year(start) - 1).max(YEARS.0)..=(year(end) + 1).min(YEARS.1);
        let window = |year: i64| {
            let (from, to) = self.days(year);
            Window { start: zone.begin(from), end: zone.begin(to) }
        };
        years.map(window).filter(|x| x.start < x.end && x.start < end && start < x.end).collect()
    }

    /// The first day of the range that begins in a year, and the one after its last.
    fn days(&self, year: i64) -> (i64, i64) {
        let ends = year + i64::from(self.from > self.to);
        (day_of(year, self.from.0, self.from.1 - 1), day_of(ends, self.to.0, self.to.1))
    }
}

/// The day so many days after the beginning of a month, or the first of the next month if it has fewer.
fn day_of(year: i64, month: i64, after: i64) -> i64 {
    (first_of(year, month) + after).min(first_of(year, month + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Month and day of a day, counted from the beginning of its month.
    fn date_of(day: i64) -> (i64, i64) {
        let (year, month) = month_of(day);
        (month, day - first_of(year, month) + 1)
    }

    fn plain(range: &Yearly, day: i64) -> bool {
        let date = date_of(day);
        match range.from <= range.to {
            true => range.from <= date && date <= range.to,
            false => range.from <= date || date <= range.to,
        }
    }

    proptest! {
        #[test]
        fn a_day_is_inside_by_its_date(
            from in (1u8..=12, 1u8..=31),
            to in (1u8..=12, 1u8..=31),
            day in -719_000i64..2_900_000,
            long in 1i64..800,
            offset in -50_400i32..=50_400,
        ) {
            let (range, zone) = (Yearly::new(from, to).unwrap(), Zone::fixed(offset).unwrap());
            let (start, end) = (zone.begin(day), zone.begin(day + long));
            let windows = range.windows(&zone, start, end);
            prop_assert!(windows.is_sorted_by(|a, b| a.end <= b.start));
            for day in day..day + long {
                let at = zone.begin(day);
                let inside = windows.iter().any(|x| x.start <= at && at < x.end);
                prop_assert_eq!(inside, plain(&range, day), "{:?} {:?}", range, date_of(day));
            }
        }
    }

    #[test]
    fn there_is_a_last_of_february_in_leap_years_alone() {
        let last = Yearly::new((2, 29), (2, 29)).unwrap();
        let (start, end) = (first_of(2019, 1) * DAY, first_of(2029, 1) * DAY);
        let found = last.windows(&Zone::default(), start, end);
        assert_eq!(
            found.iter().map(|x| month_of(x.start / DAY)).collect::<Vec<_>>(),
            [(2020, 2), (2024, 2), (2028, 2)]
        );
        assert!(found.iter().all(|x| x.end - x.start == DAY));
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let all = Yearly::new((1, 1), (12, 31)).unwrap();
        assert_eq!(all.windows(&Zone::default(), i64::MIN, i64::MAX).len(), 9_999);
        assert_eq!(all.windows(&Zone::default(), i64::MAX - 1, i64::MAX).len(), 0);
        assert!(Yearly::new((0, 1), (1, 1)).is_err());
        assert!(Yearly::new((1, 1), (13, 1)).is_err());
        assert!(Yearly::new((1, 32), (2, 1)).is_err());
    }
}
