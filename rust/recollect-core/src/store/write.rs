//! The writing verbs of a namespace.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::admission::{self, Draft};
use super::batch::{Batch, Call, detail};
use super::config::Config;
use super::entry::digest;
use super::joining::{Form, check_vectors, join, keys};
use super::memory::Memory;
use super::state::State;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Uid;
use crate::journal::event::{Event, Op};
use crate::journal::ledger::{Commit, Space, Target};
use crate::record::{Kind, Metadata, Record, Status};
use crate::time::Interval;

/// What a write did to one memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The memory.
    pub uid: Uid,
    /// Its version after the call.
    pub version: u32,
    /// What happened.
    pub op: Op,
    /// Why, where nothing changed.
    pub reason: String,
    /// How often it was brought, this time included.
    pub mentions: u32,
}

/// What an update changes; everything else stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edit {
    /// New text.
    pub text: Option<String>,
    /// New kind.
    pub kind: Option<Kind>,
    /// New metadata, in place of the old.
    pub metadata: Option<Metadata>,
    /// New tags, in place of the old.
    pub tags: Option<Vec<String>>,
    /// New event time.
    pub event: Option<Interval>,
    /// New importance.
    pub importance: Option<f32>,
    /// New confidence.
    pub confidence: Option<f32>,
    /// New vector keys. Where none are given they stay with the text and go if it changes.
    pub vectors: Option<Vec<Vec<f32>>>,
    /// The version the caller has seen; the update is refused if the memory has moved on.
    pub expect_version: Option<u32>,
    /// Idempotency key.
    pub key: Option<String>,
    /// Why.
    pub reason: String,
}

impl Memory {
    /// Adds memories, all or none. An exact duplicate becomes a recorded noop with a mention, unless they are kept; a
    /// key seen before changes nothing.
    ///
    /// # Errors
    /// As [`Draft::check`]; [`Error::DimensionMismatch`], [`Error::SpaceMismatch`] and [`Error::Invalid`] for vectors;
    /// [`Error::ReadOnly`], [`Error::Closed`], [`Error::CommitUnknown`], [`Error::DiskFull`].
    pub fn add(
        &self,
        drafts: Vec<Draft>,
        space: Option<&Space>,
        keep_duplicates: bool,
        call: &mut Call<'_>,
    ) -> Result<Vec<Outcome>> {
        for (at, draft) in drafts.iter().enumerate() {
            draft.check(at)?;
            if at.is_multiple_of(4096) {
                call.cancel.check()?;
            }
        }
        check_vectors(drafts.iter().map(|d| &d.vectors), space)?;
        let has_vectors = drafts.iter().any(|d| !d.vectors.is_empty());
        self.write(space.filter(|_| has_vectors), call, |state, batch, call, form| {
            let mut planned: FxHashMap<u128, (Uid, u32)> = FxHashMap::default();
            let mut keyed: FxHashMap<String, (Uid, u32)> = FxHashMap::default();
            let mut turn = state.turn;
            let mut outcomes = Vec::with_capacity(drafts.len());
            for (at, draft) in drafts.into_iter().enumerate() {
                if at % 1024 == 1023 {
                    call.cancel.check()?;
                }
                if let Some(key) = &draft.key
                    && let Some(&(uid, version)) = keyed.get(key).or_else(|| state.keys.get(key))
                {
                    outcomes.push(repeated(state, uid, version));
                    continue;
                }
                let vectors = keys(draft.vectors, form, at)?;
                let (key, given) = (draft.key, draft.turn);
                let mut record = Record {
                    uid: Uid([0; 16]),
                    version: 1,
                    kind: draft.kind,
                    status: Status::Active,
                    text: draft.text,
                    metadata: draft.metadata,
                    tags: draft.tags,
                    speaker: draft.speaker,
                    session: draft.session,
                    event: draft.event,
                    ingested: call.now,
                    turn: given.unwrap_or(turn + 1),
                    importance: draft.importance,
                    confidence: draft.confidence,
                    provenance: draft.provenance,
                    ttl: draft.ttl,
                };
                let digest = digest(&record);
                let same = (!keep_duplicates).then(|| same(state, &planned, digest, &call.now)).flatten();
                if let Some((uid, version, before)) = same {
                    let mut detail = detail("duplicate", key.as_deref());
                    detail.insert("mention".into(), Value::Bool(true));
                    batch.note(Op::Noop, uid, version, detail);
                    let mentions = before + 1;
                    planned.insert(digest, (uid, mentions));
                    keyed.extend(key.map(|k| (k, (uid, version))));
                    outcomes.push(Outcome {
                        uid,
                        version,
                        op: Op::Noop,
                        reason: "duplicate".into(),
                        mentions,
                    });
                    continue;
                }
                record.uid = call.entropy.uid();
                turn = turn.max(record.turn);
                limit_trust(state, &mut record);
                let uid = record.uid;
                planned.insert(digest, (uid, 1));
                batch.write(Op::Added, record, vectors, detail("", key.as_deref()), &mut call.entropy);
                keyed.extend(key.map(|k| (k, (uid, 1))));
                outcomes.push(Outcome { uid, version: 1, op: Op::Added, reason: String::new(), mentions: 1 });
            }
            Ok(outcomes)
        })
    }

