//! Bit codes of all rows in cells of rows that lie together; cells split as they fill and dissolve as they empty.
//!
//! | file | idea |
//! |---|---|
//! | `extents` | the codes of a cell side by side |
//! | `members` | which rows lie in which cell |
//! | `centroids` | the centres of cells, and which lie nearest |
//! | `calibration`, `sampling` | how far a search must go for a recall |
//! | `refining` | a cell is brought up to date |
//! | `splitting` | one cell becomes two, and its neighbours are looked over (LIRE, Xu et al., SOSP 2023) |
//! | `scanning` | the search: cells in order, rows by their codes, int8 and f32 only where these leave a doubt |
//!
//! A row goes in and out in constant time but for the bounded work of a split, so that there is never a rebuild.

mod calibration;
mod centroids;
mod extents;
mod members;
mod refining;
mod sampling;
mod scanning;
mod splitting;

use centroids::{Centroids, Near, PLANES};
use extents::{FULL, Kept};
use members::Members;
use sampling::Round;

use crate::error::Result;
use crate::simd::Kernels;
use crate::vector::flat::FlatIndex;
use crate::vector::{Metric, Quantized, Sketcher};

pub(super) use calibration::Calibration;
pub(super) use scanning::Reach;

/// Rows below which a cell dissolves, unless it is the last.
const SPARSE: usize = 32;

/// Seed of the rotation, the same for every index: equal vectors have equal codes.
const SEED: u64 = 0x7265_636f_6c6c_6563;

/// The codes of the rows of a [`FlatIndex`], which the caller passes to every call.
#[derive(Debug)]
pub(super) struct Cells {
    metric: Metric,
    sketcher: Sketcher,
    members: Members,
    centroids: Centroids,
    calibration: Calibration,
    round: Option<Round>,
    /// Since the last round of samples began.
    writes: usize,
    rotated: Vec<f32>,
    code: Vec<u64>,
}

impl Cells {
    /// No rows yet.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory.
    pub(super) fn new(dim: usize, metric: Metric) -> Result<Self> {
        let sketcher = Sketcher::new(dim, SEED);
        let words = sketcher.words();
        let (members, centroids) = (Members::new(words)?, Centroids::new(dim, metric, words));
        let (rotated, code) = (Vec::new(), vec![0; words]);
        let (calibration, round, writes) = (Calibration::default(), None, 0);
        Ok(Self { metric, sketcher, members, centroids, calibration, round, writes, rotated, code })
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Number of cells.
    pub(super) fn cells(&self) -> usize {
        self.members.cells.len()
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        self.members.bytes() + self.centroids.bytes()
    }

    /// Adds a row that the flat index has just taken in.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory.
    pub(super) fn insert(&mut self, flat: &FlatIndex, row: usize) -> Result<()> {
        let mut vector = vec![0.0; flat.dim()];
        flat.decode_row(row, &mut vector);
        self.sketcher.rotate(&vector, &mut self.rotated);
        let cell = if self.cells() == 1 {
            0
        } else {
            let query = self.sketcher.query(&self.rotated, PLANES);
            let mut near = Vec::new();
            self.centroids.nearest(&query, flat.quantized_row(row), 1, true, &mut near);
            near.first().map_or(0, |near| near.cell as usize)
        };
        let factor = self.sketcher.encode(&self.rotated, &mut self.code);
        let base = match self.metric {
            Metric::Euclidean => -(Kernels::best().squared_norm(&vector) as f32),
            _ => 0.0,
        };
        let row = row as u32;
        self.members.push(cell, Kept { code: &self.code, factor, base, row })?;
        // A full cell splits at once, so that there is always room for one more.
        if self.members.cells[cell].len == FULL {
            self.split(flat, cell)?;
        }
        self.sample(flat)
    }

    /// Takes a row out, before the flat index wipes it.
    ///
    /// # Errors
    /// As [`Cells::insert`].
    pub(super) fn remove(&mut self, flat: &FlatIndex, row: usize) -> Result<()> {
        let Some(cell) = self.members.remove(row) else { return Ok(()) };
        if self.members.cells[cell].len < SPARSE && self.cells() > 1 {
            return self.dissolve(flat, cell);
        }
        Ok(())
    }

    /// EXPERIMENT
    pub(super) fn reach(&self, k: f64, target: f64) -> Option<(Reach, f64)> {
        self.calibration.reach(k, target, self.cells())
    }
    /// EXPERIMENT
    pub(super) fn sweep(&mut self, flat: &FlatIndex) {
        for cell in 0..self.cells() {
            self.refine(flat, cell).unwrap();
        }
    }

    /// The cells nearest a prepared vector, as the partition measures it.
    fn near(&self, vector: &[f32], most: usize, out: &mut Vec<Near>) {
        let mut rotated = Vec::new();
        self.sketcher.rotate(vector, &mut rotated);
        let (query, quantized) = (self.sketcher.query(&rotated, PLANES), padded(vector));
        self.centroids.nearest(&query, (&quantized.codes, quantized.scale), most, true, out);
    }

    /// Moves the rows of a sparse cell to their next nearest and drops it.
    fn dissolve(&mut self, flat: &FlatIndex, cell: usize) -> Result<()> {
        let rows = self.members.rows(cell).to_vec();
        let mut vector = vec![0.0; flat.dim()];
        let mut near = Vec::new();
        for row in rows {
            flat.decode_row(row as usize, &mut vector);
            self.near(&vector, 2, &mut near);
            let other = near.iter().map(|near| near.cell as usize).find(|&other| other != cell);
            let other = other.unwrap_or(usize::from(cell == 0));
            self.members.transfer(row as usize, other);
            if self.members.cells[other].len == FULL {
                self.split(flat, other)?;
            }
        }
        self.members.drop_cell(cell);
        self.centroids.drop_cell(cell, &self.sketcher)?;
        // With one cell left there is nothing to choose between.
        if self.cells() == 1 {
            self.centroids = Centroids::new(flat.dim(), self.metric, self.sketcher.words());
        }
        Ok(())
    }
}

/// A vector on int8 codes, padded as rows of codes are.
fn padded(vector: &[f32]) -> Quantized {
    let mut quantized = Quantized::new(vector);
    quantized.codes.resize(vector.len().next_multiple_of(crate::pages::LINE), 0);
    quantized
}
