//! Events as they come, and what is kept of them.

use rustc_hash::FxHashMap;

use super::settings::Settings;
use crate::bitmap::Bitmap;
use crate::error::{Error, Result};
use crate::id::Slot;

/// Where times end: what calendars and their arithmetic hold.
const FURTHEST: u64 = i64::MAX as u64 / 8;

/// An event of which the number is the slot of a memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event<'a> {
    /// First instant, microseconds since 1970 UTC.
    pub start: i64,
    /// First instant after it; `start + 1` for an instant, `i64::MAX` while it lasts.
    pub end: i64,
    /// How much it matters.
    pub salience: f32,
    /// The session it belongs to.
    pub session: Option<u32>,
    /// The segment of the session, or of all where there are no sessions.
    pub segment: Option<i64>,
    /// Its direction; scaled to length one.
    pub vector: Option<&'a [f32]>,
    /// Words with how often they occur, each once, ascending.
    pub terms: &'a [(u32, u32)],
    /// Whether it stands beside nothing: it is in no segment and no session, and has no neighbours.
    pub alone: bool,
}

impl Event<'_> {
    /// An event at an instant with nothing else.
    pub fn at(start: i64) -> Self {
        Self {
            start,
            end: start.saturating_add(1),
            salience: 0.0,
            session: None,
            segment: None,
            vector: None,
            terms: &[],
            alone: false,
        }
    }

    pub(super) fn check(&self, settings: &Settings) -> Result<()> {
        if self.start.unsigned_abs() > FURTHEST {
            return Err(Error::invalid("start", "expected a time that a calendar holds"));
        }
        if self.end <= self.start {
            return Err(Error::invalid("end", "expected a time after the start"));
        }
        if !self.salience.is_finite() {
            return Err(Error::invalid("salience", "expected a finite number"));
        }
        let sessions = settings.levels.contains(&super::level::Level::Session);
        if self.segment.is_some() && self.session.is_none() && sessions {
            return Err(Error::invalid("segment", "expected a session with it"));
        }
        if self.alone && self.session.is_some() {
            return Err(Error::invalid("session", "expected none of an event that stands alone"));
        }
        if let Some(vector) = self.vector {
            let (expected, found) = (settings.dim, vector.len());
            if expected != found {
                return Err(Error::DimensionMismatch { argument: "vector".into(), expected, found });
            }
            if !vector.iter().all(|x| x.is_finite()) {
                return Err(Error::invalid("vector", "a component is not finite"));
            }
        }
        Ok(())
    }
}

/// Scales to length one; zeros stay.
pub(super) fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
    vector.iter().map(|&x| (f64::from(x) * scale) as f32).collect()
}

/// No event has this slot.
const NOBODY: u32 = u32::MAX;
/// In the place of a node where there is none.
pub(super) const NONE: u32 = u32::MAX - 1;

/// What is kept by slot.
#[derive(Debug, Default, Clone)]
pub(super) struct Events {
    starts: Vec<i64>,
    parents: Vec<u32>,
    dim: usize,
    vectors: Vec<f32>,
    terms: FxHashMap<Slot, Box<[(u32, u32)]>>,
    /// What stands beside nothing.
    pub(super) alone: Bitmap,
}

impl Events {
    pub(super) fn new(dim: usize) -> Self {
        Self { dim, ..Self::default() }
    }

    /// When an event starts that is there.
    pub(super) fn start(&self, slot: Slot) -> Option<i64> {
        let there = self.parents.get(slot as usize).is_some_and(|&parent| parent != NOBODY);
        there.then(|| self.starts[slot as usize])
    }

    /// The node an event is in.
    pub(super) fn parent(&self, slot: Slot) -> u32 {
        self.parents[slot as usize]
    }

    pub(super) fn set_parent(&mut self, slot: Slot, parent: u32) {
        self.parents[slot as usize] = parent;
    }

    pub(super) fn vector(&self, slot: Slot) -> &[f32] {
        &self.vectors[slot as usize * self.dim..(slot as usize + 1) * self.dim]
    }

    pub(super) fn terms(&self, slot: Slot) -> &[(u32, u32)] {
        self.terms.get(&slot).map_or(&[], |terms| terms)
    }

    /// Takes one in; its vector is of length one.
    pub(super) fn put(&mut self, slot: Slot, start: i64, vector: Option<&[f32]>, terms: &[(u32, u32)]) {
        let at = slot as usize;
        if at >= self.starts.len() {
            self.starts.resize(at + 1, 0);
            self.parents.resize(at + 1, NOBODY);
            self.vectors.resize((at + 1) * self.dim, 0.0);
        }
        (self.starts[at], self.parents[at]) = (start, NONE);
        let row = &mut self.vectors[at * self.dim..(at + 1) * self.dim];
        match vector {
            Some(vector) => row.copy_from_slice(vector),
            None => row.fill(0.0),
        }
        if !terms.is_empty() {
            self.terms.insert(slot, terms.into());
        }
    }

    /// Takes one out and wipes its place.
    pub(super) fn wipe(&mut self, slot: Slot) {
        let at = slot as usize;
        (self.starts[at], self.parents[at]) = (0, NOBODY);
        self.vectors[at * self.dim..(at + 1) * self.dim].fill(0.0);
        self.terms.remove(&slot);
        self.alone.remove(slot);
    }

    pub(super) fn bytes(&self) -> usize {
        let terms = self.terms.capacity() * 25;
        8 * self.starts.capacity() + 4 * self.parents.capacity() + 4 * self.vectors.capacity() + terms
    }
}
