//! Spreading over a few hops, where edges pass on more or less than a node has (Collins and Loftus, "A spreading-activation
//! theory of semantic processing", 1975; the logarithmic fan is that of ACT-R).
//!
//! At each hop every node that received something passes `1 - restart` of it over each of its edges, times what the edge
//! lets through. The activation of a node is the sum of what it ever received.

use super::answer::{Answer, Best};
use super::request::{Fan, Request, association};
use super::workspace::Workspace;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::graph::Graph;
use crate::id::Slot;

/// Nodes between two looks at the caller and the clock.
const STEP: usize = 256;

/// What an edge of weight 1 lets through, of a node with so many edges.
pub(super) fn passed(request: &Request, fan: usize) -> f64 {
    let kept = match request.fan {
        Fan::Log { strength } => association(strength, fan as f64).max(0.0),
        _ => 1.0,
    };
    (1.0 - request.restart) * kept
}

/// Activation of nodes by seeds whose weights add up to 1.
///
/// # Errors
/// [`crate::error::Error::Cancelled`]; [`crate::error::Error::Storage`] without memory.
pub(super) fn spread(
    graph: &Graph,
    seeds: &[(Slot, f64)],
    request: &Request,
    space: &mut Workspace,
    out_of_time: &(dyn Fn() -> bool + Sync),
    cancel: Cancel<'_>,
) -> Result<Answer> {
    let tag = space.begin(graph.nodes_end())?;
    let Workspace { states, queue, reached, scratch, .. } = space;
    let states = states.as_mut().map_or(&mut [][..], |states| &mut states[..]);
    let (mut edges, mut missing, mut complete) = (0u64, 0.0f64, true);
    // Residual: what comes in at this hop; degree: what comes in at the next; estimate: all so far.
    let mut front: Vec<Slot> = seeds.iter().map(|x| x.0).collect();
    for &(node, weight) in seeds {
        states[node as usize] = [(weight as f32).to_bits(), (weight as f32).to_bits(), 0, tag];
        reached.push(node);
    }
    for hop in 0..=request.hops {
        let mut seen = 0;
        queue.clear();
        for (turn, &node) in front.iter().enumerate() {
            if turn.is_multiple_of(STEP) {
                cancel.check()?;
                complete &= !out_of_time();
            }
            let state = &mut states[node as usize];
            let own = f32::from_bits(std::mem::take(&mut state[0]));
            complete &= edges < request.max_edges;
            if hop == request.hops || !complete || own <= request.epsilon {
                missing += f64::from(own);
                continue;
            }
            let arcs = request.steps(graph, node, scratch);
            let share = (f64::from(own) * passed(request, arcs.len())) as f32;
            edges += arcs.len() as u64;
            seen += arcs.len();
            for arc in arcs {
                let mass = share * arc.weight;
                if mass <= 0.0 {
                    continue;
                }
                let state = &mut states[arc.dst as usize];
                if state[3] != tag {
                    *state = [0, 0, 0, tag];
                    reached.push(arc.dst);
                }
                if state[2] == 0 {
                    queue.push(arc.dst);
                }
                state[2] = (f32::from_bits(state[2]) + mass).to_bits();
            }
        }
        for &node in &*queue {
            let state = &mut states[node as usize];
            state[0] = std::mem::take(&mut state[2]);
            state[1] = (f32::from_bits(state[1]) + f32::from_bits(state[0])).to_bits();
        }
        std::mem::swap(&mut front, queue);
        if seen == 0 {
            break;
        }
    }
    let mut best = Best::new(request, seeds);
    reached.iter().for_each(|&node| best.take(node, f32::from_bits(states[node as usize][1])));
    let reached = reached.len();
    Ok(best.answer(Answer { edges, complete, missing: missing as f32, reached, ..Answer::default() }))
}
