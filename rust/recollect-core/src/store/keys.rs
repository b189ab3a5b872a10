//! The vector keys of memories, wherever they lie.

use super::state::State;
use crate::error::Result;
use crate::id::Slot;
use crate::journal::event::{KeyVector, NamespaceId, Seq};
use crate::journal::ledger::Reader;

/// The keys that the current version of a memory got after its content; none if a row is gone by now.
pub(super) fn alone(
    reader: &dyn Reader,
    id: NamespaceId,
    state: &State,
    slot: Slot,
) -> Result<Option<Vec<KeyVector>>> {
    let seqs = rows(state, slot);
    if seqs.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let found: Option<Vec<_>> = reader.embeddings(id, &seqs)?.into_iter().collect();
    Ok(found.map(|rows| rows.into_iter().flat_map(|row| row.vectors).collect()))
}

/// The rows of the current version: those of an earlier one came before it.
fn rows(state: &State, slot: Slot) -> Vec<Seq> {
    let entry = &state.entries[slot as usize];
    let all = state.embeddings.of(entry.uid).iter().map(|row| row.1);
    all.filter(|&seq| seq > entry.seq).collect()
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
        let (Some(content), Some(alone)) = (content, alone(reader, id, state, slot)?) else {
            return Ok(None);
        };
        let both = content.vectors.into_iter().chain(alone);
        all.push(both.filter(|key| Some(key.space) == state.config.space).collect());
    }
    Ok(Some(all))
}
