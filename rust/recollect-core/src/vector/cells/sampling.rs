//! The samples behind a calibration, one with each write.

use super::Cells;
use super::calibration::{AMPLE, Calibration, DEPTHS, Need, SAMPLES};
use super::directory::{Near, PLANES, Seen};
use super::extents::FULL;
use super::members::Cell;
use super::scanning::Floored;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;
use crate::scored::Scored;
use crate::seed::Seed;
use crate::simd::{Kernels, LANES};
use crate::vector::SketchQuery;
use crate::vector::batch::shared;
use crate::vector::flat::FlatIndex;

/// Rows from which samples are taken.
const LEAST_ROWS: usize = 4_096;

/// How much of another vector a sample takes on: a query is no stored vector, only near some.
const MIXED: f32 = 0.4;

/// Cells that a sample visits with one write, so that no write waits for all of them.
const VISITED: usize = 24;

/// A round of samples on its way.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// Rows still to be sampled, each with the one it is mixed with; the last one may have been begun.
    pub(super) left: Vec<(u32, u32)>,
    pub(super) found: Calibration,
    begun: Option<Sample>,
}

/// A sample whose neighbours are being looked for.
#[derive(Debug, Clone)]
struct Sample {
    query: Vec<f32>,
    own: Slot,
    /// Cells, nearest first.
    order: Vec<u32>,
    visited: usize,
    best: Vec<Scored>,
}

impl Round {
    pub(super) fn new(left: Vec<(u32, u32)>, found: Calibration) -> Self {
        Self { left, found, begun: None }
    }
}

impl Cells {
    /// Notes a write, and goes on with a sample if a round is on its way or due: after half as many writes as there were rows.
    pub(super) fn sample(&mut self, flat: &FlatIndex) -> Result<()> {
        self.writes += 1;
        if let Some(mut round) = self.round.take() {
            self.go_on(flat, &mut round)?;
            if round.left.is_empty() {
                self.calibration = round.found;
                self.calibration.finish();
            } else {
                self.round = Some(round);
            }
            return Ok(());
        }
        if self.due(flat) {
            self.round = Some(self.draw(flat));
            self.writes = 0;
        }
        Ok(())
    }

    fn due(&self, flat: &FlatIndex) -> bool {
        flat.len() >= LEAST_ROWS && self.writes >= self.calibration.rows / 2
    }

    /// Notes many writes, and calibrates at once where it is due.
    ///
    /// # Errors
    /// As [`Cells::calibrate`].
    pub(super) fn sample_many(
        &mut self,
        flat: &FlatIndex,
        writes: usize,
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        self.writes += writes;
        if self.due(flat) { self.calibrate(flat, threads, cancel) } else { Ok(()) }
    }

    /// A whole round at once, on several threads.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::error::Error::Cancelled), and as a search.
    pub(super) fn calibrate(&mut self, flat: &FlatIndex, threads: usize, cancel: Cancel<'_>) -> Result<()> {
        if flat.len() < LEAST_ROWS {
            return Ok(());
        }
        let Round { left, mut found, .. } = self.draw(flat);
        let needs = shared(left.len(), 1, threads, cancel, |share, cancel| {
            let samples = left[share].iter().filter_map(|&pair| self.begin(flat, pair).transpose());
            let found = samples.map(|sample| {
                let mut sample = sample?;
                let all = sample.order.len();
                self.visit(flat, &mut sample, all, cancel)?;
                self.needs(flat, &sample)
            });
            found.collect()
        })?;
        for needs in needs {
            found.needs.iter_mut().zip(needs).for_each(|(all, needs)| all.extend(needs));
        }
        self.calibration = found;
        self.calibration.finish();
        (self.writes, self.round) = (0, None);
        Ok(())
    }

    /// The rows of a new round.
    fn draw(&self, flat: &FlatIndex) -> Round {
        let mut seed = Seed::new(flat.len() as u64);
        let mut row = || loop {
            let (cell, at) = (seed.below(self.cells()), seed.below(FULL));
            if let Some(&entry) = self.members.entries(cell).get(at) {
                return entry / 2;
            }
        };
        let left = (0..SAMPLES).map(|_| (row(), row())).collect();
        Round::new(left, Calibration::of(flat.len(), self.cells()))
    }

