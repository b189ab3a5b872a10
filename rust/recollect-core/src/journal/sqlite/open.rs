//! From a path to a ledger.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::journal::sqlite::connection::{self, Durability, Role};
use crate::journal::sqlite::errors::sql;
use crate::journal::sqlite::heads::{self, Census};
use crate::journal::sqlite::lease::Lease;
use crate::journal::sqlite::pool::Pool;
use crate::journal::sqlite::write::transaction;
use crate::journal::sqlite::writer::{Writer, checkpoint};
use crate::journal::sqlite::{SqliteLedger, file_system, ofd, schema};

/// How to open a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Makes the file where there is none.
    pub create: bool,
    /// Opens beside a writer, without the right to write.
    pub read_only: bool,
    /// When a commit has reached the device.
    pub durability: Durability,
}

impl Default for Options {
    fn default() -> Self {
        Self { create: true, read_only: false, durability: Durability::Full }
    }
}

pub(crate) fn open(path: &Path, options: &Options) -> Result<SqliteLedger> {
    ofd::install()?;
    let path = place(path)?;
    file_system::check(&path)?;
    let create = options.create && !options.read_only;
    if !path.try_exists().map_err(Error::refused(&path))? {
        if !create {
            return Err(Error::Missing(path));
        }
        make(&path)?;
    }
    let ledger = |writer, path| SqliteLedger {
        path,
        pool: Pool::default(),
        writer: Mutex::new(writer),
        read_only: options.read_only,
        closed: AtomicBool::new(false),
    };
    if options.read_only {
        let ledger = ledger(None, path);
        // Opens a connection, which checks the file; it then waits in the pool.
        let (conn, generation) = ledger.pool.take(&ledger.path)?;
        ledger.pool.give_back(Some(conn), generation);
        return Ok(ledger);
    }
    let lease = Lease::acquire(&path)?;
    let conn = connection::open(&path, Role::Writer(options.durability))?;
    if create && schema::blank(&conn, &path)? {
        initialize(&conn, &path)?;
    }
    schema::check(&conn, &path)?;
    let mut writer = Writer::new(conn, &path, options.durability, lease)?;
    writer.settle(&path, &Pool::default())?;
    Ok(ledger(Some(writer), path))
}

/// The path with its folder resolved, so that every name of a store leads to the same lock, and absolute, so that no
/// name reads as a URI.
fn place(path: &Path) -> Result<PathBuf> {
    let error = Error::refused(path);
    if let Ok(real) = path.canonicalize() {
        if real.is_dir() {
            return Err(Error::NotAStore { path: real, reason: "it is a folder".to_owned() });
        }
        return Ok(real);
    }
    let path = std::path::absolute(path).map_err(error)?;
    let name = path.file_name().ok_or_else(|| error(io::ErrorKind::InvalidInput.into()))?;
    let folder = path.parent().unwrap_or(Path::new("/")).canonicalize().map_err(error)?;
    Ok(folder.join(name))
}

/// Makes an empty file that only its owner can read, and its name durable.
pub(crate) fn make(path: &Path) -> Result<()> {
    let error = Error::refused(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => file.sync_all().map_err(error)?,
        // Another process was faster; what it made is checked like any file.
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(source) => return Err(error(source)),
    }
    sync_folder(path)
}

/// Makes the name of a file durable.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    let error = Error::refused(path);
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder).and_then(|it| it.sync_all()).map_err(error),
        _ => Ok(()),
    }
}

/// Makes the tables. A crash before the end leaves a blank file, which the next opening takes as new.
fn initialize(conn: &Connection, path: &Path) -> Result<()> {
    conn.execute_batch("PRAGMA page_size = 4096").map_err(sql(path))?;
    let mode: String =
        conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(sql(path))?;
    if mode != "wal" {
        return Err(Error::Storage(format!("the file cannot have a write-ahead log: {mode}")));
    }
    transaction(conn, path, |conn| {
        schema::create(conn, path)?;
        heads::put_census(conn, path, Census::default())
    })?;
    // Into the file itself, so that other tools can tell what it is.
    checkpoint(conn, path).map(|_| ())
}

/// The path of a file beside the store.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
