//! Orders of dependence: topological order, what a change makes stale, and what a recipe needs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rustc_hash::{FxHashMap, FxHashSet};

use super::edge::Relation;
use super::graph::Graph;
use super::walk::Follow;
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;

/// How much of a thing is needed, and how often it has to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Requirement {
    /// What.
    pub node: Slot,
    /// How much of it.
    pub amount: f64,
    /// How often its recipe is carried out; 0 for what has none.
    pub crafts: u64,
}

/// Rounding that a quotient may carry before one more is made.
const SLACK: f64 = 1e-9;

impl Graph {
    /// Every node before those its edges lead to; of several possible next ones the smallest number first.
    ///
    /// # Errors
    /// [`Error::Cycle`] naming one; [`Error::Cancelled`].
    pub fn toposort(&self, follow: &Follow, cancel: Cancel<'_>) -> Result<Vec<Slot>> {
        let all: Vec<Slot> = self.nodes.iter().collect();
        self.sorted(&all, follow, cancel)
    }

    /// As [`Graph::toposort`] among some nodes only.
    fn sorted(&self, nodes: &[Slot], follow: &Follow, cancel: Cancel<'_>) -> Result<Vec<Slot>> {
        let mut waits: FxHashMap<Slot, u32> = nodes.iter().map(|&node| (node, 0)).collect();
        for (at, &node) in nodes.iter().enumerate() {
            if at.is_multiple_of(4096) {
                cancel.check()?;
            }
            self.each_step(node, follow, |to, _| {
                if let Some(count) = waits.get_mut(&to) {
                    *count += 1;
                }
            });
        }
        let free = nodes.iter().filter(|&node| waits.get(node) == Some(&0));
        let mut ready: BinaryHeap<Reverse<Slot>> = free.map(|&node| Reverse(node)).collect();
        let mut order = Vec::with_capacity(nodes.len());
        while let Some(Reverse(node)) = ready.pop() {
            if order.len().is_multiple_of(4096) {
                cancel.check()?;
            }
            order.push(node);
            self.each_step(node, follow, |to, _| {
                if let Some(count) = waits.get_mut(&to) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(Reverse(to));
                    }
                }
            });
        }
        if order.len() == nodes.len() {
            return Ok(order);
        }
        let mut left: Vec<Slot> = nodes.iter().copied().filter(|node| waits.get(node) > Some(&0)).collect();
        left.sort_unstable();
        Err(Error::Cycle { nodes: self.cycle(&left, follow) })
    }

    /// A cycle among nodes each of which another of them leads to, beginning with its smallest number.
    fn cycle(&self, left: &[Slot], follow: &Follow) -> Vec<Slot> {
        let among: FxHashSet<Slot> = left.iter().copied().collect();
        let mut before: FxHashMap<Slot, Slot> = FxHashMap::default();
        for &node in left {
            self.each_step(node, follow, |to, _| {
                if among.contains(&to) {
                    before.entry(to).or_insert(node);
                }
            });
        }
        let (mut trail, mut places) = (Vec::new(), FxHashMap::default());
        let mut at = left[0];
        let start = loop {
            if let Some(&place) = places.get(&at) {
                break place;
            }
            places.insert(at, trail.len());
            trail.push(at);
            at = before.get(&at).copied().unwrap_or(at);
        };
        let mut cycle = trail.split_off(start);
        cycle.reverse();
        let least = cycle.iter().enumerate().min_by_key(|x| x.1).map_or(0, |x| x.0);
        cycle.rotate_left(least);
        cycle
    }

    /// Marks everything that depends on a node, directly or not, as dirty; gives it in topological order.
    ///
    /// # Errors
    /// [`Error::UnknownNode`]; [`Error::Cycle`] if the order does not exist, nothing marked; [`Error::Cancelled`].
    pub fn propagate(&mut self, node: Slot, follow: &Follow, cancel: Cancel<'_>) -> Result<Vec<Slot>> {
        let mut reached = self.closure(node, follow, cancel)?;
        reached.push(node);
        let order = self.sorted(&reached, follow, cancel)?;
        let stale: Vec<Slot> = order.into_iter().filter(|&other| other != node).collect();
        stale.iter().for_each(|&node| {
            self.dirty.insert(node);
        });
        Ok(stale)
    }

    /// The nodes marked as dirty.
    pub fn dirty(&self) -> &Bitmap {
        &self.dirty
    }

    /// Takes the mark off a node; whether it had one.
    pub fn clean(&mut self, node: Slot) -> bool {
        self.dirty.remove(node)
    }

    /// What is needed for `amount` of an item, which comes first: edges under `relation` lead to its ingredients, their
    /// weights say how much one making takes, and `yields` how much it gives where that is not 1.
    ///
    /// # Errors
    /// [`Error::UnknownNode`]; [`Error::Cycle`]; [`Error::Invalid`] for an amount or a yield that is not finite and above
    /// zero; [`Error::Cancelled`].
    pub fn requirements(
        &self,
        item: Slot,
        amount: f64,
        relation: Relation,
        yields: &BTreeMap<Slot, f64>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Requirement>> {
        let bad = |x: f64| !x.is_finite() || x <= 0.0;
        if let Some(wrong) = std::iter::once(amount).chain(yields.values().copied()).find(|&x| bad(x)) {
            return Err(Error::invalid("amount", format!("expected a number above 0, found {wrong}")));
        }
        let follow = Follow { relations: Some(vec![relation]), ..Follow::default() };
        let mut parts = self.closure(item, &follow, cancel)?;
        if !parts.contains(&item) {
            parts.push(item);
        }
        let mut needed: FxHashMap<Slot, f64> = FxHashMap::default();
        needed.insert(item, amount);
        let mut out = Vec::new();
        for node in self.sorted(&parts, &follow, cancel)? {
            let amount = needed.get(&node).copied().unwrap_or(0.0);
            let mut ingredients = Vec::new();
            self.each_step(node, &follow, |to, record| ingredients.push((to, f64::from(record.weight))));
            let each = yields.get(&node).copied().unwrap_or(1.0);
            let crafts = if ingredients.is_empty() { 0.0 } else { (amount / each - SLACK).ceil().max(1.0) };
            for (to, takes) in ingredients {
                *needed.entry(to).or_default() += crafts * takes;
            }
            out.push(Requirement { node, amount, crafts: crafts as u64 });
        }
        Ok(out)
    }
}
