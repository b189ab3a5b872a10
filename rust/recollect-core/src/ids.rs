//! The numbers that callers give to what an index holds, and the slot of each.
//!
//! Callers mostly count from zero, as slots do: an id that is the number of its slot is in no table.

use crate::chunked::Chunked;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::slot_table::SlotTable;

/// In the place of an id where a slot is free; a caller's own is in the table, as it is no number of a slot.
const NOBODY: i64 = -1;

/// Ids and slots, each of the other; free slots are taken again, the last one freed first.
#[derive(Debug)]
pub struct Ids {
    by_slot: Chunked<i64>,
    /// Of the ids that are not the number of their slot.
    slots: SlotTable,
    free: Chunked<Slot>,
    /// One more than the greatest id so far, at least zero; none after the last of all.
    next: Option<i64>,
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            by_slot: Chunked::default(),
            slots: SlotTable::default(),
            free: Chunked::default(),
            next: Some(0),
        }
    }
}

fn refused(error: std::collections::TryReserveError) -> Error {
    Error::Storage(error.to_string())
}

impl Ids {
    /// Number of ids.
    pub fn len(&self) -> usize {
        self.by_slot.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slot of an id.
    #[inline]
    pub fn slot(&self, id: i64) -> Option<Slot> {
        match usize::try_from(id) {
            Ok(slot) if self.by_slot.get(slot) == Some(id) => Some(slot as Slot),
            _ => self.slots.get(id),
        }
    }

    /// The id of a slot that has one.
    ///
    /// # Panics
    /// If there was never such a slot.
    #[inline]
    pub fn id(&self, slot: Slot) -> i64 {
        self.by_slot[slot as usize]
    }

    /// Slots with their ids, by slot.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, i64)> + '_ {
        let all = self.by_slot.iter().enumerate().map(|(slot, id)| (slot as Slot, id));
        all.filter(|&(slot, id)| self.slot(id) == Some(slot))
    }

    /// Slots there are, free ones included.
    pub fn slots_end(&self) -> usize {
        self.by_slot.len()
    }

    /// One more than the greatest id that was ever there, from zero on; none after the last of all.
    pub fn next(&self) -> Option<i64> {
        self.next
    }

    /// Goes back to what [`Ids::next`] told before, once all later ids are taken back.
    pub fn rewind(&mut self, next: Option<i64>) {
        self.next = next;
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        self.by_slot.bytes() + self.free.bytes() + self.slots.bytes()
    }

    /// The `count` ids after the greatest that was ever there, from zero on.
    ///
    /// # Errors
    /// [`Error::Limit`] if they end before that.
    pub fn following(&self, count: usize) -> Result<Vec<i64>> {
        let end = i64::try_from(count).ok().and_then(|count| self.next?.checked_add(count));
        let past = || Error::Limit { argument: "ids".into(), found: 1 << 63, limit: i64::MAX as u64 };
        let (Some(start), Some(end)) = (self.next, end) else { return Err(past()) };
        Ok((start..end).collect())
    }

    /// Takes ids in, all or none, and gives their slots.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id that is there already or is given twice, named by its place; [`Error::Storage`]
    /// without memory.
    pub fn give(&mut self, ids: &[i64]) -> Result<Vec<Slot>> {
        let before = self.next;
        let mut given: Vec<Slot> = Vec::new();
        given.try_reserve_exact(ids.len()).map_err(refused)?;
        for (at, &id) in ids.iter().enumerate() {
            let slot = match self.slot(id) {
                None => self.take(id),
                Some(slot) => Err(match given.iter().position(|&other| other == slot) {
                    Some(first) => twice(at, id, first),
                    None => Error::invalid(format!("ids[{at}]"), format!("{id} is in the index already")),
                }),
            };
            match slot {
                Ok(slot) => given.push(slot),
                Err(error) => {
                    self.release(&ids[..at]);
                    self.next = before;
                    return Err(error);
                }
            }
        }
        Ok(given)
    }

    /// The slots of distinct ids.
    ///
    /// # Errors
    /// [`Error::UnknownVector`] for an id that is not there, [`Error::Invalid`] for one that is given twice.
    pub fn distinct(&self, ids: &[i64]) -> Result<Vec<Slot>> {
        let slots = self.known(ids)?;
        let mut seen = vec![0u64; self.by_slot.len().div_ceil(64)];
        for (at, &slot) in slots.iter().enumerate() {
            let (word, bit) = (&mut seen[slot as usize / 64], 1u64 << (slot % 64));
            if *word & bit != 0 {
                let first = slots.iter().position(|&other| other == slot).unwrap_or(at);
                return Err(twice(at, ids[at], first));
            }
            *word |= bit;
        }
        Ok(slots)
    }

    /// The slots of ids.
    ///
    /// # Errors
    /// [`Error::UnknownVector`] for an id that is not there.
    pub fn known(&self, ids: &[i64]) -> Result<Vec<Slot>> {
        let slot = |(at, &id)| {
            self.slot(id).ok_or_else(|| Error::UnknownVector { argument: format!("ids[{at}]"), id })
        };
        ids.iter().enumerate().map(slot).collect()
    }

