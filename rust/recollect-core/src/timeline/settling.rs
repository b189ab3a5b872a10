//! What a change below means for the nodes above.

use super::event::NONE;
use super::level::Level;
use super::node::{Key, NODE, NodeId, State};
use super::sum::VectorSum;
use super::timeline::Timeline;
use crate::intervals::Span;

/// Events that came or went, and the sum of their vectors.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    pub(super) events: isize,
    pub(super) sum: Option<VectorSum>,
}

impl Change {
    fn negative(&self) -> Self {
        Self { events: -self.events, sum: self.sum.as_ref().map(VectorSum::negative) }
    }

    fn plus(mut self, other: &Change) -> Self {
        self.events += other.events;
        match (&mut self.sum, &other.sum) {
            (Some(sum), Some(more)) => sum.add(more),
            (sum @ None, more) => *sum = more.clone(),
            (_, None) => {}
        }
        self
    }
}

impl Timeline {
    /// Puts an event in a node.
    pub(super) fn attach(&mut self, node: u32, span: Span, change: Change) {
        self.events.set_parent(span.item, node);
        self.arena.get_mut(node).children.insert(span);
        self.settle(node, change);
    }

    /// Tells a node of which the children changed, and all above it, what came or went.
    pub(super) fn settle(&mut self, node: u32, change: Change) {
        let (mut at, change) = (node, change);
        while at != NONE {
            if !self.arena.get(at).children.is_empty() {
                self.touch(at);
            }
            let node = self.arena.get_mut(at);
            node.events = node.events.saturating_add_signed(change.events);
            if let Some(sum) = &change.sum {
                node.sum.add(sum);
            }
            let (old, parent, level) = (span_of(node, at), node.parent, node.id.level as usize);
            let Some(first) = node.children.first() else {
                // Nothing is left of it.
                if old.end > old.start {
                    self.arena.levels[level].remove(old.key());
                }
                if parent != NONE {
                    self.arena.get_mut(parent).children.remove(old.key());
                }
                self.arena.release(at);
                at = parent;
                continue;
            };
            node.start = first.start;
            node.end = node.children.latest_end();
            node.salience = node.children.greatest_weight();
            let new = span_of(node, at);
            let fresh = old.end == old.start;
            if fresh || new != old {
                self.arena.rename_run(at, new.start);
                let known = &mut self.arena.levels[level];
                put(known, fresh, old, new);
            }
            let wanted = if fresh || new.start != old.start { self.parent_for(at) } else { parent };
            if wanted == parent {
                if parent != NONE && new != old {
                    put(&mut self.arena.get_mut(parent).children, false, old, new);
                }
                at = parent;
                continue;
            }
            // It begins in another window now: the whole of it moves.
            let node = self.arena.get_mut(at);
            node.parent = wanted;
            let whole = Change { events: node.events as isize, sum: Some(node.sum.clone()) };
            self.arena.get_mut(wanted).children.insert(new);
            let gone = whole.negative().plus(&change);
            self.settle(wanted, whole);
            if parent != NONE {
                self.arena.get_mut(parent).children.remove(old.key());
                self.settle(parent, gone);
            }
            return;
        }
    }

    /// Marks a node as changed.
    fn touch(&mut self, at: u32) {
        let node = self.arena.get_mut(at);
        node.terms.take();
        if node.state == State::Closed {
            node.state = State::Reopened;
            let level = node.id.level;
            self.arena.open.insert((level, at));
            self.reopened += 1;
        }
    }

    /// The node in which one belongs; made if it is not there.
    fn parent_for(&mut self, at: u32) -> u32 {
        let node = self.arena.get(at);
        let level = node.id.level + 1;
        let Some(&above) = self.settings.levels.get(level as usize) else { return NONE };
        let id = match (above, node.id.key) {
            (Level::Session, Key::Segment(Some(session), _)) => NodeId { level, key: Key::Session(session) },
            // A window is where its first instant is, whatever is in it.
            (_, Key::Window(start)) => self.node_for(level, start),
            _ => self.node_for(level, node.start),
        };
        self.arena.take(id)
    }
}

/// A node as its parent and its level know it; no length before it has children.
fn span_of(node: &super::node::Node, at: u32) -> Span {
    Span { start: node.start, end: node.end, item: at | NODE, weight: node.salience }
}

fn put(known: &mut crate::intervals::Intervals, fresh: bool, old: Span, new: Span) {
    if fresh {
        known.insert(new);
    } else if old.start == new.start {
        known.replace(new);
    } else {
        known.remove(old.key());
        known.insert(new);
    }
}
