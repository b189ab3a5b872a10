//! What a statement does to those it contradicts, planned event by event.

use std::mem::take;

use serde_json::Value;

use super::admission::Draft;
use super::batch::{Batch, Call, detail};
use super::entry::Entry;
use super::joining::{Forms, Keys};
use super::keys;
use super::linking::Link;
use super::memory::Memory;
use super::state::State;
use super::statement::{
    CONTRADICTS, Claimed, Fact, Policy, SUPPORTS, covering, event, others, outside, span,
};
use super::write::{Outcome, limit_trust, repeated};
use crate::error::{Error, Result};
use crate::facts::Verdict;
use crate::graph::Direction;
use crate::id::Uid;
use crate::journal::event::{NamespaceId, Op};
use crate::record::{Kind, Record, Status};

/// One statement on its way.
pub(super) struct Plan<'a, 'b> {
    pub memory: &'a Memory,
    pub id: Option<NamespaceId>,
    pub state: &'a State,
    pub batch: &'a mut Batch,
    pub call: &'a mut Call<'b>,
    pub forms: &'a Forms,
}

impl Plan<'_, '_> {
    pub(super) fn claim(
        &mut self,
        mut draft: Draft,
        fact: &Fact,
        evidence: &[Uid],
        policy: &Policy,
    ) -> Result<Claimed> {
        let (state, now) = (self.state, self.call.now);
        if let Some(key) = &draft.key
            && let Some(&(uid, version)) = state.keys.get(key)
        {
            return Ok(Claimed { outcome: repeated(state, uid, version), gave_way: Vec::new() });
        }
        let mut span = span(draft.event);
        let conflicts: Vec<&Entry> =
            others(state, fact, span, now).map(|slot| &state.entries[slot as usize]).collect();
        let extends = matches!(policy, Policy::Judged(all) if all.iter().any(|x| x.2 == Verdict::Extends));
        let covered = covering(state, fact, (span, draft.confidence), now).filter(|_| !extends);
        let uid = covered.map_or_else(|| self.call.entropy.uid(), |entry| entry.uid);
        let (reason, less_sure) =
            (format!("superseded by {uid}"), |x: &&Entry| x.confidence > draft.confidence);
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
        if let Some(entry) = covered {
            let outcome = self.mention(entry, draft.key.as_deref());
            self.tie(evidence, uid, SUPPORTS);
            return Ok(Claimed { outcome, gave_way });
        }
        let keys = self.forms.keys(take(&mut draft.vectors), take(&mut draft.beside), 0)?;
        let key = draft.key.take();
        (draft.kind, draft.event) = (Kind::Semantic, event(span.0, span.1));
        let mut record = draft.record(uid, now, state.turn + 1);
        limit_trust(state, &mut record);
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

    /// Notes that a statement was made again.
    fn mention(&mut self, entry: &Entry, key: Option<&str>) -> Outcome {
        let reason = "stated before";
        let mut detail = detail(reason, key);
        detail.insert("mention".into(), Value::Bool(true));
        self.batch.note(Op::Noop, entry.uid, entry.version, detail);
        let (uid, version, mentions) = (entry.uid, entry.version, entry.mentions + 1);
        Outcome { uid, version, op: Op::Noop, reason: reason.into(), mentions }
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
        let unknown = || Error::UnknownMemory(old.uid.to_string());
        let (slot, id) = (self.state.slot(old.uid, self.call.now)?, self.id.ok_or_else(unknown)?);
        let whole = keys::whole(&*self.memory.shared.ledger.read()?, id, self.state, slot)?;
        let (mut record, kept) = whole.ok_or_else(unknown)?;
        let keys = || Keys::split(kept.clone(), &self.state.config);
        let (own, again) = (keys(), keys());
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
            for tie in self.state.associations.ties(old.node, Direction::In, None) {
                if tie.relation == SUPPORTS {
                    self.tie(&[self.state.entries[tie.src as usize].uid], uid, SUPPORTS);
                }
            }
            told.push(Outcome { uid, version: 1, op: Op::Added, reason: reason.into(), mentions: 1 });
        }
        Ok(())
    }

    fn tie(&mut self, from: &[Uid], to: Uid, relation: &str) {
        for &src in from.iter().filter(|&&src| src != to) {
            let (relation, source) = (relation.to_owned(), String::new());
            let link = Link { src, dst: to, relation, weight: 1.0, time: None, source, trust: 1.0 };
            self.batch.note(Op::Linked, src, 0, link.detail(self.call.now));
        }
    }
}
