//! Which slots are taken, and how long their texts are.

use super::bm25::Collection;
use crate::bitmap::Bitmap;
use crate::id::Slot;

/// The documents of an index, without their words.
#[derive(Debug, Clone, Default)]
pub(super) struct Documents {
    lengths: Vec<u16>,
    live: Bitmap,
    /// Removed ones whose postings are still there.
    removed: Bitmap,
    words: u64,
}

impl Documents {
    /// None, with room for some.
    pub(super) fn with_capacity(slots: usize) -> Self {
        Self { lengths: Vec::with_capacity(slots), ..Self::default() }
    }

    /// Takes a slot that is free; lengths saturate at 65,535.
    pub(super) fn add(&mut self, slot: Slot, length: usize) -> u16 {
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        if self.lengths.len() <= slot as usize {
            self.lengths.resize(slot as usize + 1, 0);
        }
        self.lengths[slot as usize] = length;
        self.live.insert(slot);
        self.words += u64::from(length);
        length
    }

    /// Marks a document as removed; true if it was there.
    pub(super) fn remove(&mut self, slot: Slot) -> bool {
        let there = self.live.remove(slot);
        if there {
            self.words -= u64::from(self.lengths[slot as usize]);
            self.removed.insert(slot);
        }
        there
    }

    /// Says that nothing is left of a removed document; true if something was.
    pub(super) fn forget(&mut self, slot: Slot) -> bool {
        let removed = self.removed.remove(slot);
        if removed {
            self.lengths[slot as usize] = 0;
        }
        removed
    }

    /// Says that nothing is left of any removed document.
    pub(super) fn forget_all(&mut self) {
        let removed = std::mem::take(&mut self.removed);
        removed.iter().for_each(|slot| self.lengths[slot as usize] = 0);
    }

    /// Length of each slot in terms; of the free ones it means nothing.
    pub(super) fn lengths(&self) -> &[u16] {
        &self.lengths
    }

    /// The documents that are there.
    pub(super) fn live(&self) -> &Bitmap {
        &self.live
    }

    /// Whether postings of removed documents are about.
    pub(super) fn any_removed(&self) -> bool {
        !self.removed.is_empty()
    }

    /// What scores depend on.
    pub(super) fn collection(&self) -> Collection {
        Collection { documents: self.live.len() as u64, words: self.words }
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        2 * self.lengths.capacity() + 8 * (self.live.words().len() + self.removed.words().len())
    }
}
