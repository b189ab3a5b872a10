//! A connection that trusts nothing in the file.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, Result};
use crate::journal::sqlite::errors::sql;

/// Before this version a write beside a checkpoint could lose pages.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long a statement waits for another connection.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// When a commit has reached the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Before the call returns: it survives a power cut.
    #[default]
    Full,
    /// Some time later: it survives the end of the process, not a power cut.
    Normal,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that writes.
    Writer(Durability),
    /// One of many that read.
    Reader,
}

/// Opens a file that is there.
pub(crate) fn open(path: &Path, role: Role) -> Result<Connection> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::Storage(format!(
            "SQLite {} is older than 3.51.3 and can lose writes; build with the bundled one",
            rusqlite::version()
        )));
    }
    let access = match role {
        Role::Writer(_) => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    // One thread at a time uses a connection, so the engine's own mutexes only cost.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let conn = Connection::open_with_flags(path, flags).map_err(sql(path))?;
    harden(&conn).map_err(sql(path))?;
    match role {
        Role::Writer(durability) => prepare_writer(&conn, durability),
        Role::Reader => conn.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096"),
    }
    .map_err(sql(path))?;
    Ok(conn)
}

fn harden(conn: &Connection) -> rusqlite::Result<()> {
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
    ] {
        conn.set_db_config(config, on)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_LENGTH, 256 << 20),
    ] {
        conn.set_limit(limit, most)?;
    }
    conn.set_prepared_statement_cache_capacity(64);
    conn.busy_timeout(PATIENCE)?;
    conn.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; \
         PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF",
    )
}

fn prepare_writer(conn: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    // 16 MiB of log between checkpoints: a checkpoint writes and syncs the file, so rarer ones cost less a commit.
    conn.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 4096; \
         PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384"
    ))
}
