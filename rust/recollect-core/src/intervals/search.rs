//! Which intervals overlap a range, and which lie nearest to an instant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::{ControlFlow, Range};

use super::node::Node;
use super::span::{Key, Span, distance};
use super::tree::Intervals;

impl Intervals {
    /// Shows those that share an instant with `[from, to)` in order, until told to stop; from the last backwards with
    /// `backwards`. O(log n + answers) where intervals are short against what lies between their starts, never more than
    /// O(log n) for each answer.
    pub fn overlapping(
        &self,
        from: i64,
        to: i64,
        backwards: bool,
        see: &mut impl FnMut(&Span) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if from >= to {
            return ControlFlow::Continue(());
        }
        overlapping(&self.root, from, to, backwards, see)
    }

    /// Shows the items of those that start in `[from, to)` as half-open ranges, in no order, where every item stands once in
    /// the tree. O(log n) where items were numbered in the order of starts, else as many steps as there are such items.
    pub fn starting(&self, from: i64, to: i64, see: &mut impl FnMut(Range<u32>)) {
        if from < to {
            starting(&self.root, from, to, i64::MAX, see);
        }
    }

    /// The `k` nearest to an instant: those around it first, then by the time between; of equal ones the earlier start, then
    /// the smaller number.
    pub fn nearest(&self, at: i64, k: usize) -> Vec<Span> {
        let mut queue = BinaryHeap::new();
        let mut places: Vec<Place<'_>> = vec![Place::Node(&self.root)];
        // A subtree comes before a span of the same distance, so that no better one stays inside it.
        queue.push(Reverse((0, false, (i64::MIN, 0), 0)));
        let mut out = Vec::with_capacity(k.min(self.len()));
        while out.len() < k
            && let Some(Reverse((_, _, _, number))) = queue.pop()
        {
            let place = places[number];
            let mut put = |distance: u64, key: Key, place| {
                queue.push(Reverse((distance, matches!(place, Place::Span(_)), key, places.len())));
                places.push(place);
            };
            match place {
                Place::Span(span) => out.push(*span),
                Place::Node(Node::Leaf(spans)) => {
                    spans.iter().for_each(|span| put(span.distance(at), span.key(), Place::Span(span)));
                }
                Place::Node(Node::Inner(children)) => children.iter().for_each(|child| {
                    let bound = distance(child.first.0, child.summary.end.max(child.first.0), at);
                    put(bound, child.first, Place::Node(&child.node));
                }),
            }
        }
        out
    }
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Node(&'a Node),
    Span(&'a Span),
}

fn overlapping(
    node: &Node,
    from: i64,
    to: i64,
    backwards: bool,
    see: &mut impl FnMut(&Span) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match node {
        Node::Leaf(spans) => {
            let spans = &spans[..spans.partition_point(|span| span.start < to)];
            let mut inside = spans.iter().filter(|span| span.end > from);
            if backwards { inside.rev().try_for_each(see) } else { inside.try_for_each(see) }
        }
        Node::Inner(children) => {
            let children = &children[..children.partition_point(|child| child.first.0 < to)];
            let mut inside = children.iter().filter(|child| child.summary.end > from);
            let mut go = |child: &super::node::Child| overlapping(&child.node, from, to, backwards, see);
            if backwards { inside.rev().try_for_each(go) } else { inside.try_for_each(&mut go) }
        }
    }
}

/// `last`: no start below a node is after it.
fn starting(node: &Node, from: i64, to: i64, last: i64, see: &mut impl FnMut(Range<u32>)) {
    match node {
        Node::Leaf(spans) => {
            let place = |at: i64| spans.partition_point(|span| span.start < at);
            spans[place(from)..place(to)].iter().for_each(|span| see(span.item..span.item + 1));
        }
        Node::Inner(children) => {
            for (at, child) in children.iter().enumerate() {
                let last = children.get(at + 1).map_or(last, |next| next.first.0);
                if child.first.0 >= to || last < from {
                    continue;
                }
                let (least, greatest) = child.summary.items;
                let run = (greatest - least) as usize + 1 == child.summary.count;
                if run && child.first.0 >= from && last < to {
                    see(least..greatest + 1);
                } else {
                    starting(&child.node, from, to, last, see);
                }
            }
        }
    }
}
