//! Facts in the order in which they were recorded, with the bounds of every 16, of every 256, and so on, where there are
//! many: what lies outside of them in either time is passed over (a packed R-tree over two times that only grows at its end).

use std::ops::Range;

use super::row::{Fact, When};
use crate::simd;

const FAN: usize = 16;
/// As many are looked at one after the other sooner than by bounds that lie elsewhere in memory.
const BARE: usize = 64;

/// Both times of a fact, or the least and greatest of those of many.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    valid: (i64, i64),
    recorded: (i64, i64),
}

impl Bounds {
    const NONE: Bounds = Bounds { valid: (i64::MAX, i64::MIN), recorded: (i64::MAX, i64::MIN) };

    fn with(self, other: (&(i64, i64), &(i64, i64))) -> Self {
        let join = |a: (i64, i64), b: &(i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        Self { valid: join(self.valid, other.0), recorded: join(self.recorded, other.1) }
    }

    fn of(fact: &Fact) -> Self {
        Self { valid: fact.valid, recorded: fact.recorded }
    }

    fn fits(&self, when: &When) -> bool {
        let (valid, recorded) = (self.valid, self.recorded);
        valid.0 < when.to && valid.1 > when.from && recorded.0 <= when.recorded && when.recorded < recorded.1
    }
}

/// What a search asks of a fact, so that it need not go where the fact itself lies.
#[derive(Debug, Clone, Copy)]
struct Seen {
    bounds: Bounds,
    row: u32,
    object: u32,
}

impl Seen {
    fn of(row: u32, facts: &[Fact]) -> Self {
        let fact = &facts[row as usize];
        Self { bounds: Bounds::of(fact), row, object: fact.object }
    }
}

/// Facts by number, ascending.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    rows: Vec<u32>,
    /// What is asked of them side by side, where a search is to touch little memory; else empty.
    seen: Vec<Seen>,
    beside: bool,
    /// Bounds of every 16 below; the last level has 16 at most. None of few.
    levels: Vec<Vec<Bounds>>,
}

impl Chain {
    /// One that keeps what is asked of its facts side by side.
    pub(super) fn side_by_side() -> Self {
        Self { beside: true, ..Self::default() }
    }

    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Takes the fact of a number that is greater than all.
    pub(super) fn push(&mut self, row: u32, facts: &[Fact]) {
        let at = self.rows.len();
        self.rows.push(row);
        let fact = &facts[row as usize];
        if self.beside {
            self.seen.push(Seen::of(row, facts));
        }
        let mut place = at / FAN;
        for level in 0.. {
            if level == self.levels.len() {
                let (below, few) = match level {
                    0 => (self.rows.len(), BARE),
                    _ => (self.levels[level - 1].len(), FAN),
                };
                if below <= few {
                    break;
                }
                let built = (0..below.div_ceil(FAN)).map(|place| self.bounds(level, place, facts)).collect();
                self.levels.push(built);
            } else if place == self.levels[level].len() {
                let bounds = self.bounds(level, place, facts);
                self.levels[level].push(bounds);
            } else {
                let bounds = &mut self.levels[level][place];
                *bounds = bounds.with((&fact.valid, &fact.recorded));
            }
            place /= FAN;
        }
    }

    /// Looks again at a fact of which the record was closed.
    pub(super) fn look_again(&mut self, row: u32, facts: &[Fact]) {
        let Ok(at) = self.rows.binary_search(&row) else { return };
        if self.beside {
            self.seen[at] = Seen::of(row, facts);
        }
        let mut place = at / FAN;
        for level in 0..self.levels.len() {
            self.levels[level][place] = self.bounds(level, place, facts);
            place /= FAN;
        }
    }

    fn bounds(&self, level: usize, place: usize, facts: &[Fact]) -> Bounds {
        let some = |len: usize| place * FAN..len.min((place + 1) * FAN);
        match level.checked_sub(1) {
            None => {
                let rows = self.rows[some(self.rows.len())].iter().map(|&row| &facts[row as usize]);
                rows.fold(Bounds::NONE, |sum, fact| sum.with((&fact.valid, &fact.recorded)))
            }
            Some(below) => {
                let below = &self.levels[below];
                below[some(below.len())]
                    .iter()
                    .fold(Bounds::NONE, |sum, bounds| sum.with((&bounds.valid, &bounds.recorded)))
            }
        }
    }

    /// Shows what fits, ascending.
    pub(super) fn each(&self, when: &When, facts: &[Fact], see: &mut impl FnMut(u32, &Fact)) {
        match self.levels.len().checked_sub(1) {
            Some(top) => (0..self.levels[top].len()).for_each(|at| self.visit(top, at, when, facts, see)),
            None => self.leaf(0..self.rows.len(), when, facts, see),
        }
    }

    fn visit(&self, level: usize, at: usize, when: &When, facts: &[Fact], see: &mut impl FnMut(u32, &Fact)) {
        if !self.levels[level][at].fits(when) {
            return;
        }
        let some = |len: usize| at * FAN..len.min((at + 1) * FAN);
        match level.checked_sub(1) {
            Some(below) => {
                some(self.levels[below].len()).for_each(|at| self.visit(below, at, when, facts, see));
            }
            None => self.leaf(some(self.rows.len()), when, facts, see),
        }
    }

    fn leaf(&self, places: Range<usize>, when: &When, facts: &[Fact], see: &mut impl FnMut(u32, &Fact)) {
        for at in places {
            if self.fits(at, when, facts) {
                let row = self.rows[at];
                see(row, &facts[row as usize]);
            }
        }
    }

    #[inline]
    fn fits(&self, at: usize, when: &When, facts: &[Fact]) -> bool {
        match self.seen.get(at) {
            Some(seen) => seen.bounds.fits(when),
            None => when.fits(&facts[self.rows[at] as usize]),
        }
    }

    fn last_of(&self, places: Range<usize>, when: &When, facts: &[Fact]) -> Option<(u32, u32)> {
        let at = places.rev().find(|&at| self.fits(at, when, facts))?;
        let seen = self.seen.get(at).copied().unwrap_or_else(|| Seen::of(self.rows[at], facts));
        Some((seen.row, seen.object))
    }

    /// The last that fits, and its object; what is newer is looked at first.
    pub(super) fn last(&self, when: &When, facts: &[Fact]) -> Option<(u32, u32)> {
        if self.levels.is_empty() {
            simd::prefetch(&self.seen);
        }
        match self.levels.len().checked_sub(1) {
            Some(top) => (0..self.levels[top].len()).rev().find_map(|at| self.last_in(top, at, when, facts)),
            None => self.last_of(0..self.rows.len(), when, facts),
        }
    }

    fn last_in(&self, level: usize, at: usize, when: &When, facts: &[Fact]) -> Option<(u32, u32)> {
        if !self.levels[level][at].fits(when) {
            return None;
        }
        let some = |len: usize| at * FAN..len.min((at + 1) * FAN);
        match level.checked_sub(1) {
            Some(below) => {
                let children = some(self.levels[below].len());
                children.rev().find_map(|at| self.last_in(below, at, when, facts))
            }
            None => self.last_of(some(self.rows.len()), when, facts),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let levels: usize = self.levels.iter().map(|x| x.capacity() * size_of::<Bounds>()).sum();
        4 * self.rows.capacity() + self.seen.capacity() * size_of::<Seen>() + levels
    }
}
