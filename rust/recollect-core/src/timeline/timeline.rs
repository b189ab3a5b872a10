//! Events in order of time, under the nodes of a tree.

use std::ops::ControlFlow;

use super::arena::Arena;
use super::event::Events;
use super::level::Level;
use super::node::{Key, NODE, NodeId};
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::intervals::{Intervals, Span};

/// Events there can be at most.
pub const MAX_EVENTS: usize = NODE as usize;

/// A temporal tree: events in order of their starts, and above them segments, sessions, windows of the calendar and all,
/// each of which knows what is below it (TiMem, "Temporal Memory Tree", 2601.02845).
///
/// A child is in the node that holds its start, and the hull of a node reaches as far as its children do: weeks that
/// straddle two months are in the first. The tree is the same for the same events in whatever order they come and go.
/// Taking in an event that comes last costs amortised O(levels + dim · levels), any other O(log n) more.
#[derive(Debug, Clone)]
pub struct Timeline {
    pub(super) settings: Settings,
    pub(super) index: Intervals,
    pub(super) events: Events,
    pub(super) arena: Arena,
    /// Closed nodes that the current change opened again.
    pub(super) reopened: usize,
}

impl Timeline {
    /// An empty one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for levels out of order or a negative gap; [`Error::Limit`] for too many dimensions.
    pub fn new(settings: Settings) -> Result<Self> {
        settings.check()?;
        let (events, arena) = (Events::new(settings.dim), Arena::new(settings.levels.len()));
        Ok(Self { settings, index: Intervals::default(), events, arena, reopened: 0 })
    }

    /// How it was made.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether an event is there.
    pub fn contains(&self, slot: Slot) -> bool {
        self.events.start(slot).is_some()
    }

    /// Start, end and salience of an event.
    pub fn event(&self, slot: Slot) -> Option<Span> {
        self.index.get((self.events.start(slot)?, slot))
    }

    /// The vector of an event, of length one or of zeros.
    pub fn vector(&self, slot: Slot) -> Option<&[f32]> {
        self.contains(slot).then(|| self.events.vector(slot))
    }

    /// The place of a level, if the tree has it.
    pub(super) fn level_of(&self, level: Level) -> Option<u8> {
        self.settings.levels.iter().position(|&x| x == level).map(|at| at as u8)
    }

    /// The node of a level of the calendar, or of all, that holds an instant.
    pub(super) fn node_for(&self, level: u8, at: i64) -> NodeId {
        let key = match self.settings.levels[level as usize] {
            Level::Calendar(unit) => Key::Window(unit.window(&self.settings.zone, at).start),
            _ => Key::All,
        };
        NodeId { level, key }
    }

    /// Events that share an instant with `[from, to)` in order, at most `limit`; the last ones first with `backwards`.
    pub fn between(&self, from: i64, to: i64, limit: usize, backwards: bool) -> Vec<Slot> {
        let mut out = Vec::new();
        if limit > 0 {
            let _ = self.index.overlapping(from, to, backwards, &mut |span| {
                out.push(span.item);
                if out.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
        }
        out
    }

    /// Number of events that start in `[from, to)`. O(log n).
    pub fn count(&self, from: i64, to: i64) -> usize {
        self.index.rank((to, 0)).saturating_sub(self.index.rank((from, 0)))
    }

    /// The `k` events nearest to an instant: those that last then first, others by the time between; of equal ones the earlier.
    pub fn nearest(&self, at: i64, k: usize) -> Vec<Slot> {
        self.index.nearest(at, k).iter().map(|span| span.item).collect()
    }

    /// All events in order.
    pub fn order(&self) -> impl Iterator<Item = Slot> {
        self.index.to_vec().into_iter().map(|span| span.item)
    }

    /// Bytes reserved, words apart.
    pub fn bytes(&self) -> usize {
        self.index.bytes() + self.events.bytes() + self.arena.bytes()
    }
}

pub(super) fn unknown(slot: Slot) -> Error {
    Error::unknown("event", format!("event {slot} in this timeline"))
}
