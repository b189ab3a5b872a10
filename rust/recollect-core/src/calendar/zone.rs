//! The offsets of a time zone.

use crate::bytes::{Reader, Writer};
use crate::error::{Error, Result};

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Microseconds of a day of 24 hours.
pub(super) const DAY: i64 = 86_400 * SECOND;
/// After so long the Gregorian calendar repeats, weekdays included.
const CYCLE: i64 = 146_097 * DAY;
/// No clock on earth is further from UTC than this.
const FURTHEST: i32 = 26 * 3_600;

/// What clocks of a place show against UTC, as a table of changes.
///
/// After the last year of the table it repeats its last 400 years, as the rules of the Gregorian calendar do, if the table
/// covers as much; otherwise the last offset stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Instants from which on, and seconds east of UTC; the first is `i64::MIN`.
    changes: Vec<(i64, i32)>,
    /// Instant after which the last 400 years repeat.
    end: Option<i64>,
}

impl Default for Zone {
    fn default() -> Self {
        Self { changes: vec![(i64::MIN, 0)], end: None }
    }
}

impl Zone {
    /// A zone of one offset, seconds east of UTC.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than 26 hours.
    pub fn fixed(offset: i32) -> Result<Self> {
        Self::new(offset, &[], None)
    }

    /// A zone from the offset before all changes, and changes in ascending order: instant in microseconds, and seconds east
    /// of UTC from then on. `repeats` is the instant after which the 400 years before it repeat.
    ///
    /// # Errors
    /// [`Error::Invalid`] for changes out of order and for more than 26 hours.
    pub fn new(before: i32, changes: &[(i64, i32)], repeats: Option<i64>) -> Result<Self> {
        let all: Vec<_> = std::iter::once((i64::MIN, before)).chain(changes.iter().copied()).collect();
        if all.iter().any(|x| x.1.abs() > FURTHEST) {
            return Err(Error::invalid("zone", "expected an offset of at most 26 hours"));
        }
        if !all.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Error::invalid("zone", "expected changes in ascending order"));
        }
        let sound = |end: i64| all.last().is_some_and(|last| last.0 < end) && end.abs() < i64::MAX / 4;
        match repeats {
            Some(end) if !sound(end) => {
                Err(Error::invalid("zone", "expected the last change before its end"))
            }
            end => Ok(Self { changes: all, end }),
        }
    }

    /// An instant of the table that has the same place in the cycle, and how far it was moved.
    fn folded(&self, at: i64) -> (i64, i64) {
        match self.end {
            Some(end) if at >= end => {
                let cycles = ((i128::from(at) - i128::from(end)) / i128::from(CYCLE) + 1) as i64;
                (at - cycles * CYCLE, cycles * CYCLE)
            }
            _ => (at, 0),
        }
    }

    /// Microseconds that clocks are east of UTC at an instant.
    fn offset(&self, at: i64) -> i64 {
        let (at, _) = self.folded(at);
        let after = self.changes.partition_point(|change| change.0 <= at);
        self.changes.get(after.wrapping_sub(1)).map_or(0, |change| i64::from(change.1) * SECOND)
    }

    /// The number of the local day of an instant since 1970, by what [`Zone::begin`] tells.
    pub(super) fn day(&self, at: i64) -> i64 {
        let shown = at.saturating_add(self.offset(at)).div_euclid(DAY);
        // Where clocks go back over a midnight, a day is over once the next was first shown.
        if self.begin(shown + 1) <= at { shown + 1 } else { shown }
    }

    /// The first instant at which clocks show a local day, or a later one.
    pub(super) fn begin(&self, day: i64) -> i64 {
        self.first_shown(day.saturating_mul(DAY))
    }

    /// The first instant at which clocks show a local time, or a later one.
    fn first_shown(&self, local: i64) -> i64 {
        let furthest = i64::from(FURTHEST) * SECOND;
        let (from, moved) = self.folded(local.saturating_sub(furthest));
        let wanted = local.saturating_sub(moved);
        let first = self.changes.partition_point(|change| change.0 <= from).saturating_sub(1);
        for (at, &(since, offset)) in self.changes.iter().enumerate().skip(first) {
            let candidate = since.max(wanted.saturating_sub(i64::from(offset) * SECOND));
            let until = self.changes.get(at + 1).map_or(i64::MAX, |next| next.0);
            if candidate < until {
                return candidate.saturating_add(moved);
            }
        }
        local
    }

    /// The local hour of an instant: hours of an offset that is no whole number of them begin where clocks show them.
    pub(super) fn hour(&self, at: i64) -> (i64, i64) {
        let (hour, offset) = (3_600 * SECOND, self.offset(at));
        let start = at.saturating_add(offset).div_euclid(hour).saturating_mul(hour).saturating_sub(offset);
        (start, start.saturating_add(hour))
    }

    /// Writes the table.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.changes.len() as u64);
        for &(at, offset) in &self.changes {
            out.i64(at);
            out.u32(offset as u32);
        }
        out.i64(self.end.unwrap_or(i64::MIN));
    }

    /// Reads what [`Zone::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Storage`] for anything else.
    pub fn decode(from: &mut Reader<'_>) -> Result<Self> {
        let count = from.count(12)?;
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push((from.i64()?, from.u32()? as i32));
        }
        let end = Some(from.i64()?).filter(|&end| end != i64::MIN);
        let bad = || Error::Storage("a zone out of order".into());
        match all.split_first() {
            Some((&(i64::MIN, before), changes)) => Self::new(before, changes, end).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }
}
