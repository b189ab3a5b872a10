//! The codes of centres, by which the nearest are found: sketches pick, int8 codes decide.

use super::shortlist::{WORD, greatest, key, number, score};
use crate::error::{Error, Result};
use crate::simd::{Kernels, LANES};
use crate::vector::{Metric, Quantized, SketchQuery};

/// Planes of a query.
pub(super) const PLANES: usize = 2;

/// Least number of centres whose int8 codes are read.
const SHORTLIST: usize = 48;

/// Centres of a shelf, whose sketches are scored at a time.
const SHELF: usize = 4 * WORD;

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

/// Centres by number, on shelves of which one is filled after the other, so that no new centre moves all others.
#[derive(Debug)]
pub(super) struct Directory {
    metric: Metric,
    /// Words of a sketch, and bytes of codes.
    words: usize,
    stride: usize,
    shelves: Vec<Shelf>,
    len: usize,
}

/// Up to [`SHELF`] centres.
#[derive(Debug, Default)]
struct Shelf {
    /// Eight to a block.
    sketches: Vec<u64>,
    factors: Vec<f32>,
    codes: Vec<i8>,
    scales: Vec<f32>,
    halves: Vec<f32>,
}

fn refused(error: std::collections::TryReserveError) -> Error {
    Error::Storage(error.to_string())
}

impl Directory {
    /// No centres yet, of sketches of so many words and codes of so many bytes, padding included.
    pub(super) fn new(metric: Metric, words: usize, stride: usize) -> Self {
        Self { metric, words, stride, shelves: Vec::new(), len: 0 }
    }

    /// Number of centres.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Minus half the squared norm of a centre.
    pub(super) fn half(&self, cell: usize) -> f32 {
        self.shelves[cell / SHELF].halves[cell % SHELF]
    }

    /// Some of the centres, in this order.
    pub(super) fn part(&self, cells: &[u32]) -> Result<Self> {
        let mut part = Self::new(self.metric, self.words, self.stride);
        part.reserve(cells.len())?;
        let mut sketch = vec![0; self.words];
        for (at, &cell) in cells.iter().enumerate() {
            let (shelf, own) = (&self.shelves[cell as usize / SHELF], cell as usize % SHELF);
            let block = &shelf.sketches[own / LANES * LANES * self.words..];
            sketch.iter_mut().enumerate().for_each(|(w, word)| *word = block[w * LANES + own % LANES]);
            let (factor, scale, half) = (shelf.factors[own], shelf.scales[own], shelf.halves[own]);
            let codes = self.codes(cell as usize);
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
        self.len = self.len.max(cell + 1);
        let (words, stride) = (self.words, self.stride);
        let (shelf, own) = (&mut self.shelves[cell / SHELF], cell % SHELF);
        let lanes = (own + 1).next_multiple_of(LANES).max(shelf.factors.len());
        shelf.sketches.resize(lanes * words, 0);
        shelf.codes.resize(lanes * stride, 0);
        for facts in [&mut shelf.factors, &mut shelf.scales, &mut shelf.halves] {
            facts.resize(lanes, 0.0);
        }
        let block = &mut shelf.sketches[own / LANES * LANES * words..];
        listed.sketch.iter().enumerate().for_each(|(w, &word)| block[w * LANES + own % LANES] = word);
        shelf.codes[own * stride..][..stride].copy_from_slice(listed.codes);
        (shelf.factors[own], shelf.scales[own], shelf.halves[own]) =
            (listed.factor, listed.scale, listed.half);
        Ok(())
    }

    /// Makes room for so many more centres.
    fn reserve(&mut self, more: usize) -> Result<()> {
        let end = self.len + more;
        for at in self.len / SHELF..end.div_ceil(SHELF) {
            if at == self.shelves.len() {
                self.shelves.try_reserve(1).map_err(refused)?;
                self.shelves.push(Shelf::default());
            }
            let lanes = (end - at * SHELF).min(SHELF).next_multiple_of(LANES);
            self.shelves[at].reserve(lanes, self.words, self.stride)?;
        }
        Ok(())
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
        &self.shelves[cell / SHELF].codes[cell % SHELF * self.stride..][..self.stride]
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
                let (shelf, own) = (&self.shelves[cell as usize / SHELF], cell as usize % SHELF);
                let half = if weigh { shelf.halves[own] } else { 0.0 };
                key(dot as f32 * shelf.scales[own] * seen.scale + half, cell)
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
        let mut counted = [0; SHELF];
        let mut scores = vec![f32::NEG_INFINITY; self.len.next_multiple_of(WORD)];
        let words = &query.words[..PLANES * self.words];
        for (at, (shelf, scores)) in self.shelves.iter().zip(scores.chunks_mut(SHELF)).enumerate() {
            let cells = (self.len - at * SHELF).min(SHELF);
            let lanes = cells.next_multiple_of(LANES);
            let blocks = &shelf.sketches[..lanes * self.words];
            kernels.disagreement(words, PLANES, blocks, &mut counted[..lanes]);
            let bases: &[f32] = if weigh { &shelf.halves } else { &[] };
            let (offset, step) = (query.offset, query.step);
            kernels.sketch_scores(&counted, &shelf.factors, bases, offset, step, &mut scores[..cells]);
        }
        greatest(&scores, most)
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        self.shelves.iter().map(Shelf::bytes).sum()
    }
}

impl Shelf {
    /// Makes room for so many lanes in all.
    fn reserve(&mut self, lanes: usize, words: usize, stride: usize) -> Result<()> {
        let missing = lanes.saturating_sub(self.factors.len());
        for facts in [&mut self.factors, &mut self.scales, &mut self.halves] {
            facts.try_reserve(missing).map_err(refused)?;
        }
        self.sketches.try_reserve(missing * words).map_err(refused)?;
        self.codes.try_reserve(missing * stride).map_err(refused)
    }

