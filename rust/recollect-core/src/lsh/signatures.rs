//! A row of bits for each slot, the signs of random projections, on which near vectors agree.
//!
//! A query knows its projections better than by their signs: a bit on which a row differs weighs what the projection is
//! worth, quantized in even steps (Max, "Quantizing for minimum distortion", 1960, has the step for normal deviates).

use crate::error::Result;
use crate::id::Slot;
use crate::lsh::projection::signs;
use crate::pages::Pages;
use crate::simd::Kernels;
use crate::vector::WORD;

/// Planes of a query: signs, and magnitudes from 0 to 3.
const PLANES: usize = 3;

/// A step of magnitude in standard deviations, with eight levels in all.
const STEP: f32 = 0.586;

/// Signatures by slot, `words` words each.
#[derive(Debug)]
pub(super) struct Signatures {
    words: usize,
    rows: Pages<u64>,
}

impl Signatures {
    /// No signatures yet.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory.
    pub(super) fn new(words: usize) -> Result<Self> {
        Ok(Self { words, rows: Pages::zeroed(0)? })
    }

    /// Whether there are none to compare.
    pub(super) fn absent(&self) -> bool {
        self.words == 0
    }

    /// Keeps the signature of a slot. Amortised O(words).
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory.
    pub(super) fn put(&mut self, slot: Slot, projections: &[f32]) -> Result<()> {
        let start = slot as usize * self.words;
        let end = start + self.words;
        if self.rows.len() < end {
            let mut larger = Pages::zeroed(end.max(2 * self.rows.len()).max(64 * self.words))?;
            larger[..self.rows.len()].copy_from_slice(&self.rows);
            self.rows = larger;
        }
        let mut signature = Vec::with_capacity(self.words);
        signs(projections, &mut signature);
        self.rows[start..end].copy_from_slice(&signature);
        Ok(())
    }

    /// Wipes the signature of a slot that was put.
    pub(super) fn clear(&mut self, slot: Slot) {
        self.rows[slot as usize * self.words..][..self.words].fill(0);
    }

    /// The signature of a slot that was put.
    #[cfg(test)]
    pub(super) fn of(&self, slot: Slot) -> &[u64] {
        &self.rows[slot as usize * self.words..][..self.words]
    }

    /// In how many bits a query differs from some slots.
    pub(super) fn differing(&self, projections: &[f32], slots: &[Slot], out: &mut Vec<u32>) {
        let mut query = Vec::with_capacity(self.words);
        signs(projections, &mut query);
        self.compare(&query, 1, slots, out);
    }

    /// What those bits weigh: 1, 3, 5 or 7 each.
    pub(super) fn weighed(&self, projections: &[f32], slots: &[Slot], out: &mut Vec<u32>) {
        let mut query = Vec::with_capacity(PLANES * self.words);
        signs(projections, &mut query);
        let deviation = (Kernels::best().squared_norm(projections) / projections.len() as f64).sqrt();
        let inverse = if deviation > 0.0 { 1.0 / (STEP * deviation as f32) } else { 0.0 };
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for word in projections.as_chunks::<WORD>().0 {
            let (mut ones, mut twos) = (0, 0);
            for (at, x) in word.iter().enumerate() {
                let magnitude = ((x.abs() * inverse) as u64).min(3);
                ones |= (magnitude & 1) << at;
                twos |= (magnitude >> 1) << at;
            }
            low.push(ones);
            high.push(twos);
        }
        query.append(&mut low);
        query.append(&mut high);
        self.compare(&query, PLANES, slots, out);
    }

    fn compare(&self, query: &[u64], planes: usize, slots: &[Slot], out: &mut Vec<u32>) {
        out.clear();
        out.resize(slots.len(), 0);
        Kernels::best().disagreement_of(query, planes, &self.rows, slots, out);
    }

    /// Bytes of memory reserved.
    pub(super) fn bytes(&self) -> usize {
        self.rows.bytes()
    }
}
