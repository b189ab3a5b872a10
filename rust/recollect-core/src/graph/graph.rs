//! Nodes and edges: what there is, and the single changes.

use std::collections::BTreeMap;

use super::edge::{Edge, Label, Labels, MEMBER, Record, Relation};
use super::hyperedge::Hyperedge;
use super::page::{Added, Out, PAGE, Page, Place};
use super::sources::Sources;
use crate::bitmap::Bitmap;
use crate::error::{Error, Result};
use crate::id::Slot;

/// Most nodes of a graph.
pub const MAX_NODES: usize = 1 << 30;

/// A directed graph of numbered nodes with typed, weighted, timed edges.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub(super) pages: Vec<Page>,
    pub(super) sources: Vec<Sources>,
    pub(super) labels: Labels,
    pub(super) nodes: Bitmap,
    pub(super) untrusted: Bitmap,
    pub(super) dirty: Bitmap,
    pub(super) hyperedges: BTreeMap<Slot, Hyperedge>,
    /// Edges out of each node, for readers that only want to know how many.
    pub(super) degrees: Vec<u32>,
    /// Of these, trusted ones between trusted nodes; none while all are.
    pub(super) trusted_degrees: Option<Vec<u32>>,
    pub(super) edges: usize,
    pub(super) cap: Option<u32>,
    pub(super) dropped: u64,
}

/// What became of an edge that was linked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Linked {
    /// It is new.
    New,
    /// There was one from this node to this node under this relation; weight, time, source and trust are now the new ones.
    Replaced(Edge),
    /// It is new, and the node was at its cap: this edge, the weakest, was dropped. It may be the new one itself.
    Dropped(Edge),
}

impl Graph {
    /// An empty graph; with a cap, a node keeps that many of its strongest edges out.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cap of zero.
    pub fn new(cap: Option<u32>) -> Result<Self> {
        if cap == Some(0) {
            return Err(Error::invalid("max_degree", "expected at least 1, found 0"));
        }
        Ok(Self { cap, ..Self::default() })
    }

    /// Number of nodes, hyperedges among them.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Number of edges, those between hyperedges and their members twice.
    pub fn edges(&self) -> usize {
        self.edges
    }

    /// Edges a node keeps at most.
    pub fn cap(&self) -> Option<u32> {
        self.cap
    }

