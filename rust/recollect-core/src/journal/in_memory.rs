//! A ledger for notebooks and tests: nothing outlives it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::chain;
use crate::journal::continuity::{MAX_NAMESPACES, follow};
use crate::journal::event::{NamespaceId, Seq, SpaceId};
use crate::journal::in_memory_shelf::{Shelf, View};
use crate::journal::ledger::{
    Commit, Ledger, Purge, Reader, SegmentHeader, SegmentPart, Space, Target, Verification,
};

/// Everything of one moment. Cloning it is cheap in the contents: they are shared until one side changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) version: u64,
    pub(crate) shelves: Vec<Arc<Shelf>>,
    pub(crate) paths: BTreeMap<String, NamespaceId>,
    pub(crate) spaces: Vec<Space>,
}

impl State {
    /// The shelf of a namespace; numbers start at 1.
    pub(crate) fn shelf(&self, id: NamespaceId) -> Option<&Arc<Shelf>> {
        self.shelves.get((id as usize).checked_sub(1)?)
    }

    fn shelf_mut(&mut self, id: NamespaceId) -> Option<&mut Shelf> {
        self.shelves.get_mut((id as usize).checked_sub(1)?).map(Arc::make_mut)
    }

    /// The number of each target, and the heads after the commits, without changing anything.
    fn plan(&self, commits: &[Commit<'_>]) -> Result<Vec<(NamespaceId, Seq, [u8; 32])>> {
        let mut heads: BTreeMap<NamespaceId, (Seq, [u8; 32])> = BTreeMap::new();
        let mut made: BTreeMap<String, NamespaceId> = BTreeMap::new();
        let mut planned = Vec::with_capacity(commits.len());
        for commit in commits {
            let (id, (seq, hash)) = match commit.target {
                Target::Known(id) => {
                    let ahead = heads.get(&id).copied();
                    let head =
                        ahead.or_else(|| self.shelf(id).map(|shelf| (shelf.head.seq, shelf.head.hash)));
                    (id, head.ok_or_else(|| Error::invalid("namespace", format!("there is no number {id}")))?)
                }
                Target::New { path, .. } => {
                    let name = path.to_string();
                    let id = self.shelves.len() + made.len() + 1;
                    if self.paths.contains_key(&name) || made.insert(name, id as NamespaceId).is_some() {
                        return Err(Error::invalid("namespace", "there is one with this path already"));
                    }
                    if id as u64 >= MAX_NAMESPACES {
                        let (found, limit) = (id as u64, MAX_NAMESPACES - 1);
                        return Err(Error::Limit { argument: "namespaces".into(), found, limit });
                    }
                    (id as NamespaceId, (0, chain::genesis(path)))
                }
            };
            let (after, hash) = follow(seq, hash, commit)?;
            let held = |seq: Seq| match self.shelf(id) {
                Some(shelf) if seq <= shelf.head.seq => shelf.content(seq).is_some(),
                _ => true,
            };
            if let Some((seq, _)) = commit.restated.iter().find(|(seq, _)| !held(*seq)) {
                return Err(Error::invalid("restated", format!("there is no content {seq}")));
            }
            heads.insert(id, (after, hash));
            planned.push((id, after, hash));
        }
        Ok(planned)
    }
}

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

    fn commit(&self, commits: &[Commit<'_>]) -> Result<Vec<NamespaceId>> {
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
    ) -> Result<()> {
        // Before the lock: the iterator may itself read from this ledger.
        let parts: Vec<SegmentPart> = parts.collect();
        let header = SegmentHeader { watermark, format, parts: count(&parts)? };
        self.change(|state| {
            let shelf = state.shelf_mut(id).ok_or_else(|| Error::invalid("namespace", "there is none"))?;
            shelf.segments = Some((header, Arc::new(parts)));
            Ok(())
        })
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

/// Counts the parts of each kind; they must come kind by kind, numbered from 0.
pub(crate) fn count(parts: &[SegmentPart]) -> Result<Vec<(String, u32)>> {
    let mut counts: Vec<(String, u32)> = Vec::new();
    parts.iter().try_for_each(|part| tally(&mut counts, part))?;
    Ok(counts)
}

/// Counts one more part.
pub(crate) fn tally(counts: &mut Vec<(String, u32)>, part: &SegmentPart) -> Result<()> {
    let new = part.part == 0 && counts.iter().all(|(kind, _)| *kind != part.kind);
    match counts.last_mut() {
        Some((kind, count)) if *kind == part.kind && *count == part.part => *count += 1,
        _ if new => counts.push((part.kind.clone(), 1)),
        _ => return Err(Error::invalid("parts", "they must come kind by kind, numbered from 0")),
    }
    Ok(())
}
