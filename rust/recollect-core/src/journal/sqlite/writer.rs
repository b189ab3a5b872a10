//! The one connection that writes.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::journal::ledger::Purge;
use crate::journal::sqlite::connection::{self, Durability, Role};
use crate::journal::sqlite::errors::sql;
use crate::journal::sqlite::lease::Lease;
use crate::journal::sqlite::pool::Pool;
use crate::journal::sqlite::wal_guard::WalGuard;
use crate::journal::sqlite::write::transaction;
use crate::journal::sqlite::{heads, schema, scrub};

/// How long a purge waits for readers of old pages.
const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Writer {
    // None only after the log was lost and could not be opened again.
    conn: Option<Connection>,
    guard: WalGuard,
    // Kept once it is open: on some systems closing it would free every lock that this process has on the store.
    file: Option<File>,
    durability: Durability,
    // Last: dropped after the connection, so that nobody else writes while it folds the log.
    _lease: Lease,
}

impl Writer {
    /// Takes over a connection to a checked file.
    pub(crate) fn new(conn: Connection, path: &Path, durability: Durability, lease: Lease) -> Result<Self> {
        // The first read opens the log that the guard is to remember.
        heads::census(&conn, path)?;
        Ok(Self { conn: Some(conn), guard: WalGuard::new(path)?, file: None, durability, _lease: lease })
    }

    fn conn(&self) -> Result<&Connection> {
        self.conn.as_ref().ok_or(Error::Closed)
    }

    /// Runs a change in a transaction. It is acknowledged only if the log it went to is the one others will read.
    pub(crate) fn change<T>(
        &mut self,
        path: &Path,
        pool: &Pool,
        change: impl FnOnce(&Connection, &Path) -> Result<T>,
    ) -> Result<T> {
        let done = transaction(self.conn()?, path, |conn| change(conn, path))?;
        if !self.guard.intact() {
            self.recover(path, pool)?;
        }
        Ok(done)
    }

    /// Our log lost its name: brings what we wrote into the file, and goes on with a log of that name.
    fn recover(&mut self, path: &Path, pool: &Pool) -> Result<()> {
        let unknown = |_| Error::CommitUnknown("the write-ahead log was taken away".to_owned());
        // Connections of one process share the memory that goes with the log, so all of them must let go of it.
        if !pool.drain() {
            return Err(unknown(Error::Closed));
        }
        let conn = self.conn.take().ok_or(Error::Closed)?;
        let wrote = heads::census(&conn, path).map_err(unknown)?;
        if !checkpoint(&conn, path).map_err(unknown)? {
            return Err(unknown(Error::Closed));
        }
        drop(conn);
        let conn = connection::open(path, Role::Writer(self.durability)).map_err(unknown)?;
        schema::check(&conn, path).map_err(unknown)?;
        if heads::census(&conn, path).map_err(unknown)? != wrote {
            return Err(unknown(Error::Closed));
        }
        self.guard = WalGuard::new(path).map_err(unknown)?;
        self.conn = Some(conn);
        Ok(())
    }

    /// Leaves nothing of deleted rows in any file, if no reader stands in the way. Reads the whole file once.
    pub(crate) fn purge(&mut self, path: &Path, pool: &Pool) -> Result<Purge> {
        if !self.guard.intact() {
            self.recover(path, pool)?;
        }
        let conn = self.conn()?;
        conn.busy_timeout(PATIENCE).map_err(sql(path))?;
        let folded = checkpoint(conn, path);
        conn.busy_timeout(connection::PATIENCE).map_err(sql(path))?;
        if !folded? || !self.scrub(path)? {
            return Ok(Purge::Pending);
        }
        self.change(path, pool, |conn, path| {
            conn.execute("DELETE FROM meta WHERE key = 'purge'", []).map(|_| ()).map_err(sql(path))
        })?;
        Ok(Purge::Done)
    }

    /// Finishes a purge that an earlier process owed.
    pub(crate) fn settle(&mut self, path: &Path, pool: &Pool) -> Result<()> {
        let owed: i64 = self
            .conn()?
            .query_row("SELECT count(*) FROM meta WHERE key = 'purge'", [], |row| row.get(0))
            .map_err(sql(path))?;
        if owed == 0 { Ok(()) } else { self.purge(path, pool).map(|_| ()) }
    }

    fn scrub(&mut self, path: &Path) -> Result<bool> {
        let error = Error::refused(path);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(OpenOptions::new().read(true).write(true).open(path).map_err(error)?),
        };
        let cleaned = scrub::scrub(file).map_err(error)?;
        if cleaned.is_some_and(|bytes| bytes > 0) {
            // Our own cache still holds the pages as they were and would write them back.
            let fresh = connection::open(path, Role::Writer(self.durability))?;
            heads::census(&fresh, path)?;
            self.conn = Some(fresh);
        }
        Ok(cleaned.is_some())
    }

    /// Finishes what is owed, folds the log and closes.
    pub(crate) fn close(mut self, path: &Path, pool: &Pool) -> Result<()> {
        // What cannot be finished while somebody reads is finished by the next opening.
        let settled = self.settle(path, pool);
        let Some(conn) = self.conn.take() else { return settled };
        let folded = checkpoint(&conn, path);
        conn.close().map_err(|(_, error)| sql(path)(error))?;
        settled.and(folded.map(|_| ()))
    }
}

/// Whether the whole log is now in the file, and empty.
pub(crate) fn checkpoint(conn: &Connection, path: &Path) -> Result<bool> {
    let (busy, pages): (i64, i64) = conn
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(sql(path))?;
    Ok(busy == 0 && pages <= 0)
}
