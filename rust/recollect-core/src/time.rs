//! Instants and intervals. No clock is read anywhere in this crate.

/// Microseconds since 1970-01-01T00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A half-open interval `[start, end)`; an instant has `end == start + 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

impl Interval {
    /// The interval of one instant.
    pub fn instant(at: Timestamp) -> Self {
        Self { start: at, end: Timestamp(at.0.saturating_add(1)) }
    }

    /// `[start, end)`, or none where it would be empty.
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Whether the two share an instant.
    pub fn overlaps(&self, other: &Interval) -> bool {
        self.start < other.end && other.start < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_open_intervals_touch_without_overlapping() {
        let at = |a, b| Interval::new(Timestamp(a), Timestamp(b)).unwrap();
        assert!(!at(0, 5).overlaps(&at(5, 9)));
        assert!(at(0, 6).overlaps(&at(5, 9)));
        assert_eq!(Interval::new(Timestamp(3), Timestamp(3)), None);
        assert!(Interval::instant(Timestamp(5)).overlaps(&at(5, 6)));
    }
}