    /// Edges that were dropped because a node was at its cap.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// One more than the greatest number of a node that there may be.
    pub fn nodes_end(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// The nodes that are there.
    pub fn nodes(&self) -> &Bitmap {
        &self.nodes
    }

    /// Whether a node is there.
    #[inline]
    pub fn contains(&self, node: Slot) -> bool {
        self.nodes.contains(node)
    }

    /// The labels of edges.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Bytes of memory reserved.
    pub fn bytes(&self) -> usize {
        let pages: usize = self.pages.iter().map(Page::bytes).sum();
        let spare = (self.pages.capacity() - self.pages.len()) * size_of::<Page>()
            + (self.sources.capacity() - self.sources.len()) * size_of::<Sources>();
        let sources: usize = self.sources.iter().map(Sources::bytes).sum();
        let bits = [&self.nodes, &self.untrusted, &self.dirty];
        let bits: usize = bits.iter().map(|bits| 8 * bits.words().len()).sum();
        let hyperedges: usize = self.hyperedges.values().map(Hyperedge::bytes).sum();
        let degrees = 4 * (self.degrees.capacity() + self.trusted_degrees.as_ref().map_or(0, Vec::capacity));
        pages + degrees + spare + sources + bits + hyperedges + self.labels.bytes()
    }

    /// Takes a node in, if it is not there.
    ///
    /// # Errors
    /// [`Error::Limit`] for a number of [`MAX_NODES`] or more.
    pub fn insert(&mut self, node: Slot, trusted: bool) -> Result<bool> {
        if node as usize >= MAX_NODES {
            let argument = "node".into();
            return Err(Error::Limit { argument, found: u64::from(node), limit: MAX_NODES as u64 - 1 });
        }
        let new = self.nodes.insert(node);
        if new {
            let pages = node as usize / PAGE + 1;
            if pages > self.pages.len() {
                self.pages.resize_with(pages, Page::default);
                self.sources.resize_with(pages, Sources::default);
                self.degrees.resize(pages * PAGE, 0);
                if let Some(degrees) = &mut self.trusted_degrees {
                    degrees.resize(pages * PAGE, 0);
                }
            }
            self.set_trusted(node, trusted);
        }
        Ok(new)
    }

    pub(super) fn known(&self, argument: &str, node: Slot) -> Result<()> {
        match self.contains(node) {
            true => Ok(()),
            false => Err(Error::UnknownNode { argument: argument.into(), node: node.to_string() }),
        }
    }

    pub(super) fn admit(&self, edge: &Edge, argument: impl Fn() -> String) -> Result<()> {
        for node in [edge.src, edge.dst] {
            if !self.contains(node) {
                self.known(&argument(), node)?;
            }
        }
        if !edge.weight.is_finite() || edge.weight <= 0.0 {
            let reason = format!("expected a weight that is finite and above 0, found {}", edge.weight);
            return Err(Error::invalid(argument(), reason));
        }
        if edge.relation == MEMBER {
            return Err(Error::invalid(argument(), "this relation is kept for hyperedges and their members"));
        }
        Ok(())
    }

    /// Takes an edge in, or gives one that is there new values.
    ///
    /// # Errors
    /// [`Error::UnknownNode`]; [`Error::Invalid`] for a weight that is not finite or not above zero.
    pub fn link(&mut self, edge: Edge) -> Result<Linked> {
        self.admit(&edge, || "edge".into())?;
        self.put(edge)
    }

    pub(super) fn put(&mut self, edge: Edge) -> Result<Linked> {
        let label = self.labels.number(edge.label())?;
        let (at, node) = split(edge.src);
        let page = &mut self.pages[at];
        if let Some(place) = page.find(node, edge.dst, edge.relation, &self.labels) {
            let before = page.get(place);
            page.set(place, edge.record(label));
            let before = self.edge(edge.src, before);
            if before.trusted != edge.trusted {
                self.recount(&before, false);
                self.recount(&edge, true);
            }
            return Ok(Linked::Replaced(before));
        }
        let first = page.between(node, edge.dst, &self.labels).next().is_none();
        page.insert(
            Added { record: edge.record(label), relation: edge.relation, node: node as u8 },
            &self.labels,
        );
        self.edges += 1;
        self.degrees[edge.src as usize] += 1;
        self.recount(&edge, true);
        if first {
            let (at, node) = split(edge.dst);
            self.sources[at].insert(node, edge.src);
        }
        Ok(self.keep_to_cap(edge.src).map_or(Linked::New, Linked::Dropped))
    }

    /// Drops the weakest edge of a node that is over its cap: of least weight, then oldest, then to the greatest node.
    pub(super) fn keep_to_cap(&mut self, node: Slot) -> Option<Edge> {
        if self.over_cap(node) == 0 {
            return None;
        }
        let weakest = self.capped(node).min_by(weaker)?;
        self.unlink(node, weakest.dst, weakest.relation);
        self.dropped += 1;
        Some(weakest)
    }

    /// The edges that count for the cap: all but those of memberships.
    pub(super) fn capped(&self, node: Slot) -> impl Iterator<Item = Edge> + '_ {
        self.out(node).map(move |record| self.edge(node, record)).filter(|edge| edge.relation != MEMBER)
    }

    /// By how many edges a node is over its cap.
    pub(super) fn over_cap(&self, node: Slot) -> usize {
        match self.cap {
            Some(cap) if self.degree(node) > cap as usize => {
                self.capped(node).count().saturating_sub(cap as usize)
            }
            _ => 0,
        }
    }

    fn place(&self, src: Slot, dst: Slot, relation: Relation) -> Option<Place> {
        let (at, node) = split(src);
        self.pages.get(at)?.find(node, dst, relation, &self.labels)
    }

    /// The edge from a node to another under a relation.
    pub fn get(&self, src: Slot, dst: Slot, relation: Relation) -> Option<Edge> {
        let place = self.place(src, dst, relation)?;
        Some(self.edge(src, self.pages[split(src).0].get(place)))
    }

    /// Takes an edge away for good, and gives it.
    pub fn unlink(&mut self, src: Slot, dst: Slot, relation: Relation) -> Option<Edge> {
        let place = self.place(src, dst, relation)?;
        let (at, node) = split(src);
        let page = &mut self.pages[at];
        let record = page.get(place);
        page.remove(place, node);
        self.edges -= 1;
        self.degrees[src as usize] -= 1;
        if page.between(node, dst, &self.labels).next().is_none() {
            let (at, node) = split(dst);
            self.sources[at].remove(node, src);
        }
        let edge = self.edge(src, record);
        self.recount(&edge, false);
        Some(edge)
    }

