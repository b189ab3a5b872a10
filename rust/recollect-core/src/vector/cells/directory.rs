//! The codes of centres, by which the nearest are found: sketches pick, int8 codes decide.

use super::shortlist::{WORD, greatest, key, number, score};
use crate::error::{Error, Result};
use crate::simd::{Kernels, LANES};
use crate::vector::{Metric, Quantized, SketchQuery};

/// Planes of a query.
pub(super) const PLANES: usize = 2;

/// Least number of centres whose int8 codes are read.
const SHORTLIST: usize = 48;

/// Centres whose sketches are scored at a time.
const CHUNK: usize = 4 * WORD;

/// Centres whose int8 codes are read at a time.
const TOGETHER: usize = 12;

/// A centre with its closeness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub cell: u32,
    pub score: f32,
}

/// A row or query as the centres are compared with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub sketch: &'a SketchQuery,
    pub codes: &'a [i8],
    pub scale: f32,
}

/// What is kept of one centre.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    pub sketch: &'a [u64],
    pub factor: f32,
    pub codes: &'a [i8],
    pub scale: f32,
    /// Minus half the squared norm; zero for the cosine.
    pub half: f32,
}

/// Centres by number.
#[derive(Debug)]
pub(super) struct Directory {
    metric: Metric,
    /// Words of a sketch, and bytes of codes.
    words: usize,
    stride: usize,
    /// Eight to a block.
    sketches: Vec<u64>,
    factors: Vec<f32>,
    codes: Vec<i8>,
    scales: Vec<f32>,
    halves: Vec<f32>,
    len: usize,
}

impl Directory {
    /// No centres yet, of sketches of so many words and codes of so many bytes, padding included.
    pub(super) fn new(metric: Metric, words: usize, stride: usize) -> Self {
        let (sketches, factors, halves) = (Vec::new(), Vec::new(), Vec::new());
        let (codes, scales) = (Vec::new(), Vec::new());
        Self { metric, words, stride, sketches, factors, codes, scales, halves, len: 0 }
    }

    /// Number of centres.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Minus half the squared norm of a centre.
    pub(super) fn half(&self, cell: usize) -> f32 {
        self.halves[cell]
    }

    /// Some of the centres, in this order.
    pub(super) fn part(&self, cells: &[u32]) -> Result<Self> {
        let mut part = Self::new(self.metric, self.words, self.stride);
        part.reserve(cells.len())?;
        let mut sketch = vec![0; self.words];
        for (at, &cell) in cells.iter().enumerate() {
            let cell = cell as usize;
            let block = &self.sketches[cell / LANES * LANES * self.words..];
            sketch.iter_mut().enumerate().for_each(|(w, word)| *word = block[w * LANES + cell % LANES]);
            let (factor, scale, half) = (self.factors[cell], self.scales[cell], self.halves[cell]);
            let codes = self.codes(cell);
            part.put(at, Listed { sketch: &sketch, factor, codes, scale, half })?;
        }
        Ok(part)
    }

    /// Writes a centre: an old one, or the next.
    ///
    /// # Errors
    /// [`Error::Storage`] without memory.
    pub(super) fn put(&mut self, cell: usize, listed: Listed<'_>) -> Result<()> {
        self.reserve((cell + 1).saturating_sub(self.len))?;
        let lanes = (cell + 1).next_multiple_of(LANES).max(self.factors.len());
        self.sketches.resize(lanes * self.words, 0);
        self.codes.resize(lanes * self.stride, 0);
        for facts in [&mut self.factors, &mut self.scales, &mut self.halves] {
            facts.resize(lanes, 0.0);
        }
        self.len = self.len.max(cell + 1);
        let block = &mut self.sketches[cell / LANES * LANES * self.words..];
        listed.sketch.iter().enumerate().for_each(|(w, &word)| block[w * LANES + cell % LANES] = word);
        self.codes[cell * self.stride..][..self.stride].copy_from_slice(listed.codes);
        (self.factors[cell], self.scales[cell], self.halves[cell]) =
            (listed.factor, listed.scale, listed.half);
        Ok(())
    }

