//! A graph seen without directions and kinds: neighbours once each, with the sum of the weights between.

use crate::cancel::Cancel;
use crate::error::Result;
use crate::graph::graph::Graph;
use crate::graph::walk::{Direction, Follow};
use crate::id::Slot;

/// Adjacency of nodes renumbered from 0 in the order of their slots.
#[derive(Debug, Clone, Default)]
pub(super) struct Simple {
    pub(super) starts: Vec<usize>,
    pub(super) ends: Vec<u32>,
    pub(super) weights: Vec<f64>,
    /// Weight of each node to itself, counted twice.
    pub(super) loops: Vec<f64>,
}

impl Simple {
    /// What a walk sees of a graph, and the slot of each number.
    pub(super) fn new(graph: &Graph, follow: &Follow, cancel: Cancel<'_>) -> Result<(Self, Vec<Slot>)> {
        let slots: Vec<Slot> = graph.nodes().iter().collect();
        let mut numbers = vec![0u32; graph.nodes_end()];
        for (number, &slot) in (0..).zip(&slots) {
            numbers[slot as usize] = number;
        }
        let follow = Follow { direction: Direction::Both, ..follow.clone() };
        let mut out = Self { starts: vec![0], ..Self::default() };
        let mut found: Vec<(u32, f64)> = Vec::new();
        for (at, &slot) in slots.iter().enumerate() {
            if at.is_multiple_of(1024) {
                cancel.check()?;
            }
            found.clear();
            graph.each_step(slot, &follow, |to, record| {
                found.push((numbers[to as usize], f64::from(record.weight)));
            });
            out.push(at as u32, &mut found);
        }
        Ok((out, slots))
    }

    /// Appends the neighbours of the next node; those to itself become its loop.
    pub(super) fn push(&mut self, node: u32, found: &mut Vec<(u32, f64)>) {
        found.sort_unstable_by_key(|x| x.0);
        let mut own = 0.0;
        for &(to, weight) in &*found {
            if to == node {
                own += weight;
            } else if self.ends.len() > self.starts[self.starts.len() - 1] && self.ends.last() == Some(&to) {
                if let Some(last) = self.weights.last_mut() {
                    *last += weight;
                }
            } else {
                self.ends.push(to);
                self.weights.push(weight);
            }
        }
        self.loops.push(own);
        self.starts.push(self.ends.len());
    }

    pub(super) fn len(&self) -> usize {
        self.loops.len()
    }

    pub(super) fn around(&self, node: usize) -> std::ops::Range<usize> {
        self.starts[node]..self.starts[node + 1]
    }

    pub(super) fn neighbours(&self, node: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.around(node);
        self.ends[range.clone()].iter().map(|&to| to as usize).zip(self.weights[range].iter().copied())
    }

    /// The share that the closed neighbourhoods of two neighbours have in common.
    fn jaccard(&self, a: usize, b: usize) -> f64 {
        let (x, y) = (&self.ends[self.around(a)], &self.ends[self.around(b)]);
        let (mut i, mut j, mut shared) = (0, 0, 0);
        while i < x.len() && j < y.len() {
            match x[i].cmp(&y[j]) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
            }
        }
        // Both nodes are in both closed neighbourhoods.
        let shared = shared as f64 + 2.0;
        shared / (x.len() as f64 + y.len() as f64 + 2.0 - shared)
    }

    /// Multiplies each weight by the overlap of the closed neighbourhoods at its ends.
    pub(super) fn weigh_by_overlap(&mut self, cancel: Cancel<'_>) -> Result<()> {
        for node in 0..self.len() {
            if node.is_multiple_of(256) {
                cancel.check()?;
            }
            for at in self.around(node) {
                self.weights[at] *= self.jaccard(node, self.ends[at] as usize);
            }
        }
        Ok(())
    }
}
