//! What a commit or a snapshot must fulfil before a ledger takes it.

use crate::error::{Error, Result};
use crate::journal::chain;
use crate::journal::event::{Op, Seq};
use crate::journal::ledger::{Commit, SegmentPart};
use crate::journal::row::unstorable;

/// Sequence numbers stay below this, so that one with its namespace fits a row number.
pub(crate) const MAX_SEQ: Seq = 1 << 36;
/// Namespace numbers stay below this.
pub(crate) const MAX_NAMESPACES: u64 = 1 << 27;

/// Checks that a commit goes on from a head; gives the head after it.
pub(crate) fn follow(seq: Seq, hash: [u8; 32], commit: &Commit<'_>) -> Result<(Seq, [u8; 32])> {
    let (mut seq, mut hash) = (seq, hash);
    let mut contents = commit.contents.iter().peekable();
    let mut embeddings = commit.embeddings.iter().peekable();
    for (at, event) in commit.events.iter().enumerate() {
        let refuse = |reason: &str| Err(Error::invalid(format!("events[{at}]"), reason));
        if event.seq != seq + 1 {
            return refuse(&format!("expected number {}, found {}", seq + 1, event.seq));
        }
        if event.seq >= MAX_SEQ {
            return Err(Error::Limit { argument: "events".into(), found: event.seq, limit: MAX_SEQ - 1 });
        }
        if chain::link(&hash, event) != event.hash {
            return refuse("its hash does not follow on from the event before it");
        }
        if contents.next_if(|content| content.seq == event.seq).is_some_and(|_| !event.op.writes()) {
            return refuse("this operation writes no content");
        }
        if embeddings.next_if(|keys| keys.seq == event.seq).is_some_and(|_| event.op != Op::Embedded) {
            return refuse("this operation writes no vector keys alone");
        }
        (seq, hash) = (event.seq, event.hash);
    }
    if contents.next().is_some() {
        return Err(Error::invalid(
            "contents",
            "one belongs to no event of the commit, or they are not in order",
        ));
    }
    if embeddings.next().is_some() || commit.embeddings.iter().any(|keys| keys.vectors.is_empty()) {
        return Err(Error::invalid(
            "embeddings",
            "one has no keys or belongs to no event of the commit, or they are not in order",
        ));
    }
    for (at, content) in commit.contents.iter().enumerate() {
        if let Some(column) = unstorable(&content.record) {
            return Err(Error::invalid(format!("contents[{at}].{column}"), "not a number"));
        }
    }
    if let Some(beyond) = beyond(seq, commit) {
        return Err(Error::invalid("seq", format!("{beyond} is past the last event {seq}")));
    }
    Ok((seq, hash))
}

fn beyond(seq: Seq, commit: &Commit<'_>) -> Option<Seq> {
    let restated = commit.restated.iter().map(|(seq, _)| *seq);
    restated.chain(commit.erased.iter().copied()).find(|at| *at == 0 || *at > seq)
}

/// Counts one more part of a snapshot; they must come kind by kind, numbered from 0.
pub(crate) fn tally(counts: &mut Vec<(String, u32)>, part: &SegmentPart) -> Result<()> {
    let new = part.part == 0 && counts.iter().all(|(kind, _)| *kind != part.kind);
    match counts.last_mut() {
        Some((kind, count)) if *kind == part.kind && *count == part.part => *count += 1,
        _ if new => counts.push((part.kind.clone(), 1)),
        _ => return Err(Error::invalid("parts", "they must come kind by kind, numbered from 0")),
    }
    Ok(())
}
