//! The search: cells in order, rows by their codes, int8 and f32 only where these leave a doubt.
//!
//! A row whose code allows no score at the k-th best so far is out; with `slack` standard deviations allowed to the code,
//! this is right as often as that says. The others are scored on int8 with a certain margin, and what that leaves open in
//! f32. So the answer is exact among the rows that were not out, and every score is an f32 score.

use super::Cells;
use super::centroids::{Near, PLANES};
use super::extents::FULL;
use super::members::Cell;
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::scored::Scored;
use crate::simd::{self, Kernels, LANES};
use crate::vector::flat::{FlatIndex, GROUP};
use crate::vector::narrowing::Narrowing;

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::vector) struct Reach {
    /// Cells visited, nearest first.
    pub cells: usize,
    /// Standard deviations by which a code may be too low.
    pub slack: f32,
}

/// Cells between two questions to [`Cancel`].
const CHECKPOINT: usize = 16;

/// Rows of the next cell that are fetched ahead; the processor finds the others by itself.
const FETCHED: usize = 32;

impl Cells {
    /// The best `k` slots among `allow` for a prepared, padded query, within reach.
    pub(in crate::vector) fn search(
        &self,
        flat: &FlatIndex,
        query: &[f32],
        k: usize,
        allow: Option<&Bitmap>,
        reach: Reach,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        let (quantized, margin) = flat.quantized(query);
        let mut rotated = Vec::new();
        self.sketcher.rotate(&query[..flat.dim()], &mut rotated);
        let sketched = self.sketcher.query(&rotated, PLANES);
        let mut order: Vec<Near> = Vec::new();
        if self.cells() == 1 {
            order.push(Near { cell: 0, score: 0.0 });
        } else {
            let codes = (&quantized.codes[..], quantized.scale);
            self.centroids.nearest(&sketched, codes, reach.cells.max(1), false, &mut order);
        }
        let kernels = Kernels::best();
        let (twice, constant) = margin.of_products();
        let offset = twice * (sketched.offset + reach.slack * sketched.deviation);
        let step = twice * sketched.step;
        let based = constant < 0.0 || twice > 1.0;
        let mut narrowing = Narrowing::new(flat, &quantized, &margin, k, allow);
        let (mut counted, mut upper) = ([0u32; FULL], [0.0f32; FULL]);
        let extents = &self.members.extents;
        for (at, near) in order.iter().enumerate() {
            if at % CHECKPOINT == CHECKPOINT - 1 {
                cancel.check()?;
            }
            let Cell { extent, len } = self.members.cells[near.cell as usize];
            if let Some(next) = order.get(at + 1) {
                let next = self.members.cells[next.cell as usize];
                simd::prefetch(&extents.codes(next.extent, next.len.min(FETCHED)));
                simd::prefetch(&extents.factors(next.extent)[..next.len]);
            }
            let codes = extents.codes(extent, len);
            let lanes = len.next_multiple_of(LANES);
            kernels.disagreement(&sketched.words, sketched.planes, codes, &mut counted[..lanes]);
            let bases = if based { extents.bases(extent) } else { &[] };
            let (factors, upper) = (extents.factors(extent), &mut upper[..len]);
            kernels.sketch_scores(&counted, factors, bases, offset, step, upper);
            let entries = extents.entries(extent);
            for (group, bounds) in upper.chunks(GROUP).enumerate() {
                let floor = narrowing.floor() - constant;
                if !bounds.iter().fold(false, |any, &bound| any | (bound >= floor)) {
                    continue;
                }
                for (i, &bound) in bounds.iter().enumerate() {
                    if bound >= narrowing.floor() - constant {
                        narrowing.offer(entries[group * GROUP + i] / 2);
                    }
                }
            }
        }
        narrowing.finish(query, cancel)
    }
}
