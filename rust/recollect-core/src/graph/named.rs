//! A graph under ids of the outside, with named relations and sources, in memory or in a file.
//!
//! | piece of the file | bytes |
//! |---|---|
//! | first | relations u64 and sources u64, then each text |
//! | some | the id of each node in the order of its slot |
//! | others | the pieces of [`Graph::encode_chunks`] |

use std::path::Path;

use super::edge::{MEMBER, NOWHERE, Relation};
use super::graph::Graph;
use super::naming::{Name, Names};
use crate::bytes::{Reader, Writer};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::interner::Interner;
use crate::pieces::{Header, Pieces, damage, save};

const HEADER: Header = Header { magic: *b"RCLGRAPH", version: 1 };

/// Bytes from which a piece is full.
const PIECE: usize = 3 << 20;

/// The name of the relation between hyperedges and their members.
pub const MEMBER_NAME: &str = "member";

/// A graph, and what its numbers are called.
#[derive(Debug, Clone)]
pub struct NamedGraph {
    /// The graph.
    pub graph: Graph,
    names: Names,
    relations: Interner,
    sources: Interner,
}

impl NamedGraph {
    /// An empty graph.
    ///
    /// # Errors
    /// As [`Graph::new`].
    pub fn new(cap: Option<u32>) -> Result<Self> {
        let mut relations = Interner::default();
        relations.intern(MEMBER_NAME);
        Ok(Self { graph: Graph::new(cap)?, names: Names::default(), relations, sources: Interner::default() })
    }

    /// The slot of a node.
    pub fn slot(&self, name: &Name) -> Option<Slot> {
        self.names.slot(name)
    }

    /// The slot of a node that must be there.
    ///
    /// # Errors
    /// [`Error::UnknownNode`].
    pub fn known(&self, argument: &str, name: &Name) -> Result<Slot> {
        self.slot(name)
            .ok_or_else(|| Error::UnknownNode { argument: argument.into(), node: name.to_string() })
    }

    /// The id of a node.
    ///
    /// # Errors
    /// [`Error::Storage`] where it has none, which never happens to a node of the graph.
    pub fn name(&self, slot: Slot) -> Result<Name> {
        self.names.name(slot).ok_or_else(|| Error::Storage("a node without its id".into()))
    }

    /// The slot of a node, which is taken in if it is not there; and whether it was.
    ///
    /// # Errors
    /// As [`Graph::insert`].
    pub fn take(&mut self, name: &Name, trusted: bool) -> Result<(Slot, bool)> {
        if let Some(slot) = self.slot(name) {
            return Ok((slot, true));
        }
        let slot = self.names.take(name);
        if let Err(error) = self.graph.insert(slot, trusted) {
            self.names.release(slot);
            return Err(error);
        }
        Ok((slot, false))
    }

    /// Reserves a slot for a node that the caller makes.
    pub fn reserve(&mut self, name: &Name) -> Slot {
        self.names.take(name)
    }

    /// Takes a node away, or a slot that was reserved for one; gives how many edges went.
    pub fn remove(&mut self, slot: Slot) -> usize {
        let gone = self.graph.remove(slot).unwrap_or(0);
        self.names.release(slot);
        gone
    }

    /// Makes one node of two, see [`Graph::merge`].
    ///
    /// # Errors
    /// As [`Graph::merge`].
    pub fn merge(&mut self, into: Slot, node: Slot) -> Result<Vec<super::edge::Edge>> {
        let dropped = self.graph.merge(into, node)?;
        self.names.release(node);
        Ok(dropped)
    }

    /// The number of a relation, if it has one.
    pub fn relation(&self, name: &str) -> Option<Relation> {
        self.relations.number(name).map(|number| number as Relation)
    }

    /// The number of a relation, a new one if it has none.
    ///
    /// # Errors
    /// [`Error::Limit`] beyond 65,535 relations.
    pub fn take_relation(&mut self, name: &str) -> Result<Relation> {
        if let Some(known) = self.relation(name) {
            return Ok(known);
        }
        let count = self.relations.len();
        match Relation::try_from(count) {
            Ok(_) => Ok(self.relations.intern(name) as Relation),
            Err(_) => {
                let (found, limit) = (count as u64, u64::from(Relation::MAX));
                Err(Error::Limit { argument: "relation".into(), found, limit })
            }
        }
    }

    /// The name of a relation.
    pub fn relation_name(&self, relation: Relation) -> &str {
        self.relations.text(u32::from(relation)).unwrap_or(MEMBER_NAME)
    }

    /// The number of a source, a new one if it has none.
    pub fn take_source(&mut self, name: Option<&str>) -> u32 {
        name.map_or(NOWHERE, |name| self.sources.intern(name))
    }

    /// The name of a source.
    pub fn source_name(&self, source: u32) -> Option<&str> {
        self.sources.text(source)
    }

