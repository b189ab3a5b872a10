//! Taking nodes away, and making one of two.

use super::edge::{Edge, MEMBER};
use super::graph::{Graph, Linked, split};
use crate::error::{Error, Result};
use crate::id::Slot;

impl Graph {
    /// Takes a node away with all of its edges, for good. Gives how many edges went, or none if there was no such node.
    pub fn remove(&mut self, node: Slot) -> Option<usize> {
        if !self.nodes.remove(node) {
            return None;
        }
        let before = self.edges;
        let (page, own) = split(node);
        let mut ends: Vec<Slot> = self.out(node).map(|x| x.dst).collect();
        ends.dedup();
        let begins: Vec<Slot> = self.pointing(node).filter(|&src| src != node).collect();
        self.edges -= self.degree(node);
        self.degrees[node as usize] = 0;
        if let Some(degrees) = &mut self.trusted_degrees {
            degrees[node as usize] = 0;
        }
        self.pages[page].clear(own);
        for dst in ends {
            let (at, place) = split(dst);
            self.sources[at].remove(place, node);
        }
        for src in begins {
            let relations: Vec<_> =
                self.between(src, node).map(|x| self.labels.get(x.label).relation).collect();
            relations.into_iter().for_each(|relation| {
                self.unlink(src, node, relation);
            });
        }
        self.sources[page].clear(own);
        self.untrusted.remove(node);
        self.dirty.remove(node);
        self.hyperedges.remove(&node);
        for hyperedge in self.hyperedges.values_mut() {
            hyperedge.parents.retain(|&x| x != node);
            if let Some(members) = &mut hyperedge.archived {
                members.retain(|&x| x != node);
            }
        }
        Some(before - self.edges)
    }

    /// Moves all edges of a node to another, and takes it away.
    ///
    /// Where both have an edge of the same ends and relation the weights add up and the later time counts, unless only
    /// one of the two is trusted: then that one stays as it is. Edges between the two go. Hyperedges over the one are
    /// then over the other. Gives the edges that fell out because a node was at its cap.
    ///
    /// # Errors
    /// [`Error::UnknownNode`]; [`Error::Invalid`] for a node and itself, or a hyperedge among the two.
    pub fn merge(&mut self, into: Slot, node: Slot) -> Result<Vec<Edge>> {
        self.known("into", into)?;
        self.known("node", node)?;
        if into == node {
            return Err(Error::invalid("node", "a node cannot be merged into itself"));
        }
        if [into, node].iter().any(|x| self.hyperedges.contains_key(x)) {
            return Err(Error::invalid("node", "hyperedges are merged by another call"));
        }
        let out = self.out(node).map(|record| self.edge(node, record));
        let out = out.filter(|edge| edge.dst != node && edge.dst != into);
        let moved = out.map(|edge| Edge { src: into, ..edge });
        let coming = self.edges_into(node).map(|(src, record)| self.edge(src, record));
        let coming = coming.filter(|edge| edge.src != node && edge.src != into);
        let moved: Vec<Edge> = moved.chain(coming.map(|edge| Edge { dst: into, ..edge })).collect();
        for hyperedge in self.hyperedges.values_mut() {
            if let Some(members) = &mut hyperedge.archived
                && members.contains(&node)
            {
                members.retain(|&x| x != node && x != into);
                members.push(into);
                members.sort_unstable();
            }
        }
        self.remove(node);
        let mut dropped = Vec::new();
        for edge in moved {
            let known = self.get(edge.src, edge.dst, edge.relation);
            if let Linked::Dropped(edge) = self.put(known.map_or(edge, |known| combined(known, edge)))? {
                dropped.push(edge);
            }
        }
        Ok(dropped)
    }
}

fn combined(a: Edge, b: Edge) -> Edge {
    match (a.trusted, b.trusted) {
        (true, false) => a,
        (false, true) => b,
        _ if a.relation == MEMBER => a,
        _ => {
            let later = if b.time > a.time { b } else { a };
            Edge { weight: (a.weight + b.weight).min(f32::MAX), ..later }
        }
    }
}
