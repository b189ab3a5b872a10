//! A slot with its score, and the order of results.

use std::cmp::Ordering;

use crate::id::Slot;

/// One candidate; greater scores are better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Who.
    pub slot: Slot,
    /// How well it matches.
    pub score: f32,
}

impl Scored {
    /// Best first; ties by ascending slot.
    pub fn order(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.slot.cmp(&other.slot))
    }
}
