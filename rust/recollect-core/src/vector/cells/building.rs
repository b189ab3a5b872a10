//! The cells of many rows at once, on several threads.
//!
//! A sample is halved, and its halves, until the parts are as large as those of a cell; some steps of k-means set the
//! centres right, where a row looks at the cells around its own only; then every row finds its place. What comes out
//! depends on the rows alone, not on the threads.

use super::extents::FULL;
use super::neighbourhood::Neighbourhood;
use super::refreshing::mean;
use super::splitting::two_means;
use super::{Cells, SECONDS, Scratch};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::seed::Seed;
use crate::simd::Kernels;
use crate::vector::batch::{SHARE, shared};
use crate::vector::flat::FlatIndex;

/// Rows that belong to a cell, at most: with two entries a row it is well filled, and has room to grow.
const MOST: usize = FULL * 7 / 16;

/// Rows of the sample for each cell.
const SAMPLED: usize = 32;

/// Steps of k-means.
const STEPS: usize = 4;

/// A side of two gets at least one in this many rows.
const LEAST_SHARE: usize = 8;

/// Rows that the two centres of a part are made of.
const MOST_HALVED: usize = 4_096;

/// Rows that are placed before any of them is taken in.
const BLOCK: usize = 8_192;

/// Cells of which a thread takes its share at a time.
const CELLS: usize = 8;

/// The rows of each cell to be.
type Parts = Vec<Vec<usize>>;

impl Cells {
    /// The cells of all rows.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory; [`Error::Cancelled`](crate::error::Error::Cancelled).
    pub(in crate::vector) fn build(flat: &FlatIndex, threads: usize, cancel: Cancel<'_>) -> Result<Self> {
        let mut cells = Self::new(flat.dim(), flat.metric())?;
        let rows: Vec<usize> =
            (0..flat.owners.rows()).filter(|&row| flat.owners.owner(row).is_some()).collect();
        let sample = sample(&rows);
        let most = (MOST * sample.len()).div_ceil(rows.len()).max(2);
        let mut parts = halve(flat, vec![sample], most, threads, cancel)?;
        // Some more come from splits.
        cells.members.extents.reserve_many(parts.len() * 9 / 8, threads)?;
        if parts.len() > 1 {
            cells.centre(flat, &parts, threads, cancel)?;
            for _ in 0..STEPS {
                parts = cells.step(flat, &parts, most, threads, cancel)?;
                parts = halve(flat, parts, most, threads, cancel)?;
                cells.centre(flat, &parts, threads, cancel)?;
            }
        }
        cells.place_all(flat, &rows, threads, cancel)?;
        cells.calibrate(flat, threads, cancel)?;
        Ok(cells)
    }

    /// As [`Cells::insert`] of many rows.
    ///
    /// # Errors
    /// As [`Cells::build`].
    pub(in crate::vector) fn insert_many(
        &mut self,
        flat: &FlatIndex,
        rows: &[usize],
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        for rows in rows.chunks(BLOCK) {
            self.place_all(flat, rows, threads, cancel)?;
            rows.iter().try_for_each(|_| self.refresh(flat))?;
        }
        self.sample_many(flat, rows.len(), threads, cancel)
    }

    /// Takes rows in at once where they belong.
    fn place_all(
        &mut self,
        flat: &FlatIndex,
        rows: &[usize],
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        for rows in rows.chunks(BLOCK) {
            let placed = shared(rows.len(), SHARE, threads, cancel, |share, _| {
                let mut scratch = Scratch::new(flat);
                let place = |&row: &usize| {
                    self.nearest_to(flat, row, SECONDS, &mut scratch);
                    self.placed(flat, row, &scratch)
                };
                Ok(rows[share].iter().map(place).collect())
            })?;
            rows.iter().zip(&placed).try_for_each(|(&row, placed)| self.take(flat, row, placed))?;
        }
        Ok(())
    }

