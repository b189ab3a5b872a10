//! What the model keeps of one memory, and of one event.

use recollect_core::id::Uid;
use recollect_core::journal::event::Op;
use recollect_core::record::{Record, Ttl};

#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) record: Record,
    pub(crate) vectors: Vec<Vec<f32>>,
    /// Number of the event that wrote it.
    pub(crate) seq: u64,
}

/// One memory from its first version on; an erased one has none left.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) uid: Uid,
    pub(crate) versions: Vec<Version>,
    pub(crate) deleted: bool,
    pub(crate) mentions: u32,
    pub(crate) expires: Option<i64>,
}

impl Life {
    pub(crate) fn last(&self) -> &Version {
        self.versions.last().unwrap()
    }

    pub(crate) fn record(&self) -> &Record {
        &self.last().record
    }

    pub(crate) fn live(&self) -> bool {
        !self.deleted && !self.versions.is_empty()
    }

    pub(crate) fn seen(&self, now: i64) -> bool {
        self.live() && self.expires.is_none_or(|at| at > now)
    }

    /// Start of the event, or the time of the write.
    pub(crate) fn time(&self) -> i64 {
        self.record().event.map_or(self.record().ingested.0, |event| event.start.0)
    }

    /// Order inside a session.
    pub(crate) fn place(&self) -> (i64, u64, u64) {
        (self.time(), self.record().turn, self.last().seq)
    }
}

/// When a version written at an instant runs out.
pub(crate) fn expiry(ttl: Option<Ttl>, now: i64) -> Option<i64> {
    ttl.map(|ttl| now + ttl.micros)
}

/// Whether two memories are the same but for identity and time of the write.
pub(crate) fn same(a: &Record, b: &Record) -> bool {
    let words = |record: &Record| record.text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let rest = |r: &Record| {
        (r.kind, r.event, r.speaker.clone(), r.session.clone(), r.tags.clone(), r.metadata.clone())
    };
    words(a) == words(b) && rest(a) == rest(b)
}

/// One event as the journal must tell it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) op: Op,
    pub(crate) uid: Uid,
    pub(crate) version: u32,
    pub(crate) at: i64,
    pub(crate) key: Option<String>,
}
