//! Search: gather the buckets of the query, keep the most promising, score them exactly.

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::lsh::family::{Bucket, Hashed};
use crate::lsh::index::LshIndex;
use crate::simd;
use crate::vector::admit;

/// Buckets between the one that is read and the ones that memory is asked for: the entry, then the slots.
const ENTRIES_AHEAD: usize = 24;
const SLOTS_AHEAD: usize = 8;

/// Rows between the one that is scored and the one that memory is asked for.
const ROWS_AHEAD: usize = 3;

/// Candidates by differing bits alone for each one that is kept by what the bits weigh.
const SCREENED: usize = 4;

/// Distances that are looked at for what the least are like.
const SAMPLE: usize = 512;

/// Rows scored between two questions to [`Cancel`].
const CHECKPOINT: usize = 8192;

/// An id with its score; greater scores are better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Who.
    pub id: i64,
    /// The score under the metric of the index.
    pub score: f32,
}

impl Match {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.score.total_cmp(&self.score).then(self.id.cmp(&other.id))
    }
}

impl LshIndex {
    /// The ids that share a bucket with a query, ascending, or the `most` nearest of them by signature, nearest first.
    ///
    /// `probes` buckets are looked at beyond the query's own for each choice of the family, the least certain choice
    /// overturned first. Signatures are compared by the number of bits that differ, and for the fly by the number of
    /// buckets shared; ties go to the lower id.
    ///
    /// # Errors
    /// As [`admit`] for the query.
    pub fn candidates(&self, query: &[f32], probes: usize, most: Option<usize>) -> Result<Vec<i64>> {
        let query = self.prepared(query)?;
        let (slots, ordered) = self.gather(&query, probes, most, true);
        let mut ids: Vec<i64> = slots.iter().map(|&slot| self.ids[slot as usize]).collect();
        if !ordered {
            ids.sort_unstable();
        }
        Ok(ids)
    }

