//! A graph as bytes, in pieces of about 3 MiB.
//!
//! | piece | contents, little-endian |
//! |---|---|
//! | first | magic `RCGR`, version u32, cap u32 (0: none), dropped u64, nodes u64, edges u64, labels u64, hyperedges u64 |
//! | labels | relation u32, source u32, trusted u8 of each that is in use |
//! | nodes | number u32, flags u8 (1 trusted, 2 dirty) of each |
//! | edges | begin u32, end u32, label u32, weight f32, time i64 of each, sorted |
//! | hyperedges | node u32, time i64, text, parents, archived u8, members where it is 1; lists behind their length u64 |
//!
//! Equal graphs give equal bytes, whatever their history; nothing of removed edges is in them.

use super::edge::{Edge, Label, Labels};
use super::graph::Graph;
use super::hyperedge::Hyperedge;
use crate::bytes::{Reader, Writer};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;

const MAGIC: [u8; 4] = *b"RCGR";
const VERSION: u32 = 1;

/// Bytes from which a piece is full.
const PIECE: usize = 3 << 20;

/// Bytes of an edge.
const EDGE: usize = 24;

fn damaged(reason: &str) -> Error {
    Error::Storage(format!("a graph with {reason}"))
}

impl Graph {
    /// The graph piece by piece; [`Graph::decode_chunks`] wants the same pieces in the same order.
    pub fn encode_chunks(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let mut used: Vec<Label> = {
            let mut seen = vec![false; self.labels.len()];
            self.nodes.iter().for_each(|node| self.out(node).for_each(|x| seen[x.label as usize] = true));
            self.labels.iter().zip(seen).filter(|x| x.1).map(|x| x.0).collect()
        };
        used.sort_unstable_by_key(|label| (label.relation, label.source, label.trusted));
        let mut numbers = Labels::default();
        let mut first = Writer::default();
        first.raw(&MAGIC);
        first.u32(VERSION);
        first.u32(self.cap.unwrap_or(0));
        first.u64(self.dropped);
        let counts = [self.len(), self.edges, used.len(), self.hyperedges.len()];
        counts.iter().for_each(|&count| first.u64(count as u64));
        let labels = pieces(used.clone().into_iter(), |label, out| {
            out.u32(u32::from(label.relation));
            out.u32(label.source);
            out.u8(u8::from(label.trusted));
        });
        let nodes = pieces(self.nodes.iter(), |node, out| {
            out.u32(node);
            out.u8(u8::from(self.is_trusted(node)) | u8::from(self.dirty.contains(node)) << 1);
        });
        let renumbered: Vec<u32> = {
            // As many numbers as labels that are in use, so that numbering them cannot fail.
            used.iter().for_each(|&label| {
                let _ = numbers.number(label);
            });
            self.labels.iter().map(|label| numbers.known(label).unwrap_or(0)).collect()
        };
        let edges = self.nodes.iter().flat_map(|src| self.out(src).map(move |record| (src, record)));
        let edges = pieces(edges, move |(src, record), out| {
            out.u32(src);
            out.u32(record.dst);
            out.u32(renumbered[record.label as usize]);
            out.f32(record.weight);
            out.i64(record.time);
        });
        let hyperedges = pieces(self.hyperedges.iter(), |(&node, hyperedge), out| {
            out.u32(node);
            out.i64(hyperedge.time);
            out.text(&hyperedge.text);
            list(&hyperedge.parents, out);
            out.u8(u8::from(hyperedge.archived.is_some()));
            if let Some(members) = &hyperedge.archived {
                list(members, out);
            }
        });
        std::iter::once(first.0).chain(labels).chain(nodes).chain(edges).chain(hyperedges)
    }

