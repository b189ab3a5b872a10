//! What a namespace keeps in memory of each memory; the text stays in the ledger.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::uses::Uses;
use crate::filter::{Field, Fields, Scalar};
use crate::id::Uid;
use crate::interner::Interner;
use crate::journal::event::Seq;
use crate::record::{Kind, Metadata, Record, Status, Ttl, walk};
use crate::session::{Place, SessionId};
use crate::time::Timestamp;

/// No expiry.
pub(super) const NEVER: i64 = i64::MAX;

/// Trust from which a memory or a link is believed.
pub(super) const TRUSTED: f32 = 0.5;

/// In place of the number of a name that is no longer told.
pub(super) const NO_NAME: u32 = u32::MAX;

/// One slot.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub uid: Uid,
    /// Slot of the first version, the number of the memory in the graph.
    pub node: u32,
    pub digest: u128,
    pub seq: Seq,
    pub version: u32,
    pub mentions: u32,
    pub kind: Kind,
    /// Whether it holds a question.
    pub asks: bool,
    pub start: Option<i64>,
    pub end: i64,
    pub ingested: i64,
    pub turn: u64,
    pub importance: f32,
    pub confidence: f32,
    pub trust: f32,
    pub expires: i64,
    pub ttl: Option<Ttl>,
    pub speaker: Option<u32>,
    pub session: Option<SessionId>,
    pub source: u32,
    pub principal: u32,
    pub tags: Box<[u32]>,
    pub metadata: Option<Box<Metadata>>,
}

impl Entry {
    pub(super) fn new(record: &Record, seq: Seq, node: u32, names: &mut Interner) -> Self {
        let start = record.event.map(|e| e.start.0);
        Self {
            uid: record.uid,
            node,
            digest: digest(record),
            seq,
            version: record.version,
            mentions: 1,
            kind: record.kind,
            asks: record.text.contains(['?', '？', '؟']),
            start,
            end: record.event.map_or(record.ingested.0.saturating_add(1), |e| e.end.0),
            ingested: record.ingested.0,
            turn: record.turn,
            importance: record.importance,
            confidence: record.confidence,
            trust: record.provenance.trust,
            expires: record.ttl.map_or(NEVER, |ttl| record.ingested.0.saturating_add(ttl.micros)),
            ttl: record.ttl,
            speaker: record.speaker.as_deref().map(|x| names.intern(x)),
            session: record.session.as_deref().map(|x| names.intern(x)),
            source: names.intern(&record.provenance.source),
            principal: names.intern(&record.provenance.principal),
            tags: record.tags.iter().map(|x| names.intern(x)).collect(),
            metadata: (!record.metadata.is_empty()).then(|| Box::new(record.metadata.clone())),
        }
    }

    /// Start of the event, or the time of the write.
    pub(super) fn time(&self) -> i64 {
        self.start.unwrap_or(self.ingested)
    }

    /// When what it says holds, half-open: from its event on, without an end where that is an instant; always without one.
    pub(super) fn validity(&self) -> (i64, i64) {
        match self.start {
            None => (i64::MIN, i64::MAX),
            Some(start) if self.end == start.saturating_add(1) => (start, i64::MAX),
            Some(start) => (start, self.end),
        }
    }

    /// Whether it held at a time, or had happened by then.
    pub(super) fn valid(&self, at: Timestamp) -> bool {
        match self.kind {
            Kind::Episodic | Kind::Working => self.time() <= at.0,
            _ => (self.validity().0..self.validity().1).contains(&at.0),
        }
    }

    /// Whether it is believed.
    pub(super) fn trusted(&self) -> bool {
        self.trust >= TRUSTED
    }

    /// Where it stands in its session.
    pub(super) fn place(&self, slot: u32) -> Place {
        Place { time: self.time(), turn: self.turn, slot }
    }

    /// Forgets what the memory said; only that there was one stays.
    pub(super) fn scrub(&mut self) {
        (self.digest, self.speaker, self.session, self.asks) = (0, None, None, false);
        (self.source, self.principal) = (NO_NAME, NO_NAME);
        self.tags = Box::default();
        self.metadata = None;
    }

    /// Forgets everything but its identity and its number.
    pub(super) fn blank(&mut self) {
        self.scrub();
        (self.kind, self.version, self.mentions, self.turn) = (Kind::Episodic, 0, 0, 0);
        (self.start, self.end, self.ingested, self.expires, self.ttl) = (None, 0, 0, NEVER, None);
        (self.importance, self.confidence, self.trust) = (0.0, 0.0, 0.0);
    }

