//! Builds sealed events and contents, and says what a ledger must answer.

use recollect_core::cancel::Cancel;
use recollect_core::id::Uid;
use recollect_core::journal::chain::{seal, seal_keys};
use recollect_core::journal::event::{Content, Embedding, Event, KeyVector, NamespaceId, Op, Seq};
use recollect_core::journal::ledger::{Commit, Ledger, Target};
use recollect_core::namespace::Namespace;
use recollect_core::record::{Kind, Metadata, Provenance, Record, Status};
use recollect_core::time::Timestamp;
use recollect_core::vector::Keep;

/// A record that says `text`.
pub(crate) fn record(uid: u8, version: u32, text: &str) -> Record {
    Record {
        uid: Uid([uid; 16]),
        version,
        kind: Kind::Semantic,
        status: Status::Active,
        text: text.to_owned(),
        metadata: Metadata::new(),
        tags: Vec::new(),
        speaker: None,
        session: None,
        event: None,
        ingested: Timestamp(1_000_000),
        turn: 7,
        importance: 0.5,
        confidence: 1.0,
        provenance: Provenance::default(),
        ttl: None,
    }
}

/// One namespace as it is being written.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) path: Namespace,
    pub(crate) id: Option<NamespaceId>,
    pub(crate) seq: Seq,
    pub(crate) hash: [u8; 32],
    /// The hash of the last event that was told.
    pub(crate) told: [u8; 32],
    pub(crate) events: Vec<Event>,
    pub(crate) contents: Vec<Content>,
    pub(crate) embeddings: Vec<Embedding>,
    pub(crate) restated: Vec<(Seq, Status)>,
    pub(crate) erased: Vec<Seq>,
}

impl Story {
    pub(crate) fn new(path: &str) -> Self {
        let path: Namespace = path.parse().unwrap();
        let hash = recollect_core::journal::chain::genesis(&path);
        Self {
            path,
            id: None,
            seq: 0,
            hash,
            told: hash,
            events: Vec::new(),
            contents: Vec::new(),
            embeddings: Vec::new(),
            restated: Vec::new(),
            erased: Vec::new(),
        }
    }

    pub(crate) fn event(&mut self, op: Op, uid: Uid, content: Option<(Record, Vec<KeyVector>)>) -> Seq {
        self.seq += 1;
        let content = content.map(|(record, vectors)| Content {
            seq: self.seq,
            salt: [self.seq as u8; 16],
            record,
            vectors,
        });
        let event = Event {
            seq: self.seq,
            at: Timestamp(self.seq as i64),
            op,
            uid,
            version: content.as_ref().map_or(0, |content| content.record.version),
            commitment: [0; 32],
            detail: Metadata::new(),
            hash: [0; 32],
        };
        let event = seal(self.hash, event, content.as_ref());
        self.hash = event.hash;
        self.events.push(event);
        self.contents.extend(content);
        self.seq
    }

    /// Vector keys of a memory alone.
    pub(crate) fn embed(&mut self, uid: u8, vectors: Vec<KeyVector>) -> Seq {
        self.event(Op::Embedded, Uid([uid; 16]), None);
        let event = self.events.pop().unwrap();
        let prev = match self.events.last() {
            Some(before) => before.hash,
            None => self.told,
        };
        if vectors.is_empty() {
            self.events.push(event);
            return self.seq;
        }
        let embedding = Embedding { seq: self.seq, salt: [self.seq as u8; 16], vectors };
        let event = seal_keys(prev, event, &embedding);
        self.hash = event.hash;
        self.events.push(event);
        self.embeddings.push(embedding);
        self.seq
    }

    pub(crate) fn add(&mut self, uid: u8, text: &str, vector: &[f32]) -> Seq {
        let vectors = vec![KeyVector::new(1, Keep::F32, vector)];
        let vectors = if vector.is_empty() { Vec::new() } else { vectors };
        self.event(Op::Added, Uid([uid; 16]), Some((record(uid, 1, text), vectors)))
    }

    /// Sends what was gathered as one commit.
    pub(crate) fn tell(&mut self, ledger: &dyn Ledger) -> recollect_core::error::Result<NamespaceId> {
        let config = Metadata::new();
        let target = match self.id {
            Some(id) => Target::Known(id),
            None => Target::New { path: &self.path, config: &config },
        };
        let ids = ledger.commit(
            &[Commit {
                target,
                events: &self.events,
                contents: &self.contents,
                embeddings: &self.embeddings,
                restated: &self.restated,
                erased: &self.erased,
                config: None,
            }],
            Cancel::never(),
        )?;
        self.id = Some(ids[0]);
        self.told = self.hash;
        self.events.clear();
        self.contents.clear();
        self.embeddings.clear();
        self.restated.clear();
        self.erased.clear();
        Ok(ids[0])
    }
}
