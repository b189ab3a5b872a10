//! What a caller may bring: everything is checked before anything is written.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::id::Uid;
use crate::record::{Kind, Metadata, Provenance, Record, Status, Ttl};
use crate::time::{Interval, Timestamp};

/// Most bytes of a text.
pub const MAX_TEXT: usize = 1 << 20;
/// Most bytes of metadata, as JSON.
pub const MAX_METADATA: usize = 64 << 10;
/// Deepest nesting of metadata.
pub const MAX_DEPTH: usize = 32;
/// Most bytes of a speaker, session, tag, source, principal, reason or key.
pub const MAX_NAME: usize = 256;
/// Most tags, parents or vector keys of a memory.
pub const MAX_LIST: usize = 256;
/// Most results of a call.
pub const MAX_K: usize = 10_000;
/// Most bytes of a query text.
pub const MAX_QUERY: usize = 64 << 10;

/// A memory on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Which store it belongs to.
    pub kind: Kind,
    /// What is remembered.
    pub text: String,
    /// JSON metadata.
    pub metadata: Metadata,
    /// Tags.
    pub tags: Vec<String>,
    /// Who said it.
    pub speaker: Option<String>,
    /// The conversation, document or day it belongs to.
    pub session: Option<String>,
    /// When it happened.
    pub event: Option<Interval>,
    /// Turn counter; the next of the namespace where none is given.
    pub turn: Option<u64>,
    /// Importance in `[0, 1]`.
    pub importance: f32,
    /// Confidence in `[0, 1]`.
    pub confidence: f32,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Time to live.
    pub ttl: Option<Ttl>,
    /// Vector keys, each of the dimension of the space.
    pub vectors: Vec<Vec<f32>>,
    /// Vector keys in a second space: while a namespace moves to another one, what a memory gets there.
    pub beside: Vec<Vec<f32>>,
    /// Idempotency key: a second write with the same key changes nothing and answers as the first.
    pub key: Option<String>,
}

impl Draft {
    /// A memory of this kind and text, everything else at its default.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            metadata: Metadata::new(),
            tags: Vec::new(),
            speaker: None,
            session: None,
            event: None,
            turn: None,
            importance: 0.5,
            confidence: 1.0,
            provenance: Provenance::default(),
            ttl: None,
            vectors: Vec::new(),
            beside: Vec::new(),
            key: None,
        }
    }

    /// Its first version, without its vectors; `turn` is for one that brings none.
    pub(super) fn record(self, uid: Uid, now: Timestamp, turn: u64) -> Record {
        Record {
            uid,
            version: 1,
            kind: self.kind,
            status: Status::Active,
            text: self.text,
            metadata: self.metadata,
            tags: self.tags,
            speaker: self.speaker,
            session: self.session,
            event: self.event,
            ingested: now,
            turn: self.turn.unwrap_or(turn),
            importance: self.importance,
            confidence: self.confidence,
            provenance: self.provenance,
            ttl: self.ttl,
        }
    }

    /// Checks everything but the vectors, naming the argument with the position of the memory.
    ///
    /// # Errors
    /// [`Error::Invalid`] or [`Error::Limit`].
    pub fn check(&self, at: usize) -> Result<()> {
        text(&self.text, &format!("texts[{at}]"))?;
        metadata(&self.metadata, &|| format!("metadata[{at}]"))?;
        let names = [("speaker", &self.speaker), ("session", &self.session), ("key", &self.key)];
        for (argument, value) in names {
            if let Some(value) = value {
                name(value, &|| format!("{argument}[{at}]"))?;
                if value.is_empty() {
                    return Err(Error::invalid(
                        format!("{argument}[{at}]"),
                        "must not be empty; leave it out instead",
                    ));
                }
            }
        }
        count(self.tags.len(), &|| format!("tags[{at}]"))?;
        self.tags.iter().try_for_each(|tag| name(tag, &|| format!("tags[{at}]")))?;
        count(self.provenance.parents.len(), &|| format!("parents[{at}]"))?;
        count(self.vectors.len().max(self.beside.len()), &|| format!("vectors[{at}]"))?;
        name(&self.provenance.source, &|| "source".into())?;
        name(&self.provenance.principal, &|| "principal".into())?;
        unit(self.importance, &|| format!("importance[{at}]"))?;
        unit(self.confidence, &|| format!("confidence[{at}]"))?;
        unit(self.provenance.trust, &|| "trust".into())?;
        match self.ttl {
            Some(ttl) if ttl.micros <= 0 => Err(Error::invalid("ttl", "must be longer than nothing")),
            _ => Ok(()),
        }
    }
}

