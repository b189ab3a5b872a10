//! The tables of a store, and the check that a file holds these and nothing else.

use std::path::Path;

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::journal::event::{NamespaceId, Op, Seq};
use crate::journal::ledger::{Commit, Target};
use crate::journal::sqlite::errors::{damage, sql};
use crate::record::Metadata;

/// `RCL1`, in the header of every store.
pub(crate) const APPLICATION_ID: i64 = 0x5243_4C31;
/// The latest format this version reads.
pub(crate) const FORMAT: i64 = 3;
/// The first format. A file has the least that can hold what is in it, so that versions which know no later one read it
/// as long as they can:
///
/// | format | holds |
/// |---|---|
/// | 1 | memories with their vectors as f32, each namespace in one embedding space |
/// | 2 | vectors in other forms; namespaces that move to another space, or moved: `embedded` events and their keys |
/// | 3 | links between memories, and how memories were used: `linked`, `unlinked`, `recalled`, `rewarded`, `pinned` events |
const FIRST: i64 = 1;

/// Row 0 of `ns` stands for the file: its `seq` counts commits, its `rows` the namespaces. A row of `rec`, `vec` and
/// `oplog` has the number `ns << 36 | seq`, so a namespace lies together and nothing needs a second index.
const TABLES: [(&str, &str); 7] = [
    ("meta", "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"),
    (
        "ns",
        "CREATE TABLE ns(id INTEGER PRIMARY KEY, path TEXT UNIQUE, config TEXT NOT NULL, seq INTEGER NOT NULL, \
         hash BLOB NOT NULL, rows INTEGER NOT NULL, sum BLOB NOT NULL, h BLOB NOT NULL) STRICT",
    ),
    (
        "rec",
        "CREATE TABLE rec(id INTEGER PRIMARY KEY, uid TEXT NOT NULL, version INTEGER NOT NULL, \
         kind TEXT NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL, metadata TEXT NOT NULL, tags TEXT NOT NULL, \
         speaker TEXT, session TEXT, event_start INTEGER, event_end INTEGER, ingested INTEGER NOT NULL, \
         turn INTEGER NOT NULL, importance REAL NOT NULL, confidence REAL NOT NULL, source TEXT NOT NULL, \
         principal TEXT NOT NULL, trust REAL NOT NULL, parents TEXT NOT NULL, ttl INTEGER, sliding INTEGER, \
         salt BLOB NOT NULL, keys BLOB NOT NULL, h BLOB NOT NULL) STRICT",
    ),
    ("vec", "CREATE TABLE vec(id INTEGER PRIMARY KEY, spaces TEXT NOT NULL, data BLOB NOT NULL) STRICT"),
    (
        "oplog",
        "CREATE TABLE oplog(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, op TEXT NOT NULL, uid TEXT NOT NULL, \
         version INTEGER NOT NULL, commitment BLOB NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL) STRICT",
    ),
    (
        "seg",
        "CREATE TABLE seg(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, part INTEGER NOT NULL, \
         crc INTEGER NOT NULL, data BLOB NOT NULL) STRICT",
    ),
    (
        "space",
        "CREATE TABLE space(id INTEGER PRIMARY KEY, name TEXT NOT NULL, dim INTEGER NOT NULL, \
         metric TEXT NOT NULL, h BLOB NOT NULL) STRICT",
    ),
];

const SEQ_BITS: u32 = 36;

/// What the configuration of a namespace names from the second format on: the form of its vectors, the space it moves to.
const LATER: [&str; 2] = ["keep", "next"];

/// Number of the row of an event, a content or its vectors.
pub(crate) fn row_id(namespace: NamespaceId, seq: Seq) -> i64 {
    i64::from(namespace) << SEQ_BITS | seq.cast_signed()
}

/// The number in its namespace of such a row.
pub(crate) fn seq_of(row: i64) -> Seq {
    (row & ((1 << SEQ_BITS) - 1)).cast_unsigned()
}

