//! The search: cells in order, rows by their codes, int8 and f32 only where these leave a doubt.
//!
//! A row whose code allows no score at the k-th best so far is out; with `slack` standard deviations allowed to the code,
//! this is right as often as that says. The others are scored on int8 with a certain margin, and what that leaves open in
//! f32. So the answer is exact among the rows that were not out, and every score is an f32 score.

use super::Cells;
use super::directory::{Near, PLANES, Seen};
use super::extents::FULL;
use super::members::Cell;
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::scored::Scored;
use crate::simd::{self, Kernels, LANES};
use crate::vector::flat::FlatIndex;
use crate::vector::margin::Margin;
use crate::vector::narrowing::Narrowing;
use crate::vector::{Metric, Quantized, SketchQuery, WORD};

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::vector) struct Reach {
    /// Cells visited, nearest first.
    pub cells: usize,
    /// Standard deviations by which a code may be too low.
    pub slack: f32,
}

/// How a search of given cells goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Floored {
    /// See [`Reach::slack`].
    pub slack: f32,
    /// Scores below do not matter.
    pub floor: f32,
}

/// Cells between two questions to [`Cancel`].
const CHECKPOINT: usize = 16;

/// Cells that a query of several visits by itself first.
const FIRST: usize = 2;

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
        let coded = flat.quantized(query);
        let mut scan = Scan::new(self, flat, query, &coded, k, allow, reach.slack);
        let order = scan.order(reach.cells);
        self.visit_all(&mut scan, order.iter().map(|near| near.cell), cancel)?;
        scan.narrowing.finish(query, cancel)
    }

    /// As [`Cells::search`] in given cells, of scores that are not below a floor.
    pub(super) fn search_in(
        &self,
        flat: &FlatIndex,
        query: &[f32],
        k: usize,
        Floored { slack, floor }: Floored,
        cells: impl Iterator<Item = u32>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        let coded = flat.quantized(query);
        let mut scan = Scan::new(self, flat, query, &coded, k, None, slack);
        scan.least = floor;
        self.visit_all(&mut scan, cells, cancel)?;
        scan.narrowing.finish(query, cancel)
    }

    fn visit_all(
        &self,
        scan: &mut Scan<'_>,
        cells: impl Iterator<Item = u32>,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let (mut cells, mut room) = (cells.peekable(), Room::new());
        let mut at = 0;
        while let Some(cell) = cells.next() {
            at += 1;
            if at % CHECKPOINT == 0 {
                cancel.check()?;
            }
            if let Some(&next) = cells.peek() {
                self.fetch(next as usize);
            }
            scan.visit(cell as usize, &mut room);
        }
        Ok(())
    }

    /// As [`Cells::search`] of all cells for several queries, which read each cell together.
    pub(in crate::vector) fn search_together(
        &self,
        flat: &FlatIndex,
        queries: &[Vec<f32>],
        k: usize,
        allow: Option<&Bitmap>,
        slack: f32,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Scored>>> {
        let coded: Vec<_> = queries.iter().map(|query| flat.quantized(query)).collect();
        let scans = queries.iter().zip(&coded);
        let mut scans: Vec<_> =
            scans.map(|(query, coded)| Scan::new(self, flat, query, coded, k, allow, slack)).collect();
        let mut room = Room::new();
        // The nearest cells first, each for itself: what is found there rules out most of the others.
        let nearest: Vec<Vec<u32>> = scans
            .iter_mut()
            .map(|scan| {
                let near: Vec<u32> = scan.order(FIRST).iter().map(|near| near.cell).collect();
                near.iter().for_each(|&cell| scan.visit(cell as usize, &mut room));
                near
            })
            .collect();
        for cell in 0..self.cells() {
            if cell % CHECKPOINT == CHECKPOINT - 1 {
                cancel.check()?;
            }
            for (scan, nearest) in scans.iter_mut().zip(&nearest) {
                if !nearest.contains(&(cell as u32)) {
                    scan.visit(cell, &mut room);
                }
            }
        }
        scans.into_iter().zip(queries).map(|(scan, query)| scan.narrowing.finish(query, cancel)).collect()
    }

    /// Asks for the start of a cell.
    fn fetch(&self, cell: usize) {
        let Cell { extent, len } = self.members.cells[cell];
        simd::prefetch(self.members.extents.codes(extent, len.min(FETCHED)));
        simd::prefetch(&self.members.extents.factors(extent)[..len]);
    }
}

