//! Which memories are exact copies of each other.

use rustc_hash::FxHashMap;

use crate::id::Slot;

/// The slots of each digest, ascending; copies are few, so the first stands alone.
#[derive(Debug, Default)]
pub(super) struct Digests {
    first: FxHashMap<u128, Slot>,
    more: FxHashMap<u128, Vec<Slot>>,
}

impl Digests {
    /// Adds a slot that is greater than all before.
    pub(super) fn insert(&mut self, digest: u128, slot: Slot) {
        if *self.first.entry(digest).or_insert(slot) != slot {
            self.more.entry(digest).or_default().push(slot);
        }
    }

    /// Digests there is room for.
    pub(super) fn capacity(&self) -> usize {
        self.first.capacity()
    }

    /// Takes a slot out; the next of its copies takes its place.
    pub(super) fn remove(&mut self, digest: u128, slot: Slot) {
        let first = self.first.get(&digest) == Some(&slot);
        let Some(more) = self.more.get_mut(&digest) else {
            if first {
                self.first.remove(&digest);
            }
            return;
        };
        if first {
            self.first.insert(digest, more.remove(0));
        } else {
            more.retain(|&x| x != slot);
        }
        if more.is_empty() {
            self.more.remove(&digest);
        }
    }

    /// The slots of a digest, ascending.
    pub(super) fn slots(&self, digest: u128) -> impl Iterator<Item = Slot> {
        let more = self.more.get(&digest).into_iter().flatten();
        self.first.get(&digest).into_iter().chain(more).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_take_the_place_of_the_first() {
        let mut digests = Digests::default();
        for slot in [1, 4, 6] {
            digests.insert(9, slot);
        }
        let slots = |digests: &Digests| digests.slots(9).collect::<Vec<_>>();
        digests.remove(9, 1);
        assert_eq!(slots(&digests), [4, 6]);
        digests.remove(9, 6);
        digests.remove(8, 4);
        assert_eq!(slots(&digests), [4]);
        digests.remove(9, 4);
        assert!(slots(&digests).is_empty());
    }
}
