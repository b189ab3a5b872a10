//! An interval with what it belongs to, and what is known of many.

/// Where an interval stands: by its start, then by the number of its item.
pub type Key = (i64, u32);

/// A half-open interval `[start, end)` of an item. Times are microseconds; `i64::MIN` and `i64::MAX` are open ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// First instant inside.
    pub start: i64,
    /// First instant after it, above `start`.
    pub end: i64,
    /// What it belongs to.
    pub item: u32,
    /// How much that counts; no NaN.
    pub weight: f32,
}

impl Span {
    /// Its place.
    pub fn key(&self) -> Key {
        (self.start, self.item)
    }

    /// Whether it shares an instant with `[from, to)`.
    pub fn overlaps(&self, from: i64, to: i64) -> bool {
        self.start < to && self.end > from
    }

    /// Microseconds between an instant and the interval, 0 inside.
    pub fn distance(&self, at: i64) -> u64 {
        distance(self.start, self.end, at)
    }
}

pub(super) fn distance(start: i64, end: i64, at: i64) -> u64 {
    if at < start {
        start.abs_diff(at)
    } else if at >= end {
        // The last instant inside is one before the end.
        at.abs_diff(end) + 1
    } else {
        0
    }
}

/// What is known of the intervals below a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    pub(super) count: usize,
    /// Latest end.
    pub(super) end: i64,
    /// Greatest weight.
    pub(super) weight: f32,
    /// Least and greatest item.
    pub(super) items: (u32, u32),
}

impl Summary {
    pub(super) const NONE: Summary =
        Summary { count: 0, end: i64::MIN, weight: f32::NEG_INFINITY, items: (u32::MAX, 0) };

    pub(super) fn with(self, other: Summary) -> Self {
        let weight = if other.weight > self.weight { other.weight } else { self.weight };
        let items = (self.items.0.min(other.items.0), self.items.1.max(other.items.1));
        Self { count: self.count + other.count, end: self.end.max(other.end), weight, items }
    }
}

impl From<&Span> for Summary {
    fn from(span: &Span) -> Self {
        Self { count: 1, end: span.end, weight: span.weight, items: (span.item, span.item) }
    }
}
