//! From the coarse to the fine: the best nodes of a level are opened, the best of what is in them next.
//!
//! After HCAM (Lampinen et al., 2105.14039) and the beam of hierarchical memories such as VideoLucy.

use std::collections::BTreeSet;

use super::event::unit;
use super::node::{Item, NODE};
use super::terms::coverage;
use super::timeline::{Timeline, unknown};
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sought {
    /// A direction; empty for none.
    pub vector: Vec<f32>,
    /// Words.
    pub words: Vec<u32>,
    /// The share of the direction in a score where there are words too: TiMem's 0.9.
    pub weight: f32,
    /// What shares no instant with this range of microseconds is passed over.
    pub within: Option<(i64, i64)>,
}

/// Something found, and how well it fits: the greater the better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// What.
    pub item: Item,
    /// When it starts.
    pub start: i64,
    /// `weight · cosine + (1 - weight) · share of the words`, or the one of them that was asked for.
    pub score: f32,
}

/// What a step of a descent came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Nodes that were opened.
    pub opened: usize,
    /// What was scored.
    pub scored: usize,
    /// The best of it, best first; of equal ones the earlier.
    pub best: Vec<Found>,
}

impl Timeline {
    /// Scores what stands at the top of the tree: the nodes of its coarsest level, or events where there are no levels.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a beam of 0 and a query of nothing; [`Error::DimensionMismatch`]; [`Error::Cancelled`].
    pub fn top(&self, sought: &Sought, beam: usize, cancel: Cancel<'_>) -> Result<Step> {
        let query = self.query(sought, beam)?;
        let mut items = BTreeSet::new();
        match self.arena.levels.last() {
            Some(nodes) => items.extend(nodes.to_vec().into_iter().map(|span| span.item)),
            None => items.extend(self.index.to_vec().into_iter().map(|span| span.item)),
        }
        self.step(0, items, sought, &query, beam, cancel)
    }

    /// Opens the nodes among what was found, and gives the best of their children and of the events that were found.
    ///
    /// # Errors
    /// As [`Timeline::top`]; [`Error::Unknown`] for what is not there any more.
    pub fn open(&self, found: &[Item], sought: &Sought, beam: usize, cancel: Cancel<'_>) -> Result<Step> {
        let query = self.query(sought, beam)?;
        let (mut items, mut opened) = (BTreeSet::new(), 0);
        for &item in found {
            match item {
                Item::Event(slot) if self.contains(slot) => {
                    items.insert(slot);
                }
                Item::Event(slot) => return Err(unknown(slot)),
                Item::Node(id) => {
                    let node = self.arena.get(self.known(id)?);
                    items.extend(node.children.to_vec().into_iter().map(|span| span.item));
                    opened += 1;
                }
            }
        }
        self.step(opened, items, sought, &query, beam, cancel)
    }

    /// Goes down from the top until only events are left or `sufficient` says that what is found will do; gives every step.
    ///
    /// # Errors
    /// As [`Timeline::top`].
    pub fn descend(
        &self,
        sought: &Sought,
        beam: usize,
        mut sufficient: impl FnMut(&[Found]) -> bool,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Step>> {
        let mut steps = vec![self.top(sought, beam, cancel)?];
        while let Some(last) = steps.last()
            && last.best.iter().any(|x| matches!(x.item, Item::Node(_)))
            && !sufficient(&last.best)
        {
            let items: Vec<Item> = last.best.iter().map(|x| x.item).collect();
            steps.push(self.open(&items, sought, beam, cancel)?);
        }
        Ok(steps)
    }

    fn query(&self, sought: &Sought, beam: usize) -> Result<Vec<f32>> {
        if beam == 0 {
            return Err(Error::invalid("beam", "expected at least 1"));
        }
        if sought.vector.is_empty() && sought.words.is_empty() {
            return Err(Error::invalid("query", "expected a vector or words"));
        }
        let (expected, found) = (self.settings.dim, sought.vector.len());
        if found > 0 && expected != found {
            return Err(Error::DimensionMismatch { argument: "query".into(), expected, found });
        }
        if !sought.vector.iter().all(|x| x.is_finite()) || !(0.0..=1.0).contains(&sought.weight) {
            return Err(Error::invalid("query", "expected finite numbers, and a weight between 0 and 1"));
        }
        Ok(unit(&sought.vector))
    }

    fn step(
        &self,
        opened: usize,
        children: BTreeSet<u32>,
        sought: &Sought,
        query: &[f32],
        beam: usize,
        cancel: Cancel<'_>,
    ) -> Result<Step> {
        let mut best = Vec::new();
        for (count, child) in children.into_iter().enumerate() {
            if count.is_multiple_of(1024) {
                cancel.check()?;
            }
            let (start, end) = self.hull(child);
            if sought.within.is_none_or(|(from, to)| start < to && end > from) {
                let score = self.score(child, sought, query);
                best.push(Found { item: self.item(child), start, score });
            }
        }
        let scored = best.len();
        best.sort_unstable_by(|a, b| {
            b.score.total_cmp(&a.score).then_with(|| (a.start, a.item).cmp(&(b.start, b.item)))
        });
        best.truncate(beam);
        Ok(Step { opened, scored, best })
    }

    fn hull(&self, child: u32) -> (i64, i64) {
        if child & NODE != 0 {
            let node = self.arena.get(child & !NODE);
            return (node.start, node.end);
        }
        self.event(child).map_or((0, 0), |span| (span.start, span.end))
    }

    fn score(&self, child: u32, sought: &Sought, query: &[f32]) -> f32 {
        let direction = match child & NODE {
            _ if query.is_empty() => 0.0,
            0 => self.events.vector(child).iter().zip(query).map(|(a, b)| a * b).sum(),
            _ => self.arena.get(child & !NODE).sum.cosine(query),
        };
        if sought.words.is_empty() {
            return direction;
        }
        let share = coverage(self.terms_of(child), &sought.words);
        if query.is_empty() { share } else { sought.weight * direction + (1.0 - sought.weight) * share }
    }
}
