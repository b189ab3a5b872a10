//! What a hit calls to mind by a table of typed hops: of each kind so many of the strongest.

use std::collections::BTreeMap;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::graph::{Direction, Graph, Relation};
use crate::id::Slot;

/// One kind of step from what the hop before found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hop {
    /// Edges followed.
    pub relation: Relation,
    /// Which way.
    pub direction: Direction,
    /// Strongest edges of each node that are followed.
    pub limit: usize,
}

/// A node that was evoked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evoked {
    /// Who.
    pub node: Slot,
    /// How much: of the node it was evoked by, times the weight of the edge, times the factor of a hop.
    pub activation: f64,
    /// By whom; itself, of a seed.
    pub via: Slot,
    /// After how many hops.
    pub hops: u32,
}

/// The seeds and what they evoke, strongest first, ties by ascending number. A node counts by the strongest way to it and
/// is gone on from once.
///
/// # Errors
/// [`Error::UnknownNode`]; [`Error::Invalid`] for a factor or weights out of their domain; [`Error::Cancelled`].
pub fn evoke(
    graph: &Graph,
    seeds: &[(Slot, f64)],
    table: &[Vec<Hop>],
    factor: f64,
    trusted: bool,
    cancel: Cancel<'_>,
) -> Result<Vec<Evoked>> {
    if !(factor > 0.0 && factor <= 1.0) {
        return Err(Error::invalid("hop_factor", "expected a number above 0 and at most 1"));
    }
    let mut found: BTreeMap<Slot, Evoked> = BTreeMap::new();
    for (at, &(node, activation)) in seeds.iter().enumerate() {
        if !graph.contains(node) {
            return Err(Error::UnknownNode { argument: format!("seeds[{at}]"), node: node.to_string() });
        }
        if !(activation >= 0.0 && activation.is_finite()) {
            return Err(Error::invalid(format!("seeds[{at}]"), "expected a weight of at least 0"));
        }
        if !trusted || graph.is_trusted(node) {
            keep(&mut found, Evoked { node, activation, via: node, hops: 0 });
        }
    }
    let mut front: Vec<Slot> = found.keys().copied().collect();
    for (hops, steps) in (1..).zip(table) {
        cancel.check()?;
        let mut next: BTreeMap<Slot, Evoked> = BTreeMap::new();
        for &via in &front {
            let from = found.get(&via).map_or(0.0, |x| x.activation);
            for step in steps {
                for (weight, node) in strongest(graph, via, step, trusted) {
                    let activation = from * f64::from(weight) * factor;
                    keep(&mut next, Evoked { node, activation, via, hops });
                }
            }
        }
        front = next.keys().copied().filter(|node| !found.contains_key(node)).collect();
        next.into_values().for_each(|evoked| keep(&mut found, evoked));
    }
    let mut found: Vec<Evoked> = found.into_values().collect();
    found.sort_by(|a, b| b.activation.total_cmp(&a.activation).then(a.node.cmp(&b.node)));
    Ok(found)
}

fn keep(found: &mut BTreeMap<Slot, Evoked>, evoked: Evoked) {
    let known = found.entry(evoked.node).or_insert(evoked);
    if evoked.activation > known.activation {
        *known = evoked;
    }
}

fn strongest(graph: &Graph, node: Slot, step: &Hop, trusted: bool) -> Vec<(f32, Slot)> {
    let mut ends: Vec<(f32, Slot)> = Vec::new();
    let follow =
        crate::graph::Follow { relations: Some(vec![step.relation]), direction: step.direction, trusted };
    graph.each_step(node, &follow, |to, record| ends.push((record.weight, to)));
    ends.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ends.truncate(step.limit);
    ends
}
