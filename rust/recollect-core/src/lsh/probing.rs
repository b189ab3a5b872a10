//! The order in which choices are overturned: whatever changes the least first.
//!
//! Lv, Josephson, Wang, Charikar and Li, "Multi-probe LSH: efficient indexing for high-dimensional similarity search",
//! 2007: subsets by the sum of their squared margins, each next one made from the best so far by moving its last member
//! on or by adding the one after it.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A subset of bits, as ranks by margin.
#[derive(Debug, Clone, Copy)]
struct Subset {
    sum: f32,
    ranks: u32,
    last: u32,
}

impl Ord for Subset {
    /// Greatest for the least sum, then for the lower ranks, as the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.sum.total_cmp(&self.sum).then(other.ranks.cmp(&self.ranks))
    }
}

impl PartialOrd for Subset {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Subset {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Subset {}

/// Gives the first `most` sets of bits to flip as masks, by ascending sum of margins; the empty set is left out.
///
/// `margins` are the squared margins of at most 32 bits, none of them NaN.
pub(super) fn flips(margins: &[f32], most: usize, mut take: impl FnMut(u32)) {
    let mut order: [(f32, u32); 32] = [(0.0, 0); 32];
    let count = margins.len().min(32);
    for (at, (place, &margin)) in order.iter_mut().zip(margins).enumerate() {
        *place = (margin, 1 << at);
    }
    let order = &mut order[..count];
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut heap = BinaryHeap::with_capacity(most.min(1 << 16) + 2);
    if let Some(&(sum, _)) = order.first() {
        heap.push(Subset { sum, ranks: 1, last: 0 });
    }
    for _ in 0..most {
        let Some(Subset { sum, ranks, last }) = heap.pop() else { break };
        let (mut mask, mut rest) = (0, ranks);
        while rest != 0 {
            mask |= order[rest.trailing_zeros() as usize].1;
            rest &= rest - 1;
        }
        take(mask);
        let next = last as usize + 1;
        if let Some(&(margin, _)) = order.get(next) {
            let (own, added) = (1 << last, 1 << next);
            heap.push(Subset { sum: sum + margin, ranks: ranks | added, last: next as u32 });
            let moved = sum - order[last as usize].0 + margin;
            heap.push(Subset { sum: moved, ranks: ranks & !own | added, last: next as u32 });
        }
    }
}

/// The `most` entries of greatest absolute value, greatest first, ties by ascending place.
pub(super) fn greatest(values: &[f32], most: usize, held: &mut Vec<(f32, u32)>) {
    held.clear();
    held.extend(values.iter().enumerate().map(|(at, x)| (x.abs(), at as u32)));
    let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if most < held.len() {
        held.select_nth_unstable_by(most, order);
        held.truncate(most);
    }
    held.sort_unstable_by(order);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn flips_are_all_subsets_by_their_sum(margins in prop::collection::vec(0.0f32..4.0, 0..9), most in 0usize..300) {
            let mut found = Vec::new();
            flips(&margins, most, |mask| found.push(mask));
            let sum = |mask: u32| -> f32 {
                margins.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1).map(|(_, x)| x).sum()
            };
            let mut all: Vec<u32> = (1..1u32 << margins.len()).collect();
            all.sort_by(|&a, &b| sum(a).total_cmp(&sum(b)));
            all.truncate(most);
            prop_assert_eq!(found.len(), all.len());
            for (a, b) in found.iter().zip(&all) {
                prop_assert!((sum(*a) - sum(*b)).abs() < 1e-4);
            }
            found.sort_unstable();
            found.dedup();
            prop_assert_eq!(found.len(), all.len());
        }

        #[test]
        fn the_greatest_come_first(values in prop::collection::vec(-3i8..4, 0..40), most in 0usize..50) {
            let values: Vec<f32> = values.into_iter().map(f32::from).collect();
            let mut found = Vec::new();
            greatest(&values, most, &mut found);
            let mut all: Vec<(f32, u32)> = values.iter().enumerate().map(|(at, x)| (x.abs(), at as u32)).collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            all.truncate(most);
            prop_assert_eq!(found, all);
        }
    }
}
