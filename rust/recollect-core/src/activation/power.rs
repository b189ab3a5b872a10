//! The same activation by dense iteration in f64, over all nodes: slow, and what the others are measured against.

use super::bounded::passed;
use super::request::Request;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::graph::Graph;
use crate::id::Slot;

/// Most iterations, and the change in all that ends them.
const ITERATIONS: usize = 1_000;
const SETTLED: f64 = 1e-13;

/// Activation of every node, by number, up to [`Graph::nodes_end`]; budgets, `epsilon`, `k` and inhibition do not count.
///
/// # Errors
/// As [`super::activate`].
pub fn exact(
    graph: &Graph,
    seeds: &[(Slot, f64)],
    request: &Request,
    cancel: Cancel<'_>,
) -> Result<Vec<f64>> {
    request.admit()?;
    let seeds = request.spread_over(graph, seeds)?;
    let mut start = vec![0.0; graph.nodes_end()];
    seeds.iter().for_each(|&(node, weight)| start[node as usize] += weight);
    if request.fan.keeps_mass() {
        settle(graph, &start, request, cancel)
    } else {
        hops(graph, &start, request, cancel)
    }
}

fn settle(graph: &Graph, start: &[f64], request: &Request, cancel: Cancel<'_>) -> Result<Vec<f64>> {
    let (mut now, mut scratch) = (start.to_vec(), Vec::new());
    for _ in 0..ITERATIONS {
        let mut next = vec![0.0; start.len()];
        let mut stranded = 0.0;
        for node in graph.nodes().iter() {
            if node.is_multiple_of(4096) {
                cancel.check()?;
            }
            let own = now[node as usize];
            if own == 0.0 {
                continue;
            }
            let arcs = request.steps(graph, node, &mut scratch);
            let total: f64 = arcs.iter().map(|arc| f64::from(arc.weight)).sum();
            if total <= 0.0 {
                stranded += own;
            } else {
                let share = own / total;
                arcs.iter().for_each(|arc| next[arc.dst as usize] += share * f64::from(arc.weight));
            }
        }
        let mut change = 0.0;
        for ((next, start), now) in next.iter_mut().zip(start).zip(&now) {
            *next = request.restart * start + (1.0 - request.restart) * (*next + stranded * start);
            change += (*next - now).abs();
        }
        now = next;
        if change < SETTLED {
            break;
        }
    }
    Ok(now)
}

fn hops(graph: &Graph, start: &[f64], request: &Request, cancel: Cancel<'_>) -> Result<Vec<f64>> {
    let (mut all, mut now, mut scratch) = (start.to_vec(), start.to_vec(), Vec::new());
    for _ in 0..request.hops {
        let mut next = vec![0.0; start.len()];
        for node in graph.nodes().iter() {
            if node.is_multiple_of(4096) {
                cancel.check()?;
            }
            let own = now[node as usize];
            if own > 0.0 {
                let arcs = request.steps(graph, node, &mut scratch);
                let share = own * passed(request, arcs.len());
                arcs.iter().for_each(|arc| next[arc.dst as usize] += share * f64::from(arc.weight));
            }
        }
        all.iter_mut().zip(&next).for_each(|(all, next)| *all += next);
        now = next;
    }
    Ok(all)
}
