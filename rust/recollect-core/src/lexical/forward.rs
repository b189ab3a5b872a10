//! Which terms a document has, so that it can be removed.
//!
//! Built at the first removal from the postings, since many indexes never see one, and kept from
//! then on until the next compaction.

use super::postings::Postings;
use super::varint;
use crate::id::Slot;

/// Lists of term numbers: gaps as varints, each list ended by a zero.
#[derive(Debug, Clone)]
pub(super) struct Forward {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Forward {
    /// Turns the postings of all terms around.
    pub(super) fn build(postings: &[Postings], slots: usize) -> Self {
        let (mut sizes, mut last) = (vec![0; slots], vec![0; slots]);
        visit(postings, |slot, term| {
            sizes[slot] += varint::size(term - last[slot]);
            last[slot] = term;
        });
        let mut end = 1;
        let starts: Vec<usize> = sizes
            .iter()
            .map(|&size| {
                end += size + 1;
                end - size - 1
            })
            .collect();
        let (mut bytes, mut at) = (vec![0; end], starts.clone());
        last.fill(0);
        let mut gap = Vec::with_capacity(5);
        visit(postings, |slot, term| {
            gap.clear();
            varint::push(&mut gap, term - last[slot]);
            bytes[at[slot]..at[slot] + gap.len()].copy_from_slice(&gap);
            at[slot] += gap.len();
            last[slot] = term;
        });
        Self { bytes, starts }
    }

    /// Sets the terms of a document: ascending numbers, each once.
    pub(super) fn set(&mut self, slot: Slot, terms: impl Iterator<Item = u32>) {
        let slot = slot as usize;
        if slot >= self.starts.len() {
            self.starts.resize(slot + 1, 0);
        }
        self.starts[slot] = self.bytes.len();
        let mut last = 0;
        for term in terms {
            varint::push(&mut self.bytes, term + 1 - last);
            last = term + 1;
        }
        self.bytes.push(0);
    }

    /// The terms of a document.
    pub(super) fn terms(&self, slot: Slot) -> impl Iterator<Item = u32> + '_ {
        let start = self.starts.get(slot as usize).copied().unwrap_or(0);
        let (mut rest, mut last) = (&self.bytes[start..], 0);
        std::iter::from_fn(move || {
            let gap = varint::pull(&mut rest).filter(|&gap| gap > 0)?;
            last += gap;
            Some(last - 1)
        })
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity() + size_of::<usize>() * self.starts.capacity()
    }
}

/// Shows each posting as slot and term number plus one, terms ascending.
fn visit(postings: &[Postings], mut each: impl FnMut(usize, u32)) {
    for (term, postings) in (1..).zip(postings) {
        for (slot, _) in postings.iter() {
            each(slot as usize, term);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn building_and_setting_agree() {
        let lists = [vec![0, 1, 299], vec![], vec![299], vec![5, 6]];
        let postings: Vec<_> = (0..300)
            .map(|term| {
                let with = (0u32..).zip(&lists).filter(|(_, list)| list.contains(&term));
                Postings::collect(with.map(|(slot, _)| (slot, 1, 1)))
            })
            .collect();
        let mut forward = Forward::build(&postings, 4);
        forward.set(6, [3, 4].into_iter());
        for (slot, list) in (0..).zip(&lists) {
            assert_eq!(&forward.terms(slot).collect::<Vec<_>>(), list);
        }
        assert_eq!(forward.terms(6).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(forward.terms(5).count() + forward.terms(99).count(), 0);
    }
}
