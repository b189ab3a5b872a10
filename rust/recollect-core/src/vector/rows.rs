//! The vectors of an index as they are scored, beside the int8 codes that a search narrows by.

use crate::error::Result;
use crate::simd;
use crate::vector::{Codes, Matrix, Metric};

/// Vectors in the form that is scored, row by row, each with its codes.
#[derive(Debug)]
pub(super) struct Rows {
    full: Matrix<f32>,
    codes: Codes,
}

impl Rows {
    /// No rows yet, of `dim` elements each.
    pub(super) fn new(dim: usize) -> Self {
        Self { full: Matrix::new(dim), codes: Codes::new(dim) }
    }

    /// Elements of a vector.
    pub(super) fn dim(&self) -> usize {
        self.full.dim()
    }

    /// Elements of a query as [`Rows::score`] takes it: a vector with zeros behind it.
    pub(super) fn padded(&self) -> usize {
        self.full.stride()
    }

    /// The codes of the rows.
    pub(super) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        self.full.bytes() + self.codes.bytes()
    }

    /// Writes a vector, which `fill` brings in the form that is scored, at a row: an old one or the next.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) if the system has no memory for it; no row changes.
    pub(super) fn put(&mut self, row: usize, fill: impl FnOnce(&mut [f32])) -> Result<()> {
        self.codes.reserve()?;
        if row == self.full.rows() {
            self.full.push()?;
        }
        let vector = self.full.row_mut(row);
        fill(vector);
        self.codes.put(row, vector)
    }

    /// Overwrites a row with zeros.
    pub(super) fn clear(&mut self, row: usize) {
        self.full.row_mut(row).fill(0.0);
        self.codes.clear(row);
    }

    /// Score of a row with a prepared query of [`Rows::padded`] elements.
    #[inline]
    pub(super) fn score(&self, metric: Metric, query: &[f32], row: usize) -> f32 {
        metric.score(query, self.full.row(row))
    }

    /// Scores the rows from `first` on, as many as `out` has room for and lie side by side; gives their number, 0 past
    /// the last row.
    pub(super) fn score_block(&self, metric: Metric, query: &[f32], first: usize, out: &mut [f32]) -> usize {
        let block = self.full.block(first, out.len());
        let rows = block.len() / query.len();
        metric.score_rows(query, block, &mut out[..rows]);
        rows
    }

    /// Writes the vector of a row to `out`, which has [`Rows::dim`] elements.
    pub(super) fn decode(&self, row: usize, out: &mut [f32]) {
        out.copy_from_slice(&self.full.row(row)[..self.dim()]);
    }

    /// Asks for the memory of a row that is soon scored.
    #[inline]
    pub(super) fn prefetch(&self, row: usize) {
        simd::prefetch(self.full.row(row));
    }
}