    /// Writes a new version of a memory; the old one stays in its history.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`]; [`Error::Invalid`] if `expect_version` is not the current one; as [`Memory::add`].
    pub fn update(
        &self,
        uid: Uid,
        edit: Edit,
        space: Option<&Space>,
        call: &mut Call<'_>,
    ) -> Result<Outcome> {
        check_vectors(edit.vectors.iter(), space)?;
        admission::name(&edit.reason, &|| "reason".into())?;
        let has_vectors = edit.vectors.as_ref().is_some_and(|x| !x.is_empty());
        let shared = std::sync::Arc::clone(&self.shared);
        let id = self.read(call.cancel, |seen| Ok(Some(seen.id)))?;
        self.write(space.filter(|_| has_vectors), call, move |state, batch, call, form| {
            if let Some(key) = &edit.key
                && let Some(&(uid, version)) = state.keys.get(key)
            {
                return Ok(repeated(state, uid, version));
            }
            let slot = state.slot(uid, call.now)?;
            let entry = &state.entries[slot as usize];
            if let Some(expected) = edit.expect_version
                && expected != entry.version
            {
                let reason = format!("the memory is at version {}, not {expected}", entry.version);
                return Err(Error::invalid("expect_version", reason));
            }
            let id = id.ok_or_else(|| Error::UnknownMemory(uid.to_string()))?;
            let old = shared.ledger.read()?.contents(id, &[entry.seq], true)?.into_iter().flatten().next();
            let old = old.ok_or_else(|| Error::UnknownMemory(uid.to_string()))?;
            let (mut record, mut vectors) = (old.record, old.vectors);
            if edit.text.as_ref().is_some_and(|text| *text != record.text) {
                vectors.clear();
            }
            if let Some(new) = edit.vectors {
                vectors = keys(new, form, 0)?;
            }
            record.text = edit.text.unwrap_or(record.text);
            record.kind = edit.kind.unwrap_or(record.kind);
            record.metadata = edit.metadata.unwrap_or(record.metadata);
            record.tags = edit.tags.unwrap_or(record.tags);
            record.event = edit.event.or(record.event);
            record.importance = edit.importance.unwrap_or(record.importance);
            record.confidence = edit.confidence.unwrap_or(record.confidence);
            record.version += 1;
            record.ingested = call.now;
            check(&record, edit.key.as_deref())?;
            let (version, mentions) = (record.version, entry.mentions);
            batch.restated.push((entry.seq, Status::Archived));
            let detail = detail(&edit.reason, edit.key.as_deref());
            batch.write(Op::Updated, record, vectors, detail, &mut call.entropy);
            Ok(Outcome { uid, version, op: Op::Updated, reason: edit.reason, mentions })
        })
    }

    /// Records a decision not to write.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty reason, [`Error::UnknownMemory`], and as any write.
    pub fn noop(&self, reason: &str, uid: Option<Uid>, call: &mut Call<'_>) -> Result<Outcome> {
        admission::name(reason, &|| "reason".into())?;
        if reason.trim().is_empty() {
            return Err(Error::invalid("reason", "say why nothing is written"));
        }
        self.write(None, call, |state, batch, call, _| {
            let (version, mentions) = match uid {
                None => (0, 0),
                Some(uid) => {
                    let entry = &state.entries[state.slot(uid, call.now)? as usize];
                    (entry.version, entry.mentions)
                }
            };
            let uid = uid.unwrap_or(Uid([0; 16]));
            batch.note(Op::Noop, uid, version, detail(reason, None));
            Ok(Outcome { uid, version, op: Op::Noop, reason: reason.into(), mentions })
        })
    }

