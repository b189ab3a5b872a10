//! The state as parts inside the file: loaded if sound, rebuilt from the journal if not.
//!
//! | kind | what |
//! |---|---|
//! | `slots` | entries, names, earlier versions, idempotency keys |
//! | `lexical` | the lexical index |
//! | `vectors` | the vector index, where the namespace has a space |
//! | `embeddings` | which vector keys were written alone, and which memories have those of the next space |
//! | `graph`, `associations` | what memories have to do with one another |
//! | `uses` | how memories were used, where they were |
//! | `next-vectors` | the vector index of the next space, while the namespace moves to one |
//!
//! A change of the configuration drops the parts, so that they never are those of other spaces than the namespace has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::config::Config;
use super::entry::{Entry, NEVER, NO_NAME};
use super::next::Next;
use super::state::State;
use super::uses::Uses;
use super::words::{facts_of, titles_of};
use crate::association::Associations;
use crate::bitmap::Bitmap;
use crate::bytes::{Reader as Bytes, Writer};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::id::Uid;
use crate::journal::event::NamespaceId;
use crate::journal::ledger::{Head, Ledger, Reader, SegmentPart, Space};
use crate::lexical::LexicalIndex;
use crate::record::{Kind, Ttl};
use crate::vector::VectorIndex;

/// Format of the parts; any other is rebuilt.
const FORMAT: u32 = 3;
/// Bytes of a part of the slots.
const PART: usize = 3 << 20;
/// Least bytes of an entry.
const ENTRY: usize = 124;

/// Replaces the snapshot of a namespace by its state as it is.
pub(super) fn store(ledger: &dyn Ledger, id: NamespaceId, state: &State, cancel: Cancel<'_>) -> Result<()> {
    let slots = slots(state);
    let part = |kind: &'static str| {
        move |(at, data): (usize, Vec<u8>)| SegmentPart { kind: kind.into(), part: at as u32, data }
    };
    let vectors = state.vectors.iter().flat_map(|index| index.encode_chunks());
    let next = state.next.iter().flat_map(|next| next.index.encode_chunks());
    let (graph, associations) = (state.associations.graph(), state.associations.encode());
    let graph = graph.encode_chunks().take(if associations.is_empty() { 0 } else { usize::MAX });
    let (embeddings, uses) = (embeddings(state), state.uses.encode());
    let mut parts = slots
        .chunks(PART)
        .map(<[u8]>::to_vec)
        .enumerate()
        .map(part("slots"))
        .chain(state.lexical.encode_chunks().into_iter().enumerate().map(part("lexical")))
        .chain(vectors.enumerate().map(part("vectors")))
        .chain(embeddings.chunks(PART).map(<[u8]>::to_vec).enumerate().map(part("embeddings")))
        .chain(graph.enumerate().map(part("graph")))
        .chain(associations.chunks(PART).map(<[u8]>::to_vec).enumerate().map(part("associations")))
        .chain(uses.chunks(PART).map(<[u8]>::to_vec).enumerate().map(part("uses")))
        .chain(next.enumerate().map(part("next-vectors")));
    cancel.check()?;
    ledger.put_segments(id, state.seq, FORMAT, &mut parts, cancel)
}

/// The state a snapshot holds; none where there is none or it is not sound.
pub(super) fn load(
    reader: &dyn Reader,
    head: &Head,
    config: &Config,
    spaces: &[(u32, Space)],
) -> Result<Option<State>> {
    let Some(header) = reader.segments(head.id)?.filter(|h| h.format == FORMAT && h.watermark <= head.seq)
    else {
        return Ok(None);
    };
    let parts = |kind: &str| header.parts.iter().find(|x| x.0 == kind).map_or(0, |x| x.1);
    let missing = || Error::Storage("a segment part is missing or damaged".into());
    let part = |kind: &str, at: u32| reader.segment_part(head.id, kind, at)?.ok_or_else(missing);
    let all = |kind: &str| (0..parts(kind)).map(|at| part(kind, at)).collect::<Result<Vec<_>>>();
    let decoded = (|| {
        let mut state = State::new(config.clone(), None, [0; 32])?;
        let named = |id: u32| spaces.iter().find(|x| x.0 == id).map(|x| x.1.clone());
        state.space = config.space.and_then(named);
        read_slots(&all("slots")?.concat(), &mut state)?;
        state.lexical = LexicalIndex::decode_chunks(&all("lexical")?)?;
        let index = |kind: &str| VectorIndex::decode_chunks((0..parts(kind)).map(|at| part(kind, at)));
        if state.space.is_some() {
            state.vectors = Some(index("vectors")?);
        }
        if let Some(space) = config.next.and_then(named) {
            state.next = Some(Next { space, index: index("next-vectors")?, done: Bitmap::new() });
        }
        if parts("embeddings") > 0 {
            read_embeddings(&all("embeddings")?.concat(), &mut state)?;
        }
        if parts("graph") > 0 {
            let pieces = (0..parts("graph")).map(|at| part("graph", at));
            let graph = Graph::decode_chunks(pieces, Cancel::never())?;
            let told = state.live.iter().filter_map(|slot| {
                let entry = Some(&state.entries[slot as usize]).filter(|entry| entry.trusted())?;
                let metadata = entry.metadata.as_deref();
                let told = metadata.map(|metadata| (titles_of(metadata), facts_of(metadata)));
                told.map(|(titles, facts)| (entry.node, titles, facts))
            });
            state.associations = Associations::decode(graph, &all("associations")?.concat(), told)?;
        }
        if parts("uses") > 0 {
            state.uses = Uses::decode(&all("uses")?.concat())?;
        }
        state.check_indexes()?;
        if state.seq != header.watermark {
            return Err(missing());
        }
        Ok(state)
    })();
    match decoded {
        Ok(state) => Ok(Some(state)),
        // A snapshot is a cache: whatever is wrong with it, the journal has the truth.
        Err(
            Error::Storage(_) | Error::Invalid { .. } | Error::Limit { .. } | Error::DimensionMismatch { .. },
        ) => Ok(None),
        Err(other) => Err(other),
    }
}

