//! Connections for reading, kept between readers.

use std::path::Path;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;

use crate::error::Result;
use crate::journal::sqlite::connection::{self, Role};
use crate::journal::sqlite::schema;
use crate::journal::sqlite::wal_guard::WalGuard;

/// Most connections kept while nobody reads; each holds a few file descriptors and its page cache.
const KEPT: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    idle: Vec<Connection>,
    /// The log that the connections of this generation read.
    guard: Option<WalGuard>,
    generation: u64,
    /// Connections that readers have.
    lent: usize,
}

impl Pool {
    /// A connection, with the generation to give it back under.
    pub(crate) fn take(&self, path: &Path) -> Result<(Connection, u64)> {
        let mut shelf = self.0.lock();
        if shelf.guard.as_ref().is_some_and(|guard| !guard.intact()) {
            // Somebody replaced the log: a connection that holds the old one would never see a write again.
            shelf.forget();
        }
        shelf.lent += 1;
        let generation = shelf.generation;
        if let Some(conn) = shelf.idle.pop() {
            return Ok((conn, generation));
        }
        drop(shelf);
        let opened =
            connection::open(path, Role::Reader).and_then(|conn| schema::check(&conn, path).map(|()| conn));
        let mut shelf = self.0.lock();
        match opened {
            Ok(conn) => {
                shelf.guard = WalGuard::new(path).ok();
                Ok((conn, generation))
            }
            Err(error) => {
                shelf.lent -= 1;
                Err(error)
            }
        }
    }

    /// Keeps a connection for the next reader, unless it is broken, of an older generation, or there are enough.
    pub(crate) fn give_back(&self, conn: Option<Connection>, generation: u64) {
        let mut shelf = self.0.lock();
        shelf.lent -= 1;
        if let Some(conn) = conn
            && generation == shelf.generation
            && shelf.idle.len() < KEPT
        {
            shelf.idle.push(conn);
        }
    }

    /// Drops all connections; those on loan are dropped when they come back.
    pub(crate) fn clear(&self) {
        self.0.lock().forget();
    }

    /// Drops all connections and waits a while for those on loan; whether none is left.
    pub(crate) fn drain(&self) -> bool {
        self.clear();
        for _ in 0..1000 {
            if self.0.lock().lent == 0 {
                return true;
            }
            thread::sleep(Duration::from_millis(1));
        }
        false
    }
}

impl Shelf {
    fn forget(&mut self) {
        self.idle.clear();
        self.guard = None;
        self.generation += 1;
    }
}
