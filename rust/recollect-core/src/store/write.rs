//! The writing verbs of a namespace.

use std::mem::take;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::admission::{self, Draft};
use super::batch::{Call, detail};
use super::entry::digest;
use super::joining::{Brought, Keys, check_vectors};
use super::keys;
use super::memory::Memory;
use super::state::State;
use crate::error::{Error, Result};
use crate::id::Uid;
use crate::journal::event::Op;
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
    /// As `vectors`, in a second space: see [`Draft::beside`].
    pub beside: Option<Vec<Vec<f32>>>,
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
    pub fn add<'s>(
        &self,
        drafts: Vec<Draft>,
        spaces: impl Into<Brought<'s>>,
        keep_duplicates: bool,
        call: &mut Call<'_>,
    ) -> Result<Vec<Outcome>> {
        let brought = spaces.into();
        for (at, draft) in drafts.iter().enumerate() {
            draft.check(at)?;
            if at.is_multiple_of(4096) {
                call.cancel.check()?;
            }
        }
        check_vectors(drafts.iter().map(|d| &d.vectors), brought.vectors)?;
        check_vectors(drafts.iter().map(|d| &d.beside), brought.beside)?;
        let vectors = drafts.iter().any(|d| !d.vectors.is_empty());
        let beside = drafts.iter().any(|d| !d.beside.is_empty());
        self.write(brought.only(vectors, beside), call, |state, batch, call, forms| {
            let mut planned: FxHashMap<u128, (Uid, u32)> = FxHashMap::default();
            let mut keyed: FxHashMap<String, (Uid, u32)> = FxHashMap::default();
            let mut turn = state.turn;
            let mut outcomes = Vec::with_capacity(drafts.len());
            for (at, mut draft) in drafts.into_iter().enumerate() {
                if at % 1024 == 1023 {
                    call.cancel.check()?;
                }
                if let Some(key) = &draft.key
                    && let Some(&(uid, version)) = keyed.get(key).or_else(|| state.keys.get(key))
                {
                    outcomes.push(repeated(state, uid, version));
                    continue;
                }
                let keys = forms.keys(take(&mut draft.vectors), take(&mut draft.beside), at)?;
                let key = draft.key.take();
                let mut record = draft.record(Uid([0; 16]), call.now, turn + 1);
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
                batch.write(Op::Added, record, keys.own, detail("", key.as_deref()), &mut call.entropy);
                if !keys.next.is_empty() {
                    batch.embed(uid, 1, keys.next, &mut call.entropy);
                }
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
    pub fn update<'s>(
        &self,
        uid: Uid,
        edit: Edit,
        spaces: impl Into<Brought<'s>>,
        call: &mut Call<'_>,
    ) -> Result<Outcome> {
        let brought = spaces.into();
        check_vectors(edit.vectors.iter(), brought.vectors)?;
        check_vectors(edit.beside.iter(), brought.beside)?;
        admission::name(&edit.reason, &|| "reason".into())?;
        let some = |keys: &Option<Vec<Vec<f32>>>| keys.as_ref().is_some_and(|x| !x.is_empty());
        let brought = brought.only(some(&edit.vectors), some(&edit.beside));
        let shared = std::sync::Arc::clone(&self.shared);
        let id = self.read(call.cancel, |seen| Ok(Some(seen.id)))?;
        self.write(brought, call, move |state, batch, call, forms| {
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
            let old = keys::whole(&*shared.ledger.read()?, id, state, slot)?;
            let (mut record, kept) = old.ok_or_else(|| Error::UnknownMemory(uid.to_string()))?;
            let mut keys = Keys::split(kept, &state.config);
            if edit.text.as_ref().is_some_and(|text| *text != record.text) {
                keys = Keys::default();
            }
            forms.replace(&mut keys, edit.vectors, edit.beside)?;
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
            batch.write(Op::Updated, record, keys.own, detail, &mut call.entropy);
            if !keys.next.is_empty() {
                batch.embed(uid, version, keys.next, &mut call.entropy);
            }
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
        self.write(Brought::default(), call, |state, batch, call, _| {
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
}

fn check(record: &Record, key: Option<&str>) -> Result<()> {
    admission::text(&record.text, "text")?;
    admission::metadata(&record.metadata, &|| "metadata".into())?;
    record.tags.iter().try_for_each(|tag| admission::name(tag, &|| "tags".into()))?;
    key.map_or(Ok(()), |key| admission::name(key, &|| "key".into()))?;
    admission::unit(record.importance, &|| "importance".into())?;
    admission::unit(record.confidence, &|| "confidence".into())
}

pub(super) fn repeated(state: &State, uid: Uid, version: u32) -> Outcome {
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
pub(super) fn limit_trust(state: &State, record: &mut Record) {
    for parent in &record.provenance.parents {
        if let Some(&slot) = state.uids.get(parent) {
            record.provenance.trust = record.provenance.trust.min(state.entries[slot as usize].trust);
        }
    }
}
