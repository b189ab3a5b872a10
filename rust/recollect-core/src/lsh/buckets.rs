//! The slots of each key of all tables, in one array.
//!
//! A key holds its slots side by side in a place of a power of two, so that reading them is one run over memory; places
//! that were outgrown are kept by size and used again. A key of one slot holds it in its own entry.

use crate::error::{Error, Result};
use crate::id::Slot;
use crate::pages::Pages;
use crate::simd;

/// Slots of a key that memory is asked for: four lines.
const FIRST_ASKED: usize = 64;

/// Places of the first allocation.
const FIRST: usize = 1024;

/// Where the slots of a key lie: the start of its place, or the slot itself if it is one; and how many they are.
type Entry = [u32; 2];

/// The slots of each key.
#[derive(Debug)]
pub(super) struct Buckets {
    entries: Pages<Entry>,
    places: Pages<Slot>,
    /// Slots of `places` that were ever given out.
    used: usize,
    /// Starts of the places of `2^size` slots that nobody uses.
    free: Vec<Vec<u32>>,
    held: usize,
}

impl Buckets {
    /// Keys without slots.
    ///
    /// # Errors
    /// [`Error::Storage`] without memory.
    pub(super) fn new(keys: usize) -> Result<Self> {
        let (entries, places) = (Pages::zeroed(keys)?, Pages::zeroed(0)?);
        Ok(Self { entries, places, used: 0, free: vec![Vec::new(); 32], held: 0 })
    }

    /// Asks for the entry of a key, which [`Buckets::ask_for_slots`] reads.
    #[inline]
    pub(super) fn ask_for_entry(&self, key: u32) {
        simd::prefetch(std::slice::from_ref(&self.entries[key as usize]));
    }

    /// Asks for the first slots of a key, which [`Buckets::slots`] gives; the CPU sees by itself where a run goes on.
    #[inline]
    pub(super) fn ask_for_slots(&self, key: u32) {
        let slots = self.slots(key);
        simd::prefetch(&slots[..slots.len().min(FIRST_ASKED)]);
    }

    /// The slots of a key.
    #[inline]
    pub(super) fn slots(&self, key: u32) -> &[Slot] {
        let [at, len] = &self.entries[key as usize];
        match len {
            0 => &[],
            1 => std::slice::from_ref(at),
            &len => &self.places[*at as usize..][..len as usize],
        }
    }

    /// Adds a slot to a key, which does not hold it. Amortised O(1).
    ///
    /// # Errors
    /// [`Error::Storage`] without memory; nothing is changed.
    pub(super) fn insert(&mut self, key: u32, slot: Slot) -> Result<()> {
        let [at, len] = self.entries[key as usize];
        let entry = if len == 0 {
            [slot, 1]
        } else if len.is_power_of_two() {
            let size = len.ilog2() as usize;
            let place = self.place(size + 1)?;
            let start = place as usize;
            if len == 1 {
                self.places[start] = at;
            } else {
                let old = at as usize;
                self.places.copy_within(old..old + len as usize, start);
                self.free[size].push(at);
            }
            self.places[start + len as usize] = slot;
            [place, len + 1]
        } else {
            self.places[(at + len) as usize] = slot;
            [at, len + 1]
        };
        self.entries[key as usize] = entry;
        self.held += 1;
        Ok(())
    }

    /// Takes a slot out of a key; whether it was there. O(slots of the key).
    pub(super) fn remove(&mut self, key: u32, slot: Slot) -> bool {
        let [at, len] = self.entries[key as usize];
        let Some(found) = self.slots(key).iter().position(|&x| x == slot) else { return false };
        self.held -= 1;
        let rest = len - 1;
        if rest == 0 {
            self.entries[key as usize] = [0, 0];
            return true;
        }
        let start = at as usize;
        self.places.swap(start + found, start + rest as usize);
        self.places[start + rest as usize] = 0;
        self.entries[key as usize] = [at, rest];
        if rest == 1 {
            self.entries[key as usize][0] = self.places[start];
            self.free[1].push(at);
        } else if rest.is_power_of_two() {
            self.shrink(key, rest);
        }
        true
    }

    /// Moves the slots of a key, a power of two of them, into a place of their size.
    fn shrink(&mut self, key: u32, len: u32) {
        let (size, old) = (len.ilog2() as usize, self.entries[key as usize][0]);
        match self.place(size) {
            Ok(place) => {
                self.places.copy_within(old as usize..(old + len) as usize, place as usize);
                self.places[old as usize..(old + len) as usize].fill(0);
                self.free[size + 1].push(old);
                self.entries[key as usize][0] = place;
            }
            // Without memory for it the place is cut in two, which no later growth can undo.
            Err(_) => self.free[size].push(old + len),
        }
    }

    /// A place of `2^size` slots.
    fn place(&mut self, size: usize) -> Result<u32> {
        if let Some(at) = self.free[size].pop() {
            return Ok(at);
        }
        let (start, end) = (self.used, self.used + (1 << size));
        if end > 1 << 32 {
            return Err(Error::Storage("the tables hold no more than 2^32 places".into()));
        }
        if end > self.places.len() {
            let mut larger = Pages::zeroed(end.max(2 * self.places.len()).max(FIRST))?;
            larger[..start].copy_from_slice(&self.places[..start]);
            self.places = larger;
        }
        self.used = end;
        Ok(start as u32)
    }

    /// Number of slots of all keys.
    pub(super) fn len(&self) -> usize {
        self.held
    }

    /// Number of keys that hold a slot, and the most slots of one.
    pub(super) fn filled(&self) -> (usize, usize) {
        let lengths = self.entries.iter().map(|entry| entry[1] as usize);
        (lengths.clone().filter(|&len| len > 0).count(), lengths.max().unwrap_or(0))
    }

    /// Bytes of memory reserved.
    pub(super) fn bytes(&self) -> usize {
        let free: usize = self.free.iter().map(Vec::capacity).sum();
        self.entries.bytes() + self.places.bytes() + size_of::<u32>() * free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn behaves_like_sets(ops in prop::collection::vec((any::<bool>(), 0u32..3, 0u32..40), 0..600)) {
            let mut buckets = Buckets::new(3).unwrap();
            let mut model = BTreeMap::<u32, BTreeSet<u32>>::new();
            for (add, key, slot) in ops {
                let set = model.entry(key).or_default();
                if add && set.insert(slot) {
                    buckets.insert(key, slot).unwrap();
                } else if !add {
                    prop_assert_eq!(buckets.remove(key, slot), set.remove(&slot));
                }
                for (&key, set) in &model {
                    prop_assert_eq!(&buckets.slots(key).iter().copied().collect::<BTreeSet<_>>(), set);
                    prop_assert_eq!(buckets.slots(key).len(), set.len());
                }
                prop_assert_eq!(buckets.len(), model.values().map(BTreeSet::len).sum::<usize>());
            }
            prop_assert!(buckets.used <= 3 * 128);
        }
    }
}
