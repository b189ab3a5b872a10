//! Cells are looked at again in turn, some rows with some writes: a partition made row by row grows old.
//!
//! The cell gets the mean of its members as its centre, and then its rows find the cells around it that they are best off
//! in by now. When every cell has had its turn, this was one step of k-means on all rows.

use super::extents::FULL;
use super::neighbourhood::Neighbourhood;
use super::{Cells, SECONDS, Scratch};
use crate::error::Result;
use crate::simd::{self, Kernels};
use crate::vector::flat::FlatIndex;

/// Writes from one look to the next.
const EVERY: u32 = 32;

/// Rows of one look.
const ROWS: usize = 32;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub cell: u32,
    /// The place in the cell.
    pub at: u32,
    /// Writes since the last look.
    pub writes: u32,
}

impl Cells {
    /// Notes a write, and looks at the next rows where it is time.
    pub(super) fn refresh(&mut self, flat: &FlatIndex) -> Result<()> {
        self.turn.writes += 1;
        if self.turn.writes < EVERY || self.cells() == 1 {
            return Ok(());
        }
        self.turn.writes = 0;
        // Cells come and go: the turn may have been that of one that is gone.
        if self.turn.cell as usize >= self.cells() {
            self.turn = Turn::default();
        }
        let (cell, at) = (self.turn.cell as usize, self.turn.at as usize);
        if at == 0 {
            self.recentre(flat, cell)?;
        }
        let rest = self.members.entries(cell).iter().enumerate().skip(at);
        let mut firsts =
            rest.filter(|(_, entry)| entry.is_multiple_of(2)).map(|(at, &entry)| (at, entry as usize / 2));
        let rows: Vec<usize> = firsts.by_ref().take(ROWS).map(|(_, row)| row).collect();
        // Where a row leaves, the last of the cell takes its place and is passed over until the next turn.
        self.turn = match firsts.next() {
            Some((at, _)) => Turn { at: at as u32, ..self.turn },
            None => Turn { cell: self.turn.cell + 1, ..Turn::default() },
        };
        let (around, mut scratch) = (Neighbourhood::of(self, flat, cell)?, Scratch::new(flat));
        for (at, &row) in rows.iter().enumerate() {
            if let Some(&next) = rows.get(at + 1) {
                flat.prefetch_row(next);
                simd::prefetch(flat.quantized_row(next).0);
            }
            around.nearest_to(self, flat, row, SECONDS, &mut scratch);
            let (first, second) = self.chosen(flat, row, &scratch);
            self.replace(row, first, second);
        }
        Ok(())
    }

    /// Gives a cell the mean of its members as its centre.
    fn recentre(&mut self, flat: &FlatIndex, cell: usize) -> Result<()> {
        let firsts = self.members.entries(cell).iter().filter(|entry| entry.is_multiple_of(2));
        let rows: Vec<usize> = firsts.map(|&entry| entry as usize / 2).collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.centroids.put(cell, &mean(flat, &rows), &self.sketcher)
    }

    /// Moves the entries of a row, as far as there is room.
    fn replace(&mut self, row: usize, first: usize, second: Option<usize>) {
        let (own, other) = (2 * row, 2 * row + 1);
        let lies = |cells: &Self, entry: usize| cells.members.place(entry).map(|place| place.0);
        if lies(self, own) != Some(first) {
            self.settle(own, first);
        }
        if let Some(second) = second
            && lies(self, own) != Some(second)
            && lies(self, other).is_some_and(|place| place != second)
            && self.members.cells[second].len < FULL - 1
        {
            self.members.transfer(other, second);
        }
    }
}

/// The mean of some rows, at least one, as a centre.
pub(super) fn mean(flat: &FlatIndex, rows: &[usize]) -> Vec<f32> {
    let (mut sum, mut vector) = (vec![0.0f32; flat.dim()], vec![0.0; flat.dim()]);
    for (at, &row) in rows.iter().enumerate() {
        if let Some(&next) = rows.get(at + 2) {
            flat.prefetch_row(next);
        }
        flat.decode_row(row, &mut vector);
        Kernels::best().add(&mut sum, &vector);
    }
    sum.iter_mut().for_each(|sum| *sum /= rows.len() as f32);
    flat.metric().prepare(&mut sum);
    sum
}