/// One query on its way through the cells.
struct Scan<'a> {
    cells: &'a Cells,
    sketched: SketchQuery,
    codes: (&'a [i8], f32),
    offset: f32,
    step: f32,
    /// What a score has beside its upper bound: the part of the query.
    constant: f32,
    based: bool,
    /// Scores below do not matter.
    least: f32,
    narrowing: Narrowing<'a>,
}

impl<'a> Scan<'a> {
    fn new(
        cells: &'a Cells,
        flat: &'a FlatIndex,
        query: &[f32],
        (quantized, margin): &'a (Quantized, Margin),
        k: usize,
        allow: Option<&'a Bitmap>,
        slack: f32,
    ) -> Self {
        let mut rotated = Vec::new();
        cells.sketcher.rotate(&query[..flat.dim()], &mut rotated);
        let sketched = cells.sketcher.query(&rotated, PLANES);
        let (twice, constant) = margin.of_products();
        let offset = twice * (sketched.offset + slack * sketched.deviation);
        let step = twice * sketched.step;
        let codes = (&quantized.codes[..], quantized.scale);
        let based = cells.metric == Metric::Euclidean;
        let narrowing = Narrowing::new(flat, quantized, margin, k, allow);
        let least = f32::MIN;
        Self { cells, sketched, codes, offset, step, constant, based, least, narrowing }
    }

    /// The nearest cells.
    fn order(&self, most: usize) -> Vec<Near> {
        if self.cells.cells() == 1 {
            return vec![Near { cell: 0, score: 0.0 }];
        }
        let mut order = Vec::new();
        let seen = Seen { sketch: &self.sketched, codes: self.codes.0, scale: self.codes.1 };
        self.cells.centroids.directory.nearest(seen, most.max(1), false, &mut order);
        order
    }

    /// Reads the codes of a cell.
    fn visit(&mut self, cell: usize, room: &mut Room) {
        let Cell { extent, len } = self.cells.members.cells[cell];
        let (kernels, extents) = (Kernels::best(), &self.cells.members.extents);
        let (codes, lanes) = (extents.codes(extent, len), len.next_multiple_of(LANES));
        kernels.disagreement(&self.sketched.words, PLANES, codes, &mut room.counted[..lanes]);
        let bases = if self.based { extents.bases(extent) } else { &[] };
        let upper = &mut room.upper[..len.next_multiple_of(WORD)];
        let (known, padding) = upper.split_at_mut(len);
        kernels.sketch_scores(&room.counted, extents.factors(extent), bases, self.offset, self.step, known);
        padding.fill(f32::NEG_INFINITY);
        let reaching = &mut room.reaching[..upper.len() / WORD];
        // Below any score while fewer than `k` are known, so that padding never counts.
        let floor = (self.narrowing.floor().max(self.least) - self.constant).max(f32::MIN);
        kernels.at_least_bits(upper, floor, reaching);
        let entries = extents.entries(extent);
        for (at, &word) in reaching.iter().enumerate() {
            let mut word = word;
            while word != 0 {
                let lane = at * WORD + word.trailing_zeros() as usize;
                word &= word - 1;
                // The floor may have risen since.
                if upper[lane] >= self.narrowing.floor() - self.constant {
                    self.narrowing.offer(entries[lane] / 2);
                }
            }
        }
    }
}

/// Room for the scores of a cell.
struct Room {
    counted: [u32; FULL],
    upper: [f32; FULL],
    reaching: [u64; FULL / WORD],
}

impl Room {
    fn new() -> Self {
        Self { counted: [0; FULL], upper: [0.0; FULL], reaching: [0; FULL / WORD] }
    }
}
