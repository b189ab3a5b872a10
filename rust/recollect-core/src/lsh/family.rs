//! What the families of hash functions have in common.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A bucket of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// Which table.
    pub table: u32,
    /// Which of its keys.
    pub key: u32,
}

/// What a family says of a vector.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hashed {
    /// The buckets it falls into, each followed by those it would have fallen into next.
    pub buckets: Vec<Bucket>,
    /// Projections on random directions, whose signs are a signature; empty where the buckets say it all.
    pub projections: Vec<f32>,
}

/// Hash functions under which near vectors share buckets.
///
/// They look at the direction of a vector alone, and give the same for the same seed on every CPU.
pub trait Family: fmt::Debug + Send + Sync {
    /// Number of tables.
    fn tables(&self) -> usize;

    /// Keys of each table, numbered from zero.
    fn keys(&self) -> usize;

    /// Number of buckets that a vector falls into.
    fn choices(&self) -> usize;

    /// Number of words of a signature.
    fn words(&self) -> usize;

    /// Replaces `out` by what the family says of a vector; to each bucket come the `probes` that were nearly chosen, the
    /// least certain choice overturned first, or all there are.
    fn hash(&self, vector: &[f32], probes: usize, out: &mut Hashed);

    /// Probability that a vector falls into a given bucket of another at this cosine.
    fn collision(&self, cosine: f64) -> f64;

    /// Bytes of memory reserved.
    fn bytes(&self) -> usize;
}

/// The families by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Nearest of the axes of a random rotation, see [`CrossPolytope`](super::CrossPolytope).
    CrossPolytope,
    /// Sides of random hyperplanes, see [`Hyperplane`](super::Hyperplane).
    Hyperplane,
    /// The most excited of many sparse units, see [`Fly`](super::Fly).
    Fly,
}

impl Kind {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::CrossPolytope, Self::Hyperplane, Self::Fly];

    /// The word in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::CrossPolytope => "cross-polytope",
            Self::Hyperplane => "hyperplane",
            Self::Fly => "fly",
        }
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().copied().find(|kind| kind.word() == text);
        found.ok_or_else(|| Error::invalid("family", "expected one of cross-polytope, hyperplane, fly"))
    }
}
