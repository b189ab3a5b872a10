//! Walks from node to node: neighbourhoods and reachability.

use std::str::FromStr;

use rustc_hash::FxHashMap;

use super::edge::{Record, Relation};
use super::graph::Graph;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;

/// Which way edges are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From begin to end.
    #[default]
    Out,
    /// From end to begin.
    In,
    /// Both ways.
    Both,
}

impl FromStr for Direction {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "out" => Ok(Self::Out),
            "in" => Ok(Self::In),
            "both" => Ok(Self::Both),
            _ => Err(Error::invalid("direction", "expected out, in or both")),
        }
    }
}

/// Which edges a walk follows.
#[derive(Debug, Clone, Default)]
pub struct Follow {
    /// Relations followed; all without them.
    pub relations: Option<Vec<Relation>>,
    /// Which way.
    pub direction: Direction,
    /// Only trusted edges between trusted nodes.
    pub trusted: bool,
}

/// Nodes between two looks at the caller.
const STEP: usize = 4096;

impl Graph {
    /// Whether a walk follows an edge.
    pub(super) fn follows(&self, follow: &Follow, to: Slot, record: &Record) -> bool {
        if follow.relations.is_none() && !follow.trusted {
            return true;
        }
        let label = self.labels.get(record.label);
        follow.relations.as_ref().is_none_or(|some| some.contains(&label.relation))
            && (!follow.trusted || (label.trusted && self.is_trusted(to)))
    }

    /// Gives every step from a node: out edges by (end, relation), then in edges by (begin, relation).
    pub fn each_step(&self, node: Slot, follow: &Follow, mut take: impl FnMut(Slot, Record)) {
        if follow.trusted && !self.is_trusted(node) {
            return;
        }
        if follow.direction != Direction::In {
            for record in self.out(node) {
                if self.follows(follow, record.dst, &record) {
                    take(record.dst, record);
                }
            }
        }
        if follow.direction != Direction::Out {
            for (src, record) in self.edges_into(node) {
                if self.follows(follow, src, &record) {
                    take(src, record);
                }
            }
        }
    }

    /// The nodes within some hops of any of `from`, these included at 0 hops: nearest first, then ascending.
    ///
    /// # Errors
    /// [`Error::UnknownNode`], [`Error::Cancelled`].
    pub fn neighbours(
        &self,
        from: &[Slot],
        hops: u32,
        follow: &Follow,
        cancel: Cancel<'_>,
    ) -> Result<Vec<(Slot, u32)>> {
        let mut seen: FxHashMap<Slot, u32> = FxHashMap::default();
        let (mut found, mut front) = (Vec::new(), Vec::new());
        for &node in from {
            self.known("nodes", node)?;
            if seen.insert(node, 0).is_none() {
                front.push(node);
            }
        }
        front.sort_unstable();
        let mut hop = 0;
        while !front.is_empty() {
            found.extend(front.iter().map(|&node| (node, hop)));
            if hop == hops {
                break;
            }
            hop += 1;
            let mut next = Vec::new();
            for (at, &node) in front.iter().enumerate() {
                if at.is_multiple_of(STEP) {
                    cancel.check()?;
                }
                self.each_step(node, follow, |to, _| {
                    seen.entry(to).or_insert_with(|| {
                        next.push(to);
                        hop
                    });
                });
            }
            next.sort_unstable();
            front = next;
        }
        Ok(found)
    }

    /// Every node that can be reached from a node, itself left out, ascending.
    ///
    /// # Errors
    /// As [`Graph::neighbours`].
    pub fn closure(&self, node: Slot, follow: &Follow, cancel: Cancel<'_>) -> Result<Vec<Slot>> {
        let reached = self.neighbours(&[node], u32::MAX, follow, cancel)?;
        let mut reached: Vec<Slot> = reached.into_iter().filter(|x| x.1 > 0).map(|x| x.0).collect();
        reached.sort_unstable();
        Ok(reached)
    }
}
