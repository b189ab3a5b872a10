//! The links of a namespace as recall follows them.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::state::State;
use crate::activation::{Request, Workspaces, activate};
use crate::association::Associations;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::graph::Follow;
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
}

impl Linked for Links<'_> {
    fn named(&self, text: &str) -> Vec<(Slot, f64)> {
        let named = self.state.associations.named(text).into_iter();
        named.filter_map(|(node, share)| Some((self.slot(node)?, share))).collect()
    }

    fn asked(&self, text: &str) -> Vec<(Slot, f64)> {
        let asked = self.state.associations.asked(text).into_iter();
        asked.filter_map(|(node, weight)| Some((self.slot(node)?, weight))).collect()
    }

    fn believes(&self, slot: Slot) -> bool {
        let (graph, node) = (self.state.associations.graph(), self.node(slot));
        graph.contains(node) && graph.is_trusted(node)
    }

    fn leads_on(&self, slot: Slot) -> bool {
        let degrees = self.state.associations.graph().trusted_degrees();
        degrees.get(self.node(slot) as usize).is_some_and(|&count| count > 0)
    }

    fn activate(&self, seeds: &[(Slot, f64)], k: usize, cancel: Cancel<'_>) -> Result<(Vec<Scored>, u64)> {
        let request =
            Request { k, epsilon: EPSILON, trusted: true, max_edges: MOST_LINKS, ..Request::default() };
        let seeds: Vec<(Slot, f64)> = seeds.iter().map(|&(slot, weight)| (self.node(slot), weight)).collect();
        let graph = self.state.associations.graph();
        let answer = self.spaces.with(|space| activate(graph, &seeds, &request, space, &|| false, cancel))?;
        let found = answer.hits.into_iter();
        let found = found.filter_map(|x| Some(Scored { slot: self.slot(x.slot)?, score: x.score }));
        Ok((found.collect(), answer.edges))
    }

    fn path(&self, from: &[Slot], to: Slot) -> Option<Vec<Step>> {
        let (graph, target) = (self.state.associations.graph(), self.node(to));
        // Breadth first: where each was come to from, and over which relation.
        let mut came: FxHashMap<Slot, Option<(Slot, u16)>> = FxHashMap::default();
        let starts = from.iter().map(|&slot| self.node(slot)).filter(|&node| node != target);
        let mut queue: VecDeque<(Slot, usize)> = starts.map(|node| (node, 0)).collect();
        came.extend(queue.iter().map(|x| (x.0, None)));
        while let Some((node, steps)) = queue.pop_front() {
            if steps == STEPS || came.len() > LOOKED_AT {
                return None;
            }
            let follow = Follow { trusted: true, ..Follow::default() };
            graph.each_step(node, &follow, |next, record| {
                came.entry(next).or_insert_with(|| {
                    queue.push_back((next, steps + 1));
                    Some((node, graph.labels().get(record.label).relation))
                });
            });
            if came.contains_key(&target) {
                return Some(self.steps(&came, target));
            }
        }
        None
    }
}

impl Links<'_> {
    fn steps(&self, came: &FxHashMap<Slot, Option<(Slot, u16)>>, to: Slot) -> Vec<Step> {
        let uid = |node: Slot| self.state.entries[node as usize].uid;
        let (mut steps, mut node) = (Vec::new(), to);
        while let Some(&Some((from, relation))) = came.get(&node) {
            let word = self.state.associations.relation_word(relation).to_owned();
            let forward = !Associations::is_inverse(relation);
            steps.push(Step { from: uid(from), to: uid(node), relation: word, forward });
            node = from;
        }
        steps.reverse();
        steps
    }
}
