//! Who contains a term and how often, with bounds per block of 128.
//!
//! A posting is one word: the slot less the first slot of its block in the upper 24 bits, the
//! frequency (at most 255) in the lower 8. The bounds of a block are the greatest frequency and the
//! least length, not a score, so they hold while the statistics of the collection drift.

use std::ops::Range;

use crate::id::Slot;

/// Most postings of a block.
pub(super) const BLOCK: usize = 128;
const FARTHEST: u32 = (1 << 24) - 1;

/// A run of postings in ascending order of slots.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Block {
    /// First slot.
    pub(super) base: Slot,
    start: u32,
    /// Greatest frequency, or more.
    pub(super) most: u8,
    /// Least document length, or less.
    pub(super) shortest: u16,
}

/// The postings of one term, in one cache line.
#[derive(Debug, Clone, Default)]
#[repr(align(64))]
pub(super) struct Postings {
    entries: Vec<u32>,
    sealed: Vec<Block>,
    /// The last block lies here, so that a rare term needs one allocation.
    tail: Block,
    /// How many belong to documents that were removed.
    pub(super) dead: u32,
}

impl Postings {
    /// Number of documents that have the term and were not removed.
    pub(super) fn documents(&self) -> u32 {
        self.entries.len() as u32 - self.dead
    }

    /// Number of postings, those of removed documents too.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Number of blocks.
    pub(super) fn blocks(&self) -> usize {
        if self.entries.is_empty() { 0 } else { self.sealed.len() + 1 }
    }

    /// The block with this number, which must exist.
    #[inline(always)]
    pub(super) fn block(&self, at: usize) -> Block {
        self.sealed.get(at).copied().unwrap_or(self.tail)
    }

    /// The postings of a block as (slot less base) << 8 | frequency.
    #[inline(always)]
    pub(super) fn entries(&self, at: usize) -> &[u32] {
        &self.entries[self.span(at)]
    }

    fn span(&self, at: usize) -> Range<usize> {
        let end = match at + 1 {
            next if next < self.sealed.len() => self.sealed[next].start,
            next if next == self.sealed.len() => self.tail.start,
            _ => self.entries.len() as u32,
        };
        self.block(at).start as usize..end as usize
    }

    /// The last block that starts at or before the slot, or the first one, looked for from `from`.
    #[inline]
    pub(super) fn reach(&self, from: usize, slot: Slot) -> usize {
        let mut at = from;
        // The next one or two blocks nearly always; a bisection where a filter skips far ahead.
        for _ in 0..4 {
            if at >= self.sealed.len() || self.block(at + 1).base > slot {
                return at;
            }
            at += 1;
        }
        if self.tail.base <= slot {
            return self.sealed.len();
        }
        at + self.sealed[at..].partition_point(|block| block.base <= slot).max(1) - 1
    }

    /// How often the slot has the term, if the block holds it; else zero.
    #[inline]
    pub(super) fn frequency(&self, block: usize, slot: Slot) -> u8 {
        let Some(delta) = slot.checked_sub(self.block(block).base) else { return 0 };
        let entries = self.entries(block);
        let at = entries.partition_point(|&entry| entry >> 8 < delta);
        entries.get(at).map_or(0, |&entry| if entry >> 8 == delta { entry as u8 } else { 0 })
    }

    /// How often the slot has the term.
    pub(super) fn frequency_of(&self, slot: Slot) -> u8 {
        if self.entries.is_empty() { 0 } else { self.frequency(self.reach(0, slot), slot) }
    }

