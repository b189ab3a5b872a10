//! Which terms a document has, so that it can be removed.
//!
//! Many indexes see no or few removals, so the lists are built from the postings once removals
//! have cost as much as that, and kept until the next compaction. Until then [`sweep`] asks every
//! term.

use super::postings::Postings;
use super::varint;
use crate::id::Slot;

/// Slots turned around at a time: few enough for the cache, many enough to visit few terms twice.
const WINDOW: usize = 1 << 16;

/// Lists of term numbers: gaps as varints, each list ended by a zero.
#[derive(Debug, Clone)]
pub(super) struct Forward {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Forward {
    /// Turns the postings of all terms around.
    pub(super) fn build(postings: &[Postings], slots: usize) -> Self {
        let mut forward = Self { bytes: vec![0], starts: Vec::with_capacity(slots) };
        let mut lists = vec![(Vec::new(), 0); WINDOW.min(slots)];
        // The next slot of each term, so that a window skips terms without a look at their postings.
        let mut due = vec![0; postings.len()];
        for start in (0..slots).step_by(WINDOW) {
            let end = start.saturating_add(WINDOW).min(slots);
            for ((term, postings), due) in (1..).zip(postings).zip(&mut due) {
                if *due >= end {
                    continue;
                }
                *due = usize::MAX;
                for (slot, _) in postings.iter_from(start as Slot) {
                    if slot as usize >= end {
                        *due = slot as usize;
                        break;
                    }
                    let (list, last) = &mut lists[slot as usize - start];
                    varint::push(list, term - *last);
                    *last = term;
                }
            }
            for (list, last) in &mut lists[..end - start] {
                forward.starts.push(forward.bytes.len());
                forward.bytes.extend_from_slice(list);
                forward.bytes.push(0);
                list.clear();
                *last = 0;
            }
        }
        forward
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

/// The terms of a document, by asking the postings of each.
pub(super) fn sweep(postings: &[Postings], slot: Slot) -> impl Iterator<Item = u32> + '_ {
    let has = move |postings: &Postings| postings.frequency_of(slot) > 0;
    (0..).zip(postings).filter(move |(_, postings)| has(postings)).map(|(term, _)| term)
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
            assert_eq!(&sweep(&postings, slot).collect::<Vec<_>>(), list);
        }
        assert_eq!(forward.terms(6).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(forward.terms(5).count() + forward.terms(99).count(), 0);
    }
}
