//! Associations as bytes, beside those of their graph.
//!
//! | part | contents, little-endian |
//! |---|---|
//! | relations | u64, then as many texts: what callers named, in the order of their numbers |
//! | runs | u64, then as many of node u32, length u32 and words u32 |
//!
//! Titles and facts are not among them: they stand with the memories.

use super::associations::Associations;
use super::facts::{Fact, Statement};
use super::titles::names_of_all;
use crate::bytes::{Reader, Writer};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::id::Slot;

impl Associations {
    /// Everything but the graph and the titles; nothing where there is no node.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        if self.graph.is_empty() {
            return out.0;
        }
        out.u64(self.relations.len() as u64);
        self.relations.texts().for_each(|word| out.text(word));
        let told: Vec<Slot> =
            self.graph.nodes().iter().filter(|&x| !self.mentions.runs(x).is_empty()).collect();
        out.u64(told.len() as u64);
        for node in told {
            let runs = self.mentions.runs(node);
            out.u32(node);
            out.u32(runs.len() as u32);
            runs.iter().for_each(|&word| out.u32(word));
        }
        out.0
    }

    /// Those of a graph, of what [`Associations::encode`] gave, and of the titles and facts of nodes.
    ///
    /// # Errors
    /// [`Error::Storage`] for bytes that nothing wrote.
    pub fn decode<'a>(
        graph: Graph,
        bytes: &[u8],
        told: impl Iterator<Item = (Slot, Vec<&'a str>, Vec<Fact<'a>>)>,
    ) -> Result<Self> {
        let bad = || Error::Storage("a segment holds what no index writes".into());
        let mut all = Self { graph, ..Self::default() };
        let mut from = Reader::new(bytes);
        for at in 0..from.count(4)? {
            if all.relations.intern(from.text()?) as usize != at {
                return Err(bad());
            }
        }
        for _ in 0..from.count(8)? {
            let node = from.u32()?;
            let words = from.u32()? as usize;
            let bytes = from.take(words.checked_mul(4).ok_or_else(bad)?)?;
            let runs = bytes.chunks_exact(4).map(|x| u32::from_le_bytes([x[0], x[1], x[2], x[3]])).collect();
            if !all.graph.contains(node) {
                return Err(bad());
            }
            all.mentions.insert(node, runs);
        }
        for (node, titles, facts) in told {
            if !all.graph.contains(node) {
                return Err(bad());
            }
            all.titles.insert(node, &names_of_all(&titles));
            all.facts.insert(node, Statement::of(&facts));
        }
        if from.is_empty() { Ok(all) } else { Err(bad()) }
    }
}
