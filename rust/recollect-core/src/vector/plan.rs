//! Which way a search goes: all rows, the allowed ones, their bit codes, or the cells nearest the query.

use std::fmt;

use crate::vector::costs::Costs;

/// A way to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// All rows on int8 codes, f32 where these leave a doubt; the answer is exact.
    Exact,
    /// The allowed slots one by one; the answer is exact.
    Listed,
    /// The bit codes of all rows, then int8, then f32.
    Sketch,
    /// The same in the cells nearest the query.
    Cells,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Listed => "listed",
            Self::Sketch => "sketch",
            Self::Cells => "cells",
        })
    }
}

/// How a search goes, and what to expect of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The way.
    pub way: Way,
    /// Cells visited; 0 where there are none to choose from.
    pub cells: usize,
    /// Cells there are.
    pub of: usize,
    /// Standard deviations by which a bit code may be too low.
    pub slack: f32,
    /// The recall to expect: the share of the best `k` that is found.
    pub expected: f64,
}

impl Plan {
    /// The plan of an exact search.
    pub(super) fn exact(way: Way, of: usize) -> Self {
        Self { way, cells: 0, of, slack: 0.0, expected: 1.0 }
    }
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub rows: usize,
    /// Entries in cells, up to two a row.
    pub entries: usize,
    pub dim: usize,
    pub words: usize,
    /// Slots the call may see; none for all.
    pub allowed: Option<usize>,
}

/// Nanoseconds to start a search of cells: the query is rotated, rounded and compared with the centres.
const START: f64 = 7_000.0;
/// Nanoseconds to go to a cell.
const VISIT: f64 = 40.0;
/// Nanoseconds to go to a row by itself.
const GATHER: f64 = 30.0;

impl Sizes {
    /// The cheaper of the exact ways, and what it takes in nanoseconds.
    pub(super) fn exact(&self, of: usize) -> (Plan, f64) {
        let costs = Costs::here();
        let all = self.rows as f64 * self.dim as f64 * costs.int8 * 1.2;
        match self.allowed {
            Some(allowed) => {
                let listed = allowed as f64 * (GATHER + 4.0 * self.dim as f64 * costs.int8);
                if listed < all {
                    (Plan::exact(Way::Listed, of), listed)
                } else {
                    (Plan::exact(Way::Exact, of), all)
                }
            }
            None => (Plan::exact(Way::Exact, of), all),
        }
    }

    /// What a search of so many of the cells takes, in nanoseconds.
    pub(super) fn cells(&self, cells: usize, of: usize) -> f64 {
        let share = cells as f64 / of.max(1) as f64;
        let bytes = self.entries as f64 * share * 8.0 * self.words as f64;
        let centres = of as f64 * 8.0 * self.words as f64;
        START + (bytes + centres) * Costs::here().bits + cells as f64 * VISIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_allowed_slots_are_read_one_by_one() {
        let sizes = Sizes { rows: 100_000, entries: 200_000, dim: 384, words: 6, allowed: Some(50) };
        assert_eq!(sizes.exact(500).0.way, Way::Listed);
        assert_eq!(Sizes { allowed: Some(100_000), ..sizes }.exact(500).0.way, Way::Exact);
        assert_eq!(Sizes { allowed: None, ..sizes }.exact(500).0.way, Way::Exact);
        assert!(
            sizes.cells(5, 500) < sizes.cells(500, 500) && sizes.cells(500, 500) < sizes.exact(500).1 * 1e3
        );
    }
}
