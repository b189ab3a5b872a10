//! Where the vector keys lie that memories got after their contents were written.

use rustc_hash::FxHashMap;

use crate::id::Uid;
use crate::journal::event::{Seq, SpaceId};

/// Space and number of each row of such keys, by memory; rows of earlier versions too.
#[derive(Debug, Default)]
pub(super) struct Embeddings(FxHashMap<Uid, Vec<(SpaceId, Seq)>>);

impl Embeddings {
    pub(super) fn insert(&mut self, uid: Uid, space: SpaceId, seq: Seq) {
        self.0.entry(uid).or_default().push((space, seq));
    }

    pub(super) fn remove(&mut self, uid: Uid) {
        self.0.remove(&uid);
    }

    /// The rows of a memory, in the order they were written.
    pub(super) fn of(&self, uid: Uid) -> &[(SpaceId, Seq)] {
        self.0.get(&uid).map_or(&[], Vec::as_slice)
    }

    /// Forgets the rows of spaces that are not kept.
    pub(super) fn retain(&mut self, keep: impl Fn(SpaceId) -> bool) {
        self.0.retain(|_, rows| {
            rows.retain(|row| keep(row.0));
            !rows.is_empty()
        });
    }

    /// The numbers of the rows in some spaces, ascending.
    pub(super) fn numbers(&self, of: impl Fn(SpaceId) -> bool) -> Vec<Seq> {
        let rows = self.0.values().flatten().filter(|row| of(row.0));
        let mut seqs: Vec<Seq> = rows.map(|row| row.1).collect();
        seqs.sort_unstable();
        seqs
    }

    /// All rows, by identity.
    pub(super) fn sorted(&self) -> Vec<(&Uid, &Vec<(SpaceId, Seq)>)> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_unstable();
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
