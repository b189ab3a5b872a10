//! Links between memories that callers make, and what stands next to a memory.

use super::associations::{Associations, MENTIONS, SHARES};
use crate::error::{Error, Result};
use crate::graph::{Direction, Edge, MEMBER, Record, Relation};
use crate::id::Slot;

/// The word of [`MENTIONS`].
const MENTIONS_WORD: &str = "mentions";
/// The word of [`SHARES`].
const SHARES_WORD: &str = "shares";
/// The first number of a relation that callers name.
const FIRST: Relation = 16;
/// What the inverse of a relation has more.
const INVERSE: Relation = 1 << 15;
/// Relations that callers name at most.
const MOST: usize = (INVERSE - FIRST) as usize;

/// What is said of a link between two memories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkDetail<'a> {
    /// Its kind, in the words of the caller.
    pub relation: &'a str,
    /// How strong it is: finite and above zero.
    pub weight: f32,
    /// When it was made, microseconds since 1970.
    pub time: i64,
    /// Whether it comes from somebody who is believed.
    pub trusted: bool,
}

/// An edge between two memories.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    /// Where it begins.
    pub src: Slot,
    /// Where it ends.
    pub dst: Slot,
    /// Its kind.
    pub relation: String,
    /// How strong it is.
    pub weight: f32,
    /// When it was made, microseconds since 1970; none for what the store makes, which is as old as the memory it leads out of.
    pub time: Option<i64>,
    /// Whether it is believed.
    pub trusted: bool,
}

impl Associations {
    /// Checks that callers may name a relation so, and that there is room for it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the name of a relation that the store makes, [`Error::Limit`] for one too many.
    pub fn admit_relation(&self, word: &str) -> Result<()> {
        if word == MENTIONS_WORD || word == SHARES_WORD {
            return Err(Error::invalid("relation", format!("the store itself makes links of {word}")));
        }
        if self.relations.number(word).is_none() && self.relations.len() >= MOST {
            let (found, limit) = (MOST as u64 + 1, MOST as u64);
            return Err(Error::Limit { argument: "relation".into(), found, limit });
        }
        Ok(())
    }

    /// Links two memories, or gives a link that is there new values; `trusted` says who of the two is believed.
    ///
    /// # Errors
    /// As [`Associations::admit_relation`] and [`crate::graph::Graph::link`].
    pub fn link(
        &mut self,
        (src, dst): (Slot, Slot),
        trusted: (bool, bool),
        detail: &LinkDetail<'_>,
    ) -> Result<()> {
        self.admit_relation(detail.relation)?;
        self.insert(src, trusted.0)?;
        self.insert(dst, trusted.1)?;
        let relation = FIRST + self.relations.intern(detail.relation) as Relation;
        let LinkDetail { weight, time, trusted, .. } = *detail;
        self.graph.link(Edge { weight, time, trusted, ..Edge::new(src, dst, relation) })?;
        self.graph.link(Edge { weight, time, trusted, ..Edge::new(dst, src, relation | INVERSE) })?;
        Ok(())
    }

    /// Takes the link of a relation away, or all that callers made; gives how many.
    pub fn unlink(&mut self, src: Slot, dst: Slot, relation: Option<&str>) -> usize {
        let made = self.made(src, dst, relation);
        for &relation in &made {
            self.graph.unlink(src, dst, relation);
            self.graph.unlink(dst, src, relation | INVERSE);
        }
        made.len()
    }

    /// The relations of the links from a node to another that callers made.
    pub fn made(&self, src: Slot, dst: Slot, relation: Option<&str>) -> Vec<Relation> {
        let wanted =
            relation.map(|word| self.relations.number(word).map(|number| FIRST + number as Relation));
        let all = self.graph.between(src, dst).map(|record| self.graph.labels().get(record.label).relation);
        all.filter(|&x| (FIRST..INVERSE).contains(&x) && wanted.is_none_or(|wanted| wanted == Some(x)))
            .collect()
    }

    /// The number of a relation by its word.
    pub fn relation(&self, word: &str) -> Option<Relation> {
        match word {
            MENTIONS_WORD => return Some(MENTIONS),
            SHARES_WORD => return Some(SHARES),
            _ => {}
        }
        self.relations.number(word).map(|number| FIRST + number as Relation)
    }

    /// The word of a relation.
    pub fn relation_word(&self, relation: Relation) -> &str {
        match relation {
            MEMBER => "member",
            MENTIONS => MENTIONS_WORD,
            SHARES => SHARES_WORD,
            other => self.relations.text(u32::from((other & !INVERSE).saturating_sub(FIRST))).unwrap_or(""),
        }
    }

    /// Whether a relation is the inverse of one that leads the other way.
    pub fn is_inverse(relation: Relation) -> bool {
        relation & INVERSE != 0
    }

    /// The edges of a node under these relations, or under all: those out of it, then those into it.
    pub fn ties(&self, node: Slot, direction: Direction, relations: Option<&[Relation]>) -> Vec<Tie> {
        let mut ties = Vec::new();
        let mut take = |src: Slot, dst: Slot, record: Record| {
            let label = self.graph.labels().get(record.label);
            let wanted = relations.is_none_or(|all| all.contains(&label.relation));
            if wanted && !Self::is_inverse(label.relation) {
                ties.push(Tie {
                    src,
                    dst,
                    relation: self.relation_word(label.relation).to_owned(),
                    weight: record.weight,
                    time: (label.relation >= FIRST).then_some(record.time),
                    trusted: label.trusted,
                });
            }
        };
        if direction != Direction::In {
            self.graph.out(node).for_each(|record| take(node, record.dst, record));
        }
        if direction != Direction::Out {
            self.graph.edges_into(node).for_each(|(src, record)| take(src, node, record));
        }
        ties
    }

    /// How many edges there are, each with its inverse once.
    pub fn count(&self) -> usize {
        let inverse = |edge: &Edge| Self::is_inverse(edge.relation);
        self.graph.edges() - self.graph.iter().filter(inverse).count()
    }
}
