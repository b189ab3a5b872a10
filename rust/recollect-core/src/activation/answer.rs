//! The best nodes of a query, and what is known of those that are missing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashSet;

use super::request::Request;
use crate::id::Slot;
use crate::scored::Scored;

/// What an activation found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The best nodes, best first; ties by ascending number.
    pub hits: Vec<Scored>,
    /// How many of the first hits certainly are among as many true best, in any order.
    pub certain: usize,
    /// Edges followed.
    pub edges: u64,
    /// Nodes reached.
    pub reached: usize,
    /// Whether it ended by itself, not by a budget.
    pub complete: bool,
    /// Activation that was not passed on, of 1 that the seeds had; of fans that keep no mass, the sum of it.
    pub missing: f32,
    /// By how much at most a score is below its true value; unknown for fans that keep no mass.
    pub bound: Option<f32>,
}

/// Orders scores, never NaN or below zero, and equal ones by descending number.
type Key = (u32, Reverse<Slot>);

/// The best nodes so far, one more than asked for: what the next one has, says what is certain.
pub(super) struct Best<'a> {
    request: &'a Request,
    most: usize,
    heap: BinaryHeap<Reverse<Key>>,
    left_out: FxHashSet<Slot>,
}

impl<'a> Best<'a> {
    pub(super) fn new(request: &'a Request, seeds: &[(Slot, f64)]) -> Self {
        let left_out = if request.seeds { [].iter() } else { seeds.iter() };
        let left_out = left_out.map(|x| x.0).collect();
        let most =
            request.k.saturating_add(1).max(if request.inhibition > 0.0 { request.inhibitors } else { 0 });
        Self { request, most, heap: BinaryHeap::new(), left_out }
    }

    #[inline]
    pub(super) fn take(&mut self, node: Slot, score: f32) {
        let key = (score.to_bits(), Reverse(node));
        if score <= 0.0
            || self.heap.len() == self.most && self.heap.peek().is_some_and(|least| key <= least.0)
        {
            return;
        }
        self.put(node, key);
    }

    #[inline(never)]
    fn put(&mut self, node: Slot, key: Key) {
        if self.left_out.contains(&node) {
            return;
        }
        if self.heap.len() == self.most {
            self.heap.pop();
        }
        self.heap.push(Reverse(key));
    }

    /// Fills in the hits of an answer, and how many are certain.
    pub(super) fn answer(self, mut answer: Answer) -> Answer {
        let (k, inhibition) = (self.request.k, self.request.inhibition);
        let sorted = self.heap.into_sorted_vec();
        let mut hits: Vec<Scored> = sorted
            .into_iter()
            .map(|Reverse((bits, Reverse(slot)))| Scored { slot, score: f32::from_bits(bits) })
            .collect();
        if let Some(bound) = answer.bound {
            // Nothing beyond the hits can have more than the best of the rest, or nothing, and the bound.
            let rest = hits.get(k).map_or(0.0, |next| next.score) + bound;
            answer.certain = hits.iter().take(k).take_while(|hit| hit.score > rest).count();
        }
        if inhibition > 0.0 {
            inhibit(&mut hits, inhibition, self.request.inhibitors);
        }
        hits.truncate(k);
        answer.hits = hits;
        answer
    }
}

/// Lateral inhibition: each of the strongest takes from those below it a share of what it is above them. The order stays;
/// who is left with nothing is no result.
fn inhibit(hits: &mut Vec<Scored>, share: f32, inhibitors: usize) {
    let before: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
    let strongest = &before[..inhibitors.min(before.len())];
    for hit in hits.iter_mut() {
        let taken: f32 = strongest.iter().map(|other| (other - hit.score).max(0.0)).sum();
        hit.score -= share * taken;
    }
    hits.retain(|hit| hit.score > 0.0);
}
