//! The graph of a namespace: memories are its nodes, whatever their version. A node has the number of the slot of the first
//! version, so that the order of nodes is the order in which memories came, whatever became of others.
//!
//! A memory whose text names the title of another one mentions it. Such an edge weighs the less, the more memories bear
//! the title and the more mention its bearer: one over their number, and over the root of the number of mentions, taken
//! down to a power of two so that most writes change no other edge.

use super::mentions::Mentions;
use super::titles::{NAMESAKES, Names, Titles, names_of};
use super::tokens::{runs, spoken};
use crate::bitmap::Bitmap;
use crate::error::Result;
use crate::graph::{Edge, Graph, Relation};
use crate::id::Slot;
use crate::interner::Interner;

/// The relation of a memory to one whose title its text names.
pub const MENTIONS: Relation = 1;
/// Pointers at a memory beyond which each weighs no less.
const POPULAR: usize = 256;

/// What a memory brings.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// What it says.
    pub text: &'a str,
    /// Its title, if it has one.
    pub title: Option<&'a str>,
    /// When it happened, microseconds since 1970.
    pub time: i64,
    /// Whether it is believed.
    pub trusted: bool,
}

/// The graph, with what finds its nodes.
#[derive(Debug, Default)]
pub struct Associations {
    pub(super) graph: Graph,
    /// By node, half the logarithm by which a mention of it weighs less.
    pub(super) popularity: Vec<u8>,
    pub(super) relations: Interner,
    pub(super) mentions: Mentions,
    pub(super) titles: Titles,
}

impl Associations {
    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Bytes of memory reserved, as good as exact.
    pub fn bytes(&self) -> usize {
        self.graph.bytes() + self.mentions.bytes() + self.titles.bytes() + self.popularity.capacity()
    }

    /// The memories whose titles a text names, each with its share of the name. Small letters do for names of several
    /// words.
    pub fn named(&self, text: &str) -> Vec<(Slot, f64)> {
        let words = spoken(text);
        let mut found: Vec<(Slot, f64)> = Vec::new();
        self.titles.each(&words.0, |bearers, place| {
            let told = bearers.len() <= NAMESAKES && (place.len() > 1 || words.1[place.start]);
            if told {
                found.extend(bearers.iter().map(|&node| (node, 1.0 / bearers.len() as f64)));
            }
        });
        found.sort_unstable_by_key(|x| x.0);
        found.dedup_by(|later, first| {
            let same = later.0 == first.0;
            first.1 = if same { first.1.max(later.1) } else { first.1 };
            same
        });
        found
    }

    /// Whether no memory has anything to do with another.
    pub fn is_empty(&self) -> bool {
        self.graph.edges() == 0
    }

    /// Takes in what a memory brings, in place of what an earlier version of it brought.
    ///
    /// # Errors
    /// [`crate::error::Error::Limit`] for more nodes than a graph holds.
    pub fn enter(&mut self, node: Slot, note: &Note<'_>) -> Result<()> {
        let (runs, names) = (runs(note.text), note.title.map(names_of).unwrap_or_default());
        let before = self.withdraw(node);
        if runs.is_empty() && names.is_empty() && !self.graph.contains(node) {
            return Ok(());
        }
        self.insert(node, note.trusted)?;
        self.mentions.insert(node, runs);
        self.titles.insert(node, &names);
        if before != names {
            self.renamed(&before)?;
            self.renamed(&names)?;
        }
        self.find_mentions(node, note.time)
    }

    /// Takes a memory out with all of its links.
    ///
    /// # Errors
    /// As [`Associations::enter`].
    pub fn leave(&mut self, node: Slot) -> Result<()> {
        if !self.graph.contains(node) {
            return Ok(());
        }
        let names = self.withdraw(node);
        let mut named: Vec<Slot> = self.graph.out(node).map(|record| record.dst).collect();
        named.dedup();
        self.graph.remove(node);
        self.popularity[node as usize] = 0;
        self.renamed(&names)?;
        named.into_iter().filter(|&x| x != node).try_for_each(|bearer| self.reweigh(bearer))
    }

