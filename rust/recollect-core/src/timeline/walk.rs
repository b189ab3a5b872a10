//! Ways through the tree: up, down, and to what stands beside.

use super::event::NONE;
use super::node::{Item, NODE, NodeId, View};
use super::timeline::{Timeline, unknown};
use crate::error::Result;
use crate::id::Slot;
use crate::intervals::{Intervals, Span};

impl Timeline {
    pub(super) fn view(&self, at: u32) -> View {
        let node = self.arena.get(at);
        let parent = (node.parent != NONE).then(|| self.arena.get(node.parent).id);
        View {
            id: node.id,
            parent,
            start: node.start,
            end: node.end,
            events: node.events,
            children: node.children.len(),
            salience: node.salience,
            state: node.state,
            text: node.text.clone(),
        }
    }

    /// A node.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn node(&self, id: NodeId) -> Result<View> {
        Ok(self.view(self.known(id)?))
    }

    /// The nodes of a level of which the hull shares an instant with `[from, to)`, by start, then identity.
    pub fn nodes(&self, level: u8, from: i64, to: i64) -> Vec<View> {
        let mut out = Vec::new();
        let Some(nodes) = self.arena.levels.get(level as usize) else { return out };
        let _ = nodes.overlapping(from, to, false, &mut |span| {
            out.push(self.view(span.item & !NODE));
            std::ops::ControlFlow::Continue(())
        });
        out.sort_by_key(|view| (view.start, view.id));
        out
    }

    /// The mean of the vectors below a node, as long as it is; empty where there are none.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn mean(&self, id: NodeId) -> Result<Vec<f32>> {
        let node = self.arena.get(self.known(id)?);
        Ok(node.sum.mean(node.events))
    }

    /// Words below a node with their counts, the most frequent, ascending by word.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn terms(&self, id: NodeId) -> Result<Vec<(u32, u32)>> {
        Ok(self.terms_of(self.known(id)? | NODE).to_vec())
    }

    pub(super) fn terms_of(&self, child: u32) -> &[(u32, u32)] {
        if child & NODE == 0 {
            return self.events.terms(child);
        }
        let node = self.arena.get(child & !NODE);
        node.terms.get_or_init(|| {
            let children = node.children.to_vec();
            super::terms::bounded(children.iter().map(|x| self.terms_of(x.item)), self.settings.terms)
        })
    }

    /// The nodes above an event or a node, the nearest first.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn ancestors(&self, item: Item) -> Result<Vec<NodeId>> {
        let (mut at, mut out) = (self.parent_of(item)?, Vec::new());
        while at != NONE {
            let node = self.arena.get(at);
            out.push(node.id);
            at = node.parent;
        }
        Ok(out)
    }

    /// What is right below a node, in order of time.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn children(&self, id: NodeId) -> Result<Vec<Item>> {
        Ok(self.in_order(&self.arena.get(self.known(id)?).children.to_vec()))
    }

    /// The events below a node, in order of time, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn events_of(&self, id: NodeId, limit: usize) -> Result<Vec<Slot>> {
        let mut spans = Vec::new();
        self.gather(self.known(id)?, &mut spans);
        spans.sort_unstable_by_key(Span::key);
        Ok(spans.into_iter().take(limit).map(|span| span.item).collect())
    }

    fn gather(&self, at: u32, out: &mut Vec<Span>) {
        for span in self.arena.get(at).children.to_vec() {
            match span.item & NODE {
                0 => out.push(span),
                _ => self.gather(span.item & !NODE, out),
            }
        }
    }

    /// Up to `count` on each side of an event or a node by time, inside what it is in: before it and after it, both in
    /// order. Contiguity as in EM-LLM; what stands alone has none and is none. O(log n + answers).
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn neighbours(&self, item: Item, count: usize) -> Result<(Vec<Item>, Vec<Item>)> {
        let parent = self.parent_of(item)?;
        let place = match item {
            Item::Event(slot) if self.events.alone.contains(slot) => return Ok((Vec::new(), Vec::new())),
            Item::Event(slot) => (self.events.start(slot).unwrap_or(0), slot),
            Item::Node(id) => {
                let at = self.known(id)?;
                (self.arena.get(at).start, at | NODE)
            }
        };
        let among = match (parent, item) {
            (NONE, Item::Event(_)) => &self.index,
            (NONE, Item::Node(id)) => &self.arena.levels[id.level as usize],
            (parent, _) => &self.arena.get(parent).children,
        };
        Ok(self.beside(among, place, count))
    }

    fn beside(&self, among: &Intervals, place: (i64, u32), count: usize) -> (Vec<Item>, Vec<Item>) {
        let rank = among.rank(place);
        let before = among.slice(rank.saturating_sub(count)..rank);
        let after = among.slice(rank + 1..rank.saturating_add(count).saturating_add(1));
        let side = |spans: Vec<Span>| {
            let mut items = self.in_order(&spans);
            items.retain(|item| !matches!(item, Item::Event(slot) if self.events.alone.contains(*slot)));
            items
        };
        (side(before), side(after))
    }

    pub(super) fn item(&self, child: u32) -> Item {
        match child & NODE {
            0 => Item::Event(child),
            _ => Item::Node(self.arena.get(child & !NODE).id),
        }
    }

    /// Children as what they are; those that start together by identity, as places in memory are no order.
    fn in_order(&self, spans: &[Span]) -> Vec<Item> {
        let mut out: Vec<(i64, Item)> = spans.iter().map(|span| (span.start, self.item(span.item))).collect();
        out.sort_unstable();
        out.into_iter().map(|x| x.1).collect()
    }

    fn parent_of(&self, item: Item) -> Result<u32> {
        match item {
            Item::Event(slot) if self.contains(slot) => Ok(self.events.parent(slot)),
            Item::Event(slot) => Err(unknown(slot)),
            Item::Node(id) => Ok(self.arena.get(self.known(id)?).parent),
        }
    }
}