    /// Makes room for one more slot, and for all of them as free ones, so that a release never allocates.
    fn reserve(&mut self) -> Result<()> {
        self.by_slot.reserve(1)?;
        self.free.reserve(self.by_slot.len() + 1 - self.free.len())
    }

    /// Takes one id in, which is not there.
    fn take(&mut self, id: i64) -> Result<Slot> {
        self.reserve()?;
        let slot = self.free.last().unwrap_or(self.by_slot.len() as Slot);
        if id != i64::from(slot) {
            self.slots.insert(id, slot)?;
        }
        if self.free.pop().is_none() {
            self.by_slot.push(id);
        }
        self.by_slot[slot as usize] = id;
        self.next = self.next.and_then(|next| Some(next.max(id.checked_add(1)?)));
        Ok(slot)
    }

    /// Lets ids go; those that are not there are passed over.
    pub fn release(&mut self, ids: &[i64]) {
        for &id in ids {
            let Some(slot) = self.slot(id) else { continue };
            if id != i64::from(slot) {
                self.slots.remove(id);
            }
            self.by_slot[slot as usize] = NOBODY;
            self.free.push(slot);
        }
    }

    /// Takes the next slots in order: an id each, or none where the slot is free.
    ///
    /// # Errors
    /// As [`Ids::give`]; ids before the refused one stay.
    pub fn restore(&mut self, ids: impl IntoIterator<Item = Option<i64>>) -> Result<()> {
        let mut gaps = Vec::new();
        for (at, id) in ids.into_iter().enumerate() {
            match id {
                Some(id) if self.slot(id).is_some() => {
                    return Err(Error::invalid(format!("ids[{at}]"), "is given twice"));
                }
                Some(id) => self.take(id).map(drop)?,
                None => {
                    self.reserve()?;
                    gaps.push(self.by_slot.len() as Slot);
                    self.by_slot.push(NOBODY);
                }
            }
        }
        gaps.into_iter().for_each(|slot| self.free.push(slot));
        Ok(())
    }
}

fn twice(at: usize, id: i64, first: usize) -> Error {
    Error::invalid(format!("ids[{at}]"), format!("{id} is given twice, first as ids[{first}]"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn ids_and_slots_are_those_of_a_model(
            ops in prop::collection::vec((any::<bool>(), -3i64..12, 1i64..5), 0..60),
        ) {
            let (mut ids, mut model) = (Ids::default(), BTreeMap::<i64, Slot>::new());
            for (give, from, count) in ops {
                let some: Vec<i64> = (from..from + count).collect();
                if give {
                    let next = ids.next();
                    match ids.give(&some) {
                        Ok(slots) => model.extend(some.into_iter().zip(slots)),
                        Err(_) => {
                            prop_assert!(some.iter().any(|id| model.contains_key(id)));
                            prop_assert_eq!(ids.next(), next);
                        }
                    }
                } else {
                    let known = some.iter().all(|id| model.contains_key(id));
                    prop_assert_eq!(ids.distinct(&some).is_ok(), known);
                    ids.release(&some);
                    model.retain(|id, _| !some.contains(id));
                }
                prop_assert_eq!(ids.len(), model.len());
                let mut held: Vec<_> = ids.iter().map(|(slot, id)| (id, slot)).collect();
                held.sort_unstable();
                prop_assert_eq!(&held, &model.iter().map(|(&id, &slot)| (id, slot)).collect::<Vec<_>>());
                for id in -4..17 {
                    prop_assert_eq!(ids.slot(id), model.get(&id).copied());
                }
                prop_assert!(model.iter().all(|(&id, &slot)| ids.id(slot) == id));
                prop_assert!(ids.slots_end() <= 40 && ids.slots_end() >= ids.len());
                let mut again = Ids::default();
                let live = (0..ids.slots_end() as Slot).map(|slot| held.iter().find(|x| x.1 == slot).map(|x| x.0));
                again.restore(live).unwrap();
                prop_assert!(again.iter().eq(ids.iter()) && again.slots_end() == ids.slots_end());
            }
        }
    }

    #[test]
    fn refusals_name_the_place() {
        let mut ids = Ids::default();
        assert_eq!(ids.give(&ids.following(3).unwrap()).unwrap(), [0, 1, 2]);
        assert!(ids.slots.is_empty());
        let refusal = |ids: &mut Ids, some: &[i64]| ids.give(some).unwrap_err().to_string();
        assert_eq!(refusal(&mut ids, &[9, 1]), "ids[1]: 1 is in the index already");
        assert_eq!(refusal(&mut ids, &[9, 8, 9]), "ids[2]: 9 is given twice, first as ids[0]");
        assert_eq!(
            ids.distinct(&[1, 0, 1]).unwrap_err().to_string(),
            "ids[2]: 1 is given twice, first as ids[0]"
        );
        assert_eq!(ids.known(&[1, 7]).unwrap_err().to_string(), "ids[1]: no vector 7 in this index");
        assert_eq!((ids.len(), ids.next()), (3, Some(3)));
        ids.give(&[i64::MAX]).unwrap();
        assert!(ids.following(1).is_err() && ids.next().is_none());
    }
}