    /// Adds to the weight of an edge, which may be less than zero, and sets its time. Gives the new weight.
    ///
    /// # Errors
    /// [`Error::UnknownEdge`]; [`Error::Invalid`] where the weight would not stay finite and above zero.
    pub fn strengthen(
        &mut self,
        src: Slot,
        dst: Slot,
        relation: Relation,
        by: f32,
        time: i64,
    ) -> Result<f32> {
        let Some(place) = self.place(src, dst, relation) else {
            return Err(Error::UnknownEdge { src: src.to_string(), dst: dst.to_string() });
        };
        let page = &mut self.pages[split(src).0];
        let record = page.get(place);
        let weight = record.weight + by;
        if !weight.is_finite() || weight <= 0.0 {
            return Err(Error::invalid("by", format!("the weight would become {weight}")));
        }
        page.set(place, Record { weight, time, ..record });
        Ok(weight)
    }

    /// The edges out of a node, by (end, relation); none of one that is not there.
    #[inline]
    pub fn out(&self, node: Slot) -> Out<'_> {
        static NONE: std::sync::LazyLock<Page> = std::sync::LazyLock::new(Page::default);
        let (at, node) = split(node);
        self.pages.get(at).unwrap_or_else(|| &NONE).out(node, &self.labels)
    }

    /// The edges from a node to another, by relation.
    pub fn between(&self, src: Slot, dst: Slot) -> impl Iterator<Item = Record> + '_ {
        let (at, node) = split(src);
        self.pages.get(at).into_iter().flat_map(move |page| page.between(node, dst, &self.labels))
    }

    /// The nodes with an edge to this one, ascending.
    pub fn pointing(&self, node: Slot) -> impl Iterator<Item = Slot> + '_ {
        let (at, node) = split(node);
        self.sources.get(at).into_iter().flat_map(move |sources| sources.of(node))
    }

    /// The edges into a node, by (begin, relation).
    pub fn edges_into(&self, node: Slot) -> impl Iterator<Item = (Slot, Record)> + '_ {
        self.pointing(node).flat_map(move |src| self.between(src, node).map(move |record| (src, record)))
    }

    /// Edges out of a node.
    #[inline]
    pub fn degree(&self, node: Slot) -> usize {
        self.degrees.get(node as usize).map_or(0, |&degree| degree as usize)
    }

    /// Edges out of every node, by number, up to [`Graph::nodes_end`].
    pub fn degrees(&self) -> &[u32] {
        &self.degrees
    }

    /// Nodes that point at a node.
    pub fn in_degree(&self, node: Slot) -> usize {
        let (at, node) = split(node);
        self.sources.get(at).map_or(0, |sources| sources.count(node))
    }

    /// The whole edge of a record in the list of a node.
    pub fn edge(&self, src: Slot, record: Record) -> Edge {
        let Label { relation, source, trusted } = self.labels.get(record.label);
        let Record { dst, weight, time, .. } = record;
        Edge { src, dst, relation, weight, time, source, trusted }
    }

    /// Every edge, by (begin, end, relation).
    pub fn iter(&self) -> impl Iterator<Item = Edge> + '_ {
        self.nodes.iter().flat_map(move |src| self.out(src).map(move |record| self.edge(src, record)))
    }

    /// Asks for the memory of a node's edges, soon to be read: first where they begin, later the edges.
    #[inline]
    pub fn ask_for_start(&self, node: Slot) {
        let (at, node) = split(node);
        if let Some(page) = self.pages.get(at) {
            page.ask_for_start(node);
        }
    }

    /// The second half of [`Graph::ask_for_start`].
    #[inline]
    pub fn ask_for_edges(&self, node: Slot) {
        let (at, node) = split(node);
        if let Some(page) = self.pages.get(at) {
            page.ask_for(node);
        }
    }
}

/// Which of two edges is dropped first.
pub(super) fn weaker(a: &Edge, b: &Edge) -> std::cmp::Ordering {
    a.weight.total_cmp(&b.weight).then(a.time.cmp(&b.time)).then(b.dst.cmp(&a.dst))
}

/// The page of a node, and its place there.
#[inline]
pub(super) fn split(node: Slot) -> (usize, usize) {
    (node as usize / PAGE, node as usize % PAGE)
}