    /// Makes the means of parts the centres of cells, one each.
    fn centre(&mut self, flat: &FlatIndex, parts: &Parts, threads: usize, cancel: Cancel<'_>) -> Result<()> {
        let means = shared(parts.len(), CELLS, threads, cancel, |share, _| {
            Ok(parts[share].iter().map(|rows| mean(flat, rows)).collect())
        })?;
        for (cell, centre) in means.iter().enumerate() {
            if cell == self.cells() {
                self.members.add_cell()?;
            }
            self.centroids.put(cell, centre, &self.sketcher)?;
        }
        while self.cells() > parts.len() {
            self.members.drop_cell(self.cells() - 1);
            self.centroids.drop_cell(self.cells(), &self.sketcher)?;
        }
        Ok(())
    }

    /// Gives each row to the nearest of the centres around its own.
    fn step(
        &self,
        flat: &FlatIndex,
        parts: &Parts,
        most: usize,
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<Parts> {
        let nearest = shared(parts.len(), CELLS, threads, cancel, |share, _| {
            let mut scratch = Scratch::new(flat);
            let mut found = Vec::new();
            for cell in share {
                let around = Neighbourhood::of(self, flat, cell)?;
                for &row in &parts[cell] {
                    around.nearest_to(self, flat, row, 1, &mut scratch);
                    found.push((row, scratch.near.first().map_or(cell, |near| near.cell as usize)));
                }
            }
            Ok(found)
        })?;
        let mut next = vec![Vec::new(); parts.len()];
        nearest.into_iter().for_each(|(row, cell)| next[cell].push(row));
        // A centre that hardly a row is nearest to makes room for the others.
        next.retain(|rows| rows.len() > most / LEAST_SHARE);
        Ok(next)
    }
}

/// As many of some rows as centres are made of.
fn sample(rows: &[usize]) -> Vec<usize> {
    let wanted = (rows.len() * SAMPLED).div_ceil(MOST).max(MOST).min(rows.len());
    let (mut rows, mut seed) = (rows.to_vec(), Seed::new(rows.len() as u64));
    for at in 0..wanted {
        let other = at + seed.below(rows.len() - at);
        rows.swap(at, other);
    }
    rows.truncate(wanted);
    rows
}

/// Halves what has more than so many rows until nothing has.
fn halve(flat: &FlatIndex, parts: Parts, most: usize, threads: usize, cancel: Cancel<'_>) -> Result<Parts> {
    let (mut done, mut large): (Parts, Parts) = parts.into_iter().partition(|rows| rows.len() <= most);
    while !large.is_empty() {
        let halves = shared(large.len(), 1, threads, cancel, |share, cancel| {
            cancel.check()?;
            Ok(large[share].iter().flat_map(|rows| halved(flat, rows)).collect())
        })?;
        let (small, rest): (Parts, Parts) = halves.into_iter().partition(|rows| rows.len() <= most);
        done.extend(small);
        large = rest;
    }
    Ok(done)
}

/// Some rows, at least two, in two parts.
fn halved(flat: &FlatIndex, rows: &[usize]) -> [Vec<usize>; 2] {
    let dim = flat.dim();
    let few = rows.len().min(MOST_HALVED);
    let mut vectors = vec![0.0; few * dim];
    for (vector, &row) in vectors.chunks_exact_mut(dim).zip(rows.iter().step_by(rows.len() / few)) {
        flat.decode_row(row, vector);
    }
    let (centres, second) = two_means(flat.metric(), &vectors, dim, &vec![true; few]);
    let kernels = Kernels::best();
    let halves = centres.each_ref().map(|centre| 0.5 * kernels.dot(centre, centre));
    let mut vector = vec![0.0; dim];
    let mut sides = [Vec::new(), Vec::new()];
    for (at, &row) in rows.iter().enumerate() {
        let second = if few == rows.len() {
            second[at]
        } else {
            flat.decode_row(row, &mut vector);
            kernels.dot(&vector, &centres[1]) - halves[1] > kernels.dot(&vector, &centres[0]) - halves[0]
        };
        sides[usize::from(second)].push(row);
    }
    // Of rows that are all alike no side may stay empty.
    let least = (rows.len() / LEAST_SHARE).max(1);
    let [one, other] = &mut sides;
    if one.len() < least {
        let missing = least - one.len();
        one.extend(other.drain(..missing));
    } else if other.len() < least {
        let missing = least - other.len();
        other.extend(one.drain(..missing));
    }
    sides
}
