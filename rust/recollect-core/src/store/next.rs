//! The embedding space a namespace moves to.

use crate::bitmap::Bitmap;
use crate::error::Result;
use crate::id::Slot;
use crate::journal::event::KeyVector;
use crate::journal::ledger::Space;
use crate::vector::{Keep, Metric, VectorIndex};

/// The space with the vectors it has so far.
#[derive(Debug)]
pub(super) struct Next {
    pub space: Space,
    pub index: VectorIndex,
    /// The live memories that were embedded in it; one in which the embedder found nothing has no vector.
    pub done: Bitmap,
}

impl Next {
    pub(super) fn new(space: Space, keep: Keep) -> Result<Self> {
        Ok(Self { index: index(&space, keep)?, space, done: Bitmap::new() })
    }

    /// Takes in what a memory got.
    pub(super) fn take<'a>(
        &mut self,
        slot: Slot,
        keys: impl IntoIterator<Item = &'a KeyVector>,
    ) -> Result<()> {
        self.done.insert(slot);
        keys.into_iter().try_for_each(|key| self.index.insert(slot, &key.values()))
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        self.done.remove(slot);
        self.index.remove(slot);
    }

    /// The first live memories that are still to be embedded.
    pub(super) fn pending(&self, live: &Bitmap, limit: usize) -> Vec<Slot> {
        let done = |at: usize| self.done.words().get(at).copied().unwrap_or(0);
        let left = live.words().iter().enumerate().map(|(at, word)| (at, word & !done(at)));
        let bits = left.filter(|x| x.1 != 0).flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| (at * 64) as Slot + bit)
        });
        bits.take(limit).collect()
    }
}

/// An empty index of a space.
pub(super) fn index(space: &Space, keep: Keep) -> Result<VectorIndex> {
    VectorIndex::with_keep(space.dim as usize, space.metric.parse::<Metric>()?, keep)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pending_is_live_and_not_done() {
        let space = Space { name: "b".into(), dim: 2, metric: "cosine".into() };
        let mut next = Next::new(space, Keep::F32).unwrap();
        let live: Bitmap = [1, 63, 64, 200].into_iter().collect();
        assert_eq!(next.pending(&live, 9), [1, 63, 64, 200]);
        next.take(63, &[KeyVector::new(1, Keep::F32, &[1.0, 0.0])]).unwrap();
        next.take(200, &[]).unwrap();
        assert_eq!(next.pending(&live, 9), [1, 64]);
        assert_eq!(next.pending(&live, 1), [1]);
        next.remove(63);
        assert_eq!(next.pending(&live, 9), [1, 63, 64]);
    }
}
