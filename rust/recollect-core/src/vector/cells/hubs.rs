//! Groups of centres that lie together, so that a row is compared with those of a few groups and not with all.

use super::centroids::Centroids;
use super::directory::{Directory, Near};
use super::splitting::two_means;
use super::{Cells, Scratch};
use crate::error::Result;
use crate::vector::flat::FlatIndex;

/// Centres of a group up to which it is not halved; fewer in tests, so that they have groups.
const GROUP: usize = if cfg!(test) { 8 } else { 64 };

/// Groups there are, about: of more cells each has more, so that a row can be compared with every one of the means.
const GROUPS: usize = 128;

/// Groups that a row looks into; fewer in tests, for the same reason.
const PROBED: usize = if cfg!(test) { 4 } else { 8 };

/// Centres up to which a row may as well be compared with all.
const FEW: usize = 2 * PROBED * GROUP;

/// Groups near a row, nearest first.
pub(super) type Groups = [u16; PROBED];

/// Centres of all cells, by group.
#[derive(Debug)]
pub(super) struct Hubs {
    means: Centroids,
    /// Where the centres of each group end, which begin where those of the one before end.
    ends: Vec<usize>,
    /// Centres in the order of groups, behind them those that came later; and the cell of each.
    directory: Directory,
    cells: Vec<u32>,
}

impl Hubs {
    /// The groups of all cells; none where these are few.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory.
    pub(super) fn of(cells: &Cells, dim: usize) -> Result<Option<Self>> {
        if cells.cells() <= FEW {
            return Ok(None);
        }
        let most = GROUP.max(cells.cells() / GROUPS);
        let mut groups = vec![];
        let mut large = vec![(0..cells.cells() as u32).collect::<Vec<_>>()];
        let mut vectors = Vec::new();
        while let Some(group) = large.pop() {
            vectors.clear();
            group.iter().for_each(|&cell| vectors.extend(&cells.centroids.row(cell as usize)[..dim]));
            if group.len() <= most {
                groups.push((group, mean(&vectors, dim)));
                continue;
            }
            let (_, second) = two_means(cells.metric, &vectors, dim, &vec![true; group.len()]);
            let side = |which: bool| {
                let own = group.iter().zip(&second).filter(move |(_, second)| **second == which);
                own.map(|(&cell, _)| cell).collect()
            };
            large.extend([side(true), side(false)]);
        }
        let mut means = Centroids::new(dim, cells.metric, cells.words());
        let (mut ends, mut order) = (Vec::with_capacity(groups.len()), Vec::with_capacity(cells.cells()));
        for (at, (group, mut mean)) in groups.into_iter().enumerate() {
            cells.metric.prepare(&mut mean);
            means.put(at, &mean, &cells.sketcher)?;
            order.extend(group);
            ends.push(order.len());
        }
        Ok(Some(Self { means, ends, directory: cells.centroids.directory.part(&order)?, cells: order }))
    }

    /// Takes note of cells that came later: every row looks at them.
    ///
    /// # Errors
    /// As [`Hubs::of`].
    pub(super) fn follow(&mut self, cells: &Cells, dim: usize) -> Result<()> {
        let grouped = *self.ends.last().unwrap_or(&0);
        if cells.cells() > grouped + GROUP {
            if let Some(all) = Self::of(cells, dim)? {
                *self = all;
            }
            return Ok(());
        }
        for cell in self.cells.len() as u32..cells.cells() as u32 {
            self.directory.copy(self.cells.len(), &cells.centroids.directory, cell as usize)?;
            self.cells.push(cell);
        }
        Ok(())
    }

    /// The groups near a row.
    pub(super) fn groups(&self, flat: &FlatIndex, row: usize, near: &mut Vec<Near>) -> Groups {
        self.means.directory.nearest_of_few(flat.quantized_row(row), PROBED, near);
        std::array::from_fn(|at| near[at].cell as u16)
    }

    /// As [`Cells::nearest_to`], among the groups near the row.
    pub(super) fn nearest_to(
        &self,
        cells: &Cells,
        flat: &FlatIndex,
        (row, groups): (usize, &Groups),
        most: usize,
        scratch: &mut Scratch,
    ) {
        let range = |&group: &u16| {
            let start = usize::from(group).checked_sub(1).map_or(0, |before| self.ends[before]);
            start..self.ends[usize::from(group)]
        };
        let grouped = *self.ends.last().unwrap_or(&0);
        let later = (grouped < self.cells.len()).then_some(grouped..self.cells.len());
        let ranges: Vec<_> = groups.iter().map(range).chain(later).collect();
        cells.look_at(flat, row, scratch, |seen, near| self.directory.nearest_in(seen, &ranges, most, near));
        scratch.near.iter_mut().for_each(|near| near.cell = self.cells[near.cell as usize]);
    }
}

/// The mean of some vectors, at least one.
fn mean(vectors: &[f32], dim: usize) -> Vec<f32> {
    let mut sum = vec![0.0f32; dim];
    for vector in vectors.chunks_exact(dim) {
        sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }
    let count = (vectors.len() / dim) as f32;
    sum.iter_mut().for_each(|sum| *sum /= count);
    sum
}