    /// The best `k` candidates by their exact f32 scores, best first, ties by ascending id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a `k` of zero; as [`LshIndex::candidates`]; [`Error::Cancelled`].
    pub fn search(
        &self,
        query: &[f32],
        k: usize,
        probes: usize,
        most: Option<usize>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Match>> {
        if k == 0 {
            return Err(Error::invalid("k", "expected at least 1, found 0"));
        }
        let query = self.prepared(query)?;
        let (slots, _) = self.gather(&query, probes, most, false);
        let mut found: Vec<Match> = Vec::with_capacity(slots.len());
        let mut padded = query;
        padded.resize(self.rows.stride(), 0.0);
        for (at, &slot) in slots.iter().enumerate() {
            if at.is_multiple_of(CHECKPOINT) {
                cancel.check()?;
            }
            if let Some(&next) = slots.get(at + ROWS_AHEAD) {
                simd::prefetch(self.rows.row(next as usize));
            }
            let score = self.settings.metric.score(&padded, self.rows.row(slot as usize));
            found.push(Match { id: self.ids[slot as usize], score });
        }
        if k < found.len() {
            found.select_nth_unstable_by(k - 1, Match::order);
            found.truncate(k);
        }
        found.sort_unstable_by(Match::order);
        Ok(found)
    }

    fn prepared(&self, query: &[f32]) -> Result<Vec<f32>> {
        admit("query", query, self.settings.dim, self.settings.metric)?;
        let mut query = query.to_vec();
        self.settings.metric.prepare(&mut query);
        Ok(query)
    }

    /// The slots that share a bucket with the query; whether they are in order of nearness, because only
    /// some were kept and it was asked for.
    fn gather(&self, query: &[f32], probes: usize, most: Option<usize>, in_order: bool) -> (Vec<Slot>, bool) {
        let mut hashed = Hashed::default();
        self.family.hash(query, probes, &mut hashed);
        let mut distances = Vec::new();
        let mut slots;
        match most {
            Some(_) if self.signatures.absent() => {
                slots = self.counted(&hashed.buckets, &mut distances);
            }
            _ => slots = self.union(&hashed.buckets),
        }
        let Some(most) = most.filter(|&most| most < slots.len()) else {
            return (slots, false);
        };
        if !self.signatures.absent() {
            let few = most.saturating_mul(SCREENED);
            if few < slots.len() {
                self.signatures.differing(&hashed.projections, &slots, &mut distances);
                self.nearest(&mut slots, &distances, few, false);
            }
            self.signatures.weighed(&hashed.projections, &slots, &mut distances);
        }
        self.nearest(&mut slots, &distances, most, in_order);
        (slots, in_order)
    }

    /// Each slot of some buckets once, ascending, so that what is read of them lies in the order of memory.
    fn union(&self, buckets: &[Bucket]) -> Vec<Slot> {
        let mut seen = vec![0u64; self.ids.len().div_ceil(64)];
        self.read(buckets, |found| {
            for &slot in found {
                seen[slot as usize / 64] |= 1 << (slot % 64);
            }
        });
        let mut slots = Vec::with_capacity(seen.iter().map(|word| word.count_ones() as usize).sum());
        for (word, first) in seen.into_iter().zip((0..).step_by(64)) {
            let mut rest = word;
            while rest != 0 {
                slots.push(first + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        slots
    }

    /// Each slot of some buckets once, and of how many of the buckets it is missing.
    fn counted(&self, buckets: &[Bucket], missing: &mut Vec<u32>) -> Vec<Slot> {
        let mut shared = vec![0u32; self.ids.len()];
        let mut slots = Vec::new();
        self.read(buckets, |found| {
            for &slot in found {
                let count = &mut shared[slot as usize];
                if *count == 0 {
                    slots.push(slot);
                }
                *count += 1;
            }
        });
        missing.extend(slots.iter().map(|&slot| buckets.len() as u32 - shared[slot as usize]));
        slots
    }

    /// Gives the slots of some buckets, whose memory is asked for in time.
    fn read<'a>(&'a self, buckets: &[Bucket], mut take: impl FnMut(&'a [Slot])) {
        let key = |at: usize| buckets.get(at).map(|bucket| self.key(bucket));
        for (at, bucket) in buckets.iter().enumerate() {
            if let Some(next) = key(at + ENTRIES_AHEAD) {
                self.buckets.ask_for_entry(next);
            }
            if let Some(next) = key(at + SLOTS_AHEAD) {
                self.buckets.ask_for_slots(next);
            }
            take(self.buckets.slots(self.key(bucket)));
        }
    }

    /// Keeps the `most` slots of least distance, ties by ascending id; `most` is below their number.
    fn nearest(&self, slots: &mut Vec<Slot>, distances: &[u32], most: usize, in_order: bool) {
        let mut kept: Vec<(u32, Slot)> = Vec::new();
        for limit in [likely(distances, most), u32::MAX] {
            kept.clear();
            let all = distances.iter().copied().zip(slots.iter().copied());
            kept.extend(all.filter(|x| x.0 <= limit));
            if kept.len() >= most {
                break;
            }
        }
        if most < kept.len() {
            let last = kept.select_nth_unstable(most).1.0;
            let mut tied: Vec<Slot> = kept.iter().filter(|x| x.0 == last).map(|x| x.1).collect();
            kept.retain(|x| x.0 < last);
            // Ids are looked up for these alone, since each of them is a wait for memory.
            tied.sort_unstable_by_key(|&slot| self.ids[slot as usize]);
            let room = most - kept.len();
            kept.extend(tied.into_iter().take(room).map(|slot| (last, slot)));
        }
        if in_order {
            kept.sort_unstable_by_key(|&(distance, slot)| (distance, self.ids[slot as usize]));
        }
        slots.clear();
        slots.extend(kept.iter().map(|x| x.1));
    }
}

/// A distance that a sample lets expect `most` of them not to exceed, with room to spare.
fn likely(distances: &[u32], most: usize) -> u32 {
    let mut sample: Vec<u32> = distances.iter().step_by(distances.len() / SAMPLE + 1).copied().collect();
    let enough = most.saturating_mul(2) * sample.len() / distances.len().max(1) + 8;
    if enough >= sample.len() {
        return u32::MAX;
    }
    *sample.select_nth_unstable(enough).1
}
