//! The hash chain over events, commitments and rows.
//!
//! An event is linked to the one before it; what it wrote enters only as a salted commitment, so the chain stays
//! sound after the content and its salt are erased. All hashes are BLAKE3, each over its own domain tag.

use crate::journal::digest::{digest, field, short};
use crate::journal::event::{Content, Embedding, Event, KeyVector, NamespaceId, Op, Seq, Written};
use crate::journal::row::{Columns, json_of};
use crate::namespace::Namespace;
use crate::record::Status;
use crate::vector::Keep;

/// Seals an event after the hash before it: fills its commitment and its hash.
#[must_use]
pub fn seal(prev: [u8; 32], event: Event, content: Option<&Content>) -> Event {
    seal_to(prev, event, content.map_or([0; 32], commitment))
}

/// As [`seal`], for an event that writes vector keys alone.
#[must_use]
pub fn seal_keys(prev: [u8; 32], event: Event, embedding: &Embedding) -> Event {
    seal_to(prev, event, keys_commitment(embedding))
}

fn seal_to(prev: [u8; 32], event: Event, commitment: [u8; 32]) -> Event {
    let mut event = Event { commitment, ..event };
    event.hash = link(&prev, &event);
    event
}

/// The hash before the first event of a namespace.
#[must_use]
pub fn genesis(path: &Namespace) -> [u8; 32] {
    digest(b"recollect/genesis/1", |bytes| field(bytes, path.to_string().as_bytes()))
}

/// The hash of an event that follows one with the hash `prev`.
#[must_use]
pub fn link(prev: &[u8; 32], event: &Event) -> [u8; 32] {
    link_stored(prev, event, &json_of(&event.detail))
}

/// The salted commitment to a content: its columns as they are stored, and the digest of its vectors.
#[must_use]
pub fn commitment(content: &Content) -> [u8; 32] {
    commit_to(&Columns::of(&content.record), &content.salt, &keys(&content.vectors))
}

/// The salted commitment to vector keys that were written alone.
#[must_use]
pub fn keys_commitment(embedding: &Embedding) -> [u8; 32] {
    digest(b"recollect/embedding/1", |bytes| {
        bytes.extend_from_slice(&embedding.salt);
        bytes.extend_from_slice(&keys(&embedding.vectors));
    })
}

/// The salted commitment to what an event wrote.
pub(crate) fn commitment_of(written: &Written) -> [u8; 32] {
    match written {
        Written::Content(content) => commitment(content),
        Written::Keys(keys) => keys_commitment(keys),
    }
}

/// As [`link`], with the detail as it is stored.
pub(crate) fn link_stored(prev: &[u8; 32], event: &Event, detail: &str) -> [u8; 32] {
    digest(b"recollect/event/1", |bytes| {
        bytes.extend_from_slice(prev);
        bytes.extend_from_slice(&event.seq.to_le_bytes());
        bytes.extend_from_slice(&event.at.0.to_le_bytes());
        bytes.push(event.op as u8);
        bytes.extend_from_slice(&event.uid.0);
        bytes.extend_from_slice(&event.version.to_le_bytes());
        bytes.extend_from_slice(&event.commitment);
        field(bytes, detail.as_bytes());
    })
}

/// As [`commitment`], with the columns as they are stored.
pub(crate) fn commit_to(columns: &Columns<'_>, salt: &[u8; 16], keys: &[u8; 32]) -> [u8; 32] {
    digest(b"recollect/content/1", |bytes| {
        bytes.extend_from_slice(salt);
        bytes.extend_from_slice(keys);
        columns.write_to(bytes);
    })
}

/// Digest of the vector keys of a content, zeros where there are none; the second kind names the form of each.
pub(crate) fn keys(vectors: &[KeyVector]) -> [u8; 32] {
    if vectors.is_empty() {
        return [0; 32];
    }
    let mut hasher = blake3::Hasher::new();
    let plain = vectors.iter().all(|key| key.keep() == Keep::F32);
    hasher.update(if plain { b"recollect/keys/1" } else { b"recollect/keys/2" });
    for key in vectors {
        hasher.update(&key.space.to_le_bytes());
        hasher.update(&(key.dim() as u64).to_le_bytes());
        if !plain {
            hasher.update(&[key.keep() as u8]);
        }
        hasher.update(key.data());
    }
    *hasher.finalize().as_bytes()
}

/// What a content row carries, so that a row that changed, moved or came back is noticed.
pub(crate) fn row(namespace: NamespaceId, seq: Seq, status: Status, commitment: &[u8; 32]) -> u128 {
    let bytes = digest(b"recollect/row/1", |bytes| {
        bytes.extend_from_slice(&namespace.to_le_bytes());
        bytes.extend_from_slice(&seq.to_le_bytes());
        bytes.push(status as u8);
        bytes.extend_from_slice(commitment);
    });
    short(&bytes)
}

/// The operation of a word in a file.
pub(crate) fn op(word: &str) -> Option<Op> {
    Op::ALL.iter().copied().find(|op| op.word() == word)
}
