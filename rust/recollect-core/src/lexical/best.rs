//! The best k so far.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::id::Slot;
use crate::scored::Scored;

/// A bounded heap of sums, ties broken by the lower slot.
#[derive(Debug)]
pub(super) struct Best {
    k: usize,
    /// Sum above inverted slot, the worst on top.
    heap: BinaryHeap<Reverse<u64>>,
}

impl Best {
    /// Keeps at most `k`.
    pub(super) fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k.min(1024)) }
    }

    /// A document must have more than this to be kept, where slots come in ascending order.
    pub(super) fn threshold(&self) -> u32 {
        match self.heap.peek() {
            Some(worst) if self.heap.len() >= self.k => (worst.0 >> 32) as u32,
            _ => 0,
        }
    }

    /// Keeps a document if it is among the best.
    pub(super) fn offer(&mut self, slot: Slot, sum: u32) {
        let key = Reverse(u64::from(sum) << 32 | u64::from(!slot));
        if self.heap.len() < self.k {
            self.heap.push(key);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && key.0 > worst.0
        {
            *worst = key;
        }
    }

    /// The kept, best first, in scores of `step` each.
    pub(super) fn finish(self, step: f32) -> Vec<Scored> {
        let scored = |key: Reverse<u64>| Scored { slot: !(key.0 as u32), score: (key.0 >> 32) as f32 * step };
        self.heap.into_sorted_vec().into_iter().map(scored).collect()
    }
}
