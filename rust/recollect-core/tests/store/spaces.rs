//! Three embedding spaces, and what a namespace shows in each of them.

use recollect_core::cancel::Cancel;
use recollect_core::error::Error;
use recollect_core::id::Uid;
use recollect_core::journal::event::Op;
use recollect_core::journal::ledger::Space;
use recollect_core::recall::Fusion;
use recollect_core::record::Record;
use recollect_core::store::{Change, Memory, Migration, Order, Reembedded, Selection};
use recollect_core::time::Timestamp;

use crate::home::request;

/// Number of the spaces.
pub(crate) const SPACES: usize = 3;

/// One of the spaces; each has its own dimension.
pub(crate) fn space(at: usize) -> Space {
    Space { name: format!("model {at}"), dim: 3 + at as u32, metric: "cosine".into() }
}

/// What the embedder of a space makes of a text: small numbers that tell the texts apart, and nothing of some texts.
pub(crate) fn embed(at: usize, text: &str) -> Vec<Vec<f32>> {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64 + at as u64;
    let values: Vec<f32> = (0..3 + at)
        .map(|_| {
            hash = text.bytes().fold(hash, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
            (hash >> 40) as f32 % 7.0 - 3.0
        })
        .collect();
    let nothing = text.contains("mute") || values.iter().all(|x| *x == 0.0);
    if nothing { Vec::new() } else { vec![values] }
}

/// What a batch of the migration brings.
pub(crate) fn reembedded(at: usize, records: &[Record]) -> Vec<Reembedded> {
    let one = |r: &Record| Reembedded { uid: r.uid, version: r.version, vectors: embed(at, &r.text) };
    records.iter().map(one).collect()
}

/// Embeds the next memories of a migration; says how far it is.
pub(crate) fn advance(
    memory: &Memory,
    at: usize,
    batch: usize,
    call: &mut recollect_core::store::Call<'_>,
) -> recollect_core::error::Result<Option<Migration>> {
    let pending = memory.pending(&space(at), batch, Cancel::never())?;
    memory.embed(&space(at), reembedded(at, &pending), call)
}

/// Who is found in a space by a vector, with the bits of the similarity; none where the space is refused.
pub(crate) type Found = Option<Vec<(Uid, u32)>>;

/// Everything a namespace shows of its spaces.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) list: Vec<Record>,
    pub(crate) histories: Vec<Vec<(Op, u32, Option<Record>)>>,
    pub(crate) vectors: Vec<Vec<Vec<f32>>>,
    pub(crate) space: Option<Space>,
    pub(crate) migration: Option<Migration>,
    pub(crate) found: Vec<Found>,
}

pub(crate) const QUERY: &str = "the river at home";

pub(crate) fn show(memory: &Memory, now: i64) -> Shown {
    let (now, never, all) = (Timestamp(now), Cancel::never(), Selection::default());
    let list = memory.list(&all, Order::Ingested, 0, None, now, never).unwrap();
    let list: Vec<Record> = list.into_iter().map(|held| held.record).collect();
    let uids: Vec<Uid> = list.iter().map(|record| record.uid).collect();
    let told = |change: Change| (change.event.op, change.event.version, change.record);
    let history = |uid: &Uid| memory.history(*uid, never).unwrap().into_iter().map(told).collect();
    let (vectors, _) = memory.vectors(&uids, now, never).unwrap();
    let (own, migration) = memory.spaces(never).unwrap();
    let found = (0..SPACES).map(|at| found(memory, at, now)).collect();
    let histories = uids.iter().map(history).collect();
    Shown { list, histories, vectors, space: own, migration, found }
}

fn found(memory: &Memory, at: usize, now: Timestamp) -> Found {
    let request = request(None, embed(at, QUERY).pop(), Fusion::ReciprocalRank);
    let all = Selection::default();
    let recall = match memory.recall(&request, Some(&space(at)), &all, now, Cancel::never()) {
        Err(Error::SpaceMismatch { .. }) => return None,
        other => other.unwrap(),
    };
    let similarity = |x: &recollect_core::store::Found| {
        x.hit.signals.iter().find(|signal| signal.name == "vectors").unwrap().score.to_bits()
    };
    let mut found: Vec<_> = recall.found.iter().map(|x| (x.hit.uid, similarity(x))).collect();
    found.sort_unstable();
    Some(found)
}
