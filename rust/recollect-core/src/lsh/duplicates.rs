//! Near duplicates: pairs above a cosine, found in tables that are made for the threshold, and verified exactly.
//!
//! A pair at the cosine `s` shares the `bits` sides of a table with probability `p(s)^bits`, so that it is missed by all
//! of `tables` tables with `(1 - p(s)^bits)^tables`. Any number of bits meets a stated miss with enough tables; the one
//! that is expected to take the least time on the vectors at hand is taken.

use std::cmp::Ordering;
use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::lsh::hyperplane::{Hyperplane, field};
use crate::lsh::index::LshIndex;
use crate::lsh::projection::{Projection, signs};
use crate::vector::Metric;

/// Comparisons of distinct vectors that a call is allowed, for each of them.
pub const COMPARISONS: usize = 4096;

/// Most bits of a key, and most tables.
const MAX_BITS: usize = 32;
const MAX_TABLES: usize = 1024;

/// Steps between two questions to [`Cancel`].
const CHECKPOINT: usize = 4096;

/// Two ids and the cosine of their vectors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The lower id.
    pub first: i64,
    /// The higher id.
    pub second: i64,
    /// The cosine, at most one; one for vectors that are equal bit by bit.
    pub similarity: f32,
}

/// Tables for a threshold; no bits at all stand for one bucket of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    bits: usize,
    tables: usize,
}

/// Equal vectors as one, and their ids.
struct Distinct {
    slot: Slot,
    ids: Vec<i64>,
}

