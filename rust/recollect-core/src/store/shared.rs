//! What all handles of one store share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;

use super::cell::Cell;
use super::config::Config;
use super::snapshot;
use crate::activation::Workspaces;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::ledger::Ledger;
use crate::lexical::Language;
use crate::namespace::Namespace;
use crate::vector::Keep;

/// Namespaces kept in memory before idle ones are dropped.
const IDLE: usize = 1024;

/// Events since the last snapshot that make a new one worth its time.
pub(super) const WORTH_A_SNAPSHOT: u64 = 256;

#[derive(Debug)]
pub(super) struct Shared {
    pub ledger: Box<dyn Ledger>,
    pub language: Option<Language>,
    pub keep: Keep,
    /// Room for spreading activations.
    pub spaces: Workspaces,
    pub cells: RwLock<FxHashMap<Namespace, Arc<Cell>>>,
    pub writer: Mutex<()>,
    requests: AtomicU64,
    closed: AtomicBool,
}

impl Shared {
    pub(super) fn new(ledger: Box<dyn Ledger>, language: Option<Language>, keep: Keep) -> Self {
        let (cells, writer) = (RwLock::new(FxHashMap::default()), Mutex::new(()));
        let spaces = Workspaces::default();
        let (requests, closed) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { ledger, language, keep, spaces, cells, writer, requests, closed }
    }

    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// The cell of a namespace, new if it has none. Beyond [`IDLE`] the longest unused without a handle go.
    pub(super) fn cell(&self, path: &Namespace) -> Result<Arc<Cell>> {
        let stamp = self.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(cell) = self.cells.read().get(path) {
            cell.used.store(stamp, Ordering::Relaxed);
            return Ok(Arc::clone(cell));
        }
        if self.cells.read().len() >= IDLE {
            self.unload_idle()?;
        }
        let config = Config { language: self.language, ..Config::default() };
        let mut cells = self.cells.write();
        let cell = cells.entry(path.clone()).or_insert_with(|| Cell::new(path.clone(), config));
        cell.used.store(stamp, Ordering::Relaxed);
        Ok(Arc::clone(cell))
    }

    /// Drops the longer unused half of the namespaces that nobody holds; the next use loads them again.
    fn unload_idle(&self) -> Result<()> {
        let writer = self.writer.try_lock();
        let mut idle: Vec<(u64, Arc<Cell>)> = Vec::new();
        let unheld = |cell: &&Arc<Cell>| Arc::strong_count(cell) == 1 && cell.touched.lock().is_empty();
        let stamped = |cell: &Arc<Cell>| (cell.used.load(Ordering::Relaxed), Arc::clone(cell));
        idle.extend(self.cells.read().values().filter(unheld).map(stamped));
        idle.sort_unstable_by_key(|x| x.0);
        idle.truncate(idle.len().div_ceil(2));
        for (_, cell) in &idle {
            let worth = snapshot::worth_it(cell, WORTH_A_SNAPSHOT);
            if worth && self.ledger.writable() {
                // A large one without a snapshot would be replayed at every return: it stays until it can have one.
                match &writer {
                    Some(_) => snapshot::take(&*self.ledger, cell, WORTH_A_SNAPSHOT, Cancel::never())?,
                    None => continue,
                }
            }
            let mut cells = self.cells.write();
            // Two hold it: the map and this list.
            if Arc::strong_count(cell) == 2 && cell.touched.lock().is_empty() {
                cells.remove(&cell.path);
            }
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.closed() { Err(Error::Closed) } else { Ok(()) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Nothing can be answered here; an unclosed store loses no event, only the snapshot of its indexes.
        let _ = self.ledger.close();
    }
}
