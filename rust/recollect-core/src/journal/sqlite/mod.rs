//! The ledger of one durable file: SQLite in WAL mode, one writer, many readers, every row hashed.
//!
//! | file | idea |
//! |---|---|
//! | `schema` | the tables, and the check that a file holds these and nothing else |
//! | `connection` | a connection that trusts nothing in the file |
//! | `open` | from a path to a ledger |
//! | `writer`, `write` | the one connection that writes; one transaction over several namespaces |
//! | `pool`, `reader` | connections for reading; one transaction each |
//! | `heads`, `event_rows`, `content_rows`, `vector_rows`, `spaces`, `segments` | one table each |
//! | `embedding_rows` | rows of vectors without a content |
//! | `scan`, `verify` | a pass over a namespace with every hash checked; the check of the whole file |
//! | `scrub` | zeroes what lies between the rows |
//! | `backup` | a consistent copy in a new file |
//! | `errors` | what the engine says, in our words |
//! | `ofd`, `forks`, `wal_guard`, `lease`, `file_system` | what the engine does not protect against |

mod backup;
mod connection;
mod content_rows;
mod embedding_rows;
mod errors;
mod event_rows;
pub mod file_system;
mod forks;
mod heads;
mod interruption;
pub mod lease;
mod missing;
pub mod ofd;
mod open;
mod pool;
mod reader;
mod scan;
mod schema;
mod scrub;
mod segments;
mod spaces;
mod vector_rows;
mod verify;
pub mod wal_guard;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::event::{NamespaceId, Seq, SpaceId};
use crate::journal::ledger::{Commit, Ledger, Purge, Reader, SegmentPart, Space, Verification};
use crate::journal::sqlite::pool::Pool;
use crate::journal::sqlite::reader::SqliteReader;
use crate::journal::sqlite::writer::Writer;

pub use connection::Durability;
pub use open::Options;

/// Keeps the journal in one file.
#[derive(Debug)]
pub struct SqliteLedger {
    path: PathBuf,
    pool: Pool,
    // None where the ledger only reads, and once it is closed.
    writer: Mutex<Option<Writer>>,
    read_only: bool,
    closed: AtomicBool,
}

impl SqliteLedger {
    /// Opens the store at a path, or makes it.
    ///
    /// # Errors
    /// [`Error::Missing`] without a file and without [`Options::create`]; [`Error::NotAStore`] for a file that is none
    /// or holds objects no store has; [`Error::FormatTooNew`]; [`Error::StoreLocked`] while another writer has it;
    /// [`Error::UnsafeFileSystem`] on a network file system; [`Error::Corrupt`] where the damage shows at once.
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<Self> {
        open::open(path.as_ref(), options)
    }

    /// Where the store lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }

    fn with_writer<T>(&self, act: impl FnOnce(&mut Writer, &Path) -> Result<T>) -> Result<T> {
        self.check_open()?;
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        act(self.writer.lock().as_mut().ok_or(Error::Closed)?, &self.path)
    }

    fn change<T>(&self, change: impl FnOnce(&Connection, &Path) -> Result<T>) -> Result<T> {
        self.with_writer(|writer, path| writer.change(path, &self.pool, change))
    }

    fn reader(&self) -> Result<SqliteReader<'_>> {
        self.check_open()?;
        SqliteReader::new(self, self.pool.take(&self.path)?)
    }
}

impl Ledger for SqliteLedger {
    fn read(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(self.reader()?))
    }

    fn commit(&self, commits: &[Commit<'_>], cancel: Cancel<'_>) -> Result<Vec<NamespaceId>> {
        self.change(|conn, path| write::write(conn, path, commits, cancel))
    }

    fn space(&self, space: &Space) -> Result<SpaceId> {
        self.change(|conn, path| spaces::put(conn, path, space))
    }

    fn put_segments(
        &self,
        id: NamespaceId,
        watermark: Seq,
        format: u32,
        parts: &mut dyn Iterator<Item = SegmentPart>,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        self.change(|conn, path| {
            let mut stopped = Ok(());
            let mut asked = parts.take_while(|_| {
                stopped = cancel.check();
                stopped.is_ok()
            });
            segments::put(conn, path, id, watermark, format, &mut asked)?;
            stopped
        })
    }

    fn drop_segments(&self, id: NamespaceId) -> Result<()> {
        self.change(|conn, path| segments::delete(conn, path, id))
    }

    fn purge(&self) -> Result<Purge> {
        self.with_writer(|writer, path| writer.purge(path, &self.pool))
    }

    fn verify(&self, cancel: Cancel<'_>) -> Result<Verification> {
        let reader = self.reader()?;
        reader.with(|conn, path| verify::verify(conn, path, cancel))
    }

    fn backup(&self, to: &Path, cancel: Cancel<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let reader = self.reader()?;
        reader.with(|conn, path| backup::backup(conn, path, to, cancel, progress))
    }

    fn bytes(&self) -> Result<u64> {
        self.check_open()?;
        let own = std::fs::metadata(&self.path).map_err(Error::refused(&self.path))?.len();
        let beside = ["-wal", "-shm", "-lock"].map(|ending| open::beside(&self.path, ending));
        Ok(own
            + beside.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|it| it.len()).sum::<u64>())
    }

    fn writable(&self) -> bool {
        !self.read_only
    }

    fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        self.pool.clear();
        match self.writer.lock().take() {
            Some(writer) => writer.close(&self.path, &self.pool),
            None => Ok(()),
        }
    }
}

impl Drop for SqliteLedger {
    fn drop(&mut self) {
        // Whoever wants to know how it went calls close.
        let _ = self.close();
    }
}