/// Checks a text.
pub(super) fn text(text: &str, argument: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid(argument, "the text is empty"));
    }
    size(text.len(), MAX_TEXT, &|| argument.into())
}

/// Checks metadata.
pub(super) fn metadata(metadata: &Metadata, argument: &dyn Fn() -> String) -> Result<()> {
    if metadata.is_empty() {
        return Ok(());
    }
    let depth = 1 + metadata.values().map(depth).max().unwrap_or(0);
    size(depth, MAX_DEPTH, &|| format!("{} depth", argument()))?;
    let bytes = serde_json::to_vec(metadata).map_err(|e| Error::invalid(argument(), e.to_string()))?;
    size(bytes.len(), MAX_METADATA, argument)
}

/// Checks a short text.
pub(super) fn name(value: &str, argument: &dyn Fn() -> String) -> Result<()> {
    size(value.len(), MAX_NAME, argument)
}

/// Checks a number between zero and one.
pub(super) fn unit(value: f32, argument: &dyn Fn() -> String) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(Error::invalid(argument(), "must lie between 0 and 1"))
    }
}

/// Checks a number of results.
pub(super) fn results(k: usize) -> Result<()> {
    if k == 0 {
        return Err(Error::invalid("k", "must be at least 1"));
    }
    size(k, MAX_K, &|| "k".into())
}

fn count(found: usize, argument: &dyn Fn() -> String) -> Result<()> {
    size(found, MAX_LIST, argument)
}

fn size(found: usize, limit: usize, argument: &dyn Fn() -> String) -> Result<()> {
    if found > limit {
        return Err(Error::Limit { argument: argument(), found: found as u64, limit: limit as u64 });
    }
    Ok(())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_the_argument_and_the_memory() {
        let sound = Draft::new(Kind::Episodic, "text");
        assert!(sound.check(0).is_ok());
        let mut deep = json!(1);
        for _ in 0..40 {
            deep = json!([deep]);
        }
        type Change = Box<dyn Fn(&mut Draft)>;
        let cases: [(&str, Change); 8] = [
            ("texts[3]", Box::new(|d| d.text = " \n".into())),
            ("texts[3]", Box::new(|d| d.text = "x".repeat(MAX_TEXT + 1))),
            ("metadata[3] depth", Box::new(move |d| drop(d.metadata.insert("a".into(), deep.clone())))),
            ("metadata[3]", Box::new(|d| drop(d.metadata.insert("a".into(), json!("x".repeat(70_000)))))),
            ("speaker[3]", Box::new(|d| d.speaker = Some(String::new()))),
            ("tags[3]", Box::new(|d| d.tags = vec!["x".repeat(300)])),
            ("importance[3]", Box::new(|d| d.importance = f32::NAN)),
            ("ttl", Box::new(|d| d.ttl = Some(Ttl { micros: 0, sliding: false }))),
        ];
        for (expected, change) in cases {
            let mut draft = sound.clone();
            change(&mut draft);
            match draft.check(3) {
                Err(Error::Invalid { argument, .. } | Error::Limit { argument, .. }) => {
                    assert_eq!(argument, expected)
                }
                other => panic!("{expected}: {other:?}"),
            }
        }
    }
}