    /// Plans events on the state, commits them, applies them. One writer at a time.
    pub(super) fn write<R>(
        &self,
        space: Option<&Space>,
        call: &mut Call<'_>,
        plan: impl FnOnce(&State, &mut Batch, &mut Call<'_>, Option<Form>) -> Result<R>,
    ) -> Result<R> {
        self.shared.check()?;
        let ledger = &*self.shared.ledger;
        if !ledger.writable() {
            return Err(Error::ReadOnly);
        }
        let _writer = self.shared.writer.lock();
        let (id, mut batch, answer, joined) = {
            let guard = {
                let reader = ledger.read()?;
                self.cell.level(ledger, &*reader, call.cancel)?
            };
            let Some(loaded) = guard.as_ref() else { return Err(Error::Closed) };
            let state = &loaded.state;
            let joined = join(state, space, self.wish, ledger)?;
            let mut batch = Batch::after(state, call.now);
            if let Some((config, _)) = &joined {
                if loaded.id.is_some() {
                    batch.note(Op::Configured, Uid([0; 16]), 0, config.write());
                }
                batch.config = Some(config.write());
            }
            let form = match &joined {
                Some((config, space)) => Form::of(config, Some(space))?,
                None => Form::of(&state.config, state.space.as_ref())?,
            };
            let answer = plan(state, &mut batch, call, form)?;
            (loaded.id, batch, answer, joined)
        };
        let renewals = self.note_renewals(&mut batch);
        if batch.is_empty() {
            return Ok(answer);
        }
        call.cancel.check()?;
        self.commit(id, &batch, joined, call.cancel)?;
        // Only now: what could not be journalled waits for the next write.
        let mut touched = self.cell.touched.lock();
        let journalled = renewals.min(touched.len());
        touched.drain(..journalled);
        drop(touched);
        Ok(answer)
    }

    /// Records the pending renewals and says how many; reads may add more meanwhile.
    fn note_renewals(&self, batch: &mut Batch) -> usize {
        let touched = self.cell.touched.lock();
        for renewal in touched.iter() {
            let mut detail = Metadata::new();
            detail.insert("expires".into(), Value::from(renewal.expires));
            batch.note(Op::Touched, renewal.uid, 0, detail);
        }
        touched.len()
    }

    fn commit(
        &self,
        id: Option<u32>,
        batch: &Batch,
        joined: Option<(Config, Space)>,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let ledger = &*self.shared.ledger;
        let fresh = joined.as_ref().map_or_else(|| self.cell.language.write(), |x| x.0.write());
        let target = match id {
            Some(id) => Target::Known(id),
            None => Target::New { path: &self.cell.path, config: &fresh },
        };
        let commit = Commit {
            target,
            events: &batch.events,
            contents: &batch.contents,
            restated: &batch.restated,
            erased: &batch.erased,
            config: batch.config.as_ref().filter(|_| id.is_some()),
        };
        let _committing = self.cell.committing.lock();
        let committed = ledger.commit(&[commit], cancel);
        let mut guard = self.cell.state.write();
        let ids = match committed {
            Ok(ids) => ids,
            Err(error) => {
                // What is in the file is not known; the next read loads it again.
                *guard = None;
                return Err(error);
            }
        };
        let Some(loaded) = guard.as_mut() else { return Ok(()) };
        loaded.id = ids.first().copied();
        if let (None, Some((config, space))) = (id, &joined) {
            loaded.state.configure(config.clone(), space.clone())?;
        }
        let named = |_| joined.as_ref().map(|x| x.1.clone()).ok_or(Error::Closed);
        let mut contents = batch.contents.iter();
        let mut apply = |at: usize, event: &Event| {
            if at % 1024 == 1023 {
                cancel.check()?;
            }
            let content = event.op.writes().then(|| contents.next()).flatten();
            loaded.state.apply(event, content, &named)
        };
        let applied = batch.events.iter().enumerate().try_for_each(|(at, event)| apply(at, event));
        if applied.is_err() {
            // Committed but not applied, as when stopped here: the next use loads the namespace again.
            *guard = None;
        }
        // Who asks to stop now is too late: "cancelled" would say that nothing was written.
        applied.or_else(|error| if matches!(error, Error::Cancelled) { Ok(()) } else { Err(error) })
    }
}

fn check(record: &Record, key: Option<&str>) -> Result<()> {
    admission::text(&record.text, "text")?;
    admission::metadata(&record.metadata, &|| "metadata".into())?;
    record.tags.iter().try_for_each(|tag| admission::name(tag, &|| "tags".into()))?;
    key.map_or(Ok(()), |key| admission::name(key, &|| "key".into()))?;
    admission::unit(record.importance, &|| "importance".into())?;
    admission::unit(record.confidence, &|| "confidence".into())
}

fn repeated(state: &State, uid: Uid, version: u32) -> Outcome {
    let mentions = state.uids.get(&uid).map_or(1, |&slot| state.entries[slot as usize].mentions);
    Outcome { uid, version, op: Op::Noop, reason: "idempotency key seen before".into(), mentions }
}

fn same(
    state: &State,
    planned: &FxHashMap<u128, (Uid, u32)>,
    digest: u128,
    now: &crate::time::Timestamp,
) -> Option<(Uid, u32, u32)> {
    if let Some(&(uid, mentions)) = planned.get(&digest) {
        let version = state.uids.get(&uid).map_or(1, |&slot| state.entries[slot as usize].version);
        return Some((uid, version, mentions));
    }
    let entry = |slot| &state.entries[slot as usize];
    let found = state.digests.slots(digest).map(entry).find(|entry| !entry.expired(*now))?;
    Some((found.uid, found.version, found.mentions))
}

/// A derived memory is trusted no more than the least trusted of its parents.
fn limit_trust(state: &State, record: &mut Record) {
    for parent in &record.provenance.parents {
        if let Some(&slot) = state.uids.get(parent) {
            record.provenance.trust = record.provenance.trust.min(state.entries[slot as usize].trust);
        }
    }
}
