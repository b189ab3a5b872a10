//! Which windows are over.

use std::sync::Arc;

use super::level::Level;
use super::node::{Key, NODE, NodeId, State, View};
use super::timeline::Timeline;
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Nodes of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All of them.
    pub nodes: usize,
    /// Those that were never closed so far.
    pub open: usize,
    /// Those that changed since they were closed.
    pub reopened: usize,
}

impl Timeline {
    /// Closes every node that is over at an instant before which nothing more is expected, from the finest level up, and
    /// gives those that were not closed before, by level and time. Doing it again changes nothing. O(nodes not closed).
    ///
    /// A segment is over after its last start, a session once nothing started for the gap, a window of the calendar once
    /// it and the windows that begin in it have ended and all of its children are closed. All there is is never over.
    ///
    /// # Errors
    /// [`Error::Cancelled`]; what was closed until then stays so.
    pub fn advance(&mut self, watermark: i64, cancel: Cancel<'_>) -> Result<Vec<NodeId>> {
        let waiting: Vec<(u8, u32)> = self.arena.open.iter().copied().collect();
        let mut closed = Vec::new();
        for (count, (level, at)) in waiting.into_iter().enumerate() {
            if count.is_multiple_of(1024) {
                cancel.check()?;
            }
            if self.over_at(at) > watermark || !self.children_closed(at) {
                continue;
            }
            let node = self.arena.get_mut(at);
            node.state = State::Closed;
            closed.push((level, node.start, node.id));
            self.arena.open.remove(&(level, at));
        }
        closed.sort_unstable();
        Ok(closed.into_iter().map(|x| x.2).collect())
    }

    /// The instant from which on a node is over.
    fn over_at(&self, at: u32) -> i64 {
        let node = self.arena.get(at);
        let last = node.children.last().map_or(i64::MAX, |x| x.start);
        match node.id.key {
            Key::Segment(..) => last.saturating_add(1),
            // Its segments may have begun before their last event; a session without a gap ends with that.
            Key::Session(_) | Key::Run(_) => self.last_start(at).saturating_add(self.settings.gap.max(1)),
            Key::Window(start) => self.window_over(node.id.level, start),
            Key::All => i64::MAX,
        }
    }

    fn last_start(&self, at: u32) -> i64 {
        let node = self.arena.get(at);
        if self.level_of(Level::Segment).is_none() {
            return node.children.last().map_or(i64::MAX, |x| x.start);
        }
        let children = node.children.to_vec();
        let last = |item: u32| match item & NODE {
            0 => None,
            _ => self.arena.get(item & !NODE).children.last().map(|x| x.start),
        };
        children.iter().map(|x| last(x.item).unwrap_or(x.start)).max().unwrap_or(i64::MAX)
    }

    /// When a window of the calendar has ended, with the windows of the levels below that begin in it.
    fn window_over(&self, level: u8, at: i64) -> i64 {
        let Level::Calendar(unit) = self.settings.levels[level as usize] else { return i64::MIN };
        let end = unit.window(&self.settings.zone, at).end;
        match level.checked_sub(1) {
            Some(below) => end.max(self.window_over(below, end - 1)),
            None => end,
        }
    }

    fn children_closed(&self, at: u32) -> bool {
        let mut all = true;
        let _ = self.arena.get(at).children.each(&mut |span| {
            let node = span.item & NODE != 0;
            all &= !node || self.arena.get(span.item & !NODE).state == State::Closed;
            if all { std::ops::ControlFlow::Continue(()) } else { std::ops::ControlFlow::Break(()) }
        });
        all
    }

    /// Nodes of each level that are not closed, by level and time.
    pub fn unfinished(&self) -> Vec<NodeId> {
        let mut all: Vec<_> =
            self.arena.open.iter().map(|&(level, at)| (level, self.arena.get(at))).collect();
        all.sort_unstable_by_key(|(level, node)| (*level, node.start, node.id));
        all.into_iter().map(|x| x.1.id).collect()
    }

    /// How many nodes each level has, the finest first.
    pub fn tally(&self) -> Vec<Tally> {
        let mut all: Vec<Tally> =
            self.arena.levels.iter().map(|x| Tally { nodes: x.len(), ..Tally::default() }).collect();
        for &(level, at) in &self.arena.open {
            match self.arena.get(at).state {
                State::Reopened => all[level as usize].reopened += 1,
                _ => all[level as usize].open += 1,
            }
        }
        all
    }

    /// Says something of a node, until it says otherwise.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn set_text(&mut self, id: NodeId, text: Option<&str>) -> Result<()> {
        let at = self.known(id)?;
        self.arena.get_mut(at).text = text.map(Arc::from);
        Ok(())
    }

    /// Up to `count` nodes of the same level before one, the earliest first: what a summary goes on from.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn previous(&self, id: NodeId, count: usize) -> Result<Vec<View>> {
        let at = self.known(id)?;
        let level = &self.arena.levels[id.level as usize];
        let rank = level.rank((self.arena.get(at).start, 0));
        let mut found: Vec<View> = level
            .slice(rank.saturating_sub(count)..rank)
            .iter()
            .map(|span| self.view(span.item & !NODE))
            .collect();
        found.sort_by_key(|view| (view.start, view.id));
        Ok(found)
    }

    pub(super) fn known(&self, id: NodeId) -> Result<u32> {
        self.arena.find(id).ok_or_else(|| Error::unknown("node", "such node in this timeline"))
    }
}
