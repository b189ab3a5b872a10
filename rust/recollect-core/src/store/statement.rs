//! What a statement is: a subject, a predicate and an object, and when that holds.

use std::str::FromStr;

use super::claims::text;
use super::entry::Entry;
use super::state::State;
use super::write::Outcome;
use crate::error::{Error, Result};
use crate::facts::{self, Verdict};
use crate::id::{Slot, Uid};
use crate::record::Metadata;
use crate::time::{Interval, Timestamp};

/// The relation from an episode to a statement it supports.
pub const SUPPORTS: &str = "supports";
/// The relation from a statement to one that it contradicts.
pub const CONTRADICTS: &str = "contradicts";
/// The beginning of the year 1, where a statement begins that always held.
const FIRST: i64 = -62_135_596_800_000_000;

/// What a statement does to those it contradicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// They hold before and after it.
    Supersede,
    /// They stand no more.
    LatestWins,
    /// They stand.
    KeepBoth,
    /// They hold before and after it, if it is at least as sure as each.
    ByConfidence,
    /// A verdict for each of them, by identity and version.
    Judged(Vec<(Uid, u32, Verdict)>),
}

/// What a statement did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The statement.
    pub outcome: Outcome,
    /// Those that gave way, and what of them is kept in a memory of its own.
    pub gave_way: Vec<Outcome>,
}

impl FromStr for Policy {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name.parse()? {
            facts::Policy::Supersede => Self::Supersede,
            facts::Policy::LatestWins => Self::LatestWins,
            facts::Policy::KeepBoth => Self::KeepBoth,
            facts::Policy::ByConfidence => Self::ByConfidence,
            facts::Policy::Judged(_) => Self::Judged(Vec::new()),
        })
    }
}

pub(super) struct Fact {
    subject: String,
    predicate: String,
    object: String,
}

impl Fact {
    pub(super) fn of(metadata: &Metadata) -> Result<Self> {
        let part = |name: &str| {
            let part = text(metadata, name).filter(|x| !x.trim().is_empty());
            part.map(str::to_owned).ok_or_else(|| Error::invalid(name, "expected a text"))
        };
        Ok(Self { subject: part("subject")?, predicate: part("predicate")?, object: part("object")? })
    }
}

/// When a statement of this event holds, half-open; an instant has no end.
pub(super) fn span(event: Option<Interval>) -> (i64, i64) {
    event.map_or((i64::MIN, i64::MAX), |x| {
        (x.start.0, if x.end.0 == x.start.0.saturating_add(1) { i64::MAX } else { x.end.0 })
    })
}

/// The event of a statement that holds then; none where it would always hold. A single microsecond would read as open.
pub(super) fn event(from: i64, until: i64) -> Option<Interval> {
    let start = Timestamp(from.max(FIRST));
    match (from, until) {
        (i64::MIN, i64::MAX) => None,
        (_, i64::MAX) => Some(Interval::instant(start)),
        _ => Interval::new(start, Timestamp(until)),
    }
}

/// What of one span lies before and after another.
pub(super) fn outside(of: (i64, i64), other: (i64, i64)) -> [Option<(i64, i64)>; 2] {
    let room = |from: i64, until: i64| (until.saturating_sub(from.max(FIRST)) > 1).then_some((from, until));
    [room(of.0, of.1.min(other.0)), room(of.0.max(other.1), of.1)]
}

fn stated<'a>(state: &'a State, fact: &'a Fact, now: Timestamp) -> impl Iterator<Item = (Slot, &'a Entry)> {
    let about = state.claims.about(&fact.subject, Some(&fact.predicate));
    let known = about.map(|slot| (slot, &state.entries[slot as usize]));
    known.filter(move |(_, entry)| !entry.expired(now) && object(entry).is_some())
}

fn object(entry: &Entry) -> Option<&str> {
    entry.metadata.as_deref().and_then(|metadata| text(metadata, "object"))
}

pub(super) fn others<'a>(
    state: &'a State,
    fact: &'a Fact,
    span: (i64, i64),
    now: Timestamp,
) -> impl Iterator<Item = Slot> + 'a {
    let all = stated(state, fact, now);
    let other = all.filter(|(_, entry)| object(entry) != Some(fact.object.as_str()));
    let shared = other.filter(move |(_, entry)| {
        let (from, until) = entry.validity();
        from < span.1 && span.0 < until
    });
    shared.map(|x| x.0)
}

/// The statement that says as much already, of the same object, over all of a time, and as surely.
pub(super) fn covering<'a>(
    state: &'a State,
    fact: &'a Fact,
    (span, confidence): ((i64, i64), f32),
    now: Timestamp,
) -> Option<&'a Entry> {
    let mut all = stated(state, fact, now).map(|x| x.1);
    all.find(|entry| {
        let (from, until) = entry.validity();
        object(entry) == Some(fact.object.as_str())
            && from <= span.0
            && span.1 <= until
            && entry.confidence >= confidence
    })
}
