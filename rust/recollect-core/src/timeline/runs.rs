//! Sessions of events that name none: runs without a gap between their starts.

use super::event::NONE;
use super::level::Level;
use super::node::{Key, NodeId};
use super::settling::Change;
use super::sum::VectorSum;
use super::timeline::Timeline;
use crate::intervals::{Key as Place, Span};

impl Timeline {
    /// Puts an event in the run it belongs to, which may join two.
    pub(super) fn insert_in_run(&mut self, span: Span, change: Change) {
        let (at, gap) = (span.start, self.settings.gap);
        let before = self.arena.runs.range(..=at).next_back().map(|x| *x.1);
        let after = self.arena.runs.range(at.saturating_add(1)..).next().map(|x| (*x.0, *x.1));
        let last = |this: &Self, run: u32| this.arena.get(run).children.last().map_or(i64::MIN, |x| x.start);
        let before = before.filter(|&run| at.saturating_sub(last(self, run)) <= gap);
        let near = |from: i64| after.filter(|&(first, _)| first.saturating_sub(from) <= gap).map(|x| x.1);
        let run = match before.or_else(|| near(at)) {
            Some(run) => run,
            None => self.new_run(at),
        };
        self.attach(run, span, change);
        if before.is_some()
            && let Some(other) = near(last(self, run))
        {
            self.join(run, other);
        }
    }

    fn new_run(&mut self, start: i64) -> u32 {
        let level = self.level_of(Level::Session).unwrap_or(0);
        self.arena.take(NodeId { level, key: Key::Run(start) })
    }

    /// Moves the events of the later run into the earlier one.
    fn join(&mut self, run: u32, later: u32) {
        let moved = self.arena.get(later).children.to_vec();
        let node = self.arena.get_mut(later);
        node.children = Default::default();
        let whole = Change { events: node.events as isize, sum: Some(node.sum.clone()) };
        let gone = Change { events: -whole.events, sum: whole.sum.as_ref().map(VectorSum::negative) };
        self.settle(later, gone);
        self.fill(run, moved, whole);
    }

    fn fill(&mut self, run: u32, spans: Vec<Span>, whole: Change) {
        for span in spans {
            self.events.set_parent(span.item, run);
            self.arena.get_mut(run).children.insert(span);
        }
        self.settle(run, whole);
    }

    /// Parts a run where an event is missing, if what is left of it lies too far apart.
    pub(super) fn split_run(&mut self, run: u32, missing: Place) {
        let children = &self.arena.get(run).children;
        let rank = children.rank(missing);
        let (Some(before), Some(after)) =
            (rank.checked_sub(1).and_then(|x| children.nth(x)), children.nth(rank))
        else {
            return;
        };
        if after.start.saturating_sub(before.start) <= self.settings.gap {
            return;
        }
        let moved = children.slice(rank..children.len());
        let mut whole = Change { events: moved.len() as isize, sum: None };
        if self.settings.dim > 0 {
            let mut sum = VectorSum::default();
            moved.iter().for_each(|span| sum.add(&VectorSum::of(self.events.vector(span.item))));
            whole.sum = Some(sum);
        }
        for span in &moved {
            self.events.set_parent(span.item, NONE);
            self.arena.get_mut(run).children.remove(span.key());
        }
        let gone = Change { events: -whole.events, sum: whole.sum.as_ref().map(VectorSum::negative) };
        self.settle(run, gone);
        let new = self.new_run(after.start);
        self.fill(new, moved, whole);
    }
}
