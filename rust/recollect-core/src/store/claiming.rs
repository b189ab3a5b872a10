//! Facts under two times: a statement of a subject holds from and until the time of its event, and stands from the write
//! of a version to the next one.
//!
//! | policy | what becomes of statements of the same subject and predicate, another object, and a time in common |
//! |---|---|
//! | [`Policy::Supersede`] | a new version holds before the new statement, another memory after it |
//! | [`Policy::LatestWins`] | they are deleted |
//! | [`Policy::KeepBoth`] | they stand, linked by `contradicts` |
//! | [`Policy::ByConfidence`] | as superseded, unless one is surer: then the new statement is added and deleted |
//! | [`Policy::Judged`] | each as its verdict has it |
//!
//! Snodgrass, "Developing Time-Oriented Database Applications in SQL" (1999), for the two times.

use std::str::FromStr;

use serde_json::Value;

use super::admission::{self, Draft};
use super::batch::{Batch, Call, detail};
use super::claims::text;
use super::entry::{Entry, NO_NAME};
use super::joining::{Brought, Forms, Keys, check_vectors};
use super::keys;
use super::linking::Link;
use super::memory::{Held, Memory, held};
use super::state::State;
use super::write::{Outcome, limit_trust, repeated};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::facts::{self, Verdict};
use crate::id::{Slot, Uid};
use crate::journal::event::{Content, NamespaceId, Op};
use crate::record::{Kind, Metadata, Record, Status};
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

impl Memory {
    /// States a fact, whose `subject`, `predicate` and `object` stand in the metadata of the draft; the memories of
    /// `evidence` are linked to it as what supports it.
    ///
    /// One that a surer or equal statement of the same object already holds is noted as a mention of that.
    ///
    /// # Errors
    /// [`Error::Invalid`] where one of the three is missing, or the memories that were judged are no longer those in
    /// conflict; [`Error::UnknownMemory`] for evidence that is not there; and as [`Memory::add`].
    pub fn claim<'s>(
        &self,
        draft: Draft,
        evidence: &[Uid],
        policy: &Policy,
        spaces: impl Into<Brought<'s>>,
        call: &mut Call<'_>,
    ) -> Result<Claimed> {
        draft.check(0)?;
        let brought = spaces.into();
        check_vectors(std::iter::once(&draft.vectors), brought.vectors)?;
        check_vectors(std::iter::once(&draft.beside), brought.beside)?;
        let brought = brought.only(!draft.vectors.is_empty(), !draft.beside.is_empty());
        let fact = Fact::of(&draft.metadata)?;
        let id = self.read(call.cancel, |seen| Ok(Some(seen.id)))?;
        self.write(brought, call, |state, batch, call, forms| {
            evidence.iter().try_for_each(|&uid| state.slot(uid, call.now).map(drop))?;
            state.associations.admit_relation(SUPPORTS)?;
            state.associations.admit_relation(CONTRADICTS)?;
            let mut plan = Plan { memory: self, id, state, batch, call, forms };
            plan.claim(draft, &fact, evidence, policy)
        })
    }

    /// The statements that a new one would contradict, in the order of the writes.
    ///
    /// # Errors
    /// As [`Memory::claim`].
    pub fn conflicts(
        &self,
        metadata: &Metadata,
        event: Option<Interval>,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Held>> {
        let fact = Fact::of(metadata)?;
        self.read(cancel, |seen| {
            let slots: Vec<Slot> = others(seen.state, &fact, span(event), now).collect();
            held(&seen, &slots)
        })
    }
}

struct Fact {
    subject: String,
    predicate: String,
    object: String,
}

impl Fact {
    fn of(metadata: &Metadata) -> Result<Self> {
        let part = |name: &str| {
            let part = text(metadata, name).filter(|x| !x.trim().is_empty());
            part.map(str::to_owned).ok_or_else(|| Error::invalid(name, "expected a text"))
        };
        Ok(Self { subject: part("subject")?, predicate: part("predicate")?, object: part("object")? })
    }
}

