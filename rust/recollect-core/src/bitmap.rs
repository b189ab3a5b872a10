//! A set of slots, one bit each.

use std::ops::Range;

use crate::id::Slot;

/// A growable set of slots; bits past the end are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    count: usize,
}

impl Bitmap {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set `{0, .., n - 1}`.
    pub fn full(n: usize) -> Self {
        let mut words = vec![u64::MAX; n.div_ceil(64)];
        if let Some(last) = words.last_mut()
            && !n.is_multiple_of(64)
        {
            *last = (1 << (n % 64)) - 1;
        }
        Self { words, count: n }
    }

    /// Adds a slot; true if it was absent.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let (word, bit) = (slot as usize / 64, 1u64 << (slot % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let absent = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += usize::from(absent);
        absent
    }

    /// Takes a slot out; true if it was present.
    pub fn remove(&mut self, slot: Slot) -> bool {
        let present = self.contains(slot);
        if present {
            self.words[slot as usize / 64] &= !(1u64 << (slot % 64));
            self.count -= 1;
        }
        present
    }

    /// Adds slots that follow each other.
    pub fn insert_range(&mut self, slots: Range<Slot>) {
        if self.words.len() < (slots.end as usize).div_ceil(64) {
            self.words.resize((slots.end as usize).div_ceil(64), 0);
        }
        self.each_word(slots, |word, mask| word | mask);
    }

    /// Takes out slots that follow each other.
    pub fn remove_range(&mut self, slots: Range<Slot>) {
        self.each_word(slots, |word, mask| word & !mask);
    }

    fn each_word(&mut self, slots: Range<Slot>, change: impl Fn(u64, u64) -> u64) {
        let (start, end) = (slots.start as usize, (slots.end as usize).min(64 * self.words.len()));
        for at in start / 64..end.div_ceil(64) {
            let (first, last) = (start.max(64 * at) % 64, (end - 1).min(64 * at + 63) % 64);
            let mask = (u64::MAX << first) & (u64::MAX >> (63 - last));
            let before = self.words[at];
            self.words[at] = change(before, mask);
            self.count = self.count + self.words[at].count_ones() as usize - before.count_ones() as usize;
        }
    }

    /// Adds all slots of another set.
    pub fn union_with(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(word, more)| *word |= more);
        self.recount();
    }

    /// Takes out what is not in another set.
    pub fn intersect_with(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        self.words.iter_mut().zip(&other.words).for_each(|(word, kept)| *word &= kept);
        self.recount();
    }

    fn recount(&mut self) {
        self.count = self.words.iter().map(|word| word.count_ones() as usize).sum();
    }

    /// Whether the slot is in the set.
    #[inline]
    pub fn contains(&self, slot: Slot) -> bool {
        self.words.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    /// Number of slots in the set.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The words, least significant bit first.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The slots of what is left of some words, each with its place, in ascending order.
    pub fn left(words: &[u64], left: impl Fn(usize, u64) -> u64) -> Vec<Slot> {
        let mut slots = Vec::new();
        for (at, &word) in words.iter().enumerate() {
            let mut rest = left(at, word);
            while rest != 0 {
                slots.push((at * 64) as Slot + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        slots
    }

    /// The slots in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            std::iter::successors((word != 0).then_some(word), |w| {
                let rest = w & (w - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |w| (at * 64) as Slot + w.trailing_zeros())
        })
    }
}

impl FromIterator<Slot> for Bitmap {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut set = Self::new();
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn behaves_like_a_set(ops in prop::collection::vec((any::<bool>(), 0u32..300), 0..200)) {
            let (mut bitmap, mut model) = (Bitmap::new(), BTreeSet::new());
            for (add, slot) in ops {
                if add {
                    prop_assert_eq!(bitmap.insert(slot), model.insert(slot));
                } else {
                    prop_assert_eq!(bitmap.remove(slot), model.remove(&slot));
                }
                prop_assert_eq!(bitmap.len(), model.len());
            }
            prop_assert_eq!(bitmap.iter().collect::<Vec<_>>(), model.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn two_are_joined_and_cut_like_sets(
            one in prop::collection::btree_set(0u32..300, 0..60),
            other in prop::collection::btree_set(0u32..300, 0..60),
        ) {
            let [a, b] = [&one, &other].map(|set| set.iter().copied().collect::<Bitmap>());
            let (mut all, mut both) = (a.clone(), a);
            all.union_with(&b);
            both.intersect_with(&b);
            prop_assert_eq!(all.iter().collect::<Vec<_>>(), one.union(&other).copied().collect::<Vec<_>>());
            prop_assert_eq!(both.iter().collect::<Vec<_>>(), one.intersection(&other).copied().collect::<Vec<_>>());
            prop_assert_eq!((all.len(), both.len()), (one.union(&other).count(), one.intersection(&other).count()));
        }

        #[test]
        fn ranges_are_their_slots(ops in prop::collection::vec((any::<bool>(), 0u32..300, 0u32..200), 0..12)) {
            let (mut bitmap, mut model) = (Bitmap::new(), BTreeSet::new());
            for (add, from, length) in ops {
                if add {
                    bitmap.insert_range(from..from + length);
                    model.extend(from..from + length);
                } else {
                    bitmap.remove_range(from..from + length);
                    model.retain(|slot| !(from..from + length).contains(slot));
                }
                prop_assert_eq!(bitmap.len(), model.len());
            }
            prop_assert_eq!(bitmap.iter().collect::<Vec<_>>(), model.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn full_holds_exactly_the_first(n in 0usize..200) {
            prop_assert_eq!(Bitmap::full(n).iter().collect::<Vec<_>>(), (0..n as u32).collect::<Vec<_>>());
        }
    }
}
