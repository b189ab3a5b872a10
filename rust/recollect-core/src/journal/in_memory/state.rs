//! Everything of one moment, and whether commits may follow it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::journal::chain;
use crate::journal::continuity::{MAX_NAMESPACES, follow};
use crate::journal::event::{NamespaceId, Seq};
use crate::journal::in_memory::shelf::Shelf;
use crate::journal::ledger::{Commit, Space, Target};

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

    /// The shelf of a namespace, its own from here on.
    pub(crate) fn shelf_mut(&mut self, id: NamespaceId) -> Option<&mut Shelf> {
        self.shelves.get_mut((id as usize).checked_sub(1)?).map(Arc::make_mut)
    }

    /// The number of each target, and the heads after the commits, without changing anything.
    pub(crate) fn plan(&self, commits: &[Commit<'_>]) -> Result<Vec<(NamespaceId, Seq, [u8; 32])>> {
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
                Some(shelf) if seq <= shelf.head.seq => {
                    shelf.written(seq).is_some_and(|it| it.content().is_some())
                }
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
