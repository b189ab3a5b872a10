//! The edges out of 64 nodes in a row: sorted columns, and a short sorted list of what came since.
//!
//! An edge goes into the short list; once that is longer than the square root of the columns it is merged into them. So
//! an edge costs a small move and its share of a merge, and no merge touches more than one page. Edges of a node are
//! read in the order of (end, relation), whatever has been merged: equal graphs are read equally.

use super::edge::{Arc, Labels, Record, Relation};
use super::packed::Packed;
use crate::id::Slot;

/// Nodes of a page.
pub(super) const PAGE: usize = 64;

/// Longest short list of an empty page.
const SHORT: usize = 16;

/// An edge that is not yet in the columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Added {
    pub(super) record: Record,
    pub(super) relation: Relation,
    /// Place of its first node in the page.
    pub(super) node: u8,
}

impl Added {
    pub(super) fn key(&self) -> (u8, Slot, Relation) {
        (self.node, self.record.dst, self.relation)
    }
}

/// What every reader needs first lies in the first cache line.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Page {
    arcs: Vec<Arc>,
    added: Vec<Added>,
    /// Nodes with edges in the short list, one bit each.
    fresh: u64,
    starts: [u32; PAGE + 1],
    labels: Packed,
    times: Packed,
}

/// Where an edge lies in its page.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Column(usize),
    Added(usize),
}

impl Default for Page {
    fn default() -> Self {
        Self {
            arcs: Vec::new(),
            added: Vec::new(),
            fresh: 0,
            starts: [0; PAGE + 1],
            labels: Packed::default(),
            times: Packed::default(),
        }
    }
}

impl Page {
    fn range(&self, node: usize) -> std::ops::Range<usize> {
        self.starts[node] as usize..self.starts[node + 1] as usize
    }

    fn added_of(&self, node: usize) -> std::ops::Range<usize> {
        if self.fresh >> node & 1 == 0 {
            return 0..0;
        }
        let start = self.added.partition_point(|x| usize::from(x.node) < node);
        let end = start + self.added[start..].partition_point(|x| usize::from(x.node) == node);
        start..end
    }

    /// The edges of a node.
    #[inline]
    pub(super) fn out<'a>(&'a self, node: usize, labels: &'a Labels) -> Out<'a> {
        let (range, added) = (self.range(node), self.added_of(node));
        Out { page: self, labels, start: range.start, arcs: &self.arcs[range], added: &self.added[added] }
    }

    fn record(&self, at: usize) -> Record {
        let Arc { dst, weight } = self.arcs[at];
        Record { dst, weight, label: self.labels.get(at) as u32, time: self.times.get(at) }
    }

    /// The columns of a node that end at another.
    fn columns_to(&self, node: usize, dst: Slot) -> std::ops::Range<usize> {
        let range = self.range(node);
        let arcs = &self.arcs[range.clone()];
        let start = arcs.partition_point(|arc| arc.dst < dst);
        let count = arcs[start..].iter().take_while(|arc| arc.dst == dst).count();
        range.start + start..range.start + start + count
    }

    fn added_to(&self, node: usize, dst: Slot) -> std::ops::Range<usize> {
        if self.fresh >> node & 1 == 0 {
            return 0..0;
        }
        let before = |x: &Added| (usize::from(x.node), x.record.dst) < (node, dst);
        let start = self.added.partition_point(before);
        let same = |x: &&Added| usize::from(x.node) == node && x.record.dst == dst;
        start..start + self.added[start..].iter().take_while(same).count()
    }

    /// Every edge from a node to another, by relation.
    pub(super) fn between<'a>(&'a self, node: usize, dst: Slot, labels: &'a Labels) -> Out<'a> {
        let (range, added) = (self.columns_to(node, dst), self.added_to(node, dst));
        Out { page: self, labels, start: range.start, arcs: &self.arcs[range], added: &self.added[added] }
    }

    pub(super) fn find(&self, node: usize, dst: Slot, relation: Relation, labels: &Labels) -> Option<Place> {
        let is = |at: &usize| labels.get(self.labels.get(*at) as u32).relation == relation;
        if let Some(at) = self.columns_to(node, dst).find(is) {
            return Some(Place::Column(at));
        }
        self.added_to(node, dst).find(|&at| self.added[at].relation == relation).map(Place::Added)
    }

    pub(super) fn get(&self, place: Place) -> Record {
        match place {
            Place::Column(at) => self.record(at),
            Place::Added(at) => self.added[at].record,
        }
    }

    /// Gives an edge another weight, time and label of the same relation.
    pub(super) fn set(&mut self, place: Place, record: Record) {
        match place {
            Place::Column(at) => {
                self.arcs[at].weight = record.weight;
                let len = self.arcs.len();
                if self.labels.get(at) != i64::from(record.label) {
                    self.labels.set(at, i64::from(record.label), len);
                }
                if self.times.get(at) != record.time {
                    self.times.set(at, record.time, len);
                }
            }
            Place::Added(at) => self.added[at].record = record,
        }
    }

    /// Takes in an edge that is not there.
    pub(super) fn insert(&mut self, added: Added, labels: &Labels) {
        let at = self.added.partition_point(|x| x.key() < added.key());
        self.added.insert(at, added);
        self.fresh |= 1 << added.node;
        if self.added.len() > SHORT + self.arcs.len().isqrt() {
            self.absorb(&[], labels);
        }
    }

