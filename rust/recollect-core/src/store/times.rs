//! Memories by the time of their events, so that a range of time is found without a look at all of them.

use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::entry::Entry;
use crate::bitmap::Bitmap;
use crate::id::Slot;
use crate::intervals::{Intervals, Span};

/// Looks before an index is made: by then they took about as long as making it does.
const LOOKS: u32 = 8;

/// Made once it is asked for again and again: neither opening a file nor a single question waits for it.
#[derive(Debug, Default)]
pub(super) struct Times {
    known: OnceLock<Intervals>,
    looks: AtomicU32,
}

fn span(slot: Slot, entry: &Entry) -> Span {
    Span { start: entry.time(), end: entry.end, item: slot, weight: 0.0 }
}

impl Times {
    pub(super) fn insert(&mut self, slot: Slot, entry: &Entry) {
        if let Some(known) = self.known.get_mut() {
            known.insert(span(slot, entry));
        }
    }

    pub(super) fn remove(&mut self, slot: Slot, entry: &Entry) {
        if let Some(known) = self.known.get_mut() {
            known.remove((entry.time(), slot));
        }
    }

    /// The index; none before it is made.
    pub(super) fn known(&self, live: &Bitmap, entries: &[Entry]) -> Option<&Intervals> {
        if self.known.get().is_none() && self.looks.fetch_add(1, Ordering::Relaxed) < LOOKS {
            return None;
        }
        Some(self.known.get_or_init(|| made(live, entries)))
    }

    /// The first instant of any event, and the first after all of them.
    pub(super) fn lasting(&self, live: &Bitmap, entries: &[Entry]) -> (i64, i64) {
        match self.known(live, entries) {
            Some(known) => (known.first().map_or(i64::MAX, |x| x.start), known.latest_end()),
            None => live
                .iter()
                .map(|slot| &entries[slot as usize])
                .fold((i64::MAX, i64::MIN), |sum, entry| (sum.0.min(entry.time()), sum.1.max(entry.end))),
        }
    }

    /// The live memories whose events share an instant with `[from, to)`: those inside are taken, or those outside left out,
    /// whichever are fewer.
    pub(super) fn within(&self, live: &Bitmap, entries: &[Entry], from: i64, to: i64) -> Bitmap {
        let Some(known) = self.known(live, entries) else {
            return live
                .iter()
                .filter(|&slot| span(slot, &entries[slot as usize]).overlaps(from, to))
                .collect();
        };
        let (first, last) = (known.rank((from, 0)), known.rank((to, 0)));
        let mut inside = if last.saturating_sub(first) * 2 <= known.len() {
            let mut inside = Bitmap::new();
            known.starting(from, to, &mut |slots| inside.insert_range(slots));
            inside
        } else {
            let mut inside = live.clone();
            known.starting(i64::MIN, from, &mut |slots| inside.remove_range(slots));
            known.starting(to, i64::MAX, &mut |slots| inside.remove_range(slots));
            inside
        };
        // What began before and lasts.
        let _ = known.overlapping(from, from.saturating_add(1), false, &mut |span| {
            inside.insert(span.item);
            ControlFlow::<()>::Continue(())
        });
        inside
    }
}

fn made(live: &Bitmap, entries: &[Entry]) -> Intervals {
    let entry = |slot: Slot| &entries[slot as usize];
    let mut order: Vec<(i64, Slot)> = live.iter().map(|slot| (entry(slot).time(), slot)).collect();
    order.sort_unstable();
    let mut known = Intervals::default();
    order.into_iter().for_each(|(_, slot)| {
        known.insert(span(slot, entry(slot)));
    });
    known
}
