//! A table from ids to slots in parts, which are split one at a time, so that no insert moves all that is in it.
//!
//! Linear hashing (Litwin, VLDB 1980) of small hash maps.

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};

/// Entries a part on average, from which there is one more part: twice as many, before the split, leave a map of 8,192
/// places its size.
const FULL: usize = 3_072;

/// Ids, each with its slot.
#[derive(Debug, Default)]
pub struct SlotTable {
    parts: Vec<FxHashMap<i64, u32>>,
    len: usize,
}

fn refused(error: std::collections::TryReserveError) -> Error {
    Error::Storage(error.to_string())
}

/// Which of some parts an id lies in.
#[inline]
fn part_of(id: i64, parts: usize) -> usize {
    // Other bits than those by which a map places it.
    let hash = ((id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
    let mask = parts.next_power_of_two() - 1;
    let part = hash & mask;
    if part < parts { part } else { part & (mask >> 1) }
}

impl SlotTable {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The slot of an id.
    #[inline]
    pub fn get(&self, id: i64) -> Option<u32> {
        if self.len == 0 { None } else { self.parts[part_of(id, self.parts.len())].get(&id).copied() }
    }

    /// Gives an id that has none a slot.
    ///
    /// # Errors
    /// [`Error::Storage`] without memory; every id has the slot it had.
    pub fn insert(&mut self, id: i64, slot: u32) -> Result<()> {
        if self.len >= FULL * self.parts.len() {
            self.split()?;
        }
        let part = part_of(id, self.parts.len());
        self.parts[part].try_reserve(1).map_err(refused)?;
        self.len += usize::from(self.parts[part].insert(id, slot).is_none());
        Ok(())
    }

    /// Takes an id out.
    pub fn remove(&mut self, id: i64) {
        if self.len > 0 {
            let part = part_of(id, self.parts.len());
            self.len -= usize::from(self.parts[part].remove(&id).is_some());
        }
    }

    /// Adds a part, which takes its entries from one other.
    fn split(&mut self) -> Result<()> {
        let new = self.parts.len();
        self.parts.try_reserve(1).map_err(refused)?;
        let mut taken = FxHashMap::default();
        if new > 0 {
            let old = &mut self.parts[new - (1 << new.ilog2())];
            let moves = |id: i64| part_of(id, new + 1) == new;
            taken.try_reserve(old.keys().filter(|&&id| moves(id)).count()).map_err(refused)?;
            taken.extend(old.iter().filter(|entry| moves(*entry.0)).map(|(&id, &slot)| (id, slot)));
            old.retain(|&id, _| !moves(id));
        }
        self.parts.push(taken);
        Ok(())
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.capacity() * 8 / 7 * 17).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn it_is_a_map(
            runs in prop::collection::vec((any::<i64>(), 1i64..1_000, 1usize..12_000, any::<bool>()), 1..6),
        ) {
            let (mut table, mut model) = (SlotTable::default(), BTreeMap::<i64, u32>::new());
            for (start, step, count, some_go) in runs {
                let ids: Vec<i64> = (0..count as i64).map(|i| start.wrapping_add(i.wrapping_mul(step))).collect();
                for (slot, &id) in (model.len() as u32..).zip(&ids) {
                    prop_assert_eq!(table.get(id), model.get(&id).copied());
                    table.insert(id, slot).unwrap();
                    model.insert(id, slot);
                }
                for &id in ids.iter().step_by(3).filter(|_| some_go) {
                    table.remove(id);
                    table.remove(id);
                    model.remove(&id);
                }
                prop_assert_eq!((table.len(), table.is_empty()), (model.len(), model.is_empty()));
                prop_assert!(model.iter().all(|(&id, &slot)| table.get(id) == Some(slot)));
                prop_assert!(ids.iter().all(|id| table.get(*id) == model.get(id).copied()));
            }
        }
    }

    #[test]
    fn no_part_outgrows_its_map() {
        let mut table = SlotTable::default();
        assert_eq!((table.get(1), table.bytes()), (None, 0));
        for i in 0..50 * FULL as i64 {
            table.insert(7 * i - 1_000, i as u32).unwrap();
        }
        assert_eq!(table.parts.len(), 50);
        assert!(table.parts.iter().all(|part| part.len() > FULL / 2 && part.capacity() < 8_192));
        assert!(table.bytes() < 50 * table.len());
    }
}
