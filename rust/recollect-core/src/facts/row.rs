//! A fact as it is kept, and what is asked for.

use crate::error::{Error, Result};

/// What stays open: a validity without an end, a record that still stands.
pub const OPEN: i64 = i64::MAX;

/// A fact: what holds when, and since when and until when that was believed. Half-open ranges of microseconds; only an open
/// end of `recorded` ever changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// Of whom.
    pub subject: u32,
    /// What is said.
    pub predicate: u32,
    /// Of what.
    pub object: u32,
    /// When it holds; `i64::MIN` and [`OPEN`] are open ends.
    pub valid: (i64, i64),
    /// When it stood in the records; [`OPEN`] while it does.
    pub recorded: (i64, i64),
    /// How sure that is, 0 to 1.
    pub confidence: f32,
}

impl Fact {
    /// Whether it still stands.
    pub fn stands(&self) -> bool {
        self.recorded.1 == OPEN
    }
}

/// Which subjects, predicates and objects; none for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pattern {
    /// Of whom.
    pub subject: Option<u32>,
    /// What is said.
    pub predicate: Option<u32>,
    /// Of what.
    pub object: Option<u32>,
}

impl Pattern {
    pub(super) fn fits(&self, fact: &Fact) -> bool {
        let fits = |wanted: Option<u32>, found| wanted.is_none_or(|x| x == found);
        fits(self.subject, fact.subject)
            && fits(self.predicate, fact.predicate)
            && fits(self.object, fact.object)
    }
}

/// What holds at some time in `[from, to)`, as the records stood at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// From when.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// As the records stood then; `OPEN - 1` for what stands.
    pub recorded: i64,
}

impl When {
    /// What holds at an instant.
    pub fn at(valid: i64, recorded: i64) -> Self {
        Self { from: valid, to: valid.saturating_add(1), recorded }
    }

    /// All that stands.
    pub fn standing() -> Self {
        Self { from: i64::MIN, to: OPEN, recorded: OPEN - 1 }
    }

    pub(super) fn fits(&self, fact: &Fact) -> bool {
        let (valid, recorded) = (fact.valid, fact.recorded);
        valid.0 < self.to && valid.1 > self.from && recorded.0 <= self.recorded && self.recorded < recorded.1
    }
}

pub(super) fn check(valid: (i64, i64), confidence: f32) -> Result<()> {
    if valid.0 >= valid.1 {
        return Err(Error::invalid("valid", "expected a start before its end"));
    }
    match (0.0..=1.0).contains(&confidence) {
        true => Ok(()),
        false => Err(Error::invalid("confidence", "expected a number between 0 and 1")),
    }
}
