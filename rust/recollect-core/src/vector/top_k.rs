//! The best k distinct slots of a stream of scores.

use crate::scored::Scored;

/// Most slots that are kept in order all the time.
const FEW: usize = 24;

/// Keeps the best `k` slots, each with the greatest score it was pushed with; ties by ascending slot.
///
/// A few are kept in order. More gather in a buffer that is cut back to `k` when full, which costs less than a heap and
/// meets a slot twice without a lookup.
#[derive(Debug)]
pub struct TopK {
    k: usize,
    held: Vec<Scored>,
    full: usize,
    floor: Option<Scored>,
}

impl TopK {
    /// Nothing kept yet.
    pub fn new(k: usize) -> Self {
        Self { k, held: Vec::new(), full: k.saturating_mul(2).max(32), floor: None }
    }

    /// What a score must reach to matter; minus infinity until `k` slots are known to be held.
    #[inline]
    pub fn floor(&self) -> f32 {
        self.floor.map_or(f32::NEG_INFINITY, |floor| floor.score)
    }

    /// Whether any of some scores reaches the floor; quick where few do.
    #[inline]
    pub fn reached_by(&self, scores: &[f32]) -> bool {
        let floor = self.floor();
        scores.iter().fold(false, |any, &score| any | (score >= floor))
    }

    /// Offers a score.
    #[inline]
    pub fn push(&mut self, candidate: Scored) {
        if self.floor.is_some_and(|floor| candidate.order(&floor).is_ge()) || self.k == 0 {
            return;
        }
        if self.k <= FEW {
            return self.insert(candidate);
        }
        self.held.push(candidate);
        if self.held.len() >= self.full {
            self.settle();
        }
    }

    /// Puts a candidate in its place, unless its slot has a better one.
    fn insert(&mut self, candidate: Scored) {
        let at = self.held.partition_point(|held| held.order(&candidate).is_lt());
        let (better, worse) = self.held.split_at(at);
        if better.iter().any(|held| held.slot == candidate.slot) {
            return;
        }
        match worse.iter().position(|held| held.slot == candidate.slot) {
            Some(old) => self.held[at..=at + old].rotate_right(1),
            None if self.held.len() == self.k => self.held[at..].rotate_right(1),
            None => {
                self.held.insert(at, candidate);
                if self.held.len() < self.k {
                    return;
                }
            }
        }
        self.held[at] = candidate;
        if self.held.len() == self.k {
            self.floor = self.held.last().copied();
        }
    }

    /// Cuts back to the best `k` and raises the floor to the last of them.
    pub fn settle(&mut self) {
        if self.k <= FEW {
            return;
        }
        self.held.sort_unstable_by(|a, b| a.slot.cmp(&b.slot).then(a.order(b)));
        self.held.dedup_by_key(|scored| scored.slot);
        if self.k > 0 && self.held.len() >= self.k {
            let (_, last, _) = self.held.select_nth_unstable_by(self.k - 1, Scored::order);
            self.floor = Some(*last);
            self.held.truncate(self.k);
        }
    }

    /// The slots kept, best first.
    pub fn into_sorted(mut self) -> Vec<Scored> {
        self.settle();
        self.held.sort_unstable_by(Scored::order);
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn agrees_with_sorting_everything(
            pushed in prop::collection::vec((0u32..60, -5i8..5), 0..300),
            k in 0usize..40,
        ) {
            let mut top = TopK::new(k);
            let mut best = BTreeMap::<u32, f32>::new();
            for (slot, score) in pushed {
                let score = f32::from(score);
                top.push(Scored { slot, score });
                let kept = best.entry(slot).or_insert(score);
                *kept = kept.max(score);
            }
            let mut all: Vec<_> = best.into_iter().map(|(slot, score)| Scored { slot, score }).collect();
            all.sort_by(Scored::order);
            all.truncate(k);
            prop_assert_eq!(top.into_sorted(), all);
        }
    }
}
