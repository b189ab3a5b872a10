//! Personalised PageRank by forward push (Andersen, Chung and Lang, "Local graph partitioning using PageRank vectors",
//! 2006).
//!
//! Each node has an estimate and a residual that was not yet passed on. A node whose residual is above `epsilon` times its
//! number of edges keeps `restart` of it and shares the rest among them. Work is bounded by `1 / (epsilon * restart)` edges,
//! whatever the size of the graph; on undirected graphs of equal weights no estimate is off by more than `epsilon` times
//! the degree. What a node still holds counts as `restart` of it, which it keeps at least.

use super::answer::{Answer, Best};
use super::request::Request;
use super::workspace::{State, Workspace};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::graph::{Arc, Direction, Graph};
use crate::id::Slot;

/// Places in the queue between the node whose turn it is and those whose memory is asked for.
const STARTS_AHEAD: usize = 12;
const EDGES_AHEAD: usize = 6;
const STATES_AHEAD: usize = 2;

/// Edges between two looks at the caller and the clock.
const STEP: u64 = 1 << 11;

/// Edges of a hub between the one that is followed and the one whose state is asked for.
const ARCS_AHEAD: usize = 24;

/// How many edges a node counts as having. Strangers never count where only trusted ones do.
#[derive(Clone, Copy)]
enum Degrees<'a> {
    /// Those out of it.
    Known(&'a [u32]),
    /// Those out of it and the nodes that point at it.
    Around(&'a Graph),
    /// None before its first turn.
    Unknown,
}

impl<'a> Degrees<'a> {
    fn new(graph: &'a Graph, request: &Request) -> Self {
        match (request.direction, request.trusted) {
            (Direction::Out, true) => Self::Known(graph.trusted_degrees()),
            (Direction::Out, false) => Self::Known(graph.degrees()),
            (_, false) => Self::Around(graph),
            (_, true) => Self::Unknown,
        }
    }

    #[inline(always)]
    fn of(self, node: Slot) -> u32 {
        match self {
            Self::Known(degrees) => degrees[node as usize],
            Self::Around(graph) => (graph.degree(node) + graph.in_degree(node)) as u32,
            Self::Unknown => 1,
        }
    }
}

/// The parts of a query that edges change.
struct Reach<'a> {
    states: &'a mut [State],
    queue: &'a mut Vec<Slot>,
    reached: &'a mut Vec<Slot>,
    /// Edges of each node; where they are not known they are counted at its first turn.
    degrees: Degrees<'a>,
    tag: u32,
    epsilon: f32,
}

impl Reach<'_> {
    /// Gives a node something to pass on.
    #[inline(always)]
    fn give(&mut self, node: Slot, mass: f32) {
        let state = &mut self.states[node as usize];
        if state[3] & !1 != self.tag {
            // A node that is not counted yet has its turn once there is enough for one edge.
            let degree = self.degrees.of(node).max(1);
            *state = [0, 0, (self.epsilon * degree as f32).to_bits(), self.tag];
            self.reached.push(node);
        }
        let residual = f32::from_bits(state[0]) + mass;
        state[0] = residual.to_bits();
        if residual > f32::from_bits(state[2]) && state[3] == self.tag {
            state[3] |= 1;
            self.queue.push(node);
        }
    }

    #[inline(always)]
    fn ask_for(&self, node: Slot) {
        crate::simd::prefetch(std::slice::from_ref(&self.states[node as usize]));
        if let Degrees::Known(degrees) = self.degrees {
            crate::simd::prefetch(std::slice::from_ref(&degrees[node as usize]));
        }
    }
}