    pub(super) fn remove(&mut self, place: Place, node: usize) {
        match place {
            Place::Column(at) => self.remove_columns(node, at..at + 1),
            Place::Added(at) => {
                self.added.remove(at);
                if self.added_of(node).is_empty() {
                    self.fresh &= !(1 << node);
                }
            }
        }
    }

    fn remove_columns(&mut self, node: usize, range: std::ops::Range<usize>) {
        self.labels.remove(range.clone());
        self.times.remove(range.clone());
        let count = range.len() as u32;
        self.arcs.drain(range);
        self.starts[node + 1..].iter_mut().for_each(|start| *start -= count);
    }

    /// Takes all edges of a node away.
    pub(super) fn clear(&mut self, node: usize) {
        self.remove_columns(node, self.range(node));
        self.added.drain(self.added_of(node));
        self.fresh &= !(1 << node);
    }

    /// Merges everything, with `more` sorted by key and without repetition; it takes the place of equal keys. Gives the
    /// number of edges that are new.
    pub(super) fn absorb(&mut self, more: &[Added], labels: &Labels) -> usize {
        let count = self.arcs.len() + self.added.len() + more.len();
        let mut merged =
            Columns { arcs: Vec::with_capacity(count), labels: Vec::new(), times: Vec::with_capacity(count) };
        merged.labels.reserve(count);
        let (mut starts, mut more, mut new) = ([0; PAGE + 1], more.iter().peekable(), 0);
        for node in 0..PAGE {
            for old in self.out(node, labels) {
                let key = (node as u8, old.dst, labels.get(old.label).relation);
                while let Some(next) = more.next_if(|x| x.key() < key) {
                    merged.push(next.record);
                    new += 1;
                }
                merged.push(more.next_if(|x| x.key() == key).map_or(old, |x| x.record));
            }
            while let Some(next) = more.next_if(|x| usize::from(x.node) == node) {
                merged.push(next.record);
                new += 1;
            }
            starts[node + 1] = merged.arcs.len() as u32;
        }
        merged.arcs.shrink_to_fit();
        *self = Self {
            arcs: merged.arcs,
            added: Vec::new(),
            fresh: 0,
            starts,
            labels: Packed::new(&merged.labels),
            times: Packed::new(&merged.times),
        };
        new
    }

    /// Edges out of each node; all are merged.
    pub(super) fn count(&self, degrees: &mut [u32]) {
        degrees.iter_mut().zip(self.starts.windows(2)).for_each(|(degree, ends)| *degree = ends[1] - ends[0]);
    }

    /// Where the edges of a node lie, for a reader who comes soon.
    #[inline]
    pub(super) fn ask_for(&self, node: usize) {
        let arcs = &self.arcs[self.range(node)];
        crate::simd::prefetch(&arcs[..arcs.len().min(32)]);
    }

    #[inline]
    pub(super) fn ask_for_start(&self, node: usize) {
        crate::simd::prefetch(std::slice::from_ref(&self.starts[node]));
        crate::simd::prefetch(std::slice::from_ref(&self.arcs));
    }

    pub(super) fn bytes(&self) -> usize {
        let columns = self.arcs.capacity() * size_of::<Arc>() + self.labels.bytes() + self.times.bytes();
        size_of::<Self>() + columns + self.added.capacity() * size_of::<Added>()
    }
}

struct Columns {
    arcs: Vec<Arc>,
    labels: Vec<i64>,
    times: Vec<i64>,
}

impl Columns {
    fn push(&mut self, record: Record) {
        self.arcs.push(Arc { dst: record.dst, weight: record.weight });
        self.labels.push(i64::from(record.label));
        self.times.push(record.time);
    }
}

/// Edges out of one node by (end, relation).
#[derive(Debug, Clone)]
pub struct Out<'a> {
    page: &'a Page,
    labels: &'a Labels,
    start: usize,
    arcs: &'a [Arc],
    added: &'a [Added],
}

impl<'a> Out<'a> {
    /// How many are left.
    #[inline]
    pub fn count_left(&self) -> usize {
        self.arcs.len() + self.added.len()
    }

    /// The ends and weights of all, where they lie side by side.
    #[inline]
    pub fn plain(&self) -> Option<&'a [Arc]> {
        self.added.is_empty().then_some(self.arcs)
    }
}

impl Iterator for Out<'_> {
    type Item = Record;

    #[inline]
    fn next(&mut self) -> Option<Record> {
        let from_added = match (self.arcs.first(), self.added.first()) {
            (Some(arc), Some(added)) => {
                let relation = || self.labels.get(self.page.labels.get(self.start) as u32).relation;
                (added.record.dst, added.relation)
                    < (arc.dst, if arc.dst == added.record.dst { relation() } else { 0 })
            }
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if from_added {
            let (first, rest) = self.added.split_first()?;
            self.added = rest;
            return Some(first.record);
        }
        let (_, rest) = self.arcs.split_first()?;
        let record = self.page.record(self.start);
        self.arcs = rest;
        self.start += 1;
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count_left(), Some(self.count_left()))
    }
}
