//! Where each slot stands among the candidates.

use rustc_hash::FxHashMap;

use crate::id::Slot;

/// Position of each slot among the candidates.
pub(super) enum Positions {
    /// Every slot is a candidate.
    Identity(u32),
    /// Every slot up to the greatest has an answer.
    Dense(Vec<u32>),
    /// Few slots have one.
    Sparse(FxHashMap<Slot, u32>),
}

impl Positions {
    pub(super) fn of(slots: &[Slot], end: usize) -> Self {
        if slots.len() == end {
            return Self::Identity(end as u32);
        }
        if slots.len() * 8 >= end {
            let mut dense = vec![u32::MAX; end];
            slots.iter().enumerate().for_each(|(at, &slot)| dense[slot as usize] = at as u32);
            return Self::Dense(dense);
        }
        Self::Sparse(slots.iter().enumerate().map(|(at, &slot)| (slot, at as u32)).collect())
    }

    pub(super) fn get(&self, slot: Slot) -> Option<usize> {
        let at = match self {
            Self::Identity(end) => Some(slot).filter(|slot| slot < end),
            Self::Dense(dense) => dense.get(slot as usize).copied().filter(|&at| at != u32::MAX),
            Self::Sparse(sparse) => sparse.get(&slot).copied(),
        };
        at.map(|at| at as usize)
    }
}
