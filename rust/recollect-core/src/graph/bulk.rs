//! Many edges at once, all or none: sorted by page, each page merged once.

use super::edge::Edge;
use super::graph::{Graph, Linked, split, weaker};
use super::page::{Added, PAGE};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;

/// Batches below this go one by one.
const FEW: usize = 64;

/// Edges between two looks at the caller.
const STEP: usize = 1 << 16;

/// What became of a batch of edges.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Edges that are new, those dropped again included.
    pub new: usize,
    /// Edges that took the place of one.
    pub replaced: usize,
    /// Edges that fell out because their node was at its cap.
    pub dropped: Vec<Edge>,
}

impl Graph {
    /// Takes edges in, all or none; of two with the same ends and relation the later counts.
    ///
    /// # Errors
    /// As [`Graph::link`], named by its place; [`Error::Cancelled`].
    pub fn link_many(&mut self, edges: &[Edge], cancel: Cancel<'_>) -> Result<Batch> {
        let mut batch = Batch::default();
        for (at, edge) in edges.iter().enumerate() {
            if at.is_multiple_of(STEP) {
                cancel.check()?;
            }
            self.admit(edge, || format!("edges[{at}]"))?;
        }
        if edges.len() < FEW {
            for edge in edges {
                match self.put(*edge)? {
                    Linked::New => batch.new += 1,
                    Linked::Replaced(_) => batch.replaced += 1,
                    Linked::Dropped(edge) => {
                        batch.new += 1;
                        batch.dropped.push(edge);
                    }
                }
            }
            return Ok(batch);
        }
        if u32::try_from(edges.len()).is_err() {
            let (found, limit) = (edges.len() as u64, u64::from(u32::MAX));
            return Err(Error::Limit { argument: "edges".into(), found, limit });
        }
        self.merge_in(edges, &mut batch, cancel)?;
        Ok(batch)
    }

    pub(super) fn merge_in(&mut self, edges: &[Edge], batch: &mut Batch, cancel: Cancel<'_>) -> Result<()> {
        let mut pages = Vec::new();
        let by_src = Grouped::new(edges, self.pages.len(), |edge| edge.src);
        let mut group: Vec<(Added, u32)> = Vec::new();
        let mut last = None;
        for (at, members) in by_src.iter() {
            cancel.check()?;
            group.clear();
            for &number in members {
                let edge = &edges[number as usize];
                // Neighbours in a batch mostly share their label.
                let label = match last {
                    Some((label, number)) if label == edge.label() => number,
                    _ => self.labels.number(edge.label())?,
                };
                last = Some((edge.label(), label));
                let node = split(edge.src).1 as u8;
                group.push((Added { record: edge.record(label), relation: edge.relation, node }, number));
            }
            group.sort_unstable_by_key(|(added, number)| (added.key(), *number));
            let mut added: Vec<Added> = Vec::with_capacity(group.len());
            for (next, _) in &group {
                match added.last_mut() {
                    Some(last) if last.key() == next.key() => *last = *next,
                    _ => added.push(*next),
                }
            }
            let mut page = self.pages[at].clone();
            let new = page.absorb(&added, &self.labels);
            batch.new += new;
            pages.push((at, page));
        }
        batch.replaced = edges.len() - batch.new;
        let mut sources = Vec::new();
        let by_dst = Grouped::new(edges, self.sources.len(), |edge| edge.dst);
        let mut group: Vec<(u8, Slot)> = Vec::new();
        for (at, members) in by_dst.iter() {
            cancel.check()?;
            group.clear();
            group.extend(members.iter().map(|&number| {
                let edge = &edges[number as usize];
                (split(edge.dst).1 as u8, edge.src)
            }));
            group.sort_unstable();
            group.dedup();
            let mut page = self.sources[at].clone();
            page.absorb(&group);
            sources.push((at, page));
        }
        // From here on nothing fails.
        self.edges += batch.new;
        let mut recounted = Vec::with_capacity(pages.len());
        for (at, page) in pages {
            page.count(&mut self.degrees[at * PAGE..(at + 1) * PAGE]);
            self.pages[at] = page;
            recounted.push(at);
        }
        if self.trusted_degrees.is_some() || edges.iter().any(|edge| !edge.trusted) {
            let mut degrees = self.trusted_degrees.take().unwrap_or_else(|| self.degrees.clone());
            for at in recounted {
                let own = &mut degrees[at * PAGE..(at + 1) * PAGE];
                for (node, degree) in (at * PAGE..).zip(own) {
                    *degree = self.count_trusted(node as Slot);
                }
            }
            self.trusted_degrees = Some(degrees);
        }
        sources.into_iter().for_each(|(at, page)| self.sources[at] = page);
        if self.cap.is_some() {
            let mut touched: Vec<Slot> = edges.iter().map(|edge| edge.src).collect();
            touched.sort_unstable();
            touched.dedup();
            for node in touched {
                self.shed(node, &mut batch.dropped);
            }
        }
        Ok(())
    }

    /// Drops the weakest edges of a node down to its cap.
    fn shed(&mut self, node: Slot, dropped: &mut Vec<Edge>) {
        let over = self.over_cap(node);
        if over == 0 {
            return;
        }
        let mut all: Vec<Edge> = self.capped(node).collect();
        all.sort_by(weaker);
        for edge in all.into_iter().take(over) {
            self.unlink(node, edge.dst, edge.relation);
            self.dropped += 1;
            dropped.push(edge);
        }
    }
}

/// Numbers of edges by the page of one of their ends, by counting.
struct Grouped {
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Grouped {
    fn new(edges: &[Edge], pages: usize, end: impl Fn(&Edge) -> Slot) -> Self {
        let mut starts = vec![0u32; pages + 1];
        edges.iter().for_each(|edge| starts[split(end(edge)).0 + 1] += 1);
        for at in 0..pages {
            starts[at + 1] += starts[at];
        }
        let (mut next, mut numbers) = (starts.clone(), vec![0; edges.len()]);
        for (number, edge) in (0..).zip(edges) {
            let place = &mut next[split(end(edge)).0];
            numbers[*place as usize] = number;
            *place += 1;
        }
        Self { starts, numbers }
    }

    /// Pages that have any, with their edges in the order given.
    fn iter(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let lists = self.starts.windows(2).map(|ends| &self.numbers[ends[0] as usize..ends[1] as usize]);
        lists.enumerate().filter(|(_, list)| !list.is_empty())
    }
}
