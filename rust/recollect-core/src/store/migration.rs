//! A namespace moves to another embedding space while it stays in use.
//!
//! One event opens the next space. Memories are then embedded in it a batch at a time, each batch one commit; what is
//! written meanwhile may bring keys in both spaces. The commit that embeds the last live memory also makes the next
//! space that of the namespace. Until then the namespace keeps its own, complete as ever.
//!
//! In the file, keys of the next space are rows of their own. Those of a migration that is abandoned go with it, and
//! those of an earlier migration go when a later one is done. Keys that came with a version of a memory stay with that
//! version, as its history does, until it is erased.

use rustc_hash::FxHashSet;

use super::batch::Call;
use super::config::Config;
use super::joining::{Brought, Forms, check_vectors, conflict};
use super::memory::Memory;
use super::state::State;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Uid;
use crate::journal::event::Seq;
use crate::journal::ledger::Space;
use crate::record::Record;
use crate::vector::VectorIndex;

/// How far a namespace has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The space it leaves, if it has one.
    pub from: Option<Space>,
    /// The space it moves to.
    pub to: Space,
    /// Live memories that were embedded in it.
    pub done: u64,
    /// Live memories.
    pub total: u64,
}

/// What the embedder of the next space made of a version of a memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Reembedded {
    /// The memory.
    pub uid: Uid,
    /// The version that was embedded; it counts for no other.
    pub version: u32,
    /// Its vector keys; none where there is nothing to find.
    pub vectors: Vec<Vec<f32>>,
}

type Spaces = (Option<Space>, Option<Migration>);

impl Memory {
    /// The embedding space of the namespace, and how far it has moved to another one. Without a look at the file where
    /// this store writes it.
    ///
    /// # Errors
    /// As any read.
    pub fn spaces(&self, cancel: Cancel<'_>) -> Result<Spaces> {
        self.shared.check()?;
        if self.shared.ledger.writable()
            && let Some(loaded) = self.cell.state.read().as_ref()
        {
            return Ok(spaces(&loaded.state));
        }
        self.read(cancel, |seen| Ok(Some(spaces(seen.state))))
    }

    /// Opens the space that the namespace is to move to, or goes on with a migration to it; none where there is nothing
    /// to move.
    ///
    /// # Errors
    /// [`crate::error::Error::SpaceMismatch`] while the namespace moves to another space; [`crate::error::Error::Invalid`] and [`crate::error::Error::Limit`] for
    /// a space that makes no index; as any write.
    pub fn start_migration(&self, to: &Space, call: &mut Call<'_>) -> Result<Option<Migration>> {
        VectorIndex::new(to.dim as usize, to.metric.parse()?)?;
        if self.read(call.cancel, |seen| Ok(Some(seen.id.is_none())))? {
            return Ok(None);
        }
        let (ledger, keep) = (&*self.shared.ledger, self.wish.keep);
        self.write(Brought::default(), call, |state, batch, _, _| {
            match &state.next {
                Some(next) if next.space == *to => return Ok(()),
                Some(next) => {
                    return Err(conflict(&next.space, to, "finish or abandon that migration first"));
                }
                None if state.space.as_ref() == Some(to) => return Ok(()),
                None => {}
            }
            let number = ledger.space(to)?;
            let keep = if state.space.is_some() { state.config.keep } else { keep };
            batch.configure(&Config { next: Some(number), keep, ..state.config.clone() });
            batch.opened.push((number, to.clone()));
            Ok(())
        })?;
        Ok(self.spaces(call.cancel)?.1)
    }

    /// The first memories that are still to be embedded in the space the namespace moves to; none without a migration
    /// to it.
    ///
    /// # Errors
    /// As any read.
    pub fn pending(&self, to: &Space, limit: usize, cancel: Cancel<'_>) -> Result<Vec<Record>> {
        self.read(cancel, |seen| {
            let next = seen.state.next.as_ref().filter(|next| next.space == *to);
            let (Some(id), Some(next)) = (seen.id, next) else { return Ok(Some(Vec::new())) };
            let slots = next.pending(&seen.state.live, limit);
            let seqs: Vec<Seq> = slots.iter().map(|&slot| seen.state.entries[slot as usize].seq).collect();
            let contents = seen.reader.contents(id, &seqs, false)?;
            Ok(contents.into_iter().map(|content| content.map(|content| content.record)).collect())
        })
    }

    /// Gives memories their keys in the space the namespace moves to, and moves it once no live one is left without:
    /// all in one commit. Versions that are no longer current are passed over, and so is everything if no migration to
    /// that space is open. Says how far it is; nothing once it is done.
    ///
    /// # Errors
    /// As [`Memory::add`] for the vectors; as any write.
    pub fn embed(
        &self,
        to: &Space,
        memories: Vec<Reembedded>,
        call: &mut Call<'_>,
    ) -> Result<Option<Migration>> {
        check_vectors(memories.iter().map(|x| &x.vectors), Some(to))?;
        self.write(Brought::default(), call, |state, batch, call, _| {
            let Some(next) = state.next.as_ref().filter(|next| next.space == *to) else { return Ok(()) };
            let forms = Forms::of(state, None, Some(to).into())?;
            let mut taken = FxHashSet::default();
            for (at, memory) in memories.into_iter().enumerate() {
                let Some(&slot) = state.uids.get(&memory.uid) else { continue };
                let current = state.entries[slot as usize].version == memory.version;
                if current && !next.done.contains(slot) && taken.insert(slot) {
                    let keys = forms.keys(memory.vectors, Vec::new(), at)?;
                    batch.embed(memory.uid, memory.version, keys.next, &mut call.entropy);
                }
            }
            if next.done.len() + taken.len() == state.live.len() {
                let own = state.config.next;
                batch.erased.extend(state.embeddings.numbers(|space| Some(space) != own));
                batch.configure(&Config { space: own, next: None, ..state.config.clone() });
            }
            Ok(())
        })?;
        Ok(self.spaces(call.cancel)?.1)
    }

    /// Ends a migration where it is: the namespace keeps its space, and the keys of the other go. Says whether there was
    /// one.
    ///
    /// # Errors
    /// As any write.
    pub fn abandon_migration(&self, call: &mut Call<'_>) -> Result<bool> {
        self.write(Brought::default(), call, |state, batch, _, _| {
            if state.next.is_none() {
                return Ok(false);
            }
            batch.erased.extend(state.embeddings.numbers(|space| Some(space) == state.config.next));
            batch.configure(&Config { next: None, ..state.config.clone() });
            Ok(true)
        })
    }
}

fn spaces(state: &State) -> Spaces {
    let migration = state.next.as_ref().map(|next| Migration {
        from: state.space.clone(),
        to: next.space.clone(),
        done: next.done.len() as u64,
        total: state.live.len() as u64,
    });
    (state.space.clone(), migration)
}
