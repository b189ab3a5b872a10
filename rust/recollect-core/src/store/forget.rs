//! Deletion, which keeps history, and erasure, which keeps nothing.

use super::admission;
use super::batch::{Call, detail};
use super::joining::Brought;
use super::memory::Memory;
use super::write::Outcome;
use crate::error::{Error, Result};
use crate::id::Uid;
use crate::journal::event::{NamespaceId, Op};
use crate::journal::ledger::Purge;
use crate::record::{Metadata, Status};

impl Memory {
    /// Deletes memories: they are never recalled again, their history stays. All or none.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`], and as any write.
    pub fn delete(&self, uids: &[Uid], reason: &str, call: &mut Call<'_>) -> Result<Vec<Outcome>> {
        admission::name(reason, &|| "reason".into())?;
        let mut distinct = rustc_hash::FxHashSet::default();
        if let Some(at) = uids.iter().position(|uid| !distinct.insert(*uid)) {
            return Err(Error::invalid(format!("uids[{at}]"), "named twice"));
        }
        self.write(Brought::default(), call, |state, batch, call, _| {
            let mut outcomes = Vec::with_capacity(uids.len());
            for &uid in uids {
                let entry = &state.entries[state.slot(uid, call.now)? as usize];
                batch.restated.push((entry.seq, Status::Deleted));
                batch.note(Op::Deleted, uid, entry.version, detail(reason, None));
                let (version, mentions) = (entry.version, entry.mentions);
                outcomes.push(Outcome { uid, version, op: Op::Deleted, reason: reason.into(), mentions });
            }
            Ok(outcomes)
        })
    }

    /// Erases memories, deleted ones too, with all their versions, so that no byte of their text, words or vectors
    /// stays in any file of the store. The events stay, with commitments that mean nothing without the erased salt.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`], and as any write.
    pub fn erase(&self, uids: &[Uid], call: &mut Call<'_>) -> Result<Purge> {
        let id = self.read(call.cancel, |seen| {
            for uid in uids {
                if !seen.state.uids.contains_key(uid) && !seen.state.past.contains_key(uid) {
                    return Err(Error::UnknownMemory(uid.to_string()));
                }
            }
            Ok(Some(seen.id))
        })?;
        if !self.shared.ledger.writable() {
            return Err(Error::ReadOnly);
        }
        // Before, so that a crash in between leaves no copy in the snapshot; after, for one stored meanwhile.
        self.drop_snapshot(id)?;
        self.write(Brought::default(), call, |state, batch, _, _| {
            for &uid in uids {
                let Some(seqs) = state.seqs(uid) else { continue };
                batch.erased.extend(seqs);
                batch.note(Op::Erased, uid, 0, Metadata::new());
            }
            Ok(())
        })?;
        if let Some(loaded) = self.cell.state.write().as_mut() {
            loaded.state.lexical.compact();
        }
        // They hold its words.
        self.cell.past.lock().clear();
        self.drop_snapshot(id)?;
        self.shared.ledger.purge()
    }

    fn drop_snapshot(&self, id: Option<NamespaceId>) -> Result<()> {
        let Some(id) = id else { return Ok(()) };
        let _writer = self.shared.writer.lock();
        self.shared.ledger.drop_segments(id)?;
        if let Some(loaded) = self.cell.state.write().as_mut() {
            loaded.stored = 0;
        }
        Ok(())
    }
}
