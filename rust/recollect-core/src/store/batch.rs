//! One atomic write on its way: events chained on from the head, with what they write.

use serde_json::Value;

use super::config::Config;
use super::state::State;
use crate::entropy::Entropy;
use crate::id::Uid;
use crate::journal::chain;
use crate::journal::event::{Content, Embedding, Event, KeyVector, Op, Seq, SpaceId};
use crate::journal::ledger::Space;
use crate::record::{Metadata, Record, Status};
use crate::time::Timestamp;

/// What a call brings from outside: the clock, the randomness, the wish to stop.
#[derive(Debug)]
pub struct Call<'a> {
    /// Now.
    pub now: Timestamp,
    /// Where identities and salts come from.
    pub entropy: Entropy,
    /// Asked at checkpoints.
    pub cancel: crate::cancel::Cancel<'a>,
}

pub(super) struct Batch {
    now: Timestamp,
    seq: Seq,
    hash: [u8; 32],
    pub events: Vec<Event>,
    pub contents: Vec<Content>,
    pub embeddings: Vec<Embedding>,
    pub restated: Vec<(Seq, Status)>,
    pub erased: Vec<Seq>,
    pub config: Option<Metadata>,
    /// The spaces that the new configuration opens.
    pub opened: Vec<(SpaceId, Space)>,
}

impl Batch {
    pub(super) fn after(state: &State, now: Timestamp) -> Self {
        Self {
            now,
            seq: state.seq,
            hash: state.hash,
            events: Vec::new(),
            contents: Vec::new(),
            embeddings: Vec::new(),
            restated: Vec::new(),
            erased: Vec::new(),
            config: None,
            opened: Vec::new(),
        }
    }

    /// Records an event that writes no content.
    pub(super) fn note(&mut self, op: Op, uid: Uid, version: u32, detail: Metadata) {
        self.push(op, uid, version, detail, None);
    }

    /// Records an event with the version of a memory it writes.
    pub(super) fn write(
        &mut self,
        op: Op,
        record: Record,
        vectors: Vec<KeyVector>,
        detail: Metadata,
        entropy: &mut Entropy,
    ) {
        let (uid, version) = (record.uid, record.version);
        let content = Content { seq: self.seq + 1, salt: entropy.bytes(), record, vectors };
        self.push(op, uid, version, detail, Some(content));
    }

    /// Records that a version of a memory was embedded in the next space; without keys, that nothing was found in it.
    pub(super) fn embed(&mut self, uid: Uid, version: u32, vectors: Vec<KeyVector>, entropy: &mut Entropy) {
        if vectors.is_empty() {
            return self.note(Op::Embedded, uid, version, Metadata::new());
        }
        let embedding = Embedding { seq: self.seq + 1, salt: entropy.bytes(), vectors };
        let event = self.event(Op::Embedded, uid, version, Metadata::new());
        let event = chain::seal_keys(self.hash, event, &embedding);
        self.hash = event.hash;
        self.events.push(event);
        self.embeddings.push(embedding);
    }

    /// Changes the configuration of a namespace that is there.
    pub(super) fn configure(&mut self, config: &Config) {
        self.note(Op::Configured, Uid([0; 16]), 0, config.write());
        self.config = Some(config.write());
    }

    fn push(&mut self, op: Op, uid: Uid, version: u32, detail: Metadata, content: Option<Content>) {
        let event = self.event(op, uid, version, detail);
        let event = chain::seal(self.hash, event, content.as_ref());
        self.hash = event.hash;
        self.events.push(event);
        self.contents.extend(content);
    }

    fn event(&mut self, op: Op, uid: Uid, version: u32, detail: Metadata) -> Event {
        self.seq += 1;
        let (seq, at) = (self.seq, self.now);
        Event { seq, at, op, uid, version, commitment: [0; 32], detail, hash: [0; 32] }
    }

    /// Number of the content that this write gave a memory last; that of no content where it gave none.
    pub(super) fn written(&self, uid: Uid) -> Seq {
        self.contents.iter().rfind(|content| content.record.uid == uid).map_or(0, |content| content.seq)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// The detail of an event: a reason and an idempotency key, where there are any.
pub(super) fn detail(reason: &str, key: Option<&str>) -> Metadata {
    let mut detail = Metadata::new();
    if !reason.is_empty() {
        detail.insert("reason".into(), Value::from(reason));
    }
    if let Some(key) = key {
        detail.insert("key".into(), Value::from(key));
    }
    detail
}
