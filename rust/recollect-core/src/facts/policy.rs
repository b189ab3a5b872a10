//! What becomes of facts that contradict each other.

use std::str::FromStr;

use crate::error::{Error, Result};

/// What a new fact does to standing ones with the same subject and predicate, another object, and a validity that overlaps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Policy {
    /// The new one holds where it says so; the old ones go on holding before and after it.
    #[default]
    Supersede,
    /// The old ones stand no more (soft invalidation as in Mem0).
    LatestWins,
    /// All stand; [`super::Facts::contradictions`] tells of them.
    KeepBoth,
    /// As `Supersede` where the new one is at least as sure as each old one; else it is only put on record.
    ByConfidence,
    /// As somebody judged of each of the conflicts that [`super::Facts::conflicts`] told.
    Judged(Vec<(u32, Verdict)>),
}

/// How a new fact stands to an old one (the reconsolidation of HiMem).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Both hold.
    Independent,
    /// The new one says the same and more: it takes the place of the old one, over the validity of both.
    Extends,
    /// The old one stands no more.
    Contradicts,
}

impl FromStr for Policy {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "supersede" => Ok(Self::Supersede),
            "latest_wins" => Ok(Self::LatestWins),
            "keep_both" => Ok(Self::KeepBoth),
            "by_confidence" => Ok(Self::ByConfidence),
            _ => Err(Error::invalid(
                "policy",
                format!("expected supersede, latest_wins, keep_both or by_confidence, found {name:?}"),
            )),
        }
    }
}

impl FromStr for Verdict {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "independent" => Ok(Self::Independent),
            "extends" => Ok(Self::Extends),
            "contradicts" => Ok(Self::Contradicts),
            _ => Err(Error::invalid(
                "judge",
                format!("expected independent, extends or contradicts, found {name:?}"),
            )),
        }
    }
}