    /// Makes a node of a memory, if it is none yet.
    pub(super) fn insert(&mut self, node: Slot, trusted: bool) -> Result<()> {
        self.graph.insert(node, trusted)?;
        self.graph.set_trusted(node, trusted);
        let end = node as usize + 1;
        if self.popularity.len() < end {
            self.popularity.resize(end, 0);
        }
        Ok(())
    }

    /// Takes away what the text and title of a node brought; its other links stay. Gives its names.
    fn withdraw(&mut self, node: Slot) -> Names {
        self.mentions.remove(node);
        self.titles.remove(node)
    }

    /// Looks again at every memory that may hold one of these names, since who bears them has changed.
    fn renamed(&mut self, names: &Names) -> Result<()> {
        let mut all = Bitmap::new();
        for name in names {
            self.mentions.candidates(name).into_iter().for_each(|node| {
                all.insert(node);
            });
        }
        all.iter().try_for_each(|node| {
            let time = self.mentioned(node).first().map_or(0, |edge| edge.time);
            self.find_mentions(node, time)
        })
    }

    fn mentioned(&self, node: Slot) -> Vec<Edge> {
        let all = self.graph.out(node).map(|record| self.graph.edge(node, record));
        all.filter(|edge| edge.relation == MENTIONS).collect()
    }

    /// Links a node to the bearers of the titles in its runs, and to no others.
    fn find_mentions(&mut self, node: Slot, time: i64) -> Result<()> {
        let mut bearers: Vec<(Slot, usize)> = Vec::new();
        for run in self.mentions.runs(node).split(|&word| word == 0) {
            self.titles.each(run, |found, _| {
                if found.len() <= NAMESAKES {
                    bearers.extend(found.iter().filter(|&&x| x != node).map(|&x| (x, found.len())));
                }
            });
        }
        // Of several names the one that fewest bear.
        bearers.sort_unstable();
        bearers.dedup_by_key(|x| x.0);
        let old = self.mentioned(node);
        let gone: Vec<Slot> =
            old.iter().map(|x| x.dst).filter(|dst| bearers.iter().all(|x| x.0 != *dst)).collect();
        for &bearer in &gone {
            self.graph.unlink(node, bearer, MENTIONS);
        }
        let trusted = self.graph.is_trusted(node);
        for &(bearer, namesakes) in &bearers {
            let weight = scale(self.popularity[bearer as usize]) / namesakes as f32;
            let edge = Edge { time, trusted, weight, ..Edge::new(node, bearer, MENTIONS) };
            self.graph.link(edge)?;
        }
        gone.into_iter().chain(bearers.into_iter().map(|x| x.0)).try_for_each(|bearer| self.reweigh(bearer))
    }

    pub(super) fn popularity_of(graph: &Graph, node: Slot) -> u8 {
        graph.in_degree(node).clamp(1, POPULAR).ilog2() as u8
    }

    /// Weighs the mentions of a node anew if the number of nodes that point at it asks for it.
    pub(super) fn reweigh(&mut self, node: Slot) -> Result<()> {
        let popularity = Self::popularity_of(&self.graph, node);
        let before = self.popularity[node as usize];
        if popularity == before {
            return Ok(());
        }
        self.popularity[node as usize] = popularity;
        let into = self.graph.edges_into(node).map(|(src, record)| self.graph.edge(src, record));
        let into: Vec<Edge> = into.filter(|edge| edge.relation == MENTIONS).collect();
        for edge in into {
            let namesakes = (scale(before) / edge.weight).round();
            self.graph.link(Edge { weight: scale(popularity) / namesakes, ..edge })?;
        }
        Ok(())
    }
}

/// One over the root of two to the popularity.
fn scale(popularity: u8) -> f32 {
    let whole = 1.0 / f32::from(1u16 << (popularity / 2));
    if popularity.is_multiple_of(2) { whole } else { whole * std::f32::consts::FRAC_1_SQRT_2 }
}
