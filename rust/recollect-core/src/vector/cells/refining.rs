//! A cell is brought up to date: its centre becomes the mean of its members, and each member goes where it lies nearest.
//!
//! One step of Lloyd's algorithm on one cell and its neighbourhood. A cell at a time and some writes apart, so that the
//! partition follows the data as they drift and no write waits for it.

use super::centroids::Near;
use super::{Cells, padded};
use crate::error::Result;
use crate::simd;
use crate::vector::Quantized;
use crate::vector::flat::FlatIndex;

/// Neighbouring cells that a member may go to.
const NEIGHBOURS: usize = 24;

/// Members whose codes are fetched ahead.
const AHEAD: usize = 4;

impl Cells {
    /// Brings a cell up to date.
    pub(super) fn refine(&mut self, flat: &FlatIndex, cell: usize) -> Result<()> {
        let dim = flat.dim();
        let own = self.members.entries(cell).iter().filter(|entry| entry.is_multiple_of(2));
        let rows: Vec<u32> = own.map(|entry| entry / 2).collect();
        if self.cells() == 1 || rows.is_empty() {
            return Ok(());
        }
        let (mut centre, mut vector) = (vec![0.0f32; dim], vec![0.0; dim]);
        for &row in &rows {
            flat.decode_row(row as usize, &mut vector);
            centre.iter_mut().zip(&vector).for_each(|(sum, x)| *sum += x);
        }
        centre.iter_mut().for_each(|sum| *sum /= rows.len() as f32);
        self.metric.prepare(&mut centre);
        self.centroids.put(cell, &centre, &self.sketcher)?;
        let mut near: Vec<Near> = Vec::new();
        self.near(&centre, NEIGHBOURS + 1, &mut near);
        let code = |cell: usize| (padded(&self.centroids.row(cell)[..dim]), self.centroids.half(cell));
        let own = code(cell);
        let others: Vec<(usize, (Quantized, f32))> = near
            .iter()
            .map(|near| near.cell as usize)
            .filter(|&other| other != cell)
            .map(|other| (other, code(other)))
            .collect();
        for (at, &row) in rows.iter().enumerate() {
            if let Some(&next) = rows.get(at + AHEAD) {
                simd::prefetch(flat.rows.codes().matrix().row(next as usize));
            }
            let score = |(centre, half): &(Quantized, f32)| flat.rough(row as usize, centre) + half;
            let mut best = (score(&own), cell);
            for (other, code) in &others {
                let found = score(code);
                if found > best.0 {
                    best = (found, *other);
                }
            }
            if best.1 != cell {
                self.settle(2 * row as usize, best.1);
            }
        }
        Ok(())
    }
}
