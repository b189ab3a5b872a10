//! The samples behind a calibration, one with each write.

use super::Cells;
use super::calibration::{AMPLE, Calibration, DEPTHS, Need, SAMPLES};
use super::centroids::{Near, PLANES};
use super::extents::FULL;
use super::members::Cell;
use super::scanning::Reach;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::seed::Seed;
use crate::simd::{Kernels, LANES};
use crate::vector::flat::FlatIndex;

/// Rows from which samples are taken.
const LEAST_ROWS: usize = 4_096;

/// How much of another vector a sample takes on: a query is no stored vector, only near some.
const MIXED: f32 = 0.4;

/// A round of samples on its way.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// Rows still to be sampled, each with the one it is mixed with.
    pub(super) left: Vec<(u32, u32)>,
    pub(super) found: Calibration,
}

impl Cells {
    /// Notes a write, and takes a sample if a round is on its way or due: after half as many writes as there were rows.
    pub(super) fn sample(&mut self, flat: &FlatIndex) -> Result<()> {
        self.writes += 1;
        if let Some(mut round) = self.round.take() {
            if let Some(pair) = round.left.pop() {
                self.measure(flat, pair, &mut round.found)?;
            }
            if round.left.is_empty() {
                self.calibration = round.found;
                self.calibration.finish();
            } else {
                self.round = Some(round);
            }
            return Ok(());
        }
        if flat.len() < LEAST_ROWS || self.writes < self.calibration.rows / 2 {
            return Ok(());
        }
        let mut seed = Seed::new(flat.len() as u64);
        let mut row = || loop {
            let (cell, at) = (seed.below(self.cells()), seed.below(FULL));
            if let Some(&entry) = self.members.entries(cell).get(at) {
                return entry / 2;
            }
        };
        let left = (0..SAMPLES).map(|_| (row(), row())).collect();
        let found = Calibration::of(flat.len(), self.cells());
        self.writes = 0;
        self.round = Some(Round { left, found });
        Ok(())
    }

    /// What it takes to find the neighbours of a vector with some of another.
    fn measure(&self, flat: &FlatIndex, pair: (u32, u32), found: &mut Calibration) -> Result<()> {
        let (one, other) = (pair.0 as usize, pair.1 as usize);
        let owner = |row| if row < flat.owners.rows() { flat.owners.owner(row) } else { None };
        let (Some(own), Some(_)) = (owner(one), owner(other)) else { return Ok(()) };
        let (mut vector, mut mixed) = (vec![0.0; flat.dim()], vec![0.0; flat.dim()]);
        flat.decode_row(one, &mut vector);
        flat.decode_row(other, &mut mixed);
        vector.iter_mut().zip(&mixed).for_each(|(x, y)| *x = (1.0 - MIXED) * *x + MIXED * y);
        let query = flat.prepared(&vector)?;
        let (quantized, margin) = flat.quantized(&query);
        let mut rotated = Vec::new();
        self.sketcher.rotate(&query[..flat.dim()], &mut rotated);
        let sketched = self.sketcher.query(&rotated, PLANES);
        let mut order: Vec<Near> = Vec::new();
        let codes = (&quantized.codes[..], quantized.scale);
        self.centroids.nearest(&sketched, codes, self.cells(), false, &mut order);
        let mut ranks = vec![0u32; self.cells()];
        order.iter().zip(1..).for_each(|(near, rank)| ranks[near.cell as usize] = rank);
        let all = Reach { cells: self.cells(), slack: AMPLE };
        let deepest = DEPTHS[1] + 1;
        let mut best = self.search(flat, &query, deepest, None, all, Cancel::never())?;
        best.retain(|scored| scored.slot != own);
        let (twice, constant) = margin.of_products();
        for (needs, depth) in found.needs.iter_mut().zip(DEPTHS) {
            let Some(last) = best.get(depth - 1) else { continue };
            for scored in &best[..depth] {
                let Some(row) = flat.owners.rows_of(scored.slot).next() else { continue };
                let Some((cell, at)) = self.members.place(2 * row) else { continue };
                let second = self.members.place(2 * row + 1).map_or(u32::MAX, |(cell, _)| ranks[cell]);
                let Cell { extent, .. } = self.members.cells[cell];
                let block = at / LANES * LANES;
                let words = self.sketcher.words();
                let codes = &self.members.extents.codes(extent, block + LANES)[block * words..];
                let mut counted = [0; LANES];
                Kernels::best().disagreement(&sketched.words, PLANES, codes, &mut counted);
                let factor = twice * self.members.extents.factors(extent)[at];
                let base = self.members.extents.bases(extent)[at] + constant;
                let estimate = factor * (sketched.offset - sketched.step * counted[at % LANES] as f32) + base;
                let short = (last.score - estimate) / (factor * sketched.deviation);
                let slack = if short.is_finite() { short } else { 0.0 };
                needs.push(Need { cells: ranks[cell].min(second), slack });
            }
        }
        Ok(())
    }
}
