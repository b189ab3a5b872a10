//! A row of bits for each slot, on which near vectors agree.

use crate::error::{Error, Result};
use crate::id::Slot;
use crate::simd::{self, Kernels};

/// Rows between the one that is compared and the one that memory is asked for.
const AHEAD: usize = 12;

/// Signatures by slot, `words` words each.
#[derive(Debug)]
pub(super) struct Signatures {
    words: usize,
    rows: Vec<u64>,
}

impl Signatures {
    /// No signatures yet.
    pub(super) fn new(words: usize) -> Self {
        Self { words, rows: Vec::new() }
    }

    /// Whether there are none to compare.
    pub(super) fn absent(&self) -> bool {
        self.words == 0
    }

    /// Keeps the signature of a slot, of ones for a slot that is left empty.
    ///
    /// # Errors
    /// [`Error::Storage`] without memory.
    pub(super) fn put(&mut self, slot: Slot, signature: &[u64]) -> Result<()> {
        let end = (slot as usize + 1) * self.words;
        if self.rows.len() < end {
            let more = end - self.rows.len();
            self.rows.try_reserve(more).map_err(|error| Error::Storage(error.to_string()))?;
            self.rows.resize(end, 0);
        }
        self.rows[end - self.words..end].copy_from_slice(&signature[..self.words]);
        Ok(())
    }

    fn row(&self, slot: Slot) -> &[u64] {
        &self.rows[slot as usize * self.words..][..self.words]
    }

    /// In how many bits a signature differs from those of some slots.
    pub(super) fn differing(&self, signature: &[u64], slots: &[Slot], out: &mut Vec<u32>) {
        out.clear();
        for (at, &slot) in slots.iter().enumerate() {
            if let Some(&next) = slots.get(at + AHEAD) {
                simd::prefetch(self.row(next));
            }
            out.push(Kernels::best().differing(signature, self.row(slot)));
        }
    }

    /// Bytes of memory reserved.
    pub(super) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<u64>()
    }
}
