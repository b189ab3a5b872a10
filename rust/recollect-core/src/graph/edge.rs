//! What an edge is, and the labels that edges share.

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::id::Slot;

/// The kind of an edge, by number.
pub type Relation = u16;

/// The relation between a hyperedge and each of its members, both ways.
pub const MEMBER: Relation = 0;

/// No provenance.
pub const NOWHERE: u32 = u32::MAX;

/// A directed edge. There is one from a node to a node under a relation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Where it begins.
    pub src: Slot,
    /// Where it ends.
    pub dst: Slot,
    /// Its kind.
    pub relation: Relation,
    /// How strong it is: finite and above zero.
    pub weight: f32,
    /// When it was made or last confirmed, microseconds since 1970 in UTC.
    pub time: i64,
    /// Where it comes from, by the owner's number; [`NOWHERE`] without one.
    pub source: u32,
    /// Whether it comes from somebody who is believed.
    pub trusted: bool,
}

impl Edge {
    /// A trusted edge of weight 1 at time 0, from nowhere.
    pub fn new(src: Slot, dst: Slot, relation: Relation) -> Self {
        Self { src, dst, relation, weight: 1.0, time: 0, source: NOWHERE, trusted: true }
    }

    pub(super) fn label(&self) -> Label {
        Label { relation: self.relation, source: self.source, trusted: self.trusted }
    }

    pub(super) fn record(&self, label: u32) -> Record {
        Record { dst: self.dst, weight: self.weight, label, time: self.time }
    }
}

/// What many edges have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    /// Their kind.
    pub relation: Relation,
    /// Where they come from.
    pub source: u32,
    /// Whether they are believed.
    pub trusted: bool,
}

/// An edge as the list of its first node holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// Where it ends.
    pub dst: Slot,
    /// How strong it is.
    pub weight: f32,
    /// Number of its label.
    pub label: u32,
    /// Its time.
    pub time: i64,
}

/// The hot half of a [`Record`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arc {
    /// Where it ends.
    pub dst: Slot,
    /// How strong it is.
    pub weight: f32,
}

/// Every label by number; numbers never change.
#[derive(Debug, Default, Clone)]
pub struct Labels {
    all: Vec<Label>,
    numbers: FxHashMap<Label, u32>,
}

impl Labels {
    pub(super) fn number(&mut self, label: Label) -> Result<u32> {
        if let Some(&number) = self.numbers.get(&label) {
            return Ok(number);
        }
        let number = u32::try_from(self.all.len())
            .ok()
            .filter(|&number| number < u32::MAX)
            .ok_or_else(|| Error::Storage("more labels than a graph can number".into()))?;
        self.all.push(label);
        self.numbers.insert(label, number);
        Ok(number)
    }

    /// The label of a number that an edge of the same graph has.
    ///
    /// # Panics
    /// If it is the number of another graph.
    #[inline]
    pub fn get(&self, number: u32) -> Label {
        self.all[number as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The number of a label that has one.
    pub(super) fn known(&self, label: Label) -> Option<u32> {
        self.numbers.get(&label).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Label> + '_ {
        self.all.iter().copied()
    }

    pub(super) fn bytes(&self) -> usize {
        self.all.capacity() * size_of::<Label>() + self.numbers.capacity() * (size_of::<(Label, u32)>() + 1)
    }
}
