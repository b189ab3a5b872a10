//! The centres of cells.

use super::directory::{Directory, Listed, Near, padded};
use crate::error::Result;
use crate::simd::Kernels;
use crate::vector::{Matrix, Metric, Sketcher};

/// One centre a cell: of length one for the cosine, else the mean.
#[derive(Debug)]
pub(super) struct Centroids {
    metric: Metric,
    rows: Matrix<f32>,
    pub directory: Directory,
}

impl Centroids {
    pub(super) fn new(dim: usize, metric: Metric, words: usize) -> Self {
        let directory = Directory::new(metric, words, dim.next_multiple_of(crate::pages::LINE));
        Self { metric, rows: Matrix::new(dim), directory }
    }

    /// A centre, padded.
    pub(super) fn row(&self, cell: usize) -> &[f32] {
        self.rows.row(cell)
    }

    /// Minus half its squared norm.
    pub(super) fn half(&self, cell: usize) -> f32 {
        self.directory.half(cell)
    }

    /// Writes a centre: an old one, or the next.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory.
    pub(super) fn put(&mut self, cell: usize, centre: &[f32], sketcher: &Sketcher) -> Result<()> {
        if cell == self.rows.rows() {
            self.rows.push()?;
        }
        self.rows.row_mut(cell).copy_from_slice(centre);
        let (mut sketch, mut rotated) = (vec![0; sketcher.words()], Vec::new());
        sketcher.rotate(centre, &mut rotated);
        let factor = sketcher.encode(&rotated, &mut sketch);
        let half = match self.metric {
            Metric::Cosine => 0.0,
            _ => -0.5 * Kernels::best().dot(centre, centre),
        };
        let quantized = padded(centre);
        let (codes, scale) = (&quantized.codes[..], quantized.scale);
        self.directory.put(cell, Listed { sketch: &sketch, factor, codes, scale, half })
    }

    /// Drops a centre; the last takes its number.
    ///
    /// # Errors
    /// As [`Centroids::put`].
    pub(super) fn drop_cell(&mut self, cell: usize, sketcher: &Sketcher) -> Result<()> {
        let last = self.directory.len() - 1;
        if cell < last {
            let centre = self.rows.row(last)[..self.rows.dim()].to_vec();
            self.put(cell, &centre, sketcher)?;
        }
        self.rows.row_mut(last).fill(0.0);
        self.directory.pop()
    }

    /// The best second cell of a vector among those near it, given its squared norm: `|r|^2 + (r . u)^2` is least, where
    /// `r` leads from the centre to the vector and `u` is that direction at the first cell, of length one.
    pub(super) fn second(&self, near: &[Near], norm: f32) -> Option<usize> {
        let (first, others) = near.split_first()?;
        let product = |near: &Near| near.score - self.half(near.cell as usize);
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
        self.rows.bytes() + self.directory.bytes()
    }
}
