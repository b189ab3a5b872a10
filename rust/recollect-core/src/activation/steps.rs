//! The edges of a node as a request sees them.

use super::request::Request;
use crate::graph::{Arc, Direction, Graph, Record};
use crate::id::Slot;

impl Request {
    /// What an edge counts, if it counts at all.
    fn weigh(&self, graph: &Graph, to: Slot, record: &Record) -> Option<f32> {
        if self.since.is_some_and(|since| record.time < since)
            || self.until.is_some_and(|until| record.time >= until)
        {
            return None;
        }
        if self.relations.is_none() && !self.trusted {
            return Some(record.weight);
        }
        let label = graph.labels().get(record.label);
        if self.trusted && !(label.trusted && graph.is_trusted(to)) {
            return None;
        }
        let factor = match &self.relations {
            None => 1.0,
            Some(factors) => factors.iter().find(|x| x.0 == label.relation)?.1,
        };
        let weight = record.weight * factor;
        (weight > 0.0).then_some(weight)
    }

    /// Where a node leads to, and by how much; in the order of the graph, so that equal graphs add up equally.
    #[inline]
    pub(super) fn steps<'a>(&self, graph: &'a Graph, node: Slot, scratch: &'a mut Vec<Arc>) -> &'a [Arc] {
        let own = node as usize;
        // Where all edges are trusted there is nothing to leave out.
        let whole = self.takes_all()
            || (self.takes_trusted() && graph.trusted_degrees()[own] as usize == graph.degree(node));
        if whole && let Some(arcs) = graph.out(node).plain() {
            return arcs;
        }
        self.gather(graph, node, scratch);
        scratch
    }

    #[inline(never)]
    fn gather(&self, graph: &Graph, node: Slot, scratch: &mut Vec<Arc>) {
        scratch.clear();
        if self.trusted && !graph.is_trusted(node) {
            return;
        }
        if self.direction != Direction::In {
            for record in graph.out(node) {
                if let Some(weight) = self.weigh(graph, record.dst, &record) {
                    scratch.push(Arc { dst: record.dst, weight });
                }
            }
        }
        if self.direction != Direction::Out {
            for (src, record) in graph.edges_into(node) {
                if let Some(weight) = self.weigh(graph, src, &record) {
                    scratch.push(Arc { dst: src, weight });
                }
            }
        }
    }
}
