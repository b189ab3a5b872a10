//! A ledger for notebooks and tests: nothing outlives it.
//!
//! | file | idea |
//! |---|---|
//! | `shelf` | what is held of one namespace |
//! | `state` | everything of one moment, and whether commits may follow it |
//! | `view` | a reader of one moment |

mod shelf;
mod state;
mod view;

use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::continuity::tally;
use crate::journal::event::{NamespaceId, Seq, SpaceId};
use crate::journal::in_memory::shelf::Shelf;
use crate::journal::in_memory::state::State;
use crate::journal::in_memory::view::View;
use crate::journal::ledger::{
    Commit, Ledger, Purge, Reader, SegmentHeader, SegmentPart, Space, Target, Verification,
};

/// Keeps the journal in memory.
#[derive(Debug)]
pub struct InMemoryLedger {
    // None once closed. A reader shares the state it began with, so neither side waits for the other.
    state: RwLock<Option<Arc<State>>>,
}

impl Default for InMemoryLedger {
    fn default() -> Self {
        Self::new()
    }
}

impl InMemoryLedger {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self { state: RwLock::new(Some(Arc::default())) }
    }

    fn now(&self) -> Result<Arc<State>> {
        self.state.read().clone().ok_or(Error::Closed)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.state.write();
        change(Arc::make_mut(state.as_mut().ok_or(Error::Closed)?))
    }
}

impl Ledger for InMemoryLedger {
    fn read(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(View(self.now()?)))
    }

    fn commit(&self, commits: &[Commit<'_>], cancel: Cancel<'_>) -> Result<Vec<NamespaceId>> {
        cancel.check()?;
        self.change(|state| {
            let planned = state.plan(commits)?;
            for (commit, (id, seq, hash)) in commits.iter().zip(&planned) {
                if let Target::New { path, config } = commit.target {
                    state.paths.insert(path.to_string(), *id);
                    state.shelves.push(Arc::new(Shelf::new(*id, path, config)));
                }
                if let Some(shelf) = state.shelf_mut(*id) {
                    shelf.apply(commit, *seq, *hash);
                }
            }
            state.version += 1;
            Ok(planned.iter().map(|(id, _, _)| *id).collect())
        })
    }

    fn space(&self, space: &Space) -> Result<SpaceId> {
        self.change(|state| {
            let at = state.spaces.iter().position(|known| known == space).unwrap_or_else(|| {
                state.spaces.push(space.clone());
                state.version += 1;
                state.spaces.len() - 1
            });
            Ok(at as SpaceId + 1)
        })
    }

    fn put_segments(
        &self,
        id: NamespaceId,
        watermark: Seq,
        format: u32,
        parts: &mut dyn Iterator<Item = SegmentPart>,
        _cancel: Cancel<'_>,
    ) -> Result<()> {
        // Before the lock: the iterator may itself read from this ledger.
        let (mut counts, parts) = (Vec::new(), parts.collect::<Vec<_>>());
        parts.iter().try_for_each(|part| tally(&mut counts, part))?;
        let header = SegmentHeader { watermark, format, parts: counts };
        self.change(|state| {
            let shelf = state.shelf_mut(id).ok_or_else(|| Error::invalid("namespace", "there is none"))?;
            shelf.segments = Some((header, Arc::new(parts)));
            Ok(())
        })
    }

    fn keeps_segments(&self) -> bool {
        false
    }

    fn drop_segments(&self, id: NamespaceId) -> Result<()> {
        self.change(|state| {
            if let Some(shelf) = state.shelf_mut(id) {
                shelf.segments = None;
            }
            Ok(())
        })
    }

    fn purge(&self) -> Result<Purge> {
        self.now().map(|_| Purge::Done)
    }

    fn verify(&self, cancel: Cancel<'_>) -> Result<Verification> {
        let state = self.now()?;
        let mut found = Verification::default();
        for shelf in &state.shelves {
            cancel.check()?;
            shelf.verify(&mut found);
        }
        Ok(found)
    }

    fn backup(&self, to: &Path, cancel: Cancel<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let _ = (to, cancel, progress);
        Err(Error::invalid("backup", "a store in memory has no file to copy"))
    }

    fn bytes(&self) -> Result<u64> {
        self.now().map(|_| 0)
    }

    fn writable(&self) -> bool {
        true
    }

    fn close(&self) -> Result<()> {
        *self.state.write() = None;
        Ok(())
    }
}
