//! What all handles of one store share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;

use super::cell::Cell;
use crate::error::{Error, Result};
use crate::journal::ledger::Ledger;
use crate::lexical::Language;
use crate::namespace::Namespace;

#[derive(Debug)]
pub(super) struct Shared {
    pub ledger: Box<dyn Ledger>,
    pub language: Option<Language>,
    pub cells: RwLock<FxHashMap<Namespace, Arc<Cell>>>,
    pub writer: Mutex<()>,
    closed: AtomicBool,
}

impl Shared {
    pub(super) fn new(ledger: Box<dyn Ledger>, language: Option<Language>) -> Self {
        let (cells, writer) = (RwLock::new(FxHashMap::default()), Mutex::new(()));
        Self { ledger, language, cells, writer, closed: AtomicBool::new(false) }
    }

    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) {
        self.closed.store(true, Ordering::Release);
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
