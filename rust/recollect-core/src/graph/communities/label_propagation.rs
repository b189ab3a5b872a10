//! Label propagation (Raghavan, Albert and Kumara, 2007): every node takes the label most of its neighbours have.

use super::simple::Simple;
use super::tally::Tally;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::seed::Seed;

/// Most sweeps over all nodes.
const SWEEPS: usize = 20;

/// A label for each node, over weights that have been multiplied by the overlap of neighbourhoods: without that, and in
/// the order of numbers, two dense groups with one edge between them become one.
pub(super) fn propagated(graph: &Simple, seed: &mut Seed, cancel: Cancel<'_>) -> Result<Vec<u32>> {
    let mut labels: Vec<u32> = (0..graph.len() as u32).collect();
    let mut order: Vec<u32> = labels.clone();
    let mut tally = Tally::new(graph.len());
    for _ in 0..SWEEPS {
        shuffle(&mut order, seed);
        let mut changed = false;
        for (at, &node) in order.iter().enumerate() {
            if at.is_multiple_of(1024) {
                cancel.check()?;
            }
            let own = labels[node as usize];
            tally.clear();
            graph.neighbours(node as usize).for_each(|(to, weight)| tally.add(labels[to], weight));
            let best = tally.best(own);
            changed |= best != own;
            labels[node as usize] = best;
        }
        if !changed {
            break;
        }
    }
    Ok(labels)
}

pub(super) fn shuffle(order: &mut [u32], seed: &mut Seed) {
    for at in (1..order.len()).rev() {
        order.swap(at, seed.below(at + 1));
    }
}
