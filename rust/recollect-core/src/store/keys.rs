//! The vector keys of memories, wherever they lie.

use super::state::State;
use crate::error::Result;
use crate::id::Slot;
use crate::journal::event::{KeyVector, NamespaceId, Seq};
use crate::journal::ledger::Reader;
use crate::record::Record;

/// The keys of the current version of a memory in the open spaces, given those that lie with its content; none if a row
/// is gone by now.
pub(super) fn of(
    reader: &dyn Reader,
    id: NamespaceId,
    state: &State,
    slot: Slot,
    beside: Vec<KeyVector>,
) -> Result<Option<Vec<KeyVector>>> {
    let entry = &state.entries[slot as usize];
    let mut keys = beside;
    // What a content brought counts until the namespace moves on; should it come back to that space one day, by the
    // keys that it gets then.
    keys.retain(|key| entry.seq > state.moved && Some(key.space) == state.config.space);
    // The rows of an earlier version came before this one.
    let rows = state.embeddings.of(entry.uid).iter().map(|row| row.1);
    let seqs: Vec<Seq> = rows.filter(|&seq| seq > entry.seq).collect();
    if !seqs.is_empty() {
        for row in reader.embeddings(id, &seqs)? {
            let Some(row) = row else { return Ok(None) };
            keys.extend(row.vectors);
        }
    }
    Ok(Some(keys))
}

/// The current version of a memory with its keys in the open spaces; none if a row is gone by now.
pub(super) fn whole(
    reader: &dyn Reader,
    id: NamespaceId,
    state: &State,
    slot: Slot,
) -> Result<Option<(Record, Vec<KeyVector>)>> {
    let seq = state.entries[slot as usize].seq;
    let Some(content) = reader.contents(id, &[seq], true)?.into_iter().flatten().next() else {
        return Ok(None);
    };
    Ok(Some((content.record, of(reader, id, state, slot, content.vectors)?.unwrap_or_default())))
}

/// The keys of memories in the space of the namespace; none if a row is gone by now.
pub(super) fn own(
    reader: &dyn Reader,
    id: NamespaceId,
    state: &State,
    slots: &[Slot],
) -> Result<Option<Vec<Vec<KeyVector>>>> {
    let seqs: Vec<Seq> = slots.iter().map(|&slot| state.entries[slot as usize].seq).collect();
    let mut all = Vec::with_capacity(slots.len());
    for (content, &slot) in reader.contents(id, &seqs, true)?.into_iter().zip(slots) {
        let Some(content) = content else { return Ok(None) };
        let Some(mut keys) = of(reader, id, state, slot, content.vectors)? else { return Ok(None) };
        keys.retain(|key| Some(key.space) == state.config.space);
        all.push(keys);
    }
    Ok(Some(all))
}
