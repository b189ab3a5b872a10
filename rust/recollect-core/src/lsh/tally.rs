//! In how many of some buckets each slot lies: a near vector shares several of them with a query, most others one.

use crate::id::Slot;

/// Counts in a word.
const LANES: usize = 8;

/// A one in each lane, and the bit that no count reaches.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

/// Greatest count; what is shared more often counts as this.
const FULL: u8 = 127;

/// Words of which one is looked at for how the counts are spread.
const SAMPLED: usize = 16;

/// A count for each slot.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Vec<u8>,
}

impl Tally {
    /// Nothing counted, for so many slots.
    pub(super) fn new(slots: usize) -> Self {
        Self { counts: vec![0; slots.next_multiple_of(LANES)] }
    }

    /// Counts the slots of a bucket.
    #[inline]
    pub(super) fn add(&mut self, slots: &[Slot]) {
        for &slot in slots {
            let count = &mut self.counts[slot as usize];
            *count += u8::from(*count < FULL);
        }
    }

    /// The slots that were counted most often, ascending: at least `least` of them where so many were counted.
    pub(super) fn often(&self, least: usize) -> Vec<Slot> {
        // With room for what the sample is off by.
        let mut count = self.expected(least.saturating_add(least / 4));
        loop {
            let reaching = self.reaching(count);
            if count == 1 || reaching.len() >= least {
                return reaching;
            }
            count -= 1;
        }
    }

    /// The greatest count that a sample lets expect `least` slots to reach; at least one.
    fn expected(&self, least: usize) -> u8 {
        let mut spread = [0usize; FULL as usize + 1];
        for counts in self.counts.chunks(LANES).step_by(SAMPLED) {
            counts.iter().for_each(|&count| spread[count as usize] += SAMPLED);
        }
        let mut reached = 0;
        for count in (2..=FULL).rev() {
            reached += spread[count as usize];
            if reached >= least {
                return count;
            }
        }
        1
    }

    /// The slots that were counted at least `count` times, ascending; `count` is above zero.
    fn reaching(&self, count: u8) -> Vec<Slot> {
        let mut slots = Vec::new();
        let least = u64::from(count) * ONES;
        for (word, first) in self.counts.as_chunks::<LANES>().0.iter().zip((0..).step_by(LANES)) {
            // No lane borrows from the next: its high bit is set, and no count is above 127.
            let mut bits = ((u64::from_le_bytes(*word) | HIGH) - least) & HIGH;
            while bits != 0 {
                slots.push(first + bits.trailing_zeros() / 8);
                bits &= bits - 1;
            }
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn those_counted_most_often_are_kept(
            buckets in prop::collection::vec(prop::collection::btree_set(0u32..90, 0..60), 0..200),
            least in 1usize..80,
        ) {
            let mut tally = Tally::new(90);
            let mut model = [0usize; 90];
            for bucket in &buckets {
                tally.add(&bucket.iter().copied().collect::<Vec<_>>());
                bucket.iter().for_each(|&slot| model[slot as usize] += 1);
            }
            for count in 1..=FULL {
                let wanted = (0..90).filter(|&slot| model[slot as usize] >= usize::from(count));
                prop_assert_eq!(tally.reaching(count), wanted.collect::<Vec<u32>>());
            }
            let often = tally.often(least);
            let counted = model.iter().filter(|&&count| count > 0).count();
            prop_assert!(often.len() >= least.min(counted) && often.is_sorted());
            // Nothing that is left out was counted more often than what is kept.
            let fewest = often.iter().map(|&slot| model[slot as usize]).min().unwrap_or(0);
            let left = (0..90u32).filter(|slot| !often.contains(slot)).map(|slot| model[slot as usize]);
            prop_assert!(left.max().unwrap_or(0).min(usize::from(FULL)) <= fewest);
        }
    }
}
