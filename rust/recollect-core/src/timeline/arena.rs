//! Where nodes are kept, and found: by identity, by level and time, by what is not finished.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::node::{Key, Node, NodeId};
use crate::intervals::Intervals;

#[derive(Debug, Default, Clone)]
pub(super) struct Arena {
    nodes: Vec<Node>,
    free: Vec<u32>,
    by_id: FxHashMap<NodeId, u32>,
    /// Nodes of each level by their hulls.
    pub(super) levels: Vec<Intervals>,
    /// Levels and nodes that are not closed.
    pub(super) open: BTreeSet<(u8, u32)>,
    /// Runs of events without a session, by the start of the first.
    pub(super) runs: BTreeMap<i64, u32>,
}

impl Arena {
    pub(super) fn new(levels: usize) -> Self {
        Self { levels: vec![Intervals::default(); levels], ..Self::default() }
    }

    pub(super) fn find(&self, id: NodeId) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn get(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    pub(super) fn get_mut(&mut self, at: u32) -> &mut Node {
        &mut self.nodes[at as usize]
    }

    /// The node of an identity, a new one without children if there is none.
    pub(super) fn take(&mut self, id: NodeId) -> u32 {
        if let Some(at) = self.find(id) {
            return at;
        }
        let at = match self.free.pop() {
            Some(at) => {
                self.nodes[at as usize] = Node::new(id);
                at
            }
            None => {
                self.nodes.push(Node::new(id));
                self.nodes.len() as u32 - 1
            }
        };
        self.by_id.insert(id, at);
        self.open.insert((id.level, at));
        if let Key::Run(start) = id.key {
            self.runs.insert(start, at);
        }
        at
    }

    /// Takes away a node that nothing refers to any more.
    pub(super) fn release(&mut self, at: u32) {
        let id = self.get(at).id;
        self.by_id.remove(&id);
        self.open.remove(&(id.level, at));
        if let Key::Run(start) = id.key {
            self.runs.remove(&start);
        }
        self.nodes[at as usize] = Node::new(id);
        self.free.push(at);
    }

    /// Gives a run the start of its first event.
    pub(super) fn rename_run(&mut self, at: u32, start: i64) {
        let before = self.get(at).id;
        if let Key::Run(known) = before.key
            && known != start
        {
            let id = NodeId { key: Key::Run(start), ..before };
            self.by_id.remove(&before);
            self.runs.remove(&known);
            self.by_id.insert(id, at);
            self.runs.insert(start, at);
            self.get_mut(at).id = id;
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let nodes: usize = self.nodes.iter().map(|x| x.children.bytes()).sum();
        let levels: usize = self.levels.iter().map(Intervals::bytes).sum();
        nodes + levels + self.nodes.capacity() * size_of::<Node>() + self.by_id.capacity() * 33
    }
}
