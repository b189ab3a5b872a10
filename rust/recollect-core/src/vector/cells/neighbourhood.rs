//! A cell and the cells around it: rows of the cell look for their place among these instead of all.

use super::directory::{Directory, Near};
use super::{Cells, Scratch};
use crate::error::Result;
use crate::vector::flat::FlatIndex;

/// Cells of a neighbourhood: in many dimensions the cells near a row are spread over many around its own.
const AROUND: usize = 400;

/// The centres around one, by numbers of their own.
#[derive(Debug)]
pub(super) struct Neighbourhood {
    cells: Vec<u32>,
    directory: Directory,
}

impl Neighbourhood {
    /// What lies around a cell, itself included.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory.
    pub(super) fn of(cells: &Cells, flat: &FlatIndex, cell: usize) -> Result<Self> {
        let around: Vec<u32> = if cells.cells() <= AROUND {
            (0..cells.cells() as u32).collect()
        } else {
            let mut near: Vec<Near> = Vec::new();
            cells.near(&cells.centroids.row(cell)[..flat.dim()], AROUND, &mut near);
            // A centre of another length than one can lie nearer others than itself.
            let own = near.iter().all(|near| near.cell as usize != cell).then_some(cell as u32);
            near.iter().map(|near| near.cell).chain(own).collect()
        };
        let directory = cells.centroids.directory.part(&around)?;
        Ok(Self { cells: around, directory })
    }

    /// As [`Cells::nearest_to`] in this neighbourhood.
    pub(super) fn nearest_to(
        &self,
        cells: &Cells,
        flat: &FlatIndex,
        row: usize,
        most: usize,
        scratch: &mut Scratch,
    ) {
        cells.look_at(flat, row, scratch, |seen, near| self.directory.nearest(seen, most, true, near));
        scratch.near.iter_mut().for_each(|near| near.cell = self.cells[near.cell as usize]);
    }
}
