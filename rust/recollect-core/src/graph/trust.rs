//! Who is believed, and how many edges of a node count where only trusted ones do.
//!
//! While there is no stranger these are the degrees, and take no memory.

use super::edge::Edge;
use super::graph::Graph;
use crate::id::Slot;

impl Graph {
    /// Whether a node is believed.
    #[inline]
    pub fn is_trusted(&self, node: Slot) -> bool {
        !self.untrusted.contains(node)
    }

    /// Trusted edges out of every node between trusted nodes, by number, up to [`Graph::nodes_end`].
    pub fn trusted_degrees(&self) -> &[u32] {
        self.trusted_degrees.as_ref().unwrap_or(&self.degrees)
    }

    /// Says whether a node is believed.
    pub fn set_trusted(&mut self, node: Slot, trusted: bool) {
        let changed = if trusted { self.untrusted.remove(node) } else { self.untrusted.insert(node) };
        if !changed {
            return;
        }
        let before = self.trusted_degrees.take().unwrap_or_else(|| self.degrees.clone());
        let mut degrees = before;
        for (src, record) in self.edges_into(node) {
            if src != node && self.labels.get(record.label).trusted && self.is_trusted(src) {
                let degree = &mut degrees[src as usize];
                *degree = if trusted { *degree + 1 } else { *degree - 1 };
            }
        }
        if self.contains(node) {
            degrees[node as usize] = self.count_trusted(node);
        }
        self.trusted_degrees = Some(degrees);
    }

    /// Trusted edges out of a node between trusted nodes, counted.
    pub(super) fn count_trusted(&self, node: Slot) -> u32 {
        self.out(node).filter(|x| self.believes(node, x.dst, self.labels.get(x.label).trusted)).count() as u32
    }

    /// Counts an edge that came or went where only trusted ones do.
    pub(super) fn recount(&mut self, edge: &Edge, came: bool) {
        if !edge.trusted {
            // The first stranger; what came is in the degrees already.
            let own = u32::from(came && self.trusted_degrees.is_none());
            let degrees = self.trusted_degrees.get_or_insert_with(|| self.degrees.clone());
            degrees[edge.src as usize] -= own;
        } else if self.believes(edge.src, edge.dst, true)
            && let Some(degrees) = &mut self.trusted_degrees
        {
            let degree = &mut degrees[edge.src as usize];
            *degree = if came { *degree + 1 } else { *degree - 1 };
        }
    }

    /// Whether an edge counts where only trusted ones do.
    pub(super) fn believes(&self, src: Slot, dst: Slot, edge: bool) -> bool {
        edge && self.is_trusted(src) && self.is_trusted(dst)
    }
}
