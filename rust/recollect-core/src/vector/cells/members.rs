//! Which rows lie in which cell, at which place.
//!
//! A row has up to two entries, each in another cell: entry `2 row` in the cell it belongs to, entry `2 row + 1` where a
//! search that misses the first is likely to come by.

use super::extents::{Extents, FULL, Kept};
use crate::chunked::Chunked;
use crate::error::{Error, Result};

/// Place of an entry that lies in no cell.
const NOWHERE: u32 = u32::MAX;

/// The extent of one cell, and how many rows it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub extent: u32,
    pub len: usize,
}

/// The codes of all rows, cell by cell.
#[derive(Debug)]
pub(super) struct Members {
    pub extents: Extents,
    pub cells: Vec<Cell>,
    /// By entry: the cell times [`FULL`], and the place in it.
    places: Chunked<u32>,
    len: usize,
}

impl Members {
    /// One empty cell, for codes of `words` words.
    pub(super) fn new(words: usize) -> Result<Self> {
        let mut members =
            Self { extents: Extents::new(words), cells: Vec::new(), places: Chunked::default(), len: 0 };
        members.add_cell()?;
        Ok(members)
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds an empty cell.
    pub(super) fn add_cell(&mut self) -> Result<()> {
        self.cells.try_reserve(1).map_err(|error| Error::Storage(error.to_string()))?;
        let extent = self.extents.take()?;
        self.cells.push(Cell { extent, len: 0 });
        Ok(())
    }

    /// The cell of an entry, and the place in it.
    pub(super) fn place(&self, entry: usize) -> Option<(usize, usize)> {
        let place = self.places.get(entry).filter(|&place| place != NOWHERE)? as usize;
        Some((place / FULL, place % FULL))
    }

    /// The entries of a cell in order.
    pub(super) fn entries(&self, cell: usize) -> &[u32] {
        let Cell { extent, len } = self.cells[cell];
        &self.extents.entries(extent)[..len]
    }

    /// Whether a cell holds an entry of the row of this entry.
    pub(super) fn holds_row(&self, cell: usize, entry: usize) -> bool {
        [entry, entry ^ 1].into_iter().any(|entry| self.place(entry).is_some_and(|place| place.0 == cell))
    }

    /// Exchanges the places of the two entries of a row.
    pub(super) fn exchange(&mut self, entry: usize) {
        let (Some(one), Some(other)) = (self.place(entry), self.place(entry ^ 1)) else { return };
        (self.places[entry], self.places[entry ^ 1]) = (self.places[entry ^ 1], self.places[entry]);
        self.extents.rename((self.cells[one.0].extent, one.1), (entry ^ 1) as u32);
        self.extents.rename((self.cells[other.0].extent, other.1), entry as u32);
    }

    /// Adds an entry to a cell that is not full.
    ///
    /// # Errors
    /// [`Error::Storage`] without memory; nothing has changed.
    pub(super) fn push(&mut self, cell: usize, kept: Kept<'_>) -> Result<()> {
        let entry = kept.entry as usize;
        self.places.reserve((entry + 1).saturating_sub(self.places.len()))?;
        self.places.fill_up(entry + 1, NOWHERE);
        let Cell { extent, len } = &mut self.cells[cell];
        self.extents.put(*extent, *len, kept);
        self.places[entry] = (cell * FULL + *len) as u32;
        *len += 1;
        self.len += 1;
        Ok(())
    }

    /// Takes an entry out and wipes it, and gives its cell; the last of the cell moves into its place.
    pub(super) fn remove(&mut self, entry: usize) -> Option<usize> {
        let (cell, at) = self.place(entry)?;
        self.extents.clear(self.cells[cell].extent, at);
        self.close(cell, at);
        self.places[entry] = NOWHERE;
        self.len -= 1;
        Some(cell)
    }

    /// Moves an entry to another cell that is not full.
    pub(super) fn transfer(&mut self, entry: usize, cell: usize) {
        let Some((old, at)) = self.place(entry).filter(|place| place.0 != cell) else { return };
        let to = self.cells[cell];
        self.extents.shift((self.cells[old].extent, at), (to.extent, to.len));
        self.places[entry] = (cell * FULL + to.len) as u32;
        self.cells[cell].len += 1;
        self.close(old, at);
    }

    /// Fills the wiped place of a cell with its last entry.
    fn close(&mut self, cell: usize, at: usize) {
        let Cell { extent, len } = &mut self.cells[cell];
        *len -= 1;
        if at < *len {
            let moved = self.extents.shift((*extent, *len), (*extent, at));
            self.places[moved as usize] = (cell * FULL + at) as u32;
        }
    }

    /// Drops a cell without members; the last cell takes its number.
    pub(super) fn drop_cell(&mut self, cell: usize) {
        let dropped = self.cells.swap_remove(cell);
        self.extents.give_back(dropped.extent);
        if cell < self.cells.len() {
            let Cell { extent, len } = self.cells[cell];
            for (at, &entry) in self.extents.entries(extent)[..len].iter().enumerate() {
                self.places[entry as usize] = (cell * FULL + at) as u32;
            }
        }
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        self.extents.bytes() + 16 * self.cells.capacity() + self.places.bytes()
    }
}