    /// Reads what [`Graph::encode_chunks`] gave.
    ///
    /// # Errors
    /// [`Error::Storage`] for anything else; what the pieces bring; [`Error::Cancelled`].
    pub fn decode_chunks(chunks: impl Iterator<Item = Result<Vec<u8>>>, cancel: Cancel<'_>) -> Result<Self> {
        let mut chunks = Chunks { chunks, piece: Vec::new(), at: 0 };
        let Head { cap, dropped, nodes, edges, labels, hyperedges } = chunks.head()?;
        let mut graph = Self::new((cap > 0).then_some(cap))?;
        graph.dropped = dropped;
        let mut known = Vec::new();
        for _ in 0..labels {
            let mut from = chunks.reader(9)?;
            let (relation, source, trusted) = (from.u32()?, from.u32()?, from.u8()?);
            let relation = u16::try_from(relation).map_err(|_| damaged("a relation out of range"))?;
            known.push(Label { relation, source, trusted: flag(trusted)? });
        }
        for _ in 0..nodes {
            let mut from = chunks.reader(5)?;
            let (node, flags) = (from.u32()?, from.u8()?);
            let sound = flags < 4
                && graph.insert(node, flags & 1 == 1).map_err(|_| damaged("a node out of range"))?;
            if !sound {
                return Err(damaged("a node twice"));
            }
            if flags & 2 == 2 {
                graph.dirty.insert(node);
            }
        }
        let mut batch: Vec<Edge> = Vec::new();
        for left in (0..edges).rev() {
            let mut from = chunks.reader(EDGE)?;
            let (src, dst, label) = (from.u32()?, from.u32()?, from.u32()?);
            let (weight, time) = (from.f32()?, from.i64()?);
            let label = known.get(label as usize).ok_or_else(|| damaged("an edge without its label"))?;
            let Label { relation, source, trusted } = *label;
            let ends = graph.contains(src) && graph.contains(dst);
            if !ends || !weight.is_finite() || weight <= 0.0 {
                return Err(damaged("an edge out of range"));
            }
            batch.push(Edge { src, dst, relation, weight, time, source, trusted });
            if batch.len() == PIECE || left == 0 {
                let mut report = super::bulk::Batch::default();
                graph.merge_in(&batch, &mut report, cancel)?;
                batch.clear();
            }
        }
        if graph.edges as u64 != edges || graph.dropped != dropped {
            return Err(damaged("an edge twice, or nodes over their cap"));
        }
        for _ in 0..hyperedges {
            let (node, hyperedge) = chunks.whole(|from| {
                let (node, time, text) = (from.u32()?, from.i64()?, from.text()?.to_owned());
                let parents = read_list(from)?;
                let archived = if flag(from.u8()?)? { Some(read_list(from)?) } else { None };
                Ok((node, Hyperedge { text, time, parents, archived }))
            })?;
            if !graph.contains(node) || graph.hyperedges.insert(node, hyperedge).is_some() {
                return Err(damaged("a hyperedge without its node"));
            }
        }
        chunks.end()?;
        Ok(graph)
    }
}

fn list(nodes: &[Slot], out: &mut Writer) {
    out.u64(nodes.len() as u64);
    nodes.iter().for_each(|&node| out.u32(node));
}

fn read_list(from: &mut Reader<'_>) -> Result<Vec<Slot>> {
    let count = from.count(4)?;
    (0..count).map(|_| from.u32()).collect()
}

fn flag(byte: u8) -> Result<bool> {
    if byte > 1 { Err(damaged("a flag out of range")) } else { Ok(byte == 1) }
}

/// Things in pieces, each thing whole in one.
fn pieces<T>(
    mut things: impl Iterator<Item = T>,
    put: impl Fn(T, &mut Writer),
) -> impl Iterator<Item = Vec<u8>> {
    std::iter::from_fn(move || {
        let mut piece = Writer::default();
        while piece.0.len() < PIECE {
            match things.next() {
                Some(thing) => put(thing, &mut piece),
                None => break,
            }
        }
        (!piece.0.is_empty()).then_some(piece.0)
    })
}

/// Values across pieces.
struct Chunks<I> {
    chunks: I,
    piece: Vec<u8>,
    at: usize,
}

/// The first piece.
struct Head {
    cap: u32,
    dropped: u64,
    nodes: u64,
    edges: u64,
    labels: u64,
    hyperedges: u64,
}

impl<I: Iterator<Item = Result<Vec<u8>>>> Chunks<I> {
    fn head(&mut self) -> Result<Head> {
        self.next()?;
        let piece = std::mem::take(&mut self.piece);
        let mut from = Reader::new(&piece);
        if from.array()? != MAGIC || from.u32()? != VERSION {
            return Err(damaged("another beginning"));
        }
        let (cap, dropped, nodes, edges) = (from.u32()?, from.u64()?, from.u64()?, from.u64()?);
        let (labels, hyperedges) = (from.u64()?, from.u64()?);
        match from.is_empty() {
            true => Ok(Head { cap, dropped, nodes, edges, labels, hyperedges }),
            false => Err(damaged("a longer beginning")),
        }
    }

    fn next(&mut self) -> Result<()> {
        self.piece = self.chunks.next().ok_or_else(|| damaged("pieces missing"))??;
        self.at = 0;
        Ok(())
    }

    fn reader(&mut self, size: usize) -> Result<Reader<'_>> {
        if self.at == self.piece.len() {
            self.next()?;
        }
        let start = self.at;
        self.at += size;
        let bytes = self.piece.get(start..self.at).ok_or_else(|| damaged("a piece that ends too early"))?;
        Ok(Reader::new(bytes))
    }

    fn whole<T>(&mut self, read: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> Result<T> {
        if self.at == self.piece.len() {
            self.next()?;
        }
        let mut from = Reader::new(&self.piece[self.at..]);
        let value = read(&mut from)?;
        self.at = self.piece.len() - from.left();
        Ok(value)
    }

    fn end(&mut self) -> Result<()> {
        match self.at == self.piece.len() && self.chunks.next().is_none() {
            true => Ok(()),
            false => Err(damaged("something after its end")),
        }
    }
}