fn slots(state: &State) -> Vec<u8> {
    let mut out = Writer::default();
    out.u64(state.seq);
    out.raw(&state.hash);
    out.u64(state.turn);
    let names = used_names(state);
    out.u64(names.len() as u64);
    names.keys().for_each(|&name| out.text(state.names.text(name).unwrap_or("")));
    out.u64(state.entries.len() as u64);
    for (slot, entry) in state.entries.iter().enumerate() {
        write_entry(&mut out, entry, state.live.contains(slot as u32), &names);
    }
    let mut past: Vec<_> = state.past.iter().collect();
    past.sort_unstable();
    out.u64(past.len() as u64);
    for (uid, seqs) in past {
        out.raw(&uid.0);
        out.u64(seqs.len() as u64);
        seqs.iter().for_each(|&seq| out.u64(seq));
    }
    let mut keys: Vec<_> = state.keys.iter().collect();
    keys.sort_unstable();
    out.u64(keys.len() as u64);
    for (key, (uid, version)) in keys {
        out.text(key);
        out.raw(&uid.0);
        out.u32(*version);
    }
    out.0
}

/// Nothing where no vector keys were written alone, and the namespace never moved.
fn embeddings(state: &State) -> Vec<u8> {
    let mut out = Writer::default();
    if state.embeddings.is_empty() && state.next.is_none() && state.moved == 0 {
        return out.0;
    }
    out.u64(state.moved);
    let all = state.embeddings.sorted();
    out.u64(all.len() as u64);
    for (uid, rows) in all {
        out.raw(&uid.0);
        out.u64(rows.len() as u64);
        for &(space, seq) in rows {
            out.u32(space);
            out.u64(seq);
        }
    }
    let done = state.next.as_ref().map_or(&[][..], |next| next.done.words());
    out.u64(done.len() as u64);
    done.iter().for_each(|&word| out.u64(word));
    out.0
}

fn read_embeddings(bytes: &[u8], state: &mut State) -> Result<()> {
    let bad = || Error::Storage("a segment holds what no index writes".into());
    let mut from = Bytes::new(bytes);
    state.moved = from.u64()?;
    for _ in 0..from.count(24)? {
        let uid = Uid(from.array()?);
        for _ in 0..from.count(12)? {
            state.embeddings.insert(uid, from.u32()?, from.u64()?);
        }
    }
    for at in 0..from.count(8)? {
        let word = from.u64()?;
        let next = state.next.as_mut().ok_or_else(bad)?;
        for bit in (0..64).filter(|bit| word >> bit & 1 == 1) {
            next.done.insert(u32::try_from(at * 64 + bit).map_err(|_| bad())?);
        }
    }
    if from.is_empty() { Ok(()) } else { Err(bad()) }
}

/// The names that live memories refer to, with their numbers in the part: a name that only an erased memory had must not
/// come back with the next snapshot.
fn used_names(state: &State) -> BTreeMap<u32, u32> {
    let used: BTreeSet<u32> =
        state.live.iter().flat_map(|slot| state.entries[slot as usize].names()).collect();
    used.into_iter().zip(0..).collect()
}