    /// All postings: slot and frequency.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, u8)> + '_ {
        (0..self.blocks()).flat_map(|at| {
            let base = self.block(at).base;
            self.entries(at).iter().map(move |&entry| (base + (entry >> 8), entry as u8))
        })
    }

    /// The postings of a slot and the later ones.
    pub(super) fn iter_from(&self, slot: Slot) -> impl Iterator<Item = (Slot, u8)> + '_ {
        (self.reach(0, slot)..self.blocks()).flat_map(move |at| {
            let base = self.block(at).base;
            let from = slot.saturating_sub(base);
            let entries = self.entries(at);
            let entries = &entries[entries.partition_point(|&entry| entry >> 8 < from)..];
            entries.iter().map(move |&entry| (base + (entry >> 8), entry as u8))
        })
    }

    /// Adds a document in any place; it must not be there yet.
    pub(super) fn insert(&mut self, slot: Slot, frequency: u8, length: u16) {
        match self.entries.last() {
            Some(&last) if self.tail.base + (last >> 8) >= slot => {
                let block = self.reach(0, slot);
                self.rewrite(block, length, |postings| {
                    let at = postings.partition_point(|posting| posting.0 < slot);
                    postings.insert(at, (slot, frequency));
                });
            }
            _ => self.push(slot, frequency, length, BLOCK),
        }
    }

    /// Takes a document out physically.
    pub(super) fn erase(&mut self, slot: Slot) {
        if !self.entries.is_empty() {
            let block = self.reach(0, slot);
            self.rewrite(block, u16::MAX, |postings| postings.retain(|posting| posting.0 != slot));
        }
    }

    /// Appends a document behind all others, in a new block where the last has `room` already.
    #[inline]
    fn push(&mut self, slot: Slot, frequency: u8, length: u16, room: usize) {
        let entries = self.entries.len();
        if entries == 0 {
            self.tail = Block { base: slot, start: 0, most: frequency, shortest: length };
        } else if entries - self.tail.start as usize >= room || slot - self.tail.base > FARTHEST {
            self.sealed.push(self.tail);
            self.tail = Block { base: slot, start: entries as u32, most: frequency, shortest: length };
        } else {
            self.tail.most = self.tail.most.max(frequency);
            self.tail.shortest = self.tail.shortest.min(length);
        }
        if entries == self.entries.capacity() {
            // A quarter, not double, in long lists: most of the memory of the index is here.
            let more = if entries < 256 { entries / 2 } else { entries / 4 };
            self.entries.reserve_exact(more.max(4));
        }
        self.entries.push((slot - self.tail.base) << 8 | u32::from(frequency));
    }

    /// Changes one block and writes it anew, as two halves where it grew too large.
    fn rewrite(&mut self, at: usize, length: u16, change: impl FnOnce(&mut Vec<(Slot, u8)>)) {
        let (old, span) = (self.block(at), self.span(at));
        let mut postings: Vec<_> =
            self.entries[span.clone()].iter().map(|&e| (old.base + (e >> 8), e as u8)).collect();
        change(&mut postings);
        let room = if postings.len() > BLOCK { postings.len().div_ceil(2) } else { BLOCK };
        let mut fresh = Self::default();
        for &(slot, frequency) in &postings {
            fresh.push(slot, frequency, length.min(old.shortest), room);
        }
        self.sealed.push(self.tail);
        for later in &mut self.sealed[at + 1..] {
            later.start = later.start + postings.len() as u32 - span.len() as u32;
        }
        if !postings.is_empty() {
            fresh.sealed.push(fresh.tail);
        }
        fresh.sealed.iter_mut().for_each(|block| block.start += old.start);
        self.sealed.splice(at..=at, fresh.sealed);
        self.tail = self.sealed.pop().unwrap_or_default();
        self.entries.splice(span, fresh.entries);
    }

    /// No postings, with room for some.
    pub(super) fn with_capacity(documents: usize) -> Self {
        Self { entries: Vec::with_capacity(documents), ..Self::default() }
    }

    /// Adds a document behind all others.
    #[inline]
    pub(super) fn append(&mut self, slot: Slot, frequency: u8, length: u16) {
        self.push(slot, frequency, length, BLOCK);
    }

    /// Postings from documents in ascending order: slot, frequency, length.
    pub(super) fn collect(documents: impl Iterator<Item = (Slot, u8, u16)>) -> Self {
        let mut postings = Self::default();
        for (slot, frequency, length) in documents {
            postings.push(slot, frequency, length, BLOCK);
        }
        postings
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<u32>() * self.entries.capacity() + size_of::<Block>() * self.sealed.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn behaves_like_a_sorted_map(
            start in 0u32..2000,
            ops in prop::collection::vec((0u32..3000, 1u8..5, 1u16..9, any::<bool>(), any::<bool>()), 0..400),
        ) {
            let mut postings = Postings::collect((0..start).map(|slot| (2 * slot, 1, 5)));
            let mut model: BTreeMap<_, _> = (0..start).map(|slot| (2 * slot, (1, 5))).collect();
            for (slot, frequency, length, far, take) in ops {
                let slot = if far { slot << 20 } else { slot };
                if take {
                    postings.erase(slot);
                    model.remove(&slot);
                } else {
                    model.entry(slot).or_insert_with(|| {
                        postings.insert(slot, frequency, length);
                        (frequency, length)
                    });
                }
            }
            let expected: Vec<_> = model.iter().map(|(&slot, &(frequency, _))| (slot, frequency)).collect();
            prop_assert_eq!(postings.iter().collect::<Vec<_>>(), expected);
            let mut hint = 0;
            for (&slot, &(frequency, length)) in &model {
                hint = postings.reach(hint, slot);
                prop_assert_eq!(hint, postings.reach(0, slot));
                prop_assert_eq!(postings.frequency(hint, slot), frequency);
                let block = postings.block(hint);
                prop_assert!(block.most >= frequency && block.shortest <= length);
                prop_assert!(postings.entries(hint).len() <= BLOCK);
                if !model.contains_key(&(slot + 1)) {
                    prop_assert_eq!(postings.frequency(postings.reach(0, slot + 1), slot + 1), 0);
                }
            }
        }
    }
}
