//! The whole file: its namespaces, its health, its copies.

use std::path::Path;
use std::sync::Arc;

use super::cell::Cell;
use super::config::Config;
use super::joining::{Wish, check_form};
use super::memory::Memory;
use super::shared::{Shared, WORTH_A_SNAPSHOT};
use super::snapshot;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::ledger::{Ledger, Verification};
use crate::lexical::Language;
use crate::namespace::Namespace;
use crate::vector::Keep;

/// A store: namespaces over one ledger. Cheap to clone; all clones share one file.
#[derive(Debug, Clone)]
pub struct Store(pub(super) Arc<Shared>);

/// What the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Memories that can be recalled.
    pub memories: u64,
    /// Events of the journal.
    pub events: u64,
    /// Bytes of the lexical index in memory.
    pub lexical_bytes: u64,
    /// Bytes of the vector index in memory.
    pub vector_bytes: u64,
    /// Vectors held.
    pub vectors: u64,
    /// Terms of the lexical index.
    pub terms: u64,
    /// Sessions.
    pub sessions: u64,
    /// Bytes of the table of memories, without the names and the metadata it refers to.
    pub entry_bytes: u64,
    /// Bytes of the graph, and of what finds names in texts.
    pub graph_bytes: u64,
    /// Links between memories.
    pub links: u64,
    /// The form of the vectors; none before the first.
    pub keep: Option<Keep>,
}

impl Store {
    /// A store over a ledger. `language` is that of namespaces made from now on; none takes words as they stand.
    pub fn new(ledger: Box<dyn Ledger>, language: Option<Language>) -> Self {
        Self::with_keep(ledger, language, Keep::F32)
    }

    /// As [`Store::new`]; namespaces get their form of vectors, `keep`, with their first ones and stay with it.
    pub fn with_keep(ledger: Box<dyn Ledger>, language: Option<Language>, keep: Keep) -> Self {
        Self(Arc::new(Shared::new(ledger, language, keep)))
    }

    /// The memories of a namespace. Nothing is made before the first write.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn namespace(&self, path: &Namespace) -> Result<Memory> {
        self.0.check()?;
        let cell = self.0.cell(path)?;
        Ok(self.memory(cell))
    }

    /// As [`Store::namespace`], for one whose vectors are kept in this form and no other.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it has vectors in another form, here or when the first are written; as any read.
    pub fn namespace_keeping(&self, path: &Namespace, keep: Keep) -> Result<Memory> {
        let wish = Wish { keep, firm: true };
        let memory = Memory { wish, ..self.namespace(path)? };
        if let Some(head) = self.0.ledger.read()?.resolve(path)? {
            check_form(&Config::read(&head.config)?, wish)?;
        }
        Ok(memory)
    }

    fn memory(&self, cell: Arc<Cell>) -> Memory {
        Memory { shared: Arc::clone(&self.0), cell, wish: Wish { keep: self.0.keep, firm: false } }
    }

    /// The namespaces that hold data, at and below a prefix, in order.
    ///
    /// # Errors
    /// As any read.
    pub fn namespaces(&self, prefix: &Namespace) -> Result<Vec<Namespace>> {
        self.0.check()?;
        let mut found = Vec::new();
        self.0.ledger.read()?.list(prefix, &mut |head| {
            found.push(head.path);
            Ok(())
        })?;
        found.sort();
        Ok(found)
    }

    /// Drops the state of namespaces from memory; the next use loads them again.
    ///
    /// # Errors
    /// As any write.
    pub fn unload(&self) -> Result<()> {
        self.0.check()?;
        self.journal_renewals()?;
        let _writer = self.0.writer.lock();
        for cell in self.cells() {
            *cell.state.write() = None;
        }
        Ok(())
    }

    /// What the namespaces in memory hold, summed; with a path, that namespace alone.
    ///
    /// # Errors
    /// As any read.
    pub fn stats(&self, path: &Namespace, cancel: Cancel<'_>) -> Result<Stats> {
        let memory = self.namespace(path)?;
        memory.read(cancel, |seen| {
            let state = seen.state;
            Ok(Some(Stats {
                memories: state.live.len() as u64,
                events: state.seq,
                lexical_bytes: state.lexical.bytes() as u64,
                vector_bytes: state.indexes().map(|x| x.bytes() as u64).sum(),
                vectors: state.vectors.as_ref().map_or(0, |x| x.len() as u64),
                terms: state.lexical.terms() as u64,
                sessions: state.sessions.len() as u64,
                entry_bytes: state.entry_bytes() as u64,
                graph_bytes: state.associations.bytes() as u64,
                links: state.associations.count() as u64,
                keep: state.vectors.as_ref().map(|index| index.keep()),
            }))
        })
    }

    /// Bytes of the store on disk.
    ///
    /// # Errors
    /// As any read.
    pub fn bytes(&self) -> Result<u64> {
        self.0.check()?;
        self.0.ledger.bytes()
    }

    /// Whether this store may write.
    pub fn writable(&self) -> bool {
        self.0.ledger.writable()
    }

    /// Writes the indexes of every changed namespace into the file, so that the next opening need not rebuild them.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], and as any write.
    pub fn checkpoint(&self, cancel: Cancel<'_>) -> Result<()> {
        self.0.check()?;
        if !self.writable() {
            return Err(Error::ReadOnly);
        }
        self.journal_renewals()?;
        self.snapshot(1, cancel)
    }

    /// Checks everything in the file.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or an error that keeps the check from running; damage is in the answer.
    pub fn verify(&self, cancel: Cancel<'_>) -> Result<Verification> {
        self.0.check()?;
        self.0.ledger.verify(cancel)
    }

    /// Writes a consistent copy of the store to a new file.
    ///
    /// # Errors
    /// [`Error::Io`] if the target exists or cannot be written, [`Error::Cancelled`].
    pub fn backup(&self, to: &Path, cancel: Cancel<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        self.0.check()?;
        self.0.ledger.backup(to, cancel, progress)
    }

    /// Ends the store: writes what is pending and worth it, folds the log, gives up the lease. Closing twice is fine.
    ///
    /// # Errors
    /// As any write; the store is closed all the same.
    pub fn close(&self) -> Result<()> {
        if self.0.closed() {
            return Ok(());
        }
        let flushed = if self.writable() {
            self.journal_renewals().and_then(|()| self.snapshot(WORTH_A_SNAPSHOT, Cancel::never()))
        } else {
            Ok(())
        };
        self.0.end();
        self.0.cells.write().clear();
        let closed = self.0.ledger.close();
        flushed.and(closed)
    }

    fn cells(&self) -> Vec<Arc<Cell>> {
        let mut cells: Vec<_> = self.0.cells.read().values().map(Arc::clone).collect();
        cells.sort_by(|a, b| a.path.cmp(&b.path));
        cells
    }

    fn journal_renewals(&self) -> Result<()> {
        for cell in self.cells() {
            let pending = cell.touched.lock().iter().map(|x| x.at).max();
            if let Some(latest) = pending {
                self.memory(cell).flush(latest)?;
            }
        }
        Ok(())
    }

    fn snapshot(&self, worth: u64, cancel: Cancel<'_>) -> Result<()> {
        let _writer = self.0.writer.lock();
        for cell in self.cells() {
            snapshot::take(&*self.0.ledger, &cell, worth, cancel)?;
        }
        Ok(())
    }
}
