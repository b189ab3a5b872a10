//! Which slot owns which rows, and which rows are free.

use crate::chunked::Chunked;
use crate::error::Result;
use crate::id::Slot;

/// Owner of a free row.
const NOBODY: Slot = Slot::MAX;

/// Rows of each slot as chains of row numbers plus one; zero ends a chain.
#[derive(Debug, Default)]
pub(super) struct Owners {
    owner: Chunked<Slot>,
    next: Chunked<u32>,
    first: Chunked<u32>,
    free: Chunked<u32>,
    slots: usize,
    out_of_order: bool,
}

impl Owners {
    /// No rows, with room for slots below `end`.
    pub(super) fn with_slots(end: usize) -> Result<Self> {
        Ok(Self { first: Chunked::zeros(end)?, ..Self::default() })
    }

    /// The row that the next vector goes to: a free one, or one past the last.
    pub(super) fn next_row(&self) -> usize {
        self.free.last().map_or(self.owner.len(), |row| row as usize)
    }

    /// Makes room, so that [`Owners::take`] cannot fail for want of memory.
    pub(super) fn reserve(&mut self, slot: Slot) -> Result<()> {
        let missing = (slot as usize + 1).saturating_sub(self.first.len());
        self.first.reserve(missing)?;
        self.owner.reserve(1)?;
        self.next.reserve(1)?;
        // One free entry a row at most, so that a removal never allocates.
        self.free.reserve(self.owner.len() + 1 - self.free.len())
    }

    /// Gives [`Owners::next_row`] to a slot.
    pub(super) fn take(&mut self, slot: Slot) {
        let row = self.next_row();
        if self.free.pop().is_none() {
            self.owner.push(NOBODY);
            self.next.push(0);
        }
        self.first.fill_up(slot as usize + 1, 0);
        let first = &mut self.first[slot as usize];
        self.slots += usize::from(*first == 0);
        self.out_of_order |= row != slot as usize;
        self.owner[row] = slot;
        self.next[row] = std::mem::replace(first, row as u32 + 1);
    }

    /// Frees the rows of a slot and gives them.
    pub(super) fn release(&mut self, slot: Slot) -> Vec<usize> {
        let rows: Vec<usize> = self.rows_of(slot).collect();
        for &row in &rows {
            self.owner[row] = NOBODY;
            self.free.push(row as u32);
        }
        if !rows.is_empty() {
            self.first[slot as usize] = 0;
            self.slots -= 1;
        }
        rows
    }

    /// The rows of a slot.
    #[inline]
    pub(super) fn rows_of(&self, slot: Slot) -> impl Iterator<Item = usize> + '_ {
        let after = |row: u32| (row > 0).then(|| row as usize - 1);
        let first = self.first.get(slot as usize).and_then(after);
        std::iter::successors(first, move |&row| after(self.next[row]))
    }

    /// The slot of a row, unless the row is free.
    #[inline]
    pub(super) fn owner(&self, row: usize) -> Option<Slot> {
        Some(self.owner[row]).filter(|&slot| slot != NOBODY)
    }

    /// Whether every row number is the slot of the row, but for the free rows given.
    pub(super) fn in_order(&self) -> Option<&Chunked<u32>> {
        (!self.out_of_order).then_some(&self.free)
    }

    /// Number of rows in use.
    pub(super) fn len(&self) -> usize {
        self.owner.len() - self.free.len()
    }

    /// Number of rows, free ones included.
    pub(super) fn rows(&self) -> usize {
        self.owner.len()
    }

    /// Number of slots that own a row.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// One more than the greatest slot that ever owned a row.
    pub(super) fn slots_end(&self) -> usize {
        self.first.len()
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        self.owner.bytes() + self.next.bytes() + self.first.bytes() + self.free.bytes()
    }
}
