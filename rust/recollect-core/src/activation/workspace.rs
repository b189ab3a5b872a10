//! Numbers by node that a query fills in and the next one finds forgotten: each carries the number of its query.

use parking_lot::Mutex;

use crate::error::Result;
use crate::id::Slot;
use crate::pages::Pages;

/// What a query knows of a node; four to a cache line. As bits of f32: residual, estimate, and the residual
/// above which it is its turn. Then the tag: the
/// number of the query, times two, plus one while the node waits in the queue.
pub(super) type State = [u32; 4];

/// Space for one query at a time, over graphs of any size.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(super) states: Option<Pages<State>>,
    /// Nodes in the order in which their turn comes.
    pub(super) queue: Vec<Slot>,
    /// Nodes that were reached at all, once each.
    pub(super) reached: Vec<Slot>,
    pub(super) scratch: Vec<crate::graph::Arc>,
    tag: u32,
}

impl Workspace {
    /// Forgets everything, in constant time but for growing; gives the tag of the query.
    ///
    /// # Errors
    /// [`crate::error::Error::Storage`] without memory.
    pub(super) fn begin(&mut self, nodes: usize) -> Result<u32> {
        self.queue.clear();
        self.reached.clear();
        if self.states.as_ref().is_none_or(|states| states.len() < nodes) {
            // Some more than needed, so that a graph that grows does not need a new one each time.
            self.states = None;
            self.states = Some(Pages::zeroed(nodes + nodes / 8)?);
            self.tag = 0;
        }
        if self.tag >= u32::MAX - 3 {
            if let Some(states) = &mut self.states {
                states.fill([0; 4]);
            }
            self.tag = 0;
        }
        self.tag += 2;
        Ok(self.tag)
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        let lists = self.queue.capacity() + self.reached.capacity() + 2 * self.scratch.capacity();
        self.states.as_ref().map_or(0, Pages::bytes) + 4 * lists
    }
}

/// Spaces for as many queries as ever ran at once; they may be shared by many graphs.
#[derive(Debug, Default)]
pub struct Workspaces(Mutex<Vec<Workspace>>);

impl Workspaces {
    /// Works in a space of its own.
    pub fn with<R>(&self, work: impl FnOnce(&mut Workspace) -> R) -> R {
        let mut space = self.0.lock().pop().unwrap_or_default();
        let out = work(&mut space);
        self.0.lock().push(space);
        out
    }

    /// Bytes reserved by those that are not in use.
    pub fn bytes(&self) -> usize {
        self.0.lock().iter().map(Workspace::bytes).sum()
    }
}
