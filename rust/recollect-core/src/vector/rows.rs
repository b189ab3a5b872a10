//! The vectors of an index as they are kept, beside the int8 codes that a search narrows by.

use crate::error::Result;
use crate::simd::{self, Kernels};
use crate::vector::{Codes, Keep, Matrix, Metric};

/// Kept vectors, row by row, each with its codes.
#[derive(Debug)]
pub(super) struct Rows {
    full: Full,
    codes: Codes,
}

/// What is scored; the codes themselves where nothing more is kept.
#[derive(Debug)]
enum Full {
    F32(Matrix<f32>),
    F16(Matrix<u16>),
    Codes,
}

impl Rows {
    /// No rows yet, of `dim` elements each.
    pub(super) fn new(dim: usize, keep: Keep) -> Self {
        let full = match keep {
            Keep::F32 => Full::F32(Matrix::new(dim)),
            Keep::F16 => Full::F16(Matrix::new(dim)),
            Keep::Int8 => Full::Codes,
        };
        Self { full, codes: Codes::new(dim) }
    }

    /// The form of the rows.
    pub(super) fn keep(&self) -> Keep {
        match self.full {
            Full::F32(_) => Keep::F32,
            Full::F16(_) => Keep::F16,
            Full::Codes => Keep::Int8,
        }
    }

    /// Elements of a vector.
    pub(super) fn dim(&self) -> usize {
        self.codes.matrix().dim()
    }

    /// Elements of a query as [`Rows::score`] takes it: a vector with zeros behind it.
    pub(super) fn padded(&self) -> usize {
        match &self.full {
            Full::F32(rows) => rows.stride(),
            Full::F16(rows) => rows.stride(),
            Full::Codes => self.codes.matrix().stride(),
        }
    }

    /// The codes of the rows.
    pub(super) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        let full = match &self.full {
            Full::F32(rows) => rows.bytes(),
            Full::F16(rows) => rows.bytes(),
            Full::Codes => 0,
        };
        full + self.codes.bytes()
    }

    /// Writes a vector at a row: an old one or the next. `fill` brings its [`Rows::dim`] elements as [`Keep::prepare`]
    /// leaves them.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) if the system has no memory for it; no row changes.
    pub(super) fn put(&mut self, row: usize, fill: impl FnOnce(&mut [f32])) -> Result<()> {
        self.codes.reserve()?;
        match &mut self.full {
            Full::F32(rows) => {
                if row == rows.rows() {
                    rows.push()?;
                }
                let vector = rows.row_mut(row);
                fill(vector);
                self.codes.put(row, vector)
            }
            Full::F16(rows) => {
                if row == rows.rows() {
                    rows.push()?;
                }
                let mut vector = vec![0.0; rows.dim()];
                fill(&mut vector);
                Kernels::best().narrow_f16(&vector, rows.row_mut(row));
                self.codes.put(row, &vector)
            }
            Full::Codes => {
                let mut vector = vec![0.0; self.codes.matrix().dim()];
                fill(&mut vector);
                self.codes.put_kept(row, &vector)
            }
        }
    }

    /// Makes room for many rows, see [`Matrix::reserve_many`].
    ///
    /// # Errors
    /// As [`Rows::put`].
    pub(super) fn reserve_many(&mut self, count: usize, threads: usize) -> Result<()> {
        match &mut self.full {
            Full::F32(rows) => rows.reserve_many(count, threads)?,
            Full::F16(rows) => rows.reserve_many(count, threads)?,
            Full::Codes => {}
        }
        self.codes.reserve_many(count, threads)
    }

    /// Overwrites a row with zeros.
    pub(super) fn clear(&mut self, row: usize) {
        match &mut self.full {
            Full::F32(rows) => rows.row_mut(row).fill(0.0),
            Full::F16(rows) => rows.row_mut(row).fill(0),
            Full::Codes => {}
        }
        self.codes.clear(row);
    }

    /// Score of a row with a prepared query of [`Rows::padded`] elements: that of [`Metric::score`] with the row as
    /// [`Rows::decode`] gives it, bit for bit.
    #[inline]
    pub(super) fn score(&self, metric: Metric, query: &[f32], row: usize) -> f32 {
        match &self.full {
            Full::F32(rows) => metric.score(query, rows.row(row)),
            Full::F16(rows) => metric.score_f16(query, rows.row(row)),
            Full::Codes => metric.score_scaled(query, self.codes.matrix().row(row), self.codes.scale(row)),
        }
    }

    /// Scores the rows from `first` on, as many as `out` has room for and lie side by side; gives their number, 0 past
    /// the last row.
    pub(super) fn score_block(&self, metric: Metric, query: &[f32], first: usize, out: &mut [f32]) -> usize {
        match &self.full {
            Full::F32(rows) => {
                let block = rows.block(first, out.len());
                let n = block.len() / query.len();
                metric.score_rows(query, block, &mut out[..n]);
                n
            }
            Full::F16(rows) => {
                let block = rows.block(first, out.len());
                let n = block.len() / query.len();
                metric.score_f16_rows(query, block, &mut out[..n]);
                n
            }
            Full::Codes => {
                if first >= self.codes.matrix().rows() {
                    return 0;
                }
                let [scale, ..] = self.codes.facts().block(first, out.len());
                let block = self.codes.matrix().block(first, scale.len());
                let n = block.len() / query.len();
                metric.score_scaled_rows(query, block, &scale[..n], &mut out[..n]);
                n
            }
        }
    }

    /// Writes the vector of a row to `out`, which has [`Rows::dim`] elements.
    pub(super) fn decode(&self, row: usize, out: &mut [f32]) {
        let dim = self.dim();
        match &self.full {
            Full::F32(rows) => out.copy_from_slice(&rows.row(row)[..dim]),
            Full::F16(rows) => Kernels::best().widen_f16(&rows.row(row)[..dim], out),
            Full::Codes => {
                Kernels::best().widen_i8(&self.codes.matrix().row(row)[..dim], self.codes.scale(row), out);
            }
        }
    }

    /// Asks for the memory of a row that is soon scored.
    #[inline]
    pub(super) fn prefetch(&self, row: usize) {
        match &self.full {
            Full::F32(rows) => simd::prefetch(rows.row(row)),
            Full::F16(rows) => simd::prefetch(rows.row(row)),
            Full::Codes => simd::prefetch(self.codes.matrix().row(row)),
        }
    }
}