impl LshIndex {
    /// The pairs of vectors whose cosine is `threshold` or more, in order of their ids.
    ///
    /// Each pair at the threshold is missed with a probability of at most `miss`, nearer ones with less; equal vectors,
    /// and any vectors where comparing all with all is quickest, are never missed. No pair below the threshold is given.
    /// Zero vectors have no direction and are in no pair. No more than [`COMPARISONS`] comparisons are made for each
    /// distinct vector.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a threshold outside (0, 1], a miss outside (0, 1), or another metric than the cosine;
    /// [`Error::Limit`] if more than `most` pairs would be given, or the vectors lie so close below the threshold that
    /// more comparisons would be needed; [`Error::Cancelled`].
    pub fn near_duplicates(
        &self,
        threshold: f64,
        miss: f64,
        most: usize,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Pair>> {
        if !(threshold > 0.0 && threshold <= 1.0) {
            return Err(Error::invalid(
                "threshold",
                format!("expected more than 0 and at most 1, found {threshold}"),
            ));
        }
        if !(miss > 0.0 && miss < 1.0) {
            return Err(Error::invalid(
                "miss",
                format!("expected more than 0 and less than 1, found {miss}"),
            ));
        }
        if self.settings.metric != Metric::Cosine {
            return Err(Error::invalid("metric", "near duplicates are told by the cosine"));
        }
        let distinct = self.distinct(cancel)?;
        let mut pairs = Pairs { found: Vec::new(), most };
        for one in &distinct {
            for (at, &id) in one.ids.iter().enumerate() {
                pairs.push_all(&[id], &one.ids[at + 1..], 1.0)?;
            }
        }
        let plan = self.plan(&distinct, threshold, miss, cancel)?;
        let keys = self.keys(&distinct, plan, cancel)?;
        let mut left = COMPARISONS * distinct.len();
        let mut order: Vec<u64> = Vec::with_capacity(distinct.len());
        for table in 0..plan.tables {
            let row = |at: usize| &keys[at * plan.tables..][..plan.tables];
            order.clear();
            order.extend((0..distinct.len()).map(|at| u64::from(row(at)[table]) << 32 | at as u64));
            order.sort_unstable();
            for bucket in order.chunk_by(|a, b| a >> 32 == b >> 32) {
                for (i, &a) in bucket.iter().enumerate() {
                    let others = &bucket[i + 1..];
                    left = left.checked_sub(others.len()).ok_or_else(|| crowded(distinct.len()))?;
                    if left % CHECKPOINT < others.len() {
                        cancel.check()?;
                    }
                    let a = a as u32 as usize;
                    for &b in others {
                        let b = b as u32 as usize;
                        let met = row(a)[..table].iter().zip(&row(b)[..table]).any(|(a, b)| a == b);
                        if !met {
                            self.compare(&distinct[a], &distinct[b], threshold, &mut pairs)?;
                        }
                    }
                }
            }
        }
        let mut found = pairs.found;
        found.sort_unstable_by_key(|pair| (pair.first, pair.second));
        Ok(found)
    }

    fn compare(&self, a: &Distinct, b: &Distinct, threshold: f64, pairs: &mut Pairs) -> Result<()> {
        let score =
            self.settings.metric.score(self.rows.row(a.slot as usize), self.rows.row(b.slot as usize));
        let similarity = score.min(1.0);
        if f64::from(similarity) >= threshold { pairs.push_all(&a.ids, &b.ids, similarity) } else { Ok(()) }
    }

    /// The vectors with a direction, equal ones together.
    fn distinct(&self, cancel: Cancel<'_>) -> Result<Vec<Distinct>> {
        let mut all: Vec<(u64, Slot)> = Vec::with_capacity(self.len());
        for (slot, &id) in (0..).zip(&self.ids) {
            if (slot as usize).is_multiple_of(CHECKPOINT) {
                cancel.check()?;
            }
            let row = self.row(slot);
            if self.slots.get(&id) == Some(&slot) && row.iter().any(|&x| x != 0.0) {
                let mut hasher = FxHasher::default();
                row.iter().for_each(|x| hasher.write_u32(x.to_bits()));
                all.push((hasher.finish(), slot));
            }
        }
        let bits = |slot: Slot| self.row(slot).iter().map(|x| x.to_bits());
        let order = |a: &(u64, Slot), b: &(u64, Slot)| -> Ordering {
            a.0.cmp(&b.0).then_with(|| if a.1 == b.1 { Ordering::Equal } else { bits(a.1).cmp(bits(b.1)) })
        };
        all.sort_unstable_by(order);
        let groups = all.chunk_by(|a, b| order(a, b).is_eq()).map(|group| {
            let mut ids: Vec<i64> = group.iter().map(|x| self.ids[x.1 as usize]).collect();
            ids.sort_unstable();
            Distinct { slot: group[0].1, ids }
        });
        let mut groups: Vec<Distinct> = groups.collect();
        // By id, so that the same vectors give the same tables of pairs whatever their slots are.
        groups.sort_unstable_by_key(|group| group.ids[0]);
        Ok(groups)
    }

    /// The tables that meet the miss and are expected to take the least time; times in nanoseconds, roughly.
    fn plan(&self, distinct: &[Distinct], threshold: f64, miss: f64, cancel: Cancel<'_>) -> Result<Plan> {
        let (count, dim) = (distinct.len() as f64, self.settings.dim as f64);
        let comparison = 20.0 + dim / 4.0;
        let mut best = (count * count / 2.0 * comparison, Plan { bits: 0, tables: 1 });
        let projection = Projection::new(self.settings.dim, MAX_BITS, 1, self.seed_of_pairs());
        let mut words = Vec::new();
        let mut sampled: Vec<u32> = Vec::with_capacity(distinct.len());
        for (at, one) in distinct.iter().enumerate() {
            if at.is_multiple_of(CHECKPOINT) {
                cancel.check()?;
            }
            projection.each(self.row(one.slot), |_, projections| {
                words.clear();
                signs(projections, &mut words);
            });
            sampled.push(words[0] as u32);
        }
        sampled.sort_unstable();
        for bits in 1..=MAX_BITS {
            let shift = MAX_BITS - bits;
            let runs = sampled.chunk_by(|a, b| a >> shift == b >> shift).map(|run| run.len() as f64);
            let pairs: f64 = runs.map(|n| n * (n - 1.0) / 2.0).sum();
            let kept = libm::log1p(-Hyperplane::agreement(bits, threshold).min(1.0 - 1e-12));
            let tables = (libm::log(miss) / kept).ceil().max(1.0);
            let time = tables * (count * (40.0 + 6.0 * bits as f64 + tables / 8.0) + pairs * comparison);
            if tables <= MAX_TABLES as f64 && time < best.0 {
                best = (time, Plan { bits, tables: tables as usize });
            }
        }
        Ok(best.1)
    }

    /// The keys of each distinct vector, (vectors, tables).
    fn keys(&self, distinct: &[Distinct], plan: Plan, cancel: Cancel<'_>) -> Result<Vec<u32>> {
        let mut keys: Vec<u32> = Vec::new();
        let refused = |error: std::collections::TryReserveError| Error::Storage(error.to_string());
        keys.try_reserve_exact(distinct.len() * plan.tables).map_err(refused)?;
        if plan.bits == 0 {
            keys.resize(distinct.len(), 0);
            return Ok(keys);
        }
        let projection = Projection::new(self.settings.dim, plan.bits, plan.tables, self.seed_of_pairs());
        let each = projection.width() / plan.bits;
        let mut words = Vec::new();
        for (at, one) in distinct.iter().enumerate() {
            if at.is_multiple_of(CHECKPOINT) {
                cancel.check()?;
            }
            projection.each(self.row(one.slot), |rotation, projections| {
                words.clear();
                signs(projections, &mut words);
                let here = each.min(plan.tables - rotation * each);
                keys.extend((0..here).map(|table| field(&words, table * plan.bits, plan.bits)));
            });
        }
        Ok(keys)
    }

    /// Another stream than that of the tables of the index.
    fn seed_of_pairs(&self) -> u64 {
        !self.settings.seed
    }
}

/// Pairs found so far.
struct Pairs {
    found: Vec<Pair>,
    most: usize,
}

impl Pairs {
    /// Adds each pair of an id of `a` and an id of `b`.
    fn push_all(&mut self, a: &[i64], b: &[i64], similarity: f32) -> Result<()> {
        let total = self.found.len() + a.len() * b.len();
        if total > self.most {
            let (found, limit) = (total as u64, self.most as u64);
            return Err(Error::Limit { argument: "most: number of pairs".into(), found, limit });
        }
        for &x in a {
            self.found.extend(b.iter().map(|&y| Pair { first: x.min(y), second: x.max(y), similarity }));
        }
        Ok(())
    }
}

fn crowded(distinct: usize) -> Error {
    let limit = (COMPARISONS * distinct) as u64;
    let argument = "threshold: comparisons of vectors that crowd below it".into();
    Error::Limit { argument, found: limit + 1, limit }
}
