//! One cell becomes two, and its neighbours are looked over.
//!
//! Two-means on the members of the full cell, from the two that lie farthest apart among a few; then whatever member of a
//! neighbouring cell lies nearer one of the new centres moves there, so that the partition stays close to one that was
//! made of all rows at once. The work is bounded by the size of a cell and the number of neighbours.

use super::Cells;
use super::directory::{Near, padded};
use super::extents::FULL;
use crate::error::Result;
use crate::simd::{self, Kernels};
use crate::vector::Metric;
use crate::vector::flat::FlatIndex;

/// Rounds of two-means.
const ROUNDS: usize = 5;

/// Neighbouring cells whose members are looked over.
const NEIGHBOURS: usize = 8;

/// Rows between the one that is read and the one that memory is asked for.
const AHEAD: usize = 4;

/// A side gets at least one in this many members.
const LEAST_SHARE: usize = 8;

impl Cells {
    /// Splits a cell in two.
    pub(super) fn split(&mut self, flat: &FlatIndex, cell: usize) -> Result<()> {
        let entries = self.members.entries(cell).to_vec();
        let dim = flat.dim();
        let mut vectors = vec![0.0; entries.len() * dim];
        for (at, (&entry, vector)) in entries.iter().zip(vectors.chunks_exact_mut(dim)).enumerate() {
            if let Some(&next) = entries.get(at + AHEAD) {
                flat.prefetch_row(next as usize / 2);
            }
            flat.decode_row(entry as usize / 2, vector);
        }
        let belongs: Vec<bool> = entries.iter().map(|entry| entry.is_multiple_of(2)).collect();
        let (centres, leaning) = two_means(self.metric, &vectors, dim, &belongs);
        let mut second = leaning.clone();
        let mut aside = Aside::new(dim);
        for (i, &entry) in entries.iter().enumerate().filter(|x| !belongs[x.0]) {
            // The second entry of a row goes where it is best off given the cell of the first.
            if let Some((first, _)) = self.members.place(entry as usize ^ 1) {
                let (vector, first) = (&vectors[i * dim..][..dim], &self.centroids.row(first)[..dim]);
                let [one, other] = aside.costs(vector, first, &centres);
                second[i] = other < one;
            }
        }
        let over = second.iter().filter(|&&second| second).count();
        let least = entries.len() / LEAST_SHARE;
        let second = if over.clamp(least, entries.len() - least) == over { second } else { leaning };
        let new = self.cells();
        // The first split gives the first cell its centre too.
        self.centroids.put(cell, &centres[0], &self.sketcher)?;
        self.centroids.put(new, &centres[1], &self.sketcher)?;
        self.members.add_cell()?;
        for (&entry, second) in entries.iter().zip(second) {
            if second {
                self.members.transfer(entry as usize, new);
            }
        }
        self.look_over(flat, [cell, new])
    }

    /// Moves members of neighbouring cells that lie nearer one of two new centres.
    fn look_over(&mut self, flat: &FlatIndex, new: [usize; 2]) -> Result<()> {
        let mut near: Vec<Near> = Vec::new();
        let mut neighbours: Vec<usize> = Vec::new();
        let dim = flat.dim();
        for cell in new {
            self.near(&self.centroids.row(cell)[..dim], NEIGHBOURS / 2 + 2, &mut near);
            neighbours.extend(near.iter().map(|near| near.cell as usize).filter(|cell| !new.contains(cell)));
        }
        neighbours.sort_unstable();
        neighbours.dedup();
        let codes = |cell: usize| (padded(&self.centroids.row(cell)[..dim]), self.centroids.half(cell));
        let fresh = new.map(codes);
        let mut moves: Vec<(u32, usize)> = Vec::new();
        for &cell in &neighbours {
            let own = codes(cell);
            let centres = [&own, &fresh[0], &fresh[1]];
            let codes = centres.map(|(centre, _)| &centre.codes[..]);
            let firsts = self.members.entries(cell).iter().filter(|entry| entry.is_multiple_of(2));
            let firsts: Vec<u32> = firsts.copied().collect();
            for (at, &entry) in firsts.iter().enumerate() {
                if let Some(&next) = firsts.get(at + AHEAD) {
                    simd::prefetch(flat.quantized_row(next as usize / 2).0);
                }
                let (row, scale) = flat.quantized_row(entry as usize / 2);
                let mut dots = [0; 3];
                Kernels::best().dot_i8_each(row, &codes, &mut dots);
                let score = |i: usize| dots[i] as f32 * scale * centres[i].0.scale + centres[i].1;
                let (stay, first, second) = (score(0), score(1), score(2));
                let best = if second > first { (second, new[1]) } else { (first, new[0]) };
                if best.0 > stay {
                    moves.push((entry, best.1));
                }
            }
        }
        moves.into_iter().for_each(|(entry, to)| self.settle(entry as usize, to));
        Ok(())
    }

