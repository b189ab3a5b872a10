//! Shortest paths (Dijkstra, "A note on two problems in connexion with graphs", 1959).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::str::FromStr;

use rustc_hash::FxHashMap;

use super::graph::Graph;
use super::walk::Follow;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;

/// How long an edge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Length {
    /// Each is one hop.
    #[default]
    Hops,
    /// One over its weight: strong edges are short.
    Inverse,
}

impl FromStr for Length {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "hops" => Ok(Self::Hops),
            "inverse" => Ok(Self::Inverse),
            _ => Err(Error::invalid("length", "expected hops or inverse")),
        }
    }
}

/// Orders costs that are never NaN or below zero.
fn key(cost: f64) -> u64 {
    cost.to_bits()
}

impl Graph {
    /// The shortest path between two nodes with both of them, and its length; none where there is no path. Of equal
    /// paths that through smaller numbers, seen from the end.
    ///
    /// # Errors
    /// [`Error::UnknownNode`], [`Error::Cancelled`].
    pub fn shortest_path(
        &self,
        from: Slot,
        to: Slot,
        length: Length,
        follow: &Follow,
        cancel: Cancel<'_>,
    ) -> Result<Option<(Vec<Slot>, f64)>> {
        self.known("from", from)?;
        self.known("to", to)?;
        let mut best: FxHashMap<Slot, (f64, Slot)> = FxHashMap::default();
        let mut heap = BinaryHeap::from([Reverse((key(0.0), from))]);
        best.insert(from, (0.0, from));
        let mut visited = 0usize;
        while let Some(Reverse((cost, node))) = heap.pop() {
            let cost = f64::from_bits(cost);
            if best.get(&node).is_some_and(|known| known.0 < cost) {
                continue;
            }
            if node == to {
                let mut path = vec![to];
                let mut at = to;
                while at != from {
                    at = best.get(&at).map_or(from, |x| x.1);
                    path.push(at);
                }
                path.reverse();
                return Ok(Some((path, cost)));
            }
            if visited.is_multiple_of(4096) {
                cancel.check()?;
            }
            visited += 1;
            self.each_step(node, follow, |next, record| {
                let step = match length {
                    Length::Hops => 1.0,
                    Length::Inverse => 1.0 / f64::from(record.weight),
                };
                let reached = (cost + step, node);
                let known = best.get(&next).copied();
                if known.is_none_or(|known| reached < known) {
                    best.insert(next, reached);
                    if known.is_none_or(|known| reached.0 < known.0) {
                        heap.push(Reverse((key(reached.0), next)));
                    }
                }
            });
        }
        Ok(None)
    }
}