    fn reserve(&mut self, more: usize) -> Result<()> {
        let lanes = (self.len + more).next_multiple_of(LANES).saturating_sub(self.factors.len());
        let facts = [&mut self.factors, &mut self.scales, &mut self.halves];
        let reserved = facts.into_iter().try_for_each(|facts| facts.try_reserve(lanes));
        reserved
            .and_then(|()| self.sketches.try_reserve(lanes * self.words))
            .and_then(|()| self.codes.try_reserve(lanes * self.stride))
            .map_err(|error| Error::Storage(error.to_string()))
    }

    /// Wipes the last centre.
    pub(super) fn pop(&mut self) -> Result<()> {
        let last = self.len - 1;
        let (sketch, codes) = (vec![0; self.words], vec![0; self.stride]);
        self.put(last, Listed { sketch: &sketch, factor: 0.0, codes: &codes, scale: 0.0, half: 0.0 })?;
        self.len = last;
        Ok(())
    }

    fn codes(&self, cell: usize) -> &[i8] {
        &self.codes[cell * self.stride..][..self.stride]
    }

    /// The `most` nearest, nearest first, ties by number; `assign` weighs norms as the partition does, else as the metric
    /// does.
    pub(super) fn nearest(&self, seen: Seen<'_>, most: usize, assign: bool, out: &mut Vec<Near>) {
        out.clear();
        let weigh = match self.metric {
            Metric::Cosine => false,
            Metric::Dot => assign,
            Metric::Euclidean => true,
        };
        let wanted = SHORTLIST + 2 * most;
        let picked: Vec<u32> = if wanted < self.len {
            self.picked(seen.sketch, wanted, weigh)
        } else {
            (0..self.len as u32).collect()
        };
        let (mut keys, mut counted) = (Vec::with_capacity(picked.len()), [0; TOGETHER]);
        for cells in picked.chunks(TOGETHER) {
            let mut rows = [&[][..]; TOGETHER];
            rows.iter_mut().zip(cells).for_each(|(row, &cell)| *row = self.codes(cell as usize));
            let dots = &mut counted[..cells.len()];
            Kernels::best().dot_i8_each(seen.codes, &rows[..cells.len()], dots);
            keys.extend(cells.iter().zip(dots).map(|(&cell, &mut dot)| {
                let at = cell as usize;
                let half = if weigh { self.halves[at] } else { 0.0 };
                key(dot as f32 * self.scales[at] * seen.scale + half, cell)
            }));
        }
        if most < keys.len() {
            keys.select_nth_unstable_by(most, |a, b| b.cmp(a));
            keys.truncate(most);
        }
        keys.sort_unstable_by(|a, b| b.cmp(a));
        out.extend(keys.into_iter().map(|key| Near { cell: number(key), score: score(key) }));
    }

    /// The nearest by their sketches, in no order, and a few more.
    fn picked(&self, query: &SketchQuery, most: usize, weigh: bool) -> Vec<u32> {
        let kernels = Kernels::best();
        let mut counted = [0; CHUNK];
        let mut scores = vec![f32::NEG_INFINITY; self.len.next_multiple_of(WORD)];
        let words = &query.words[..PLANES * self.words];
        for (first, scores) in (0..self.len).step_by(CHUNK).zip(scores.chunks_mut(CHUNK)) {
            let cells = (self.len - first).min(CHUNK);
            let lanes = cells.next_multiple_of(LANES);
            let blocks = &self.sketches[first * self.words..][..lanes * self.words];
            kernels.disagreement(words, PLANES, blocks, &mut counted[..lanes]);
            let bases = if weigh { &self.halves[first..] } else { &[] };
            let factors = &self.factors[first..];
            kernels.sketch_scores(&counted, factors, bases, query.offset, query.step, &mut scores[..cells]);
        }
        greatest(&scores, most)
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        let facts = self.factors.capacity() + self.scales.capacity() + self.halves.capacity();
        4 * facts + 8 * self.sketches.capacity() + self.codes.capacity()
    }
}

/// A vector on int8 codes, padded as rows of codes are.
pub(super) fn padded(vector: &[f32]) -> Quantized {
    let mut quantized = Quantized::new(vector);
    quantized.codes.resize(vector.len().next_multiple_of(crate::pages::LINE), 0);
    quantized
}
