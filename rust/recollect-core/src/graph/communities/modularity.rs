//! Communities of great modularity by local moving and aggregation (Blondel and others, "Fast unfolding of communities
//! in large networks", 2008).

use super::label_propagation::shuffle;
use super::simple::Simple;
use super::tally::Tally;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::seed::Seed;

/// Most levels of aggregation, and sweeps of a level.
const LEVELS: usize = 20;
const SWEEPS: usize = 20;

/// Gain below which a node stays where it is.
const LEAST_GAIN: f64 = 1e-12;

/// A community for each node.
pub(super) fn moved(
    graph: &Simple,
    resolution: f64,
    seed: &mut Seed,
    cancel: Cancel<'_>,
) -> Result<Vec<u32>> {
    let mut of_node: Vec<u32> = (0..graph.len() as u32).collect();
    let mut level = graph.clone();
    for _ in 0..LEVELS {
        let (communities, count) = renumbered(sweep(&level, resolution, seed, cancel)?);
        of_node.iter_mut().for_each(|community| *community = communities[*community as usize]);
        if count == level.len() {
            break;
        }
        level = aggregated(&level, &communities, count);
    }
    Ok(of_node)
}

fn sweep(graph: &Simple, resolution: f64, seed: &mut Seed, cancel: Cancel<'_>) -> Result<Vec<u32>> {
    let strengths: Vec<f64> = (0..graph.len())
        .map(|node| graph.loops[node] + graph.weights[graph.around(node)].iter().sum::<f64>())
        .collect();
    let whole: f64 = strengths.iter().sum();
    let mut communities: Vec<u32> = (0..graph.len() as u32).collect();
    if whole <= 0.0 {
        return Ok(communities);
    }
    let mut totals = strengths.clone();
    let mut order = communities.clone();
    let mut tally = Tally::new(graph.len());
    for _ in 0..SWEEPS {
        shuffle(&mut order, seed);
        let mut changed = false;
        for (at, &node) in order.iter().enumerate() {
            if at.is_multiple_of(1024) {
                cancel.check()?;
            }
            let (node, own) = (node as usize, communities[node as usize]);
            tally.clear();
            graph.neighbours(node).for_each(|(to, weight)| tally.add(communities[to], weight));
            totals[own as usize] -= strengths[node];
            let gain =
                |label: u32| tally.of(label) - resolution * strengths[node] * totals[label as usize] / whole;
            let (mut best, mut most) = (own, gain(own));
            for &label in tally.used() {
                let found = gain(label);
                if found > most + LEAST_GAIN * whole {
                    (best, most) = (label, found);
                }
            }
            totals[best as usize] += strengths[node];
            changed |= best != own;
            communities[node] = best;
        }
        if !changed {
            break;
        }
    }
    Ok(communities)
}

/// Communities numbered from 0 by first appearance, and how many there are.
pub(super) fn renumbered(mut communities: Vec<u32>) -> (Vec<u32>, usize) {
    let (mut numbers, mut count) = (vec![u32::MAX; communities.len()], 0);
    for community in &mut communities {
        let number = &mut numbers[*community as usize];
        if *number == u32::MAX {
            *number = count;
            count += 1;
        }
        *community = *number;
    }
    (communities, count as usize)
}

/// One node a community.
fn aggregated(graph: &Simple, communities: &[u32], count: usize) -> Simple {
    let mut members = vec![Vec::new(); count];
    for (node, &community) in communities.iter().enumerate() {
        members[community as usize].push(node);
    }
    let mut out = Simple { starts: vec![0], ..Simple::default() };
    let mut found = Vec::new();
    for (community, nodes) in (0u32..).zip(members) {
        found.clear();
        for node in nodes {
            found.extend(graph.neighbours(node).map(|(to, weight)| (communities[to], weight)));
            found.push((community, graph.loops[node]));
        }
        out.push(community, &mut found);
    }
    out
}
