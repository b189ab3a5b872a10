//! A cell and the cells around it: rows of the cell look for their place among these instead of all.

use super::directory::{Directory, Near};
use super::{Cells, Scratch};
use crate::error::Result;
use crate::vector::flat::FlatIndex;

/// Cells of a neighbourhood: in many dimensions the cells near a row are spread over many around its own.
const AROUND: usize = 400;

/// Cells up to which all are taken: fewer are not copied out for less than comparing with them takes.
const FEW: usize = 2 * AROUND;

/// The centres around one, by numbers of their own; nothing where all cells are few enough.
#[derive(Debug)]
pub(super) struct Neighbourhood {
    part: Option<(Vec<u32>, Directory)>,
}

impl Neighbourhood {
    /// What lies around a cell, itself included.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory.
    pub(super) fn of(cells: &Cells, flat: &FlatIndex, cell: usize) -> Result<Self> {
        if cells.cells() <= FEW {
            return Ok(Self { part: None });
        }
        let mut near: Vec<Near> = Vec::new();
        cells.near(&cells.centroids.row(cell)[..flat.dim()], AROUND, &mut near);
        // A centre of another length than one can lie nearer others than itself.
        let own = near.iter().all(|near| near.cell as usize != cell).then_some(cell as u32);
        let around: Vec<u32> = near.iter().map(|near| near.cell).chain(own).collect();
        let directory = cells.centroids.directory.part(&around)?;
        Ok(Self { part: Some((around, directory)) })
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
        let Some((around, directory)) = &self.part else {
            return cells.nearest_to(flat, row, most, scratch);
        };
        cells.look_at(flat, row, scratch, |seen, near| directory.nearest(seen, most, true, near));
        scratch.near.iter_mut().for_each(|near| near.cell = around[near.cell as usize]);
    }
}
