//! Ids of the outside and the slots of nodes, each of the other.
//!
//! An id is a whole number or a text; the two are never the same. While all ids are the numbers of their slots there is no
//! table.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::bytes::{Reader, Writer};
use crate::error::{Error, Result};
use crate::id::Slot;

/// Id of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Name {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(Arc<str>),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// Ids and slots; free slots are taken again, the last one freed first.
#[derive(Debug, Default, Clone)]
pub struct Names {
    /// Slots there are, while each is its own id.
    plain: Slot,
    table: Option<Table>,
}

#[derive(Debug, Default, Clone)]
struct Table {
    names: Vec<Option<Name>>,
    numbers: FxHashMap<i64, Slot>,
    texts: FxHashMap<Arc<str>, Slot>,
    free: Vec<Slot>,
}

impl Table {
    fn put(&mut self, name: &Name, slot: Slot) {
        match name {
            Name::Number(number) => self.numbers.insert(*number, slot),
            Name::Text(text) => self.texts.insert(Arc::clone(text), slot),
        };
        self.names[slot as usize] = Some(name.clone());
    }
}

impl Names {
    /// The slot of an id.
    #[inline]
    pub fn slot(&self, name: &Name) -> Option<Slot> {
        match (&self.table, name) {
            (None, &Name::Number(number)) => Slot::try_from(number).ok().filter(|&slot| slot < self.plain),
            (None, Name::Text(_)) => None,
            (Some(table), Name::Number(number)) => table.numbers.get(number).copied(),
            (Some(table), Name::Text(text)) => table.texts.get(text).copied(),
        }
    }

    /// The id of a slot.
    pub fn name(&self, slot: Slot) -> Option<Name> {
        match &self.table {
            None => (slot < self.plain).then_some(Name::Number(i64::from(slot))),
            Some(table) => table.names.get(slot as usize)?.clone(),
        }
    }

    /// The slot of an id, a free or new one if it has none.
    pub fn take(&mut self, name: &Name) -> Slot {
        if let Some(slot) = self.slot(name) {
            return slot;
        }
        if self.table.is_none() && *name == Name::Number(i64::from(self.plain)) {
            self.plain += 1;
            return self.plain - 1;
        }
        let table = self.spelled_out();
        let slot = table.free.pop().unwrap_or_else(|| {
            table.names.push(None);
            table.names.len() as Slot - 1
        });
        table.put(name, slot);
        slot
    }

    /// Takes an id away and frees its slot.
    pub fn release(&mut self, slot: Slot) {
        let table = self.spelled_out();
        let Some(name) = table.names.get_mut(slot as usize).and_then(Option::take) else { return };
        match name {
            Name::Number(number) => table.numbers.remove(&number),
            Name::Text(text) => table.texts.remove(&text),
        };
        table.free.push(slot);
    }

    fn spelled_out(&mut self) -> &mut Table {
        let plain = std::mem::take(&mut self.plain);
        self.table.get_or_insert_with(|| {
            let mut table = Table { names: vec![None; plain as usize], ..Table::default() };
            (0..plain).for_each(|slot| table.put(&Name::Number(i64::from(slot)), slot));
            table
        })
    }

    /// Slots there are, free ones included.
    pub fn slots_end(&self) -> usize {
        self.table.as_ref().map_or(self.plain as usize, |table| table.names.len())
    }

    /// Bytes reserved, texts apart.
    pub fn bytes(&self) -> usize {
        self.table.as_ref().map_or(0, |table| {
            let maps = table.numbers.capacity() * 17 + table.texts.capacity() * 25;
            table.names.capacity() * size_of::<Option<Name>>() + maps + 4 * table.free.capacity()
        })
    }

    /// Writes the id of a slot: 0 for a number and the number, 1 for a text and the text.
    pub(super) fn encode(&self, slot: Slot, out: &mut Writer) {
        match self.name(slot) {
            Some(Name::Text(text)) => {
                out.u8(1);
                out.text(&text);
            }
            Some(Name::Number(number)) => {
                out.u8(0);
                out.i64(number);
            }
            // Only nodes that are there are written, and each has an id.
            None => out.u8(2),
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Name> {
        match from.u8()? {
            0 => Ok(Name::Number(from.i64()?)),
            1 => Ok(Name::Text(Arc::from(from.text()?))),
            _ => Err(Error::Storage("a node without its id".into())),
        }
    }

    /// The ids of some slots, which are ascending; the slots between are free.
    ///
    /// # Errors
    /// [`Error::Storage`] for an id twice.
    pub(super) fn restore(slots: impl Iterator<Item = (Slot, Name)>) -> Result<Self> {
        let mut names = Self::default();
        for (slot, name) in slots {
            if names.slot(&name).is_some() {
                return Err(Error::Storage("an id twice".into()));
            }
            if names.table.is_none() && slot == names.plain && name == Name::Number(i64::from(slot)) {
                names.plain += 1;
                continue;
            }
            let table = names.spelled_out();
            let end = table.names.len() as Slot;
            table.free.extend(end..slot);
            table.names.resize(slot as usize + 1, None);
            table.put(&name, slot);
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = Name> {
        prop_oneof![
            (0i64..6).prop_map(Name::Number),
            Just(Name::Number(-7)),
            "[ab]{0,1}|1".prop_map(|text| Name::Text(Arc::from(text.as_str()))),
        ]
    }

    proptest! {
        #[test]
        fn ids_and_slots_go_together(ops in prop::collection::vec((name(), 0u8..4), 0..60)) {
            let (mut names, mut model) = (Names::default(), Vec::<Option<Name>>::new());
            for (name, op) in ops {
                let known = model.iter().position(|x| x.as_ref() == Some(&name));
                if op > 0 {
                    let slot = names.take(&name) as usize;
                    prop_assert_eq!(known.unwrap_or(slot), slot);
                    model.resize(model.len().max(slot + 1), None);
                    prop_assert!(known.is_some() || model[slot].is_none());
                    model[slot] = Some(name);
                } else if let Some(slot) = known {
                    names.release(slot as Slot);
                    model[slot] = None;
                }
                let live = (0..).zip(&model).filter_map(|(slot, name)| Some((slot, name.clone()?)));
                let again = Names::restore(live).unwrap();
                for names in [&names, &again] {
                    for (slot, name) in (0..).zip(&model) {
                        prop_assert_eq!(&names.name(slot), name);
                        prop_assert!(name.as_ref().is_none_or(|name| names.slot(name) == Some(slot)));
                    }
                }
            }
        }
    }
}
