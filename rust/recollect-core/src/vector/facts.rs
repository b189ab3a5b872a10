//! What is kept of each row beside its codes, in groups that never move.

use crate::error::{Error, Result};

/// Rows of a group.
const ROWS: usize = 1_024;

/// Facts of the rows of a group, by kind: a scan reads them side by side, and a row finds all of its own by one look-up.
#[derive(Debug, Clone, Copy)]
struct Group {
    scale: [f32; ROWS],
    norm: [f32; ROWS],
    residual: [f32; ROWS],
}

const EMPTY: Group = Group { scale: [0.0; ROWS], norm: [0.0; ROWS], residual: [0.0; ROWS] };

/// Scale, norm and residual of each row; zeros where none were written.
#[derive(Debug, Default)]
pub(super) struct Facts {
    groups: Vec<Box<[Group; 1]>>,
}

impl Facts {
    /// Makes room for so many rows in all.
    ///
    /// # Errors
    /// [`Error::Storage`] without memory.
    pub(super) fn reserve(&mut self, rows: usize) -> Result<()> {
        let refused = |error: std::collections::TryReserveError| Error::Storage(error.to_string());
        while self.groups.len() * ROWS < rows {
            self.groups.try_reserve(1).map_err(refused)?;
            let mut group = Vec::new();
            group.try_reserve_exact(1).map_err(refused)?;
            group.push(EMPTY);
            let group = group.try_into().map_err(|_| Error::Storage("no group of facts".into()))?;
            self.groups.push(group);
        }
        Ok(())
    }

    #[inline]
    fn group(&self, row: usize) -> &Group {
        &self.groups[row / ROWS][0]
    }

    /// Scale, norm and residual of a row.
    #[inline]
    pub(super) fn of(&self, row: usize) -> [f32; 3] {
        let (group, own) = (self.group(row), row % ROWS);
        [group.scale[own], group.norm[own], group.residual[own]]
    }

    /// Writes the facts of a row, for which there is room.
    pub(super) fn put(&mut self, row: usize, [scale, norm, residual]: [f32; 3]) {
        let (group, own) = (&mut self.groups[row / ROWS][0], row % ROWS);
        (group.scale[own], group.norm[own], group.residual[own]) = (scale, norm, residual);
    }

    /// Scales, norms and residuals of the rows from `first` on that lie side by side, at least one and at most `most`.
    #[inline]
    pub(super) fn block(&self, first: usize, most: usize) -> [&[f32]; 3] {
        let (group, own) = (self.group(first), first % ROWS);
        let rows = own..ROWS.min(own + most);
        [&group.scale[rows.clone()], &group.norm[rows.clone()], &group.residual[rows]]
    }

    /// All scales, norms and residuals, group by group, zeros behind the last rows.
    pub(super) fn blocks(&self) -> impl Iterator<Item = [&[f32]; 3]> {
        self.groups.iter().map(|group| [&group[0].scale[..], &group[0].norm, &group[0].residual])
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        self.groups.len() * size_of::<Group>() + size_of::<usize>() * self.groups.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_row_has_the_facts_that_were_put_last(
            rows in prop::collection::vec(0..3 * ROWS, 1..50),
            looks in prop::collection::vec((0..3 * ROWS, 1..2 * ROWS), 1..20),
        ) {
            let (mut facts, mut model) = (Facts::default(), vec![[0.0f32; 3]; 3 * ROWS]);
            for (&row, number) in rows.iter().zip(1u16..) {
                let number = f32::from(number);
                model[row] = [number, -number, number / 2.0];
                facts.reserve(row + 1).unwrap();
                facts.put(row, model[row]);
            }
            facts.reserve(3 * ROWS).unwrap();
            prop_assert!((0..3 * ROWS).all(|row| facts.of(row) == model[row]));
            for (first, most) in looks {
                let blocks = facts.block(first, most);
                let n = blocks[0].len();
                prop_assert_eq!(n, most.min(ROWS - first % ROWS));
                for (kind, block) in blocks.iter().enumerate() {
                    prop_assert!(block.iter().eq(model[first..first + n].iter().map(|facts| &facts[kind])));
                }
            }
            for (kind, blocks) in (0..3).map(|kind| (kind, facts.blocks().flat_map(move |block| block[kind]))) {
                prop_assert!(blocks.eq(model.iter().map(|facts| &facts[kind])));
            }
            prop_assert!(facts.bytes() >= 36 * ROWS && facts.bytes() < 36 * ROWS + 100);
        }
    }
}
