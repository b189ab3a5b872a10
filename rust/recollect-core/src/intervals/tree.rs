//! The whole tree: changes, ranks, runs in order.

use std::ops::ControlFlow;

use super::node::{Child, Node, Taken, place};
use super::span::{Key, Span, Summary};

/// Intervals in the order of their starts. One that comes last is taken in in amortised O(1) steps of a tree whose inner
/// nodes have up to 32 children, any other in O(log n).
#[derive(Debug, Clone)]
pub struct Intervals {
    pub(super) root: Node,
    pub(super) summary: Summary,
}

impl Default for Intervals {
    fn default() -> Self {
        Self { root: Node::Leaf(Vec::new()), summary: Summary::NONE }
    }
}

impl Intervals {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.summary.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The latest end, `i64::MIN` of none.
    pub fn latest_end(&self) -> i64 {
        self.summary.end
    }

    /// The greatest weight, minus infinity of none.
    pub fn greatest_weight(&self) -> f32 {
        self.summary.weight
    }

    /// The first in order.
    pub fn first(&self) -> Option<Span> {
        self.nth(0)
    }

    /// The last in order.
    pub fn last(&self) -> Option<Span> {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(spans) => return spans.last().copied(),
                Node::Inner(children) => node = &children.last()?.node,
            }
        }
    }

    /// Takes one in; false, and nothing changed, where its item stands at its start already.
    pub fn insert(&mut self, span: Span) -> bool {
        if self.last().is_some_and(|last| last.key() >= span.key()) && self.get(span.key()).is_some() {
            return false;
        }
        if let Taken::Split(right) = self.root.insert(span) {
            let left = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
            self.root = Node::Inner(vec![Child::new(left), Child::new(right)]);
        }
        self.summary = self.summary.with((&span).into());
        true
    }

    /// Takes one out.
    pub fn remove(&mut self, key: Key) -> Option<Span> {
        let gone = self.root.remove(key)?;
        loop {
            match &mut self.root {
                Node::Inner(children) if children.is_empty() => self.root = Node::Leaf(Vec::new()),
                Node::Inner(children) if children.len() == 1 => {
                    if let Some(child) = children.pop() {
                        self.root = child.node;
                    }
                }
                _ => break,
            }
        }
        self.summary = self.root.summary();
        Some(gone)
    }

    /// Gives one another end and weight; what it was before.
    pub fn replace(&mut self, span: Span) -> Option<Span> {
        let before = self.root.replace(span)?;
        self.summary = self.root.summary();
        Some(before)
    }

    /// The one of a key.
    pub fn get(&self, key: Key) -> Option<Span> {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(spans) => {
                    return spans.binary_search_by_key(&key, Span::key).ok().map(|at| spans[at]);
                }
                Node::Inner(children) => node = &children[place(children, key)].node,
            }
        }
    }

    /// How many stand before a key. Those that start before an instant: `rank((at, 0))`.
    pub fn rank(&self, key: Key) -> usize {
        let (mut node, mut before) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(spans) => return before + spans.partition_point(|x| x.key() < key),
                Node::Inner(children) => {
                    let at = place(children, key);
                    before += children[..at].iter().map(|x| x.summary.count).sum::<usize>();
                    node = &children[at].node;
                }
            }
        }
    }

    /// The one before which `n` others stand.
    pub fn nth(&self, n: usize) -> Option<Span> {
        let mut found = None;
        let _ = self.each_from(n, &mut |span| {
            found = Some(*span);
            ControlFlow::Break(())
        });
        found
    }

    /// Those of some ranks, in order.
    pub fn slice(&self, ranks: std::ops::Range<usize>) -> Vec<Span> {
        let mut out = Vec::with_capacity(ranks.len().min(self.len()));
        if !ranks.is_empty() {
            let _ = self.each_from(ranks.start, &mut |span| {
                out.push(*span);
                if out.len() < ranks.len() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
        }
        out
    }

    /// Shows all in order, until told to stop.
    pub fn each(&self, see: &mut impl FnMut(&Span) -> ControlFlow<()>) -> ControlFlow<()> {
        self.each_from(0, see)
    }

    /// Shows those from a rank on in order, until told to stop.
    pub fn each_from(&self, rank: usize, see: &mut impl FnMut(&Span) -> ControlFlow<()>) -> ControlFlow<()> {
        from(&self.root, rank, see)
    }

    /// All of them in order.
    pub fn to_vec(&self) -> Vec<Span> {
        self.slice(0..self.len())
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        bytes(&self.root)
    }
}

fn from(node: &Node, mut skip: usize, see: &mut impl FnMut(&Span) -> ControlFlow<()>) -> ControlFlow<()> {
    match node {
        Node::Leaf(spans) => spans.iter().skip(skip).try_for_each(see),
        Node::Inner(children) => {
            for child in children {
                if skip >= child.summary.count {
                    skip -= child.summary.count;
                    continue;
                }
                from(&child.node, skip, see)?;
                skip = 0;
            }
            ControlFlow::Continue(())
        }
    }
}

fn bytes(node: &Node) -> usize {
    match node {
        Node::Leaf(spans) => spans.capacity() * size_of::<Span>(),
        Node::Inner(children) => {
            children.capacity() * size_of::<Child>() + children.iter().map(|x| bytes(&x.node)).sum::<usize>()
        }
    }
}
