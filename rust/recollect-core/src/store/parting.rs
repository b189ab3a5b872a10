//! Memories in sessions and segments: sessions that nobody named, and segments inside all of them.

use super::state::State;
use crate::error::Result;
use crate::segmentation::{Item, Rules, Segmenter};
use crate::session::Place;

/// What is cut on its own: what comes late changes nothing outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// A session by its number in the namespace.
    Session(u32),
    /// What happened on a day in no session, by the number of the day in the follower.
    Day(u32),
}

/// Where a memory belongs inside its part: a run of memories without a long gap, and a segment of that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    pub run: u32,
    pub segment: u32,
}

/// What cuts parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cuts {
    /// What begins a segment.
    pub rules: Rules,
    /// Microseconds after which a session that nobody named is over.
    pub gap: i64,
}

/// How far a part was cut, so that what comes last goes on from there.
#[derive(Debug)]
pub(super) struct Stream {
    pub part: Part,
    segmenter: Segmenter,
    last: Option<Place>,
    label: Label,
    taken: usize,
}

impl Stream {
    pub(super) fn new(part: Part, cuts: Cuts) -> Result<Self> {
        let (segmenter, label) = (Segmenter::new(cuts.rules)?, Label { run: 0, segment: 0 });
        Ok(Self { part, segmenter, last: None, label, taken: 0 })
    }

    /// How many of these members were taken, if these came after them and nothing in between.
    pub(super) fn goes_on(&self, members: &[Place]) -> Option<usize> {
        let before = self.taken.checked_sub(1)?;
        (members.get(before) == self.last.as_ref()).then_some(self.taken)
    }

    /// Takes the next member and gives its place.
    pub(super) fn push(
        &mut self,
        place: Place,
        state: &State,
        vector: &mut [f32],
        cuts: Cuts,
    ) -> Result<Label> {
        let known = state.vectors.as_ref().is_some_and(|index| index.vector(place.slot, vector));
        let item = Item { vector: known.then_some(&*vector), time: Some(place.time), ..Item::default() };
        let passed = self.last.map_or(0, |last| place.time.saturating_sub(last.time));
        if matches!(self.part, Part::Day(_)) && passed > cuts.gap {
            // Another session: what was said in one before is no measure of it.
            self.segmenter = Segmenter::new(cuts.rules)?;
            self.label = Label { run: self.label.run + 1, segment: 0 };
        }
        if self.segmenter.push(item)?.is_some() {
            self.label.segment += 1;
        }
        (self.last, self.taken) = (Some(place), self.taken + 1);
        Ok(self.label)
    }
}
