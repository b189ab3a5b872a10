//! How signals become one score.

use std::fmt;
use std::str::FromStr;

use super::adaptive;
use super::pool::Pool;
use crate::error::{Error, Result};

/// Constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009).
const RRF_K: f32 = 60.0;

/// How signals become one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fusion {
    /// Similarities, and words as far as the query can be told by them, with what neighbours and session add.
    Adaptive,
    /// The sum of `1 / (60 + rank)` over the signals.
    ReciprocalRank,
    /// `weight` of the similarity and `1 - weight` of BM25, each divided by its greatest.
    Convex {
        /// Weight of the similarity, in `[0, 1]`.
        weight: f32,
    },
}

impl Fusion {
    /// A fusion by its word, with the weight of a convex one (a half where none is given).
    ///
    /// # Errors
    /// [`Error::Invalid`] for another word, or a weight outside `[0, 1]`.
    pub fn new(word: &str, weight: Option<f32>) -> Result<Self> {
        let fusion: Self = word.parse()?;
        match (fusion, weight) {
            (fusion, None) => Ok(fusion),
            (Self::Convex { .. }, Some(weight)) if (0.0..=1.0).contains(&weight) => Ok(Self::Convex { weight }),
            (Self::Convex { .. }, Some(_)) => Err(Error::invalid("weight", "must lie between 0 and 1")),
            _ => Err(Error::invalid("weight", "only the convex fusion has one")),
        }
    }
}

impl FromStr for Fusion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "adaptive" => Ok(Self::Adaptive),
            "rrf" => Ok(Self::ReciprocalRank),
            "convex" => Ok(Self::Convex { weight: 0.5 }),
            _ => Err(Error::invalid("fusion", "expected one of adaptive, rrf, convex")),
        }
    }
}

impl fmt::Display for Fusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Adaptive => "adaptive",
            Self::ReciprocalRank => "rrf",
            Self::Convex { .. } => "convex",
        })
    }
}

/// What each signal adds to the score of each candidate; the fused score is their sum.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// From the words of the candidate itself; empty where words play no part.
    pub words: Vec<f32>,
    /// From its vectors.
    pub vectors: Vec<f32>,
    /// From its neighbours and session.
    pub context: Vec<f32>,
}

impl Parts {
    /// The parts of each pool. Every list is read over all pools together, so that several namespaces rank as one.
    pub(super) fn of(fusion: Fusion, pools: &[Pool]) -> Vec<Self> {
        match fusion {
            Fusion::Adaptive => adaptive::parts(pools),
            Fusion::ReciprocalRank => {
                let words = reciprocal_ranks(pools, |pool| &pool.words, 0.0);
                let vectors = reciprocal_ranks(pools, |pool| &pool.vectors, f32::NEG_INFINITY);
                zip(words, vectors)
            }
            Fusion::Convex { weight } => {
                let both = pools.iter().any(|p| !p.words.is_empty()) && pools.iter().any(|p| !p.vectors.is_empty());
                let weight = if both { weight } else { 0.5 };
                let words = normalised(pools, |pool| &pool.words, 1.0 - weight);
                let vectors = normalised(pools, |pool| &pool.vectors, weight);
                zip(words, vectors)
            }
        }
    }
}

fn zip(words: Vec<Vec<f32>>, vectors: Vec<Vec<f32>>) -> Vec<Parts> {
    words.into_iter().zip(vectors).map(|(words, vectors)| Parts { words, vectors, context: Vec::new() }).collect()
}

/// `1 / (60 + rank)` for every score above the floor, best first, ties by identity; zero for the rest.
fn reciprocal_ranks(pools: &[Pool], list: impl Fn(&Pool) -> &Vec<f32>, floor: f32) -> Vec<Vec<f32>> {
    let mut out: Vec<Vec<f32>> = pools.iter().map(|pool| vec![0.0; list(pool).len()]).collect();
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (at, pool) in pools.iter().enumerate() {
        order.extend((0..list(pool).len()).filter(|&i| list(pool)[i] > floor).map(|i| (at, i)));
    }
    order.sort_unstable_by(|&(a, i), &(b, j)| {
        let (x, y) = (list(&pools[a])[i], list(&pools[b])[j]);
        y.total_cmp(&x).then_with(|| pools[a].uids[i].cmp(&pools[b].uids[j]))
    });
    for (rank, (at, i)) in order.into_iter().enumerate() {
        out[at][i] = 1.0 / (RRF_K + rank as f32 + 1.0);
    }
    out
}

fn normalised(pools: &[Pool], list: impl Fn(&Pool) -> &Vec<f32>, weight: f32) -> Vec<Vec<f32>> {
    let greatest = pools.iter().flat_map(|pool| list(pool).iter().copied()).fold(0.0, f32::max);
    let factor = if greatest > 0.0 { weight / greatest } else { 0.0 };
    let scaled = |score: &f32| if *score > f32::NEG_INFINITY { score * factor } else { 0.0 };
    pools.iter().map(|pool| list(pool).iter().map(scaled).collect()).collect()
}
