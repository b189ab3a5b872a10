//! Bit codes of all rows in cells of rows that lie together; cells split as they fill and dissolve as they empty.
//!
//! | file | idea |
//! |---|---|
//! | `extents` | the codes of a cell side by side |
//! | `members` | which rows lie in which cell |
//! | `centroids` | the centres of cells, and which lie nearest |
//! | `calibration`, `sampling` | how far a search must go for a recall |
//! | `splitting` | one cell becomes two, and its neighbours are looked over (LIRE, Xu et al., SOSP 2023) |
//! | `segment` | the cells as bytes |
//! | `scanning` | the search: cells in order, rows by their codes, int8 and f32 only where these leave a doubt |
//!
//! A row goes in and out in constant time but for the bounded work of a split, so that there is never a rebuild.

mod calibration;
mod centroids;
mod extents;
mod members;
mod sampling;
mod scanning;
mod segment;
mod splitting;

use centroids::{Centroids, Near, PLANES};
use extents::{FULL, Kept};
use members::Members;
use sampling::Round;

use crate::error::{Error, Result};
use crate::simd::Kernels;
use crate::vector::flat::FlatIndex;
use crate::vector::{Metric, Quantized, Sketcher};

pub(super) use calibration::Calibration;
pub(super) use scanning::Reach;

/// Rows there may be: each has two entries, and their numbers are u32.
const MOST_ROWS: usize = 1 << 31;

/// Cells among which a row finds its second.
const SECONDS: usize = 8;

/// Entries below which a cell dissolves, unless it is the last.
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
    /// [`Error::Storage`] without memory.
    pub(super) fn new(dim: usize, metric: Metric) -> Result<Self> {
        let sketcher = Sketcher::new(dim, SEED);
        let words = sketcher.words();
        let (members, centroids) = (Members::new(words)?, Centroids::new(dim, metric, words));
        let (rotated, code) = (Vec::new(), vec![0; words]);
        let (calibration, round, writes) = (Calibration::default(), None, 0);
        Ok(Self { metric, sketcher, members, centroids, calibration, round, writes, rotated, code })
    }

    /// Number of entries, up to two a row.
    pub(super) fn entries(&self) -> usize {
        self.members.len()
    }

    /// Number of cells.
    pub(super) fn cells(&self) -> usize {
        self.members.cells.len()
    }

    /// Words of a code.
    pub(super) fn words(&self) -> usize {
        self.sketcher.words()
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        self.members.bytes() + self.centroids.bytes()
    }

    /// Adds a row that the flat index has just taken in.
    ///
    /// # Errors
    /// [`Error::Storage`] without memory.
    pub(super) fn insert(&mut self, flat: &FlatIndex, row: usize) -> Result<()> {
        if row >= MOST_ROWS {
            return Err(Error::Limit { argument: "row".into(), found: row as u64, limit: MOST_ROWS as u64 });
        }
        let mut vector = vec![0.0; flat.dim()];
        flat.decode_row(row, &mut vector);
        self.sketcher.rotate(&vector, &mut self.rotated);
        let factor = self.sketcher.encode(&self.rotated, &mut self.code);
        let base = match self.metric {
            Metric::Euclidean => -(Kernels::best().squared_norm(&vector) as f32),
            _ => 0.0,
        };
        let entry = 2 * row as u32;
        let (first, second) = self.choose(flat, row);
        let code = std::mem::take(&mut self.code);
        let kept = Kept { code: &code, factor, base, entry };
        let mut done = self.members.push(first, kept);
        if let Some(second) = second {
            done = done.and_then(|()| self.members.push(second, Kept { entry: entry + 1, ..kept }));
        }
        self.code = code;
        done?;
        // A full cell splits at once, so that there is always room for one more.
        for cell in [Some(first), second].into_iter().flatten() {
            if self.members.cells[cell].len == FULL {
                self.split(flat, cell)?;
            }
        }
        self.sample(flat)
    }

    /// The cell a row belongs to, and a second one: near too, and off in another direction, so that a query that misses
    /// the one finds the other (SOAR, Sun et al., NeurIPS 2023).
    ///
    /// `self.rotated` is the row rotated.
    fn choose(&self, flat: &FlatIndex, row: usize) -> (usize, Option<usize>) {
        if self.cells() == 1 {
            return (0, None);
        }
        let query = self.sketcher.query(&self.rotated, PLANES);
        let mut near = Vec::new();
        self.centroids.nearest(&query, flat.quantized_row(row), SECONDS, true, &mut near);
        let norm = flat.squared_norm_of(row);
        let first = near.first().map_or(0, |near| near.cell as usize);
        (first, self.centroids.second(&near, norm))
    }

    /// Takes a row out, before the flat index wipes it.
    ///
    /// # Errors
    /// As [`Cells::insert`].
    pub(super) fn remove(&mut self, flat: &FlatIndex, row: usize) -> Result<()> {
        for entry in [2 * row, 2 * row + 1] {
            let Some(cell) = self.members.remove(entry) else { continue };
            if self.members.cells[cell].len < SPARSE && self.cells() > 1 {
                self.dissolve(flat, cell)?;
            }
        }
        Ok(())
    }

    /// How far to go for the best `k` at a recall below one, and the recall to expect.
    ///
    /// `k` is that of a search without a filter: one that lets a tenth through goes as deep as ten times its `k`.
    pub(super) fn reach(&self, k: f64, recall: f64) -> (Reach, f64) {
        self.calibration.reach(k, recall, self.cells()).unwrap_or_else(|| {
            // No samples to go by: all cells, and the bound of the sketch for what its codes miss.
            let missed = (1.0 - recall).max(1e-12);
            let slack = (-2.0 * libm::log(missed)).sqrt() as f32;
            (Reach { cells: self.cells(), slack }, recall)
        })
    }

    /// The cells nearest a prepared vector, as the partition measures it.
    fn near(&self, vector: &[f32], most: usize, out: &mut Vec<Near>) {
        let mut rotated = Vec::new();
        self.sketcher.rotate(vector, &mut rotated);
        let (query, quantized) = (self.sketcher.query(&rotated, PLANES), padded(vector));
        self.centroids.nearest(&query, (&quantized.codes, quantized.scale), most, true, out);
    }

    /// Moves the entries of a sparse cell to where they are next nearest and drops it.
    fn dissolve(&mut self, flat: &FlatIndex, cell: usize) -> Result<()> {
        let entries = self.members.entries(cell).to_vec();
        let mut vector = vec![0.0; flat.dim()];
        let mut near = Vec::new();
        for entry in entries {
            let entry = entry as usize;
            flat.decode_row(entry / 2, &mut vector);
            self.near(&vector, 3, &mut near);
            let other = near.iter().map(|near| near.cell as usize);
            let Some(other) = other.into_iter().find(|&other| !self.members.holds_row(other, entry)) else {
                // Its row lies in every other cell that is near. A second entry can be missed, a first takes its place.
                if entry.is_multiple_of(2) {
                    self.members.exchange(entry);
                    self.members.remove(entry + 1);
                } else {
                    self.members.remove(entry);
                }
                continue;
            };
            self.members.transfer(entry, other);
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

#[cfg(test)]
mod tests;
