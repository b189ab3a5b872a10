//! A node of the tree, what it is called, and what is told of it.

use std::sync::{Arc, OnceLock};

use super::event::NONE;
use super::sum::VectorSum;
use crate::intervals::Intervals;

/// What a node of a level holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A segment of a session; of none where the tree has no sessions.
    Segment(Option<u32>, i64),
    /// A session.
    Session(u32),
    /// Events without a session, by the start of the first.
    Run(i64),
    /// A window of the calendar, by its first instant.
    Window(i64),
    /// All there is.
    All,
}

/// Identity of a node: the place of its level, and what it holds together. Two trees of the same events have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Place in the levels of the tree, from the finest.
    pub level: u8,
    /// Which of them.
    pub key: Key,
}

impl NodeId {
    /// Kind and numbers, as they are written and handed on.
    pub fn parts(self) -> (u8, u32, i64) {
        match self.key {
            Key::Segment(None, segment) => (0, 0, segment),
            Key::Segment(Some(session), segment) => (1, session, segment),
            Key::Session(session) => (2, session, 0),
            Key::Run(start) => (3, 0, start),
            Key::Window(start) => (4, 0, start),
            Key::All => (5, 0, 0),
        }
    }

    /// What [`NodeId::parts`] told.
    pub fn of_parts(level: u8, kind: u8, a: u32, b: i64) -> Option<Self> {
        let key = match kind {
            0 => Key::Segment(None, b),
            1 => Key::Segment(Some(a), b),
            2 => Key::Session(a),
            3 => Key::Run(b),
            4 => Key::Window(b),
            5 => Key::All,
            _ => return None,
        };
        Some(Self { level, key })
    }
}

/// Whether a node is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Never closed so far.
    Open,
    /// Closed, and unchanged since.
    Closed,
    /// Changed since it was closed.
    Reopened,
}

/// A node as it is told; [`super::Timeline::node`].
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Which.
    pub id: NodeId,
    /// What it is in.
    pub parent: Option<NodeId>,
    /// First instant of what it holds.
    pub start: i64,
    /// First instant after all it holds.
    pub end: i64,
    /// Events below it.
    pub events: usize,
    /// Nodes and events right below it.
    pub children: usize,
    /// The greatest of its events.
    pub salience: f32,
    /// Whether it is finished.
    pub state: State,
    /// What was said of it when it was last closed.
    pub text: Option<Arc<str>>,
}

/// An event or a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// An event by its slot.
    Event(u32),
    /// A node.
    Node(NodeId),
}

/// Bit of a child that is a node; slots are below it.
pub(super) const NODE: u32 = 1 << 31;

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) parent: u32,
    pub(super) children: Intervals,
    /// What parent and level know of it: hull, salience.
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) salience: f32,
    pub(super) events: usize,
    pub(super) sum: VectorSum,
    pub(super) state: State,
    pub(super) text: Option<Arc<str>>,
    /// Counts of words, once someone asked since the last change.
    pub(super) terms: OnceLock<Box<[(u32, u32)]>>,
}

impl Node {
    pub(super) fn new(id: NodeId) -> Self {
        Self {
            id,
            parent: NONE,
            children: Intervals::default(),
            start: i64::MIN,
            end: i64::MIN,
            salience: f32::NEG_INFINITY,
            events: 0,
            sum: VectorSum::default(),
            state: State::Open,
            text: None,
            terms: OnceLock::new(),
        }
    }
}
