//! How signals become one score.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

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
            (Self::Convex { .. }, Some(weight)) if (0.0..=1.0).contains(&weight) => {
                Ok(Self::Convex { weight })
            }
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
