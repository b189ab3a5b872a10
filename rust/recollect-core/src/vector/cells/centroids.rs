//! The centres of cells, and which lie nearest: a sketch of them picks, int8 codes decide.

use crate::error::Result;
use crate::simd::{Kernels, LANES};
use crate::vector::{Codes, Matrix, Metric, SketchQuery, Sketcher};

/// Planes of a query.
pub(super) const PLANES: usize = 2;

/// Least number of centres whose codes are read.
const SHORTLIST: usize = 96;

/// A centre with its closeness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub cell: u32,
    pub score: f32,
}

impl Near {
    /// Nearest first; ties by number.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.score.total_cmp(&self.score).then(self.cell.cmp(&other.cell))
    }
}

/// One centre a cell: of length one for the cosine, else the mean.
#[derive(Debug)]
pub(super) struct Centroids {
    metric: Metric,
    rows: Matrix<f32>,
    codes: Codes,
    words: usize,
    /// Codes in blocks, as frames have them.
    sketch: Vec<u64>,
    factors: Vec<f32>,
    /// Minus half the squared norm; zero for the cosine.
    halves: Vec<f32>,
    len: usize,
}

impl Centroids {
    pub(super) fn new(dim: usize, metric: Metric, words: usize) -> Self {
        let (sketch, factors, halves) = (Vec::new(), Vec::new(), Vec::new());
        let (rows, codes) = (Matrix::new(dim), Codes::new(dim));
        Self { metric, rows, codes, words, sketch, factors, halves, len: 0 }
    }

    /// A centre, padded.
    pub(super) fn row(&self, cell: usize) -> &[f32] {
        self.rows.row(cell)
    }

    /// Minus half its squared norm.
    pub(super) fn half(&self, cell: usize) -> f32 {
        self.halves[cell]
    }

    /// Writes a centre: an old one, or the next.
    pub(super) fn put(&mut self, cell: usize, centre: &[f32], sketcher: &Sketcher) -> Result<()> {
        if cell == self.rows.rows() {
            self.rows.push()?;
        }
        self.len = self.len.max(cell + 1);
        self.rows.row_mut(cell).copy_from_slice(centre);
        self.codes.put(cell, centre)?;
        let (mut code, mut rotated) = (vec![0; self.words], Vec::new());
        sketcher.rotate(centre, &mut rotated);
        let factor = sketcher.encode(&rotated, &mut code);
        self.set_sketch(cell, &code, factor);
        let half = match self.metric {
            Metric::Cosine => 0.0,
            _ => -0.5 * Kernels::best().dot(centre, centre),
        };
        self.halves.resize(self.halves.len().max(cell + 1), 0.0);
        self.halves[cell] = half;
        Ok(())
    }

    fn set_sketch(&mut self, cell: usize, code: &[u64], factor: f32) {
        let blocks = (cell + 1).div_ceil(LANES);
        if self.factors.len() < blocks * LANES {
            self.factors.resize(blocks * LANES, 0.0);
            self.sketch.resize(blocks * LANES * self.words, 0);
        }
        self.factors[cell] = factor;
        let start = cell / LANES * LANES * self.words;
        for (w, &word) in code.iter().enumerate() {
            self.sketch[start + w * LANES + cell % LANES] = word;
        }
    }

    /// Drops a centre; the last takes its number.
    pub(super) fn drop_cell(&mut self, cell: usize, sketcher: &Sketcher) -> Result<()> {
        let last = self.len - 1;
        if cell < last {
            let centre = self.rows.row(last)[..self.rows.dim()].to_vec();
            self.put(cell, &centre, sketcher)?;
        }
        self.rows.row_mut(last).fill(0.0);
        self.codes.clear(last);
        self.set_sketch(last, &vec![0; self.words], 0.0);
        self.len = last;
        Ok(())
    }

    /// The `most` cells nearest a prepared vector, nearest first; `assign` weighs norms as the partition does, else as
    /// the metric does.
    pub(super) fn nearest(
        &self,
        sketched: &SketchQuery,
        (codes, scale): (&[i8], f32),
        most: usize,
        assign: bool,
        out: &mut Vec<Near>,
    ) {
        out.clear();
        let weigh = match self.metric {
            Metric::Cosine => false,
            Metric::Dot => assign,
            Metric::Euclidean => true,
        };
        let kernels = Kernels::best();
        let padded = self.len.div_ceil(LANES) * LANES;
        let mut counted = vec![0; padded];
        let blocks = &self.sketch[..padded * self.words];
        kernels.disagreement(&sketched.words[..PLANES * self.words], PLANES, blocks, &mut counted);
        let mut scores = vec![0.0; padded];
        kernels.sketch_scores(&counted, &self.factors, &[], sketched.offset, sketched.step, &mut scores);
        out.extend((0..self.len).map(|cell| {
            let half = if weigh { self.halves[cell] } else { 0.0 };
            Near { cell: cell as u32, score: scores[cell] + half }
        }));
        let shortlist = SHORTLIST.max(4 * most);
        if shortlist < out.len() {
            out.select_nth_unstable_by(shortlist, Near::order);
            out.truncate(shortlist);
        }
        for near in out.iter_mut() {
            let cell = near.cell as usize;
            let dot = kernels.dot_i8(codes, self.codes.matrix().row(cell));
            let half = if weigh { self.halves[cell] } else { 0.0 };
            near.score = dot as f32 * self.codes.scale()[cell] * scale + half;
        }
        out.sort_unstable_by(Near::order);
        out.truncate(most);
    }

    /// The best second cell of a vector among those near it, given its squared norm: `|r|^2 + (r . u)^2` is least, where
    /// `r` leads from the centre to the vector and `u` is that direction at the first cell, of length one.
    pub(super) fn second(&self, near: &[Near], norm: f32) -> Option<usize> {
        let (first, others) = near.split_first()?;
        let product = |near: &Near| near.score - self.halves[near.cell as usize];
        let squared = |near: &Near| {
            let row = self.rows.row(near.cell as usize);
            if self.metric == Metric::Cosine { 1.0 } else { Kernels::best().dot(row, row) }
        };
        let own = norm - 2.0 * product(first) + squared(first);
        let loss = |near: &Near| {
            let centres = Kernels::best().dot(self.row(first.cell as usize), self.row(near.cell as usize));
            let along = norm - product(first) - product(near) + centres;
            norm - 2.0 * product(near) + squared(near) + along * along / own.max(f32::MIN_POSITIVE)
        };
        let losses = others.iter().map(|near| (loss(near), near.cell as usize));
        losses.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, cell)| cell)
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        let small = 4 * (self.factors.capacity() + self.halves.capacity()) + 8 * self.sketch.capacity();
        self.rows.bytes() + self.codes.bytes() + small
    }
}
