//! The graph of a namespace: memories are its nodes, whatever their version. A node has the number of the slot of the first
//! version, so that the order of nodes is the order in which memories came, whatever became of others.
//!
//! A memory whose text names the title of another one mentions it, with a weight of one over the number of memories that
//! bear the title. Mentions lead one way; links of callers lead both, as an edge and its inverse, so that activation need
//! only follow edges out of nodes. Memories that are not believed mention nothing and bear no title, and whoever is believed
//! is a node from the start: what is not changes nothing between others.

use super::facts::{Fact, Facts, Statement};
use super::mentions::Mentions;
use super::titles::{NAMESAKES, Names, Titles, names_of_all};
use super::tokens::{runs, spoken};
use crate::bitmap::Bitmap;
use crate::error::Result;
use crate::graph::{Edge, Graph, Relation};
use crate::id::Slot;
use crate::interner::Interner;

/// The relation of a memory to one whose title its text names.
pub const MENTIONS: Relation = 1;
/// The relation of memories that state facts of the same entities.
pub const SHARES: Relation = 2;

/// What a memory brings.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// What it says.
    pub text: &'a str,
    /// Its title, if it has one, and by what else it is called.
    pub titles: &'a [&'a str],
    /// The facts it states.
    pub facts: &'a [Fact<'a>],
    /// Whether it is believed.
    pub trusted: bool,
}

/// The graph, with what finds its nodes.
#[derive(Debug, Default)]
pub struct Associations {
    pub(super) graph: Graph,
    pub(super) relations: Interner,
    pub(super) mentions: Mentions,
    pub(super) titles: Titles,
    pub(super) facts: Facts,
}

impl Associations {
    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Bytes of memory reserved, as good as exact.
    pub fn bytes(&self) -> usize {
        self.graph.bytes() + self.mentions.bytes() + self.titles.bytes() + self.facts.bytes()
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

    /// The memories whose facts a text speaks of, with weights that add up to 1; best first.
    pub fn asked(&self, text: &str) -> Vec<(Slot, f64)> {
        self.facts.asked(text)
    }

    /// Whether no memory has anything to do with another, and none has a title or states a fact.
    pub fn is_empty(&self) -> bool {
        self.graph.edges() == 0 && self.titles.is_empty() && self.facts.is_empty()
    }

    /// Takes in what a memory brings, in place of what an earlier version of it brought.
    ///
    /// # Errors
    /// [`crate::error::Error::Limit`] for more nodes than a graph holds.
    pub fn enter(&mut self, node: Slot, note: &Note<'_>) -> Result<()> {
        let (runs, names) = match note.trusted {
            true => (runs(note.text), names_of_all(note.titles)),
            false => (Box::default(), Names::new()),
        };
        let before = self.withdraw(node);
        if !note.trusted && !self.graph.contains(node) {
            return Ok(());
        }
        self.insert(node, note.trusted)?;
        self.mentions.insert(node, runs);
        self.titles.insert(node, &names);
        if before != names {
            self.renamed(&before)?;
            self.renamed(&names)?;
        }
        self.find_mentions(node)?;
        let facts = if note.trusted { note.facts } else { &[] };
        self.state(node, Statement::of(facts))
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
        self.state(node, Statement::default())?;
        self.graph.remove(node);
        self.renamed(&names)
    }

    /// Gives a memory other facts, and links it with those that share an entity.
    fn state(&mut self, node: Slot, statement: Statement) -> Result<()> {
        let before = self.facts.remove(node);
        if before == statement {
            self.facts.insert(node, before);
            return Ok(());
        }
        let mut entities = [before.entities.as_slice(), &statement.entities].concat();
        entities.sort_unstable();
        entities.dedup();
        let had = |entity: &u64| usize::from(before.entities.binary_search(entity).is_ok());
        let shares: Vec<f32> =
            entities.iter().map(|x| Facts::share(self.facts.holders(*x).len() + had(x))).collect();
        self.facts.insert(node, statement);
        let mut pairs: Vec<(Slot, Slot)> = Vec::new();
        for (&entity, share) in entities.iter().zip(shares) {
            let holders = self.facts.holders(entity);
            let after = Facts::share(holders.len());
            if share > 0.0 || after > 0.0 {
                pairs.extend(holders.iter().map(|&other| (node.min(other), node.max(other))));
            }
            // Who shares it with one more or one less counts otherwise for all.
            if share != after {
                let rest = |at: usize| holders[at + 1..].iter().map(move |&b| (holders[at], b));
                pairs.extend((0..holders.len()).flat_map(rest).map(|(a, b)| (a.min(b), a.max(b))));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs.into_iter().filter(|pair| pair.0 != pair.1).try_for_each(|pair| self.share(pair))
    }

    /// Links two memories by what they share.
    fn share(&mut self, (one, other): (Slot, Slot)) -> Result<()> {
        let weight = self.facts.shared(one, other);
        for (src, dst) in [(one, other), (other, one)] {
            if weight > 0.0 {
                self.graph.link(Edge { weight, ..Edge::new(src, dst, SHARES) })?;
            } else {
                self.graph.unlink(src, dst, SHARES);
            }
        }
        Ok(())
    }

    /// Makes a node of a memory, if it is none yet.
    pub(super) fn insert(&mut self, node: Slot, trusted: bool) -> Result<()> {
        self.graph.insert(node, trusted)?;
        self.graph.set_trusted(node, trusted);
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
        all.iter().try_for_each(|node| self.find_mentions(node))
    }

    /// Links a node to the bearers of the titles in its runs, and to no others.
    fn find_mentions(&mut self, node: Slot) -> Result<()> {
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
        let out = self.graph.out(node).filter(|x| self.graph.labels().get(x.label).relation == MENTIONS);
        let gone: Vec<Slot> = out.map(|x| x.dst).filter(|dst| bearers.iter().all(|x| x.0 != *dst)).collect();
        for bearer in gone {
            self.graph.unlink(node, bearer, MENTIONS);
        }
        for (bearer, namesakes) in bearers {
            let weight = 1.0 / namesakes as f32;
            self.graph.link(Edge { weight, ..Edge::new(node, bearer, MENTIONS) })?;
        }
        Ok(())
    }
}
