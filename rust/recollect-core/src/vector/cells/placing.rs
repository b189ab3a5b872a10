//! Where many rows go at once.

use super::hubs::Hubs;
use super::{Cells, SECONDS, Scratch};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::vector::batch::{SHARE, shared};
use crate::vector::flat::FlatIndex;

/// Rows that are placed before any of them is taken in.
pub(super) const BLOCK: usize = 8_192;

/// Rows for each cell from which groups of cells are worth their making.
const WORTH: usize = 4;

/// Rows of which a thread takes its share at a time, where each takes little.
const MANY: usize = 1_024;

impl Cells {
    /// Takes rows in at once where they belong.
    ///
    /// # Errors
    /// As [`Cells::build`].
    pub(super) fn place_all(
        &mut self,
        flat: &FlatIndex,
        rows: &[usize],
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let hubs = if rows.len() < WORTH * self.cells() { None } else { Hubs::of(self, flat.dim())? };
        let Some(mut hubs) = hubs else {
            return rows.chunks(BLOCK).try_for_each(|rows| {
                let all = |cells: &Self, at: usize, scratch: &mut Scratch| {
                    cells.nearest_to(flat, rows[at], SECONDS, scratch);
                };
                self.place(flat, rows, all, threads, cancel)
            });
        };
        // Rows of a group one after the other: what they are compared with, and where they go, stays in the second cache.
        let mut order = shared(rows.len(), MANY, threads, cancel, |share, _| {
            let mut near = Vec::new();
            Ok(rows[share].iter().map(|&row| (hubs.groups(flat, row, &mut near), row)).collect())
        })?;
        order.sort_unstable_by_key(|&(groups, row)| (groups[0], row));
        for block in order.chunks(BLOCK) {
            let rows: Vec<usize> = block.iter().map(|&(_, row)| row).collect();
            let some = |cells: &Self, at: usize, scratch: &mut Scratch| {
                hubs.nearest_to(cells, flat, (rows[at], &block[at].0), SECONDS, scratch);
            };
            self.place(flat, &rows, some, threads, cancel)?;
            hubs.follow(self, flat.dim())?;
        }
        Ok(())
    }

    /// Takes a block of rows in, each by the cells that `nearest` leaves in the scratch.
    fn place(
        &mut self,
        flat: &FlatIndex,
        rows: &[usize],
        nearest: impl Fn(&Self, usize, &mut Scratch) + Sync,
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let placed = shared(rows.len(), SHARE, threads, cancel, |share, _| {
            let mut scratch = Scratch::new(flat);
            let place = |at: usize| {
                if let Some(&next) = rows.get(at + 1) {
                    flat.prefetch_row(next);
                }
                nearest(self, at, &mut scratch);
                self.placed(flat, rows[at], &scratch)
            };
            Ok(share.map(place).collect())
        })?;
        rows.iter().zip(&placed).try_for_each(|(&row, placed)| self.take(flat, row, placed))
    }
}