/// Makes the tables; the caller has begun a transaction.
pub(crate) fn create(conn: &Connection, path: &Path) -> Result<()> {
    for (_, table) in TABLES {
        conn.execute_batch(table).map_err(sql(path))?;
    }
    let about =
        "a recollect store: rec holds the memories, oplog the journal, seg disposable index snapshots";
    conn.execute("INSERT INTO meta VALUES ('about', ?1)", [about]).map_err(sql(path))?;
    conn.pragma_update(None, "application_id", APPLICATION_ID).map_err(sql(path))?;
    conn.pragma_update(None, "user_version", FIRST).map_err(sql(path))
}

/// The format that a file with this commit must have.
pub(crate) fn needed(commit: &Commit<'_>) -> i64 {
    let later = |config: &Metadata| LATER.iter().any(|name| config.contains_key(*name));
    let made = matches!(commit.target, Target::New { config, .. } if later(config));
    let format = |op| match op {
        Op::Linked | Op::Unlinked | Op::Recalled | Op::Rewarded | Op::Pinned => 3,
        Op::Embedded => 2,
        _ => FIRST,
    };
    let events = commit.events.iter().map(|event| format(event.op)).max().unwrap_or(FIRST);
    if made || commit.config.is_some_and(later) { events.max(2) } else { events }
}

/// Gives the file a format if it has an earlier one; the caller has begun a transaction.
pub(crate) fn raise(conn: &Connection, path: &Path, format: i64) -> Result<()> {
    if format == FIRST || pragma(conn, path, "user_version")? >= format {
        return Ok(());
    }
    conn.pragma_update(None, "user_version", format).map_err(sql(path))
}

fn pragma(conn: &Connection, path: &Path, name: &str) -> Result<i64> {
    conn.pragma_query_value(None, name, |row| row.get(0)).map_err(sql(path))
}

/// Whether the file holds nothing yet.
pub(crate) fn blank(conn: &Connection, path: &Path) -> Result<bool> {
    let zero = |name| Ok(pragma(conn, path, name)? == 0);
    Ok(zero("application_id")? && zero("user_version")? && objects(conn, path)?.is_empty())
}

/// Checks that the file is a store of a known format, to the letter of its schema: a trigger, view or index that
/// someone else put there would act on every write.
pub(crate) fn check(conn: &Connection, path: &Path) -> Result<()> {
    let refuse = |reason: String| Err(Error::NotAStore { path: path.to_owned(), reason });
    let (application, format) = (pragma(conn, path, "application_id")?, pragma(conn, path, "user_version")?);
    if application != APPLICATION_ID {
        return refuse(format!("its application id is {application:#x}"));
    }
    if format > FORMAT {
        return Err(Error::FormatTooNew { path: path.to_owned(), found: format, supported: FORMAT });
    }
    if format < FIRST {
        return refuse(format!("its format is {format}"));
    }
    let mut expected = vec![object("index", "sqlite_autoindex_ns_1", "ns", None)];
    expected.extend(TABLES.map(|(name, sql)| object("table", name, name, Some(sql))));
    expected.sort();
    let found = objects(conn, path)?;
    if let Some(odd) = found.iter().find(|object| !expected.contains(object)) {
        let kind = if odd.0.chars().all(char::is_alphabetic) { &odd.0 } else { "object" };
        return refuse(format!("it holds a {kind} that no store has"));
    }
    if found != expected {
        return refuse("a table is missing".to_owned());
    }
    let shared: i64 = conn
        .query_row("SELECT count(*) - count(DISTINCT rootpage) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(sql(path))?;
    // What begins at the page of another would be read as empty where that is.
    if shared > 0 { Err(damage(path, "sqlite_schema", 0, "two tables begin at one page")) } else { Ok(()) }
}

type Object = (String, String, String, Option<String>);

fn object(kind: &str, name: &str, table: &str, sql: Option<&str>) -> Object {
    (kind.to_owned(), name.to_owned(), table.to_owned(), sql.map(str::to_owned))
}

fn objects(conn: &Connection, path: &Path) -> Result<Vec<Object>> {
    let mut query = conn.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema").map_err(sql(path))?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    let mut found: Vec<Object> = rows.and_then(Iterator::collect).map_err(sql(path))?;
    found.sort();
    Ok(found)
}
