//! The links of a namespace as recall follows them.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::state::State;
use crate::activation::{Request, Workspaces, activate};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::graph::{Direction, Follow};
use crate::id::Slot;
use crate::recall::{Linked, Step};
use crate::scored::Scored;

/// A memory passes on what it holds above this for each of its links.
const EPSILON: f32 = 1e-4;
/// Links followed at most.
const MOST_LINKS: u64 = 100_000;
/// Steps of a path that explains a hit, and memories looked at for it.
const STEPS: usize = 4;
const LOOKED_AT: usize = 4_096;

/// The links between the memories of a namespace. Only believed ones between believed memories are followed.
pub(super) struct Links<'a> {
    pub state: &'a State,
    pub spaces: &'a Workspaces,
}

impl Links<'_> {
    fn node(&self, slot: Slot) -> Slot {
        self.state.entries[slot as usize].node
    }

    /// The slot of the current version.
    fn slot(&self, node: Slot) -> Option<Slot> {
        self.state.uids.get(&self.state.entries.get(node as usize)?.uid).copied()
    }

    fn follow() -> Follow {
        Follow { direction: Direction::Both, trusted: true, ..Follow::default() }
    }
}

impl Linked for Links<'_> {
    fn named(&self, text: &str) -> Vec<(Slot, f64)> {
        let named = self.state.associations.named(text).into_iter();
        named.filter_map(|(node, share)| Some((self.slot(node)?, share))).collect()
    }

    fn has_links(&self, slot: Slot) -> bool {
        let (graph, node) = (self.state.associations.graph(), self.node(slot));
        graph.is_trusted(node) && graph.contains(node) && graph.degree(node) + graph.in_degree(node) > 0
    }

    fn activate(&self, seeds: &[(Slot, f64)], k: usize, cancel: Cancel<'_>) -> Result<(Vec<Scored>, u64)> {
        let request = Request {
            k,
            epsilon: EPSILON,
            direction: Direction::Both,
            trusted: true,
            max_edges: MOST_LINKS,
            ..Request::default()
        };
        let seeds: Vec<(Slot, f64)> = seeds.iter().map(|&(slot, weight)| (self.node(slot), weight)).collect();
        let graph = self.state.associations.graph();
        let answer = self.spaces.with(|space| activate(graph, &seeds, &request, space, &|| false, cancel))?;
        let found = answer.hits.into_iter();
        let found = found.filter_map(|x| Some(Scored { slot: self.slot(x.slot)?, score: x.score }));
        Ok((found.collect(), answer.edges))
    }

    fn path(&self, from: &[Slot], to: Slot) -> Option<Vec<Step>> {
        let (associations, follow) = (&self.state.associations, Self::follow());
        let (graph, target) = (associations.graph(), self.node(to));
        let starts: Vec<Slot> = from.iter().map(|&slot| self.node(slot)).collect();
        // From the memory back to the nearest start: where each was come to from, and over which relation.
        let mut came: FxHashMap<Slot, (Slot, u16, bool)> = FxHashMap::default();
        let mut queue = VecDeque::from([(target, 0)]);
        while let Some((node, steps)) = queue.pop_front() {
            if node != target && starts.contains(&node) {
                return self.steps(&came, node, target);
            }
            if steps == STEPS || came.len() > LOOKED_AT {
                continue;
            }
            for direction in [Direction::Out, Direction::In] {
                let one = Follow { direction, ..follow.clone() };
                graph.each_step(node, &one, |next, record| {
                    if next != target && !came.contains_key(&next) {
                        let relation = graph.labels().get(record.label).relation;
                        came.insert(next, (node, relation, direction == Direction::In));
                        queue.push_back((next, steps + 1));
                    }
                });
            }
        }
        None
    }
}

impl Links<'_> {
    fn steps(&self, came: &FxHashMap<Slot, (Slot, u16, bool)>, from: Slot, to: Slot) -> Option<Vec<Step>> {
        let uid = |node: Slot| self.state.entries[node as usize].uid;
        let (mut steps, mut node) = (Vec::new(), from);
        while node != to {
            let &(next, relation, forward) = came.get(&node)?;
            let relation = self.state.associations.relation_word(relation).to_owned();
            steps.push(Step { from: uid(node), to: uid(next), relation, forward });
            node = next;
        }
        Some(steps)
    }
}