/// Activation of nodes by seeds whose weights add up to 1.
///
/// # Errors
/// [`crate::error::Error::Cancelled`]; [`crate::error::Error::Storage`] without memory.
pub(super) fn push(
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
    let plain = request.takes_all() || request.takes_trusted();
    let degrees = Degrees::new(graph, request);
    let counted_late = matches!(degrees, Degrees::Unknown);
    let mut reach = Reach { states, queue, reached, degrees, tag, epsilon: request.epsilon };
    let restart = request.restart as f32;
    let (mut settled, mut stranded, mut edges, mut next_look) = (0.0f64, 0.0f64, 0u64, STEP);
    let mut complete = true;
    seeds.iter().for_each(|&(node, weight)| reach.give(node, weight as f32));
    let mut at = 0;
    'turns: loop {
        while at < reach.queue.len() {
            if edges >= next_look {
                next_look = edges + STEP;
                cancel.check()?;
                if out_of_time() {
                    complete = false;
                    break 'turns;
                }
            }
            if edges >= request.max_edges {
                complete = false;
                break 'turns;
            }
            if plain {
                ahead(graph, &reach, at);
            }
            let node = reach.queue[at];
            at += 1;
            let arcs = request.steps(graph, node, scratch);
            let total: f32 = sum(arcs);
            let state = &mut reach.states[node as usize];
            let residual = f32::from_bits(state[0]);
            state[3] = tag;
            if counted_late {
                state[2] = (request.epsilon * arcs.len().max(1) as f32).to_bits();
            }
            if residual <= f32::from_bits(state[2]) {
                continue;
            }
            let kept = restart * residual;
            let passed = residual - kept;
            state[0] = 0;
            state[1] = (f32::from_bits(state[1]) + kept).to_bits();
            settled += f64::from(kept);
            edges += arcs.len() as u64;
            if total <= 0.0 {
                stranded += f64::from(passed);
                continue;
            }
            let share = passed / total;
            if arcs.len() > ARCS_AHEAD {
                let (head, tail) = arcs.split_at(arcs.len() - ARCS_AHEAD);
                for (arc, later) in head.iter().zip(&arcs[ARCS_AHEAD..]) {
                    reach.ask_for(later.dst);
                    reach.give(arc.dst, share * arc.weight);
                }
                tail.iter().for_each(|arc| reach.give(arc.dst, share * arc.weight));
            } else {
                arcs.iter().for_each(|arc| reach.give(arc.dst, share * arc.weight));
            }
        }
        // What reached a node without edges goes back to the seeds, while that sets one of them off.
        if stranded <= f64::from(request.epsilon) {
            break;
        }
        let back = std::mem::take(&mut stranded);
        seeds.iter().for_each(|&(node, weight)| reach.give(node, (back * weight) as f32));
    }
    let missing = (1.0 - settled).max(0.0);
    let mut best = Best::new(request, seeds);
    let score = |state: &State| f32::from_bits(state[1]) + restart * f32::from_bits(state[0]);
    if reach.reached.len() > reach.states.len() / 8 {
        for (node, state) in (0..).zip(&*reach.states) {
            if state[3] & !1 == tag {
                best.take(node, score(state));
            }
        }
    } else {
        for &node in &*reach.reached {
            best.take(node, score(&reach.states[node as usize]));
        }
    }
    // What still waits ends somewhere else than where it is with `1 - restart` of it at most; what is on its way back to
    // the seeds, anywhere.
    let bound = ((1.0 - request.restart) * missing + request.restart * stranded) as f32;
    let reached = reach.reached.len();
    Ok(best.answer(Answer {
        edges,
        complete,
        missing: missing as f32,
        bound: Some(bound),
        reached,
        ..Answer::default()
    }))
}

/// Asks for memory of nodes whose turn comes soon: where their edges begin, the edges, and what is known of their ends.
#[inline(always)]
fn ahead(graph: &Graph, reach: &Reach<'_>, at: usize) {
    if let Some(&node) = reach.queue.get(at + STARTS_AHEAD) {
        graph.ask_for_start(node);
    }
    if let Some(&node) = reach.queue.get(at + EDGES_AHEAD) {
        graph.ask_for_edges(node);
    }
    if let Some(&node) = reach.queue.get(at + STATES_AHEAD)
        && let Some(arcs) = graph.out(node).plain()
    {
        arcs.iter().take(ARCS_AHEAD).for_each(|arc| reach.ask_for(arc.dst));
    }
}

/// The sum of the weights, in four lanes so that additions do not wait for each other.
#[inline]
fn sum(arcs: &[Arc]) -> f32 {
    let (fours, rest) = arcs.as_chunks::<4>();
    let mut lanes = [0.0f32; 4];
    for four in fours {
        for (lane, arc) in lanes.iter_mut().zip(four) {
            *lane += arc.weight;
        }
    }
    let rest: f32 = rest.iter().map(|arc| arc.weight).sum();
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}