    /// Moves the entry of a row that belongs elsewhere; the second of the row steps aside.
    pub(super) fn settle(&mut self, entry: usize, to: usize) {
        if self.members.place(entry ^ 1).is_some_and(|place| place.0 == to) {
            self.members.exchange(entry);
        // One place stays free, so that no split begets another.
        } else if self.members.cells[to].len < FULL - 1 {
            self.members.transfer(entry, to);
        }
    }
}

/// What a second cell costs a vector, given the centre of its first: see [`Centroids::second`].
///
/// [`Centroids::second`]: super::centroids::Centroids::second
struct Aside {
    own: Vec<f32>,
    other: Vec<f32>,
}

impl Aside {
    fn new(dim: usize) -> Self {
        Self { own: vec![0.0; dim], other: vec![0.0; dim] }
    }

    fn costs(&mut self, vector: &[f32], first: &[f32], seconds: &[Vec<f32>; 2]) -> [f32; 2] {
        let (kernels, Self { own, other }) = (Kernels::best(), self);
        own.copy_from_slice(vector);
        kernels.subtract(own, first);
        let length = kernels.dot(own, own);
        seconds.each_ref().map(|second| {
            other.copy_from_slice(vector);
            kernels.subtract(other, second);
            let along = kernels.dot(own, other);
            kernels.dot(other, other) + along * along / length.max(f32::MIN_POSITIVE)
        })
    }
}

/// Two centres, and for each vector whether it lies nearer the second. Those that belong make the centres, where a side has
/// any of them.
pub(super) fn two_means(
    metric: Metric,
    vectors: &[f32],
    dim: usize,
    belongs: &[bool],
) -> ([Vec<f32>; 2], Vec<bool>) {
    let kernels = Kernels::best();
    let count = vectors.len() / dim;
    let row = |at: usize| &vectors[at * dim..(at + 1) * dim];
    let distance = |a: &[f32], b: &[f32]| kernels.squared_euclidean(a, b);
    let farthest = |from: usize| {
        let far = (0..count).map(|at| distance(row(from), row(at)));
        far.enumerate().fold((0, -1.0), |best, (at, far)| if far > best.1 { (at, far) } else { best }).0
    };
    let one = farthest(0);
    let mut centres = [row(one).to_vec(), row(farthest(one)).to_vec()];
    let mut second = vec![false; count];
    let (mut leaning, mut across) = (vec![0.0f32; count], vec![0.0; dim]);
    for _ in 0..ROUNDS {
        let [one, other] = centres.each_ref().map(|centre| 0.5 * kernels.dot(centre, centre));
        // Of the two products only the difference matters, which is that with the difference.
        across.copy_from_slice(&centres[1]);
        kernels.subtract(&mut across, &centres[0]);
        for (at, leaning) in leaning.iter_mut().enumerate() {
            *leaning = kernels.dot(row(at), &across) - (other - one);
        }
        divide(&leaning, &mut second);
        for (side, centre) in centres.iter_mut().enumerate() {
            centre.fill(0.0);
            let own = |at: &usize| second[*at] == (side == 1);
            let some = (0..count).filter(own).any(|at| belongs[at]);
            let members = (0..count).filter(own).filter(|&at| belongs[at] || !some);
            let mut number = 0usize;
            for at in members {
                number += 1;
                kernels.add(centre, row(at));
            }
            centre.iter_mut().for_each(|sum| *sum /= number.max(1) as f32);
            metric.prepare(centre);
        }
    }
    (centres, second)
}

/// Puts those that lean to the second centre on its side, and at least a share on each.
fn divide(leaning: &[f32], second: &mut [bool]) {
    let count = leaning.len();
    let least = (count / LEAST_SHARE).max(1);
    let over = leaning.iter().filter(|&&x| x > 0.0).count();
    let wanted = over.clamp(least, count - least);
    if wanted == over {
        second.iter_mut().zip(leaning).for_each(|(second, &x)| *second = x > 0.0);
        return;
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_unstable_by(|&a, &b| leaning[b].total_cmp(&leaning[a]).then(a.cmp(&b)));
    second.fill(false);
    order[..wanted].iter().for_each(|&at| second[at] = true);
}
