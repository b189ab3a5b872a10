//! Bit codes of all rows in cells of rows that lie together; cells split as they fill and dissolve as they empty.
//!
//! | file | idea |
//! |---|---|
//! | `building` | the cells of many rows at once, on several threads |
//! | `extents` | the codes of a cell side by side |
//! | `members` | which rows lie in which cell |
//! | `centroids` | the centres of cells |
//! | `directory`, `shortlist` | which centres lie nearest |
//! | `neighbourhood` | a cell and the cells around it |
//! | `calibration`, `sampling` | how far a search must go for a recall |
//! | `refreshing` | cells are looked at again in turn |
//! | `splitting` | one cell becomes two, and its neighbours are looked over (LIRE, Xu et al., SOSP 2023) |
//! | `segment` | the cells as bytes |
//! | `scanning` | the search: cells in order, rows by their codes, int8 and f32 only where these leave a doubt |
//!
//! A row goes in and out in constant time but for the bounded work of a split, so that there is never a rebuild.

mod building;
mod calibration;
mod centroids;
mod directory;
mod extents;
mod members;
mod neighbourhood;
mod refreshing;
mod sampling;
mod scanning;
mod segment;
mod shortlist;
mod splitting;

use centroids::Centroids;
use directory::{Near, PLANES, Seen, padded};
use extents::{FULL, Kept};
use members::Members;
use refreshing::Turn;
use sampling::Round;

use crate::error::{Error, Result};
use crate::simd::Kernels;
use crate::vector::flat::FlatIndex;
use crate::vector::{Metric, Sketcher};

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
    turn: Turn,
}

/// Room for one row.
struct Scratch {
    vector: Vec<f32>,
    rotated: Vec<f32>,
    /// Cells near it, nearest first.
    near: Vec<Near>,
}

impl Scratch {
    fn new(flat: &FlatIndex) -> Self {
        Self { vector: vec![0.0; flat.dim()], rotated: Vec::new(), near: Vec::new() }
    }
}

/// Where a row goes, and what is kept of it there.
struct Placed {
    code: Vec<u64>,
    factor: f32,
    base: f32,
    first: usize,
    second: Option<usize>,
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
        let (calibration, round, writes, turn) = (Calibration::default(), None, 0, Turn::default());
        Ok(Self { metric, sketcher, members, centroids, calibration, round, writes, turn })
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
        let mut scratch = Scratch::new(flat);
        self.nearest_to(flat, row, SECONDS, &mut scratch);
        let placed = self.placed(flat, row, &scratch);
        self.take(flat, row, &placed)?;
        self.refresh(flat)?;
        self.sample(flat)
    }

    /// Where a row goes, and its code, given the cells near it.
    fn placed(&self, flat: &FlatIndex, row: usize, scratch: &Scratch) -> Placed {
        let mut code = vec![0; self.words()];
        let factor = self.sketcher.encode(&scratch.rotated, &mut code);
        let base = match self.metric {
            Metric::Euclidean => -(Kernels::best().squared_norm(&scratch.vector) as f32),
            _ => 0.0,
        };
        let (first, second) = self.chosen(flat, row, scratch);
        Placed { code, factor, base, first, second }
    }

    /// Takes the entries of a row in.
    fn take(&mut self, flat: &FlatIndex, row: usize, placed: &Placed) -> Result<()> {
        if row >= MOST_ROWS {
            return Err(Error::Limit { argument: "row".into(), found: row as u64, limit: MOST_ROWS as u64 });
        }
        let &Placed { ref code, factor, base, first, second } = placed;
        let kept = Kept { code, factor, base, entry: 2 * row as u32 };
        self.members.push(first, kept)?;
        if let Some(second) = second {
            self.members.push(second, Kept { entry: kept.entry + 1, ..kept })?;
        }
        // A full cell splits at once, so that there is always room for one more.
        for cell in [Some(first), second].into_iter().flatten() {
            if self.members.cells[cell].len == FULL {
                self.split(flat, cell)?;
            }
        }
        Ok(())
    }

    /// The cell a row belongs to, and a second one: near too, and off in another direction, so that a query that misses
    /// the one finds the other (SOAR, Sun et al., NeurIPS 2023). `scratch` holds the cells near the row.
    fn chosen(&self, flat: &FlatIndex, row: usize, scratch: &Scratch) -> (usize, Option<usize>) {
        let first = scratch.near.first().map_or(0, |near| near.cell as usize);
        (first, self.centroids.second(&scratch.near, flat.squared_norm_of(row)))
    }

    /// Leaves the cells nearest a row in `scratch`, beside the row itself, as it is and rotated.
    fn nearest_to(&self, flat: &FlatIndex, row: usize, most: usize, scratch: &mut Scratch) {
        self.look_at(flat, row, scratch, |seen, near| {
            if self.cells() > 1 {
                self.centroids.directory.nearest(seen, most, true, near);
            }
        });
    }

    /// Has a row compared with centres.
    fn look_at(
        &self,
        flat: &FlatIndex,
        row: usize,
        scratch: &mut Scratch,
        compare: impl FnOnce(Seen<'_>, &mut Vec<Near>),
    ) {
        flat.decode_row(row, &mut scratch.vector);
        self.sketcher.rotate(&scratch.vector, &mut scratch.rotated);
        let (codes, scale) = flat.quantized_row(row);
        let sketch = self.sketcher.query(&scratch.rotated, PLANES);
        scratch.near.clear();
        compare(Seen { sketch: &sketch, codes, scale }, &mut scratch.near);
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
        let (sketch, quantized) = (self.sketcher.query(&rotated, PLANES), padded(vector));
        let seen = Seen { sketch: &sketch, codes: &quantized.codes, scale: quantized.scale };
        self.centroids.directory.nearest(seen, most, true, out);
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

#[cfg(test)]
mod bulk_tests;
#[cfg(test)]
mod tests;
