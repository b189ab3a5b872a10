//! Windows of the calendar.

use super::civil::{first_of, monday_of, month_of};
use super::zone::Zone;

/// What a window is as long as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// An hour, as clocks show it; at a change of half an hour windows may be cut.
    Hour,
    /// From midnight to midnight: 23 or 25 hours where clocks change.
    Day,
    /// From Monday on.
    Week,
    /// From the first on.
    Month,
    /// From the first of January on.
    Year,
}

/// A half-open range of microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant inside.
    pub start: i64,
    /// First instant after it.
    pub end: i64,
}

impl Unit {
    /// The window of a zone that holds an instant. Windows of a unit leave nothing out and never overlap.
    pub fn window(self, zone: &Zone, at: i64) -> Window {
        let (first, last) = match self {
            Unit::Hour => return hour(zone, at),
            Unit::Day => {
                let day = zone.day(at);
                (day, day + 1)
            }
            Unit::Week => {
                let monday = monday_of(zone.day(at));
                (monday, monday + 7)
            }
            Unit::Month => {
                let (year, month) = month_of(zone.day(at));
                (first_of(year, month), first_of(year, month + 1))
            }
            Unit::Year => {
                let (year, _) = month_of(zone.day(at));
                (first_of(year, 1), first_of(year + 1, 1))
            }
        };
        Window { start: zone.begin(first), end: zone.begin(last) }
    }
}

/// An hour, cut where its day is.
fn hour(zone: &Zone, at: i64) -> Window {
    let (day, (start, end)) = (zone.day(at), zone.hour(at));
    Window { start: start.max(zone.begin(day)), end: end.min(zone.begin(day + 1)) }
}
