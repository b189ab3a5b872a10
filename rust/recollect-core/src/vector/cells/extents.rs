//! The codes of a cell side by side: one extent of fixed size a cell, from one arena.
//!
//! | words of an extent | what |
//! |---|---|
//! | `FULL * words` | codes, eight to a block |
//! | `FULL / 2` | factors, f32 |
//! | `FULL / 2` | bases, f32 |
//! | `FULL / 2` | entries, u32 |

use crate::error::{Error, Result};
use crate::simd::LANES;
use crate::vector::Matrix;

/// Entries that a cell holds at most.
pub(super) const FULL: usize = 512;

/// u64 words that the facts of a full cell take, four bytes each.
const FACTS: usize = FULL / 2;

/// What is kept of one entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept<'a> {
    pub code: &'a [u64],
    pub factor: f32,
    pub base: f32,
    pub entry: u32,
}

/// The arena.
#[derive(Debug)]
pub(super) struct Extents {
    words: usize,
    matrix: Matrix<u64>,
    free: Vec<u32>,
}

impl Extents {
    /// No extents yet, for codes of `words` words.
    pub(super) fn new(words: usize) -> Self {
        Self { words, matrix: Matrix::new(FULL * words + 3 * FACTS), free: Vec::new() }
    }

    /// Makes room for many extents, see [`Matrix::reserve_many`].
    pub(super) fn reserve_many(&mut self, count: usize, threads: usize) -> Result<()> {
        self.matrix.reserve_many(count, threads)
    }

    /// An empty extent.
    pub(super) fn take(&mut self) -> Result<u32> {
        if let Some(extent) = self.free.pop() {
            return Ok(extent);
        }
        // One free entry an extent at most, so that giving one back never allocates.
        let all = self.matrix.rows() + 1;
        self.free.try_reserve(all).map_err(|error| Error::Storage(error.to_string()))?;
        Ok(self.matrix.push()? as u32)
    }

    /// Keeps an extent, wiped lane by lane before, for the next that is taken.
    pub(super) fn give_back(&mut self, extent: u32) {
        self.free.push(extent);
    }

    /// The codes of the first `len` entries, in whole blocks.
    #[inline]
    pub(super) fn codes(&self, extent: u32, len: usize) -> &[u64] {
        &self.matrix.row(extent as usize)[..len.next_multiple_of(LANES) * self.words]
    }

    #[inline]
    fn facts(&self, extent: u32, which: usize) -> &[u64] {
        &self.matrix.row(extent as usize)[FULL * self.words + which * FACTS..][..FACTS]
    }

    /// The factors.
    #[inline]
    pub(super) fn factors(&self, extent: u32) -> &[f32] {
        bytemuck::cast_slice(self.facts(extent, 0))
    }

    /// The bases.
    #[inline]
    pub(super) fn bases(&self, extent: u32) -> &[f32] {
        bytemuck::cast_slice(self.facts(extent, 1))
    }

    /// The entries.
    #[inline]
    pub(super) fn entries(&self, extent: u32) -> &[u32] {
        bytemuck::cast_slice(self.facts(extent, 2))
    }

    /// Writes a lane.
    pub(super) fn put(&mut self, extent: u32, lane: usize, kept: Kept<'_>) {
        let words = self.words;
        let (codes, facts) = self.matrix.row_mut(extent as usize).split_at_mut(FULL * words);
        let block = &mut codes[lane / LANES * LANES * words..];
        for (w, &word) in kept.code.iter().enumerate() {
            block[w * LANES + lane % LANES] = word;
        }
        let facts: &mut [u32] = bytemuck::cast_slice_mut(facts);
        facts[lane] = kept.factor.to_bits();
        facts[FULL + lane] = kept.base.to_bits();
        facts[2 * FULL + lane] = kept.entry;
    }

    /// Reads the code of a lane.
    pub(super) fn get(&self, extent: u32, lane: usize, code: &mut Vec<u64>) {
        let block = &self.matrix.row(extent as usize)[lane / LANES * LANES * self.words..];
        code.clear();
        code.extend((0..self.words).map(|w| block[w * LANES + lane % LANES]));
    }

    /// Moves a lane within an extent or to another one; the place it leaves is wiped. Gives the
    /// entry.
    pub(super) fn shift(&mut self, from: (u32, usize), to: (u32, usize)) -> u32 {
        let words = self.words;
        for w in 0..words {
            let at = |lane: usize| lane / LANES * LANES * words + w * LANES + lane % LANES;
            let word = std::mem::take(&mut self.matrix.row_mut(from.0 as usize)[at(from.1)]);
            self.matrix.row_mut(to.0 as usize)[at(to.1)] = word;
        }
        let mut entry = 0;
        for which in 0..3 {
            let at = FULL * words + which * FACTS;
            let old: &mut [u32] = bytemuck::cast_slice_mut(&mut self.matrix.row_mut(from.0 as usize)[at..]);
            entry = std::mem::take(&mut old[from.1]);
            let new: &mut [u32] = bytemuck::cast_slice_mut(&mut self.matrix.row_mut(to.0 as usize)[at..]);
            new[to.1] = entry;
        }
        entry
    }

    /// Gives a lane to another entry of the same vector.
    pub(super) fn rename(&mut self, at: (u32, usize), entry: u32) {
        let start = FULL * self.words + 2 * FACTS;
        let entries: &mut [u32] = bytemuck::cast_slice_mut(&mut self.matrix.row_mut(at.0 as usize)[start..]);
        entries[at.1] = entry;
    }

    /// Wipes a lane.
    pub(super) fn clear(&mut self, extent: u32, lane: usize) {
        let words = self.words;
        let (codes, facts) = self.matrix.row_mut(extent as usize).split_at_mut(FULL * words);
        let block = &mut codes[lane / LANES * LANES * words..];
        (0..words).for_each(|w| block[w * LANES + lane % LANES] = 0);
        let facts: &mut [u32] = bytemuck::cast_slice_mut(facts);
        (0..3).for_each(|which| facts[which * FULL + lane] = 0);
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        self.matrix.bytes() + 4 * self.free.capacity()
    }
}