    /// The numbers of all names it refers to.
    pub(super) fn names(&self) -> impl Iterator<Item = u32> {
        let own = [Some(self.source), Some(self.principal), self.speaker, self.session];
        own.into_iter().flatten().chain(self.tags.iter().copied()).filter(|&name| name != NO_NAME)
    }

    /// Whether its time has run out.
    pub(super) fn expired(&self, now: Timestamp) -> bool {
        self.expires <= now.0
    }
}

/// Digest of what makes two memories the same: kind, text up to white space and Unicode composition, event time,
/// speaker, session, tags and metadata.
pub(super) fn digest(record: &Record) -> u128 {
    let mut bytes = Vec::with_capacity(record.text.len() + 64);
    let mut field = |value: &[u8]| {
        bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        bytes.extend_from_slice(value);
    };
    field(&[record.kind as u8]);
    field(normalised(&record.text).as_bytes());
    match record.event {
        Some(event) => field(&[event.start.0.to_le_bytes(), event.end.0.to_le_bytes()].concat()),
        None => field(b""),
    }
    field(record.speaker.as_deref().unwrap_or("").as_bytes());
    field(record.session.as_deref().unwrap_or("").as_bytes());
    field(&(record.tags.len() as u64).to_le_bytes());
    record.tags.iter().for_each(|tag| field(tag.as_bytes()));
    if !record.metadata.is_empty() {
        field(serde_json::to_string(&record.metadata).unwrap_or_default().as_bytes());
    }
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
    u128::from_le_bytes(short)
}

/// Text with single spaces between words, composed as NFC.
fn normalised(text: &str) -> Cow<'_, str> {
    let spaced = text.is_ascii()
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.as_bytes().windows(2).any(|w| w == b"  ")
        && !text.bytes().any(|x| x != b' ' && x.is_ascii_whitespace() || x == 0x0B);
    if spaced {
        return Cow::Borrowed(text);
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Cow::Owned(if is_nfc(&words) { words } else { words.nfc().collect() })
}

/// An entry with the names it refers to.
pub(super) struct Named<'a> {
    pub(super) entry: &'a Entry,
    pub(super) names: &'a Interner,
    pub(super) uses: &'a Uses,
}

impl Fields for Named<'_> {
    fn any(&self, field: &Field, each: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
        let entry = self.entry;
        let name = |number: u32| self.names.text(number).unwrap_or("");
        match field {
            Field::Uid => each(Scalar::Text(&entry.uid.to_string())),
            Field::Kind => each(Scalar::Text(entry.kind.word())),
            Field::Status => each(Scalar::Text(Status::Active.word())),
            Field::Tags => entry.tags.iter().any(|&tag| each(Scalar::Text(name(tag)))),
            Field::Speaker => entry.speaker.is_some_and(|x| each(Scalar::Text(name(x)))),
            Field::Session => entry.session.is_some_and(|x| each(Scalar::Text(name(x)))),
            Field::At => entry.start.is_some_and(|x| each(Scalar::Int(x))),
            Field::Until => entry.start.is_some() && each(Scalar::Int(entry.end)),
            Field::Ingested => each(Scalar::Int(entry.ingested)),
            Field::Turn => each(Scalar::Int(i64::try_from(entry.turn).unwrap_or(i64::MAX))),
            Field::Importance => each(Scalar::Float(f64::from(entry.importance))),
            Field::Confidence => each(Scalar::Float(f64::from(entry.confidence))),
            Field::Source => each(Scalar::Text(name(entry.source))),
            Field::Principal => each(Scalar::Text(name(entry.principal))),
            Field::Trust => each(Scalar::Float(f64::from(entry.trust))),
            Field::Pinned => each(Scalar::Truth(self.uses.is_pinned(entry.uid))),
            Field::Utility | Field::Judged | Field::SuccessRate => {
                let used = self.uses.get(entry.uid);
                let (judged, succeeded) = used.map_or((0, 0), |x| (x.judged, x.succeeded));
                match field {
                    Field::Utility => each(Scalar::Float(used.map_or(0.0, |x| f64::from(x.value)))),
                    Field::Judged => each(Scalar::Int(judged.into())),
                    _ => judged > 0 && each(Scalar::Float(f64::from(succeeded) / f64::from(judged))),
                }
            }
            Field::Metadata(path) => entry.metadata.as_deref().is_some_and(|metadata| {
                let Some((key, rest)) = path.split_first() else { return false };
                metadata.get(key).is_some_and(|v| walk(v, rest, &mut |x| each(Scalar::Json(x))))
            }),
        }
    }
}