fn write_entry(out: &mut Writer, entry: &Entry, live: bool, names: &BTreeMap<u32, u32>) {
    let name = |number: u32| names.get(&number).copied().unwrap_or(NO_NAME);
    out.u8(u8::from(live)
        | u8::from(entry.start.is_some()) << 1
        | u8::from(entry.ttl.is_some_and(|t| t.sliding)) << 2
        | u8::from(entry.asks) << 3);
    out.u8(entry.kind as u8);
    out.raw(&entry.uid.0);
    out.u32(entry.node);
    out.raw(&entry.digest.to_le_bytes());
    out.u64(entry.seq);
    out.u32(entry.version);
    out.u32(entry.mentions);
    out.i64(entry.start.unwrap_or(0));
    out.i64(entry.end);
    out.i64(entry.ingested);
    out.u64(entry.turn);
    out.f32(entry.importance);
    out.f32(entry.confidence);
    out.f32(entry.trust);
    out.i64(entry.expires);
    out.i64(entry.ttl.map_or(0, |t| t.micros));
    out.u32(entry.speaker.map_or(0, |x| name(x) + 1));
    out.u32(entry.session.map_or(0, |x| name(x) + 1));
    out.u32(name(entry.source));
    out.u32(name(entry.principal));
    out.u32(entry.tags.len() as u32);
    entry.tags.iter().for_each(|&tag| out.u32(name(tag)));
    let metadata = entry.metadata.as_deref().and_then(|m| serde_json::to_string(m).ok());
    out.text(metadata.as_deref().unwrap_or(""));
}

fn read_slots(bytes: &[u8], state: &mut State) -> Result<()> {
    let bad = || Error::Storage("a segment holds what no index writes".into());
    let mut from = Bytes::new(bytes);
    state.seq = from.u64()?;
    state.hash = from.array()?;
    state.turn = from.u64()?;
    for at in 0..from.count(4)? {
        if state.names.intern(from.text()?) as usize != at {
            return Err(bad());
        }
    }
    let names = state.names.len() as u32;
    let count = from.count(ENTRY)?;
    state.entries.reserve(count);
    for slot in 0..count as u32 {
        let (entry, live) = read_entry(&mut from, names)?;
        if live {
            if state.uids.insert(entry.uid, slot).is_some() {
                return Err(bad());
            }
            state.digests.insert(entry.digest, slot);
            state.live.insert(slot);
            if let Some(metadata) = &entry.metadata {
                state.claims.insert(entry.kind, metadata, slot);
            }
            if entry.expires != NEVER {
                state.mortal.insert(slot);
            }
            if let Some(session) = entry.session {
                state.sessions.insert(session, entry.place(slot));
            }
        }
        state.place(slot, entry);
    }
    for _ in 0..from.count(24)? {
        let uid = Uid(from.array()?);
        let seqs = (0..from.count(8)?).map(|_| from.u64()).collect::<Result<Vec<_>>>()?;
        state.past.insert(uid, seqs);
    }
    for _ in 0..from.count(24)? {
        let key = from.text()?.to_owned();
        state.keys.insert(key, (Uid(from.array()?), from.u32()?));
    }
    if from.is_empty() { Ok(()) } else { Err(bad()) }
}

fn read_entry(from: &mut Bytes<'_>, names: u32) -> Result<(Entry, bool)> {
    let bad = || Error::Storage("a segment holds what no index writes".into());
    let name = |number: u32| if number < names { Ok(number) } else { Err(bad()) };
    let optional = |number: u32| number.checked_sub(1).map(name).transpose();
    let flags = from.u8()?;
    let kind = Kind::from_code(from.u8()?).ok_or_else(bad)?;
    let uid = Uid(from.array()?);
    let node = from.u32()?;
    let digest = u128::from_le_bytes(from.array()?);
    let (seq, version, mentions) = (from.u64()?, from.u32()?, from.u32()?);
    let (start, end, ingested, turn) = (from.i64()?, from.i64()?, from.i64()?, from.u64()?);
    let start = (flags & 2 != 0).then_some(start);
    let (importance, confidence, trust) = (from.f32()?, from.f32()?, from.f32()?);
    let (expires, micros) = (from.i64()?, from.i64()?);
    let ttl = (micros > 0).then_some(Ttl { micros, sliding: flags & 4 != 0 });
    let (speaker, session) = (optional(from.u32()?)?, optional(from.u32()?)?);
    let told = |number: u32| if number == NO_NAME && flags & 1 == 0 { Ok(number) } else { name(number) };
    let (source, principal) = (told(from.u32()?)?, told(from.u32()?)?);
    let tags = (0..from.u32()?).map(|_| from.u32().and_then(name)).collect::<Result<Vec<_>>>()?.into();
    let metadata = match from.text()? {
        "" => None,
        text => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Some(Box::new(map)),
            _ => return Err(bad()),
        },
    };
    let entry = Entry {
        uid,
        node,
        digest,
        seq,
        version,
        mentions,
        kind,
        asks: flags & 8 != 0,
        start,
        end,
        ingested,
        turn,
        importance,
        confidence,
        trust,
        expires,
        ttl,
        speaker,
        session,
        source,
        principal,
        tags,
        metadata,
    };
    Ok((entry, flags & 1 != 0))
}