    /// Visits some cells for the sample whose turn it is.
    fn go_on(&self, flat: &FlatIndex, round: &mut Round) -> Result<()> {
        let Some(&pair) = round.left.last() else { return Ok(()) };
        if round.begun.is_none() {
            round.begun = self.begin(flat, pair)?;
        }
        let Some(sample) = &mut round.begun else {
            round.left.pop();
            return Ok(());
        };
        self.visit(flat, sample, VISITED, Cancel::never())?;
        if sample.visited == sample.order.len() {
            let needs = self.needs(flat, sample)?;
            round.found.needs.iter_mut().zip(needs).for_each(|(all, needs)| all.extend(needs));
            round.begun = None;
            round.left.pop();
        }
        Ok(())
    }

    /// A sample near one row and some way off to another; nothing where one of them is gone.
    fn begin(&self, flat: &FlatIndex, (one, other): (u32, u32)) -> Result<Option<Sample>> {
        let (one, other) = (one as usize, other as usize);
        let owner = |row| if row < flat.owners.rows() { flat.owners.owner(row) } else { None };
        let (Some(own), Some(_)) = (owner(one), owner(other)) else { return Ok(None) };
        let (mut vector, mut mixed) = (vec![0.0; flat.dim()], vec![0.0; flat.dim()]);
        flat.decode_row(one, &mut vector);
        flat.decode_row(other, &mut mixed);
        vector.iter_mut().zip(&mixed).for_each(|(x, y)| *x = (1.0 - MIXED) * *x + MIXED * y);
        let query = flat.prepared(&vector)?;
        let order = self.ranked(flat, &query, &self.sketched(flat, &query));
        Ok(Some(Sample { query, own, order, visited: 0, best: Vec::new() }))
    }

    fn sketched(&self, flat: &FlatIndex, query: &[f32]) -> SketchQuery {
        let mut rotated = Vec::new();
        self.sketcher.rotate(&query[..flat.dim()], &mut rotated);
        self.sketcher.query(&rotated, PLANES)
    }

    /// All cells, nearest first.
    fn ranked(&self, flat: &FlatIndex, query: &[f32], sketched: &SketchQuery) -> Vec<u32> {
        let (quantized, _) = flat.quantized(query);
        let mut order: Vec<Near> = Vec::new();
        let seen = Seen { sketch: sketched, codes: &quantized.codes, scale: quantized.scale };
        self.centroids.directory.nearest(seen, self.cells(), false, &mut order);
        order.iter().map(|near| near.cell).collect()
    }

    /// Looks for neighbours in the next cells.
    fn visit(&self, flat: &FlatIndex, sample: &mut Sample, cells: usize, cancel: Cancel<'_>) -> Result<()> {
        let end = (sample.visited + cells).min(sample.order.len());
        // Some may have gone since.
        let cells = sample.order[sample.visited..end].iter().filter(|&&cell| (cell as usize) < self.cells());
        let deepest = DEPTHS[1] + 1;
        let floor = sample.best.get(deepest - 1).map_or(f32::NEG_INFINITY, |last| last.score);
        let reach = Floored { slack: AMPLE, floor };
        let found = self.search_in(flat, &sample.query, deepest, reach, cells.copied(), cancel)?;
        sample.best.extend(found);
        sample.best.sort_unstable_by(Scored::order);
        sample.best.dedup_by_key(|scored| scored.slot);
        sample.best.truncate(deepest);
        sample.visited = end;
        Ok(())
    }

    /// What it takes to find the neighbours of a sample.
    fn needs(&self, flat: &FlatIndex, sample: &Sample) -> Result<[Vec<Need>; 2]> {
        let query = &sample.query;
        let sketched = self.sketched(flat, query);
        let (_, margin) = flat.quantized(query);
        let mut ranks = vec![0u32; self.cells()];
        self.ranked(flat, query, &sketched)
            .iter()
            .zip(1..)
            .for_each(|(&cell, rank)| ranks[cell as usize] = rank);
        let best: Vec<&Scored> = sample.best.iter().filter(|scored| scored.slot != sample.own).collect();
        let (twice, constant) = margin.of_products();
        let mut found = [Vec::new(), Vec::new()];
        for (needs, depth) in found.iter_mut().zip(DEPTHS) {
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
        Ok(found)
    }
}