    fn bytes(&self) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::vector::Sketcher;

    #[test]
    fn what_is_put_on_any_shelf_is_found_and_moved() {
        let (dim, sketcher) = (64, Sketcher::new(64, 1));
        let mut seed = Seed::new(5);
        let mut centre = || -> Vec<f32> { (0..dim).map(|_| seed.below(200) as f32 - 100.0).collect() };
        let put = |directory: &mut Directory, cell: usize, centre: &[f32]| {
            let (mut sketch, mut rotated, quantized) =
                (vec![0; sketcher.words()], Vec::new(), padded(centre));
            sketcher.rotate(centre, &mut rotated);
            let factor = sketcher.encode(&rotated, &mut sketch);
            let (codes, scale, half) = (&quantized.codes[..], quantized.scale, -(cell as f32));
            directory.put(cell, Listed { sketch: &sketch, factor, codes, scale, half }).unwrap();
        };
        let found = |directory: &Directory, centre: &[f32]| {
            let (mut rotated, quantized, mut near) = (Vec::new(), padded(centre), Vec::new());
            sketcher.rotate(centre, &mut rotated);
            let sketch = sketcher.query(&rotated, PLANES);
            let seen = Seen { sketch: &sketch, codes: &quantized.codes, scale: quantized.scale };
            directory.nearest(seen, 1, false, &mut near);
            near[0].cell as usize
        };
        let mut directory = Directory::new(Metric::Cosine, sketcher.words(), dim);
        let mut centres: Vec<Vec<f32>> = (0..2 * SHELF + 77).map(|_| centre()).collect();
        centres.iter().enumerate().for_each(|(cell, centre)| put(&mut directory, cell, centre));
        for cell in [0, SHELF - 1, SHELF, 2 * SHELF] {
            centres[cell] = centre();
            put(&mut directory, cell, &centres[cell]);
        }
        let part: Vec<u32> = (0..centres.len() as u32).rev().step_by(2).collect();
        let parted = directory.part(&part).unwrap();
        for (at, &cell) in part.iter().enumerate() {
            assert_eq!((found(&parted, &centres[cell as usize]), parted.half(at)), (at, -(cell as f32)));
        }
        while directory.len() > 0 {
            let last = directory.len() - 1;
            assert_eq!((found(&directory, &centres[last]), found(&directory, &centres[0])), (last, 0));
            directory.pop().unwrap();
        }
        put(&mut directory, 0, &centres[9]);
        assert_eq!((directory.len(), found(&directory, &centres[9])), (1, 0));
    }
}