/// When a statement of this event holds, half-open; an instant has no end.
fn span(event: Option<Interval>) -> (i64, i64) {
    event.map_or((i64::MIN, i64::MAX), |x| {
        (x.start.0, if x.end.0 == x.start.0.saturating_add(1) { i64::MAX } else { x.end.0 })
    })
}

/// The event of a statement that holds then; none where it would always hold. A single microsecond would read as open.
fn event(from: i64, until: i64) -> Option<Interval> {
    let start = Timestamp(from.max(FIRST));
    match (from, until) {
        (i64::MIN, i64::MAX) => None,
        (_, i64::MAX) => Some(Interval::instant(start)),
        _ => Interval::new(start, Timestamp(until)),
    }
}

/// What of one span lies before and after another.
fn outside(of: (i64, i64), other: (i64, i64)) -> [Option<(i64, i64)>; 2] {
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

fn others<'a>(
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

/// One statement on its way.
struct Plan<'a, 'b> {
    memory: &'a Memory,
    id: Option<NamespaceId>,
    state: &'a State,
    batch: &'a mut Batch,
    call: &'a mut Call<'b>,
    forms: &'a Forms,
}

impl Plan<'_, '_> {
    fn claim(&mut self, draft: Draft, fact: &Fact, evidence: &[Uid], policy: &Policy) -> Result<Claimed> {
        let (state, now) = (self.state, self.call.now);
        if let Some(key) = &draft.key
            && let Some(&(uid, version)) = state.keys.get(key)
        {
            return Ok(Claimed { outcome: repeated(state, uid, version), gave_way: Vec::new() });
        }
        let mut span = span(draft.event);
        let covered = stated(state, fact, now).map(|x| x.1).find(|entry| {
            let (from, until) = entry.validity();
            object(entry) == Some(fact.object.as_str())
                && from <= span.0
                && span.1 <= until
                && entry.confidence >= draft.confidence
        });
        if let Some(entry) = covered {
            let mut detail = detail("stated before", draft.key.as_deref());
            detail.insert("mention".into(), Value::Bool(true));
            self.batch.note(Op::Noop, entry.uid, entry.version, detail);
            self.tie(evidence, entry.uid, SUPPORTS);
            let (uid, version, mentions) = (entry.uid, entry.version, entry.mentions + 1);
            let outcome = Outcome { uid, version, op: Op::Noop, reason: "stated before".into(), mentions };
            return Ok(Claimed { outcome, gave_way: Vec::new() });
        }
        let conflicts: Vec<&Entry> =
            others(state, fact, span, now).map(|slot| &state.entries[slot as usize]).collect();
        let uid = self.call.entropy.uid();
        let (reason, less_sure) = (format!("superseded by {uid}"), |x: &&Entry| x.confidence > draft.confidence);
        let archived = *policy == Policy::ByConfidence && conflicts.iter().any(less_sure);
        let mut gave_way = Vec::new();
        for old in &conflicts {
            match policy {
                _ if archived => {}
                Policy::Supersede | Policy::ByConfidence => self.cut(old, span, &reason, &mut gave_way)?,
                Policy::LatestWins => gave_way.push(self.close(old, &reason)),
                Policy::KeepBoth => {}
                Policy::Judged(verdicts) => {
                    let of = verdicts.iter().find(|x| (x.0, x.1) == (old.uid, old.version));
                    let moved = || Error::invalid("policy", "the statements in conflict have changed");
                    match of.ok_or_else(moved)?.2 {
                        Verdict::Independent => {}
                        Verdict::Contradicts => gave_way.push(self.close(old, &reason)),
                        Verdict::Extends => {
                            let (from, until) = old.validity();
                            span = (span.0.min(from), span.1.max(until));
                            gave_way.push(self.close(old, &reason));
                        }
                    }
                }
            }
        }
        let key = draft.key.clone();
        let (record, keys) = self.record(draft, uid, event(span.0, span.1))?;
        self.enter(record, keys, key.as_deref(), "");
        self.tie(evidence, uid, SUPPORTS);
        if *policy == Policy::KeepBoth {
            for old in &conflicts {
                self.tie(&[uid], old.uid, CONTRADICTS);
            }
        }
        if archived {
            self.batch.restated.push((self.batch.written(uid), Status::Deleted));
            self.batch.note(Op::Deleted, uid, 1, detail("less sure than what is known", None));
        }
        let op = if archived { Op::Deleted } else { Op::Added };
        let reason = if archived { "less sure than what is known".into() } else { String::new() };
        Ok(Claimed { outcome: Outcome { uid, version: 1, op, reason, mentions: 1 }, gave_way })
    }

    fn record(&mut self, draft: Draft, uid: Uid, event: Option<Interval>) -> Result<(Record, Keys)> {
        let keys = self.forms.keys(draft.vectors, draft.beside, 0)?;
        let mut record = Record {
            uid,
            version: 1,
            kind: Kind::Semantic,
            status: Status::Active,
            text: draft.text,
            metadata: draft.metadata,
            tags: draft.tags,
            speaker: draft.speaker,
            session: draft.session,
            event,
            ingested: self.call.now,
            turn: draft.turn.unwrap_or(self.state.turn + 1),
            importance: draft.importance,
            confidence: draft.confidence,
            provenance: draft.provenance,
            ttl: draft.ttl,
        };
        limit_trust(self.state, &mut record);
        Ok((record, keys))
    }

    fn enter(&mut self, record: Record, keys: Keys, key: Option<&str>, reason: &str) {
        let uid = record.uid;
        self.batch.write(Op::Added, record, keys.own, detail(reason, key), &mut self.call.entropy);
        if !keys.next.is_empty() {
            self.batch.embed(uid, 1, keys.next, &mut self.call.entropy);
        }
    }

    /// Takes a statement back.
    fn close(&mut self, old: &Entry, reason: &str) -> Outcome {
        self.batch.restated.push((old.seq, Status::Deleted));
        self.batch.note(Op::Deleted, old.uid, old.version, detail(reason, None));
        let (uid, version, mentions) = (old.uid, old.version, old.mentions);
        Outcome { uid, version, op: Op::Deleted, reason: reason.into(), mentions }
    }

    /// Leaves of a statement what lies outside a time: the first part in a new version, a second one in a memory.
    fn cut(&mut self, old: &Entry, span: (i64, i64), reason: &str, told: &mut Vec<Outcome>) -> Result<()> {
        let mut parts = outside(old.validity(), span).into_iter().flatten();
        let Some(first) = parts.next() else {
            told.push(self.close(old, reason));
            return Ok(());
        };
        let (content, slot) = self.content(old)?;
        let reader = self.memory.shared.ledger.read()?;
        let id = self.id.ok_or_else(|| Error::UnknownMemory(old.uid.to_string()))?;
        let kept = keys::of(&*reader, id, self.state, slot, content.vectors)?.unwrap_or_default();
        drop(reader);
        let keys = || Keys::split(kept.clone(), &self.state.config);
        let (own, again) = (keys(), keys());
        let mut record = content.record;
        let rest = Record { version: 1, ..record.clone() };
        record.event = event(first.0, first.1);
        record.version += 1;
        record.ingested = self.call.now;
        let version = record.version;
        self.batch.restated.push((old.seq, Status::Archived));
        self.batch.write(Op::Updated, record, own.own, detail(reason, None), &mut self.call.entropy);
        if !own.next.is_empty() {
            self.batch.embed(old.uid, version, own.next, &mut self.call.entropy);
        }
        let (uid, mentions) = (old.uid, old.mentions);
        told.push(Outcome { uid, version, op: Op::Updated, reason: reason.into(), mentions });
        if let Some(second) = parts.next() {
            let uid = self.call.entropy.uid();
            let (event, ingested) = (event(second.0, second.1), self.call.now);
            self.enter(Record { uid, event, ingested, ..rest }, again, None, reason);
            for tie in self.state.associations.ties(old.node, crate::graph::Direction::In, None) {
                if tie.relation == SUPPORTS {
                    self.tie(&[self.state.entries[tie.src as usize].uid], uid, SUPPORTS);
                }
            }
            told.push(Outcome { uid, version: 1, op: Op::Added, reason: reason.into(), mentions: 1 });
        }
        Ok(())
    }

    fn content(&self, old: &Entry) -> Result<(Content, Slot)> {
        let unknown = || Error::UnknownMemory(old.uid.to_string());
        let reader = self.memory.shared.ledger.read()?;
        let id = self.id.ok_or_else(unknown)?;
        let content = reader.contents(id, &[old.seq], true)?.into_iter().flatten().next();
        Ok((content.ok_or_else(unknown)?, self.state.slot(old.uid, self.call.now)?))
    }

    fn tie(&mut self, from: &[Uid], to: Uid, relation: &str) {
        for &src in from.iter().filter(|&&src| src != to) {
            let (relation, source) = (relation.to_owned(), String::new());
            let link = Link { src, dst: to, relation, weight: 1.0, time: None, source, trust: 1.0 };
            self.batch.note(Op::Linked, src, 0, link.detail(self.call.now));
        }
    }
}

impl Memory {
    /// Statements that nothing supports any more once some memories are gone: of those that one of them supports, the ones
    /// without another support, in the order of the writes.
    ///
    /// # Errors
    /// As any read.
    pub fn supported_only_by(&self, gone: &[Uid], now: Timestamp, cancel: Cancel<'_>) -> Result<Vec<Uid>> {
        self.read(cancel, |seen| {
            let state = seen.state;
            let Some(relation) = state.associations.relation(SUPPORTS) else { return Ok(Some(Vec::new())) };
            let ties = |node, direction| state.associations.ties(node, direction, Some(&[relation]));
            let entry = |node: Slot| &state.entries[node as usize];
            let mut left = std::collections::BTreeSet::new();
            for uid in gone {
                let Some(&slot) = state.uids.get(uid) else { continue };
                for tie in ties(entry(slot).node, crate::graph::Direction::Out) {
                    let supported = entry(tie.dst).uid;
                    let by = ties(tie.dst, crate::graph::Direction::In);
                    let other = by.iter().map(|x| entry(x.src).uid).any(|x| !gone.contains(&x));
                    if !other && !gone.contains(&supported) && state.slot(supported, now).is_ok() {
                        left.insert((tie.dst, supported));
                    }
                }
            }
            Ok(Some(left.into_iter().map(|x| x.1).collect()))
        })
    }

    /// The identities of all statements of a subject, and of one predicate of it, those that were taken back included, in
    /// the order of their first versions.
    ///
    /// # Errors
    /// As any read.
    pub fn ever_stated(
        &self,
        subject: &str,
        predicate: Option<&str>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Uid>> {
        admission::name(subject, &|| "subject".into())?;
        self.read(cancel, |seen| {
            let state = seen.state;
            let mut found = std::collections::BTreeMap::new();
            let current = state.claims.about(subject, predicate);
            found.extend(current.map(|slot| (state.entries[slot as usize].node, state.entries[slot as usize].uid)));
            let Some(id) = seen.id else { return Ok(Some(Vec::new())) };
            // Of what is past, only the file knows what it said.
            for (at, (&uid, seqs)) in state.past.iter().enumerate() {
                if at % 256 == 255 {
                    cancel.check()?;
                }
                let told = seen.reader.contents(id, seqs, false)?;
                let says = |record: &Record| {
                    record.kind == Kind::Semantic
                        && text(&record.metadata, "subject") == Some(subject)
                        && predicate.is_none_or(|x| text(&record.metadata, "predicate") == Some(x))
                };
                if told.iter().flatten().any(|content| says(&content.record)) {
                    let first = seqs.iter().min().copied().unwrap_or_default();
                    let slot = state.entries.partition_point(|entry| entry.seq < first);
                    found.insert(state.entries.get(slot).map_or(NO_NAME, |entry| entry.node), uid);
                }
            }
            Ok(Some(found.into_values().collect()))
        })
    }
}
