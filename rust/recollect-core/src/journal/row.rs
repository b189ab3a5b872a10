//! A record as the columns of a row, readable by any tool, and back without loss.

use std::borrow::Cow;

use crate::id::Uid;
use crate::journal::digest::field;
use crate::record::{Metadata, Provenance, Record, Status, Ttl};
use crate::time::{Interval, Timestamp};

/// The columns of a content that never change: words and JSON as text, instants in microseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Columns<'a> {
    pub(crate) uid: Cow<'a, str>,
    pub(crate) version: i64,
    pub(crate) kind: &'a str,
    pub(crate) text: &'a str,
    pub(crate) metadata: Cow<'a, str>,
    pub(crate) tags: Cow<'a, str>,
    pub(crate) speaker: Option<&'a str>,
    pub(crate) session: Option<&'a str>,
    pub(crate) event_start: Option<i64>,
    pub(crate) event_end: Option<i64>,
    pub(crate) ingested: i64,
    pub(crate) turn: i64,
    pub(crate) importance: f64,
    pub(crate) confidence: f64,
    pub(crate) source: &'a str,
    pub(crate) principal: &'a str,
    pub(crate) trust: f64,
    pub(crate) parents: Cow<'a, str>,
    pub(crate) ttl: Option<i64>,
    pub(crate) sliding: Option<i64>,
}

impl<'a> Columns<'a> {
    /// The columns of a record.
    pub(crate) fn of(record: &'a Record) -> Self {
        Self {
            uid: hex(record.uid).into(),
            version: record.version.into(),
            kind: record.kind.word(),
            text: &record.text,
            metadata: json_of(&record.metadata),
            tags: list_of(&record.tags, Clone::clone),
            speaker: record.speaker.as_deref(),
            session: record.session.as_deref(),
            event_start: record.event.map(|event| event.start.0),
            event_end: record.event.map(|event| event.end.0),
            ingested: record.ingested.0,
            turn: record.turn.cast_signed(),
            importance: real(record.importance),
            confidence: real(record.confidence),
            source: &record.provenance.source,
            principal: &record.provenance.principal,
            trust: real(record.provenance.trust),
            parents: list_of(&record.provenance.parents, |uid| hex(*uid)),
            ttl: record.ttl.map(|ttl| ttl.micros),
            sliding: record.ttl.map(|ttl| ttl.sliding.into()),
        }
    }

    /// The record of the columns, or which column is no such thing.
    pub(crate) fn record(&self, status: Status) -> Result<Record, &'static str> {
        let uids: Vec<String> = list_from(&self.parents).ok_or("parents")?;
        let event = match (self.event_start, self.event_end) {
            (None, None) => None,
            (Some(start), Some(end)) => Some(Interval { start: Timestamp(start), end: Timestamp(end) }),
            _ => return Err("event"),
        };
        let ttl = match (self.ttl, self.sliding) {
            (None, None) => None,
            (Some(micros), Some(sliding @ 0..=1)) => Some(Ttl { micros, sliding: sliding == 1 }),
            _ => return Err("ttl"),
        };
        Ok(Record {
            uid: self.uid.parse().map_err(|_| "uid")?,
            version: self.version.try_into().map_err(|_| "version")?,
            kind: self.kind.parse().map_err(|_| "kind")?,
            status,
            text: self.text.to_owned(),
            metadata: json_from(&self.metadata).ok_or("metadata")?,
            tags: list_from(&self.tags).ok_or("tags")?,
            speaker: self.speaker.map(str::to_owned),
            session: self.session.map(str::to_owned),
            event,
            ingested: Timestamp(self.ingested),
            turn: self.turn.cast_unsigned(),
            importance: self.importance as f32,
            confidence: self.confidence as f32,
            provenance: Provenance {
                source: self.source.to_owned(),
                principal: self.principal.to_owned(),
                trust: self.trust as f32,
                parents: uids
                    .iter()
                    .map(|uid| uid.parse())
                    .collect::<Result<_, _>>()
                    .map_err(|_| "parents")?,
            },
            ttl,
        })
    }

    /// Appends every column with its length; an absent one has a length no other can have.
    pub(crate) fn write_to(&self, bytes: &mut Vec<u8>) {
        let text = |bytes: &mut Vec<u8>, value: Option<&str>| match value {
            Some(value) => field(bytes, value.as_bytes()),
            None => bytes.extend_from_slice(&u64::MAX.to_le_bytes()),
        };
        let integer = |bytes: &mut Vec<u8>, value: Option<i64>| match value {
            Some(value) => field(bytes, &value.to_le_bytes()),
            None => bytes.extend_from_slice(&u64::MAX.to_le_bytes()),
        };
        bytes.reserve(self.text.len() + self.metadata.len() + 512);
        for value in [&self.uid, self.kind, self.text, &self.metadata, &self.tags, &self.parents] {
            text(bytes, Some(value));
        }
        for value in [Some(self.source), Some(self.principal), self.speaker, self.session] {
            text(bytes, value);
        }
        for value in [Some(self.version), Some(self.ingested), Some(self.turn)] {
            integer(bytes, value);
        }
        for value in [self.event_start, self.event_end, self.ttl, self.sliding] {
            integer(bytes, value);
        }
        for value in [self.importance, self.confidence, self.trust] {
            field(bytes, &value.to_le_bytes());
        }
    }
}

/// The column that a file cannot hold, if there is one.
pub(crate) fn unstorable(record: &Record) -> Option<&'static str> {
    let trust = record.provenance.trust;
    [("importance", record.importance), ("confidence", record.confidence), ("trust", trust)]
        .into_iter()
        .find_map(|(name, value)| value.is_nan().then_some(name))
}

/// 32 hexadecimal digits.
pub(crate) fn hex(uid: Uid) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    uid.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A file keeps no negative zero in a real column, so the hash must not see one either.
fn real(value: f32) -> f64 {
    f64::from(value) + 0.0
}

/// Metadata as JSON text, keys in order.
pub(crate) fn json_of(metadata: &Metadata) -> Cow<'static, str> {
    if metadata.is_empty() {
        return "{}".into();
    }
    // Keys are text and numbers are finite, so this cannot fail.
    serde_json::to_string(metadata).unwrap_or_default().into()
}

/// JSON text as metadata.
pub(crate) fn json_from(text: &str) -> Option<Metadata> {
    if text == "{}" { Some(Metadata::new()) } else { serde_json::from_str(text).ok() }
}

fn list_of<T>(items: &[T], word: impl Fn(&T) -> String) -> Cow<'static, str> {
    if items.is_empty() {
        return "[]".into();
    }
    let items: Vec<serde_json::Value> = items.iter().map(|item| word(item).into()).collect();
    serde_json::Value::Array(items).to_string().into()
}

fn list_from(text: &str) -> Option<Vec<String>> {
    if text == "[]" { Some(Vec::new()) } else { serde_json::from_str(text).ok() }
}
