//! Events come and go.

use super::event::{Event, NONE, unit};
use super::level::Level;
use super::node::{Key, NodeId};
use super::settling::Change;
use super::sum::VectorSum;
use super::timeline::{MAX_EVENTS, Timeline, unknown};
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::intervals::Span;

impl Timeline {
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
        if event.alone {
            self.events.alone.insert(slot);
        }
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
            None if self.level_of(Level::Session).is_some() && !event.alone => {
                self.insert_in_run(span, change)
            }
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

    /// Puts an event in another session and segment.
    ///
    /// # Errors
    /// As [`Timeline::insert`]; [`Error::Unknown`] if it is not there.
    pub fn put_in(&mut self, slot: Slot, session: u32, segment: Option<i64>) -> Result<()> {
        let span = self.event(slot).ok_or_else(|| unknown(slot))?;
        let vector = (self.settings.dim > 0).then(|| self.events.vector(slot).to_vec());
        let terms = self.events.terms(slot).to_vec();
        let event = Event {
            start: span.start,
            end: span.end,
            salience: span.weight,
            session: Some(session),
            segment,
            vector: None,
            terms: &terms,
            alone: false,
        };
        event.check(&self.settings)?;
        self.remove(slot)?;
        self.insert_unit(slot, event, vector)?;
        Ok(())
    }

    /// The node an event goes in, unless that is a run or there is none.
    fn lowest(&self, event: &Event<'_>) -> Option<NodeId> {
        if event.alone {
            let fine = |level: &Level| matches!(level, Level::Segment | Level::Session);
            let first = self.settings.levels.iter().position(|level| !fine(level))?;
            return Some(self.node_for(first as u8, event.start));
        }
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
}