    /// Names of all relations, by number.
    pub fn relations(&self) -> impl Iterator<Item = &str> {
        self.relations.texts()
    }

    /// Bytes of memory reserved, names included.
    pub fn bytes(&self) -> usize {
        self.graph.bytes() + self.names.bytes()
    }

    /// Writes a file, in the place of one that is there, and makes it durable.
    ///
    /// # Errors
    /// As [`crate::pieces::save`].
    pub fn save(&self, path: &Path, cancel: Cancel<'_>) -> Result<()> {
        let mut first = Writer::default();
        let used = self.used_sources();
        first.u64(self.relations.len() as u64);
        first.u64(self.sources.len() as u64);
        self.relations.texts().for_each(|text| first.text(text));
        // A source that no edge has any more leaves no word behind.
        (0..).zip(self.sources.texts()).for_each(|(number, text)| {
            first.text(if used.contains(number) { text } else { "" });
        });
        let mut nodes = self.graph.nodes().iter();
        let names = std::iter::from_fn(|| {
            let mut piece = Writer::default();
            while piece.0.len() < PIECE {
                match nodes.next() {
                    Some(node) => self.names.encode(node, &mut piece),
                    None => break,
                }
            }
            (!piece.0.is_empty()).then_some(piece.0)
        });
        let first = first.0.chunks(PIECE).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let count = (first.len() as u64).to_le_bytes().to_vec();
        let pieces = std::iter::once(count).chain(first).chain(names).chain(self.graph.encode_chunks());
        save(path, HEADER, pieces, cancel)
    }

    fn used_sources(&self) -> crate::bitmap::Bitmap {
        let labels = self.graph.labels();
        let mut used = crate::bitmap::Bitmap::new();
        for node in self.graph.nodes().iter() {
            self.graph.out(node).map(|x| labels.get(x.label).source).filter(|&x| x != NOWHERE).for_each(
                |source| {
                    used.insert(source);
                },
            );
        }
        used
    }

    /// Reads what [`NamedGraph::save`] wrote.
    ///
    /// # Errors
    /// [`Error::NotAnIndex`], [`Error::CorruptIndex`] and [`Error::FormatTooNew`] for another file; [`Error::Io`];
    /// [`Error::Cancelled`].
    pub fn load(path: &Path, cancel: Cancel<'_>) -> Result<Self> {
        let mut pieces = Pieces::open(path, HEADER, cancel)?;
        Self::read(&mut pieces, cancel).map_err(|error| damage(path, error))
    }

    fn read(pieces: &mut Pieces<'_>, cancel: Cancel<'_>) -> Result<Self> {
        let bad = |reason: &str| Error::Storage(reason.into());
        let count = pieces.need()?;
        let count = Reader::new(&count).u64()?;
        let mut first = Vec::new();
        for _ in 0..count {
            first.extend(pieces.need()?);
        }
        let mut from = Reader::new(&first);
        let (relations, sources) = (from.u64()?, from.u64()?);
        if relations == 0 || relations > u64::from(Relation::MAX) + 1 {
            return Err(bad("relations out of range"));
        }
        let mut named = Self::new(None)?;
        for number in 0..relations {
            if u64::from(named.relations.intern(from.text()?)) != number {
                return Err(bad("a relation twice"));
            }
        }
        // Sources of no edge have no text; each keeps its number.
        let mut texts = Vec::new();
        for _ in 0..sources {
            texts.push(from.text()?.to_owned());
        }
        if !from.is_empty() {
            return Err(bad("more names than counted"));
        }
        // The names come before the nodes they belong to.
        let mut names = Vec::new();
        let mut graph_pieces = Vec::new();
        for piece in pieces.by_ref() {
            let piece = piece?;
            if graph_pieces.is_empty() && !piece.starts_with(b"RCGR") {
                let mut from = Reader::new(&piece);
                while !from.is_empty() {
                    names.push(Names::decode(&mut from)?);
                }
            } else {
                graph_pieces.push(piece);
            }
        }
        named.graph = Graph::decode_chunks(graph_pieces.into_iter().map(Ok), cancel)?;
        if named.graph.len() != names.len() {
            return Err(bad("ids and nodes do not go together"));
        }
        named.names = Names::restore(named.graph.nodes().iter().zip(names))?;
        let known = u64::from(MEMBER) + relations;
        let fine = |label: super::edge::Label| {
            u64::from(label.relation) < known
                && (label.source == NOWHERE || u64::from(label.source) < sources)
        };
        if !named.graph.labels().iter().all(fine) {
            return Err(bad("an edge of no known relation or source"));
        }
        named.sources = Interner::default();
        for (number, text) in texts.iter().enumerate() {
            // A place holder that no edge refers to.
            let text = if text.is_empty() { format!("\u{0}{number}") } else { text.clone() };
            if named.sources.intern(&text) as usize != number {
                return Err(bad("a source twice"));
            }
        }
        Ok(named)
    }
}
