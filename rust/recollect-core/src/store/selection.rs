//! Which memories a call may see.

use super::state::State;
use crate::activation::{BaseLevel, History};
use crate::bitmap::Bitmap;
use crate::filter::Filter;
use crate::id::Slot;
use crate::record::Kind;
use crate::time::{Interval, Timestamp};

/// What a call asks of memories before any scoring.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The compiled filter.
    pub filter: Option<Filter>,
    /// Only these kinds.
    pub kinds: Option<Vec<Kind>>,
    /// Only events that overlap this interval; a memory without an event has that of its write.
    pub between: Option<Interval>,
    /// The least base-level activation; pinned memories and instructions are exempt.
    pub least: Option<f64>,
    /// Only what semantic memories state of this subject, and of this predicate where one is given.
    pub about: Option<(String, Option<String>)>,
    /// What held at some time of this half-open range, by the times of what is known.
    pub holding: Option<(i64, i64)>,
    /// What held or had happened at this time: a semantic memory from its event on, until it ends where it lasts; any
    /// other memory that had begun.
    pub valid: Option<Timestamp>,
    /// The namespace as it was known at this time, in place of now.
    pub known: Option<Timestamp>,
    /// What is held back, in place of what is not: memories whose time to live ran out, and those below `least`.
    pub held_back: bool,
}

impl Selection {
    fn is_empty(&self) -> bool {
        self.between.is_none() && self.asks_of_time_alone()
    }

    /// Whether what it asks is told by sets of memories, and not by each memory alone.
    pub(super) fn needs_sets(&self) -> bool {
        self.between.is_some() || self.about.is_some()
    }

    fn asks_of_time_alone(&self) -> bool {
        let Self { filter, kinds, between: _, least, about, holding, valid, known: _, held_back } = self;
        filter.is_none()
            && kinds.is_none()
            && least.is_none()
            && about.is_none()
            && holding.is_none()
            && valid.is_none()
            && !held_back
    }
}

impl State {
    /// The memories a call may see; none stands for all that are live.
    pub(super) fn admitted(&self, selection: &Selection, now: Timestamp) -> Option<Bitmap> {
        let expired: Bitmap = self.mortal.iter().filter(|&x| self.entries[x as usize].expired(now)).collect();
        if selection.is_empty() && expired.is_empty() {
            return None;
        }
        let in_time =
            selection.between.map(|x| self.times.within(&self.live, &self.entries, x.start.0, x.end.0));
        if selection.asks_of_time_alone() {
            let mut all = in_time.unwrap_or_else(|| self.live.clone());
            expired.iter().for_each(|slot| {
                all.remove(slot);
            });
            return (all.len() < self.live.len()).then_some(all);
        }
        let about = selection.about.as_ref();
        let stated: Option<Bitmap> =
            about.map(|(subject, x)| self.claims.about(subject, x.as_deref()).collect());
        Some(
            stated
                .as_ref()
                .or(in_time.as_ref())
                .unwrap_or(&self.live)
                .iter()
                .filter(|&slot| {
                    in_time.as_ref().is_none_or(|x| x.contains(slot)) && self.admits(slot, selection, now)
                })
                .collect(),
        )
    }

    /// The memories a call may see, as a list.
    pub(super) fn selected(&self, selection: &Selection, now: Timestamp) -> Vec<Slot> {
        self.admitted(selection, now).map_or_else(|| self.live.iter().collect(), |x| x.iter().collect())
    }

    /// Whether a call may see a live memory, but for what is told by sets.
    pub(super) fn admits(&self, slot: Slot, selection: &Selection, now: Timestamp) -> bool {
        let entry = &self.entries[slot as usize];
        let held = |(from, until)| {
            let span = entry.validity();
            span.0 < until && from < span.1
        };
        let expired = self.mortal.contains(slot) && entry.expired(now);
        selection.kinds.as_ref().is_none_or(|kinds| kinds.contains(&entry.kind))
            && selection.holding.is_none_or(held)
            && selection.valid.is_none_or(|at| entry.valid(at))
            && (expired || self.faded(slot, selection, now)) == selection.held_back
            && selection.filter.as_ref().is_none_or(|filter| filter.matches(&self.named(slot)))
    }

    /// Whether a memory is below the least base-level activation that is asked for.
    pub(super) fn faded(&self, slot: Slot, selection: &Selection, now: Timestamp) -> bool {
        let entry = &self.entries[slot as usize];
        selection.least.is_some_and(|least| {
            entry.kind != Kind::Instruction
                && !self.uses.is_pinned(entry.uid)
                && self.base_level(slot, now) < least
        })
    }

    /// The base-level activation of a memory.
    pub(super) fn base_level(&self, slot: Slot, now: Timestamp) -> f64 {
        let entry = &self.entries[slot as usize];
        match self.uses.get(entry.uid) {
            Some(used) => BaseLevel::default().of(&used.history, now.0),
            None => BaseLevel::default().of(&History::new(entry.time(), entry.turn), now.0),
        }
    }
}
