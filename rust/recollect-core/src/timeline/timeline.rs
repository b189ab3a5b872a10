//! Events in order of time, under the nodes of a tree.

use std::ops::ControlFlow;

use super::arena::Arena;
use super::event::{Event, Events, NONE, unit};
use super::level::Level;
use super::node::{Key, NODE, NodeId};
use super::settings::Settings;
use super::settling::Change;
use super::sum::VectorSum;
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

    /// Refuses an event that [`Timeline::insert`] would refuse.
    ///
    /// # Errors
    /// As [`Timeline::insert`].
    pub fn check(&self, event: &Event<'_>) -> Result<()> {
        event.check(&self.settings)
    }

    /// Takes an event in; gives how many closed nodes were opened again by it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an event that is there already, an end that is not after the start, numbers that are not finite,
    /// and a segment without a session; [`Error::DimensionMismatch`]; [`Error::Limit`] beyond [`MAX_EVENTS`]. Nothing is
    /// changed then.
    pub fn insert(&mut self, slot: Slot, event: Event<'_>) -> Result<usize> {
        if slot as usize >= MAX_EVENTS {
            let (found, limit) = (u64::from(slot) + 1, MAX_EVENTS as u64);
            return Err(Error::Limit { argument: "events".into(), found, limit });
        }
        event.check(&self.settings)?;
        self.insert_unit(slot, event, event.vector.map(unit))
    }

    /// As [`Timeline::insert`] with a vector of length one.
    pub(super) fn insert_unit(
        &mut self,
        slot: Slot,
        event: Event<'_>,
        vector: Option<Vec<f32>>,
    ) -> Result<usize> {
        if self.contains(slot) {
            return Err(Error::invalid("event", format!("{slot} is in the timeline already")));
        }
        self.events.put(slot, event.start, vector.as_deref(), event.terms);
        // Zero stays zero, whatever its sign.
        let span = Span { start: event.start, end: event.end, item: slot, weight: event.salience + 0.0 };
        self.index.insert(span);
        self.reopened = 0;
        let change = Change { events: 1, sum: vector.map(|vector| VectorSum::of(&vector)) };
        match self.lowest(&event) {
            Some(id) => {
                let node = self.arena.take(id);
                self.attach(node, span, change);
            }
            None if self.level_of(Level::Session).is_some() => self.insert_in_run(span, change),
            None => {}
        }
        Ok(self.reopened)
    }

    /// Takes an event out and wipes what was known of it; gives how many closed nodes were opened again.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it is not there.
    pub fn remove(&mut self, slot: Slot) -> Result<usize> {
        let span = self.event(slot).ok_or_else(|| unknown(slot))?;
        let parent = self.events.parent(slot);
        self.index.remove(span.key());
        self.reopened = 0;
        if parent != NONE {
            let sum = (self.settings.dim > 0).then(|| VectorSum::of(self.events.vector(slot)).negative());
            let change = Change { events: -1, sum };
            let run = matches!(self.arena.get(parent).id.key, Key::Run(_));
            self.arena.get_mut(parent).children.remove(span.key());
            let left = !self.arena.get(parent).children.is_empty();
            self.settle(parent, change);
            if run && left {
                self.split_run(parent, span.key());
            }
        }
        self.events.wipe(slot);
        Ok(self.reopened)
    }

    /// The place of a level, if the tree has it.
    pub(super) fn level_of(&self, level: Level) -> Option<u8> {
        self.settings.levels.iter().position(|&x| x == level).map(|at| at as u8)
    }

    /// The node an event goes in, unless that is a run or there is none.
    fn lowest(&self, event: &Event<'_>) -> Option<NodeId> {
        if let (Some(level), Some(segment)) = (self.level_of(Level::Segment), event.segment) {
            let session = event.session.filter(|_| self.level_of(Level::Session).is_some());
            return Some(NodeId { level, key: Key::Segment(session, segment) });
        }
        if let Some(level) = self.level_of(Level::Session) {
            return event.session.map(|session| NodeId { level, key: Key::Session(session) });
        }
        let first = self.settings.levels.iter().position(|&x| x != Level::Segment)?;
        Some(self.node_for(first as u8, event.start))
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
