//! The rows of `ns`: where each namespace stands, and row 0 for the file.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::Result;
use crate::journal::chain::genesis;
use crate::journal::digest::{digest, field, short};
use crate::journal::event::{NamespaceId, Seq};
use crate::journal::ledger::Head;
use crate::journal::row::{json_from, json_of};
use crate::journal::sqlite::errors::{damage, sql};
use crate::namespace::Namespace;
use crate::record::Metadata;

const ONE: &str = "SELECT id, path, config, seq, hash, rows, sum, h FROM ns WHERE id = ?1";

/// A head, and what its content rows add up to.
#[derive(Debug, Clone)]
pub(crate) struct Stand {
    pub(crate) head: Head,
    /// The hashes of all content rows, added up: tells a lost, doubled or swapped row without reading them in order.
    pub(crate) sum: u128,
}

impl Stand {
    /// A namespace before its first event.
    pub(crate) fn new(id: NamespaceId, path: &Namespace, config: &Metadata) -> Self {
        let head =
            Head { id, path: path.clone(), seq: 0, hash: genesis(path), rows: 0, config: config.clone() };
        Self { head, sum: 0 }
    }
}

/// What row 0 says of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Census {
    /// Commits so far.
    pub(crate) commits: u64,
    /// Namespaces so far; they are numbered from 1 and never go.
    pub(crate) namespaces: u64,
}

/// Writes a row that is new, or over the one that is there.
pub(crate) fn put(conn: &Connection, path: &Path, stand: &Stand, new: bool) -> Result<()> {
    let head = &stand.head;
    let (name, config) = (head.path.to_string(), json_of(&head.config));
    let h = own_hash(head.id, Some(&name), &config, head.seq, &head.hash, head.rows, stand.sum);
    let (seq, rows, sum) = (head.seq.cast_signed(), head.rows.cast_signed(), stand.sum.to_le_bytes());
    if new {
        conn.prepare_cached("INSERT INTO ns VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)").and_then(
            |mut insert| {
                insert.execute(params![head.id, name, config, seq, head.hash, rows, sum, h.to_le_bytes()])
            },
        )
    } else {
        conn.prepare_cached(
            "UPDATE ns SET config = ?2, seq = ?3, hash = ?4, rows = ?5, sum = ?6, h = ?7 WHERE id = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![head.id, config, seq, head.hash, rows, sum, h.to_le_bytes()])
        })
    }
    .map_err(sql(path))?;
    Ok(())
}

/// Writes row 0.
pub(crate) fn put_census(conn: &Connection, path: &Path, census: Census) -> Result<()> {
    let (hash, sum) = ([0; 32], 0_u128);
    let h = own_hash(0, None, "{}", census.commits, &hash, census.namespaces, sum).to_le_bytes();
    let (seq, rows) = (census.commits.cast_signed(), census.namespaces.cast_signed());
    // An update leaves the index of the paths alone, which a replacement would write at every commit.
    let known = conn
        .prepare_cached("UPDATE ns SET seq = ?1, rows = ?2, h = ?3 WHERE id = 0")
        .and_then(|mut put| put.execute(params![seq, rows, h]))
        .map_err(sql(path))?;
    if known == 0 {
        conn.prepare_cached("INSERT INTO ns VALUES (0, NULL, '{}', ?1, ?2, ?3, ?4, ?5)")
            .and_then(|mut put| put.execute(params![seq, hash, rows, sum.to_le_bytes(), h]))
            .map_err(sql(path))?;
    }
    Ok(())
}

/// Reads row 0.
pub(crate) fn census(conn: &Connection, path: &Path) -> Result<Census> {
    let broken = || damage(path, "ns", 0, "the row of the file is not as it was written");
    let read = |row: &Row<'_>| -> rusqlite::Result<_> {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, [u8; 16]>(2)?))
    };
    let found = conn
        .prepare_cached("SELECT seq, rows, h FROM ns WHERE id = 0")
        .and_then(|mut query| query.query_row([], read).optional());
    let (seq, rows, h) = found.map_err(sql(path))?.ok_or_else(broken)?;
    let census = Census { commits: seq.cast_unsigned(), namespaces: rows.cast_unsigned() };
    let expected = own_hash(0, None, "{}", census.commits, &[0; 32], census.namespaces, 0);
    if u128::from_le_bytes(h) == expected { Ok(census) } else { Err(broken()) }
}

/// The head with this number.
pub(crate) fn by_id(conn: &Connection, path: &Path, id: NamespaceId) -> Result<Option<Stand>> {
    if id == 0 {
        return Ok(None);
    }
    let mut query = conn.prepare_cached(ONE).map_err(sql(path))?;
    let mut rows = query.query([id]).map_err(sql(path))?;
    if let Some(row) = rows.next().map_err(sql(path))? {
        return stand(path, row).map(Some);
    }
    match u64::from(id) <= census(conn, path)?.namespaces {
        true => Err(damage(path, "ns", id, "the row is missing")),
        false => Ok(None),
    }
}

/// The head of a path.
pub(crate) fn by_path(conn: &Connection, path: &Path, name: &Namespace) -> Result<Option<Stand>> {
    let key = name.to_string();
    let found = entry(conn, path, "SELECT id, path FROM ns WHERE path = ?1", &key)?;
    if found.is_none() {
        // A damaged key stands where the right one would: beside the place where the search ended.
        agree(conn, path, &key)?;
    }
    Ok(found)
}

/// Checks that the index has an entry of every namespace, which pages that claim fewer entries would not show.
pub(crate) fn complete(conn: &Connection, path: &Path, namespaces: u64) -> Result<()> {
    let count = conn
        .prepare_cached("SELECT count(*) FROM ns WHERE path >= ''")
        .and_then(|mut query| query.query_row([], |row| row.get::<_, i64>(0)))
        .map_err(sql(path))?;
    if count.cast_unsigned() == namespaces { Ok(()) } else { Err(disagree(path, 0)) }
}

/// The heads at and below a prefix, in the order of their readable paths.
pub(crate) fn list(
    conn: &Connection,
    path: &Path,
    prefix: &Namespace,
    give: &mut dyn FnMut(Stand) -> Result<()>,
) -> Result<()> {
    if let Some(own) = by_path(conn, path, prefix)? {
        give(own)?;
    }
    let (from, to) = match prefix.below() {
        Some((from, to)) => (from, Some(to)),
        // Every other path is greater than the empty one.
        None => ("\u{1}".to_owned(), None),
    };
    agree(conn, path, &from)?;
    let mut last = from.clone();
    let mut query = conn
        .prepare_cached(
            "SELECT id, path FROM ns WHERE path >= ?1 AND (?2 IS NULL OR path < ?2) ORDER BY path",
        )
        .map_err(sql(path))?;
    let mut rows = query.query(params![from, to]).map_err(sql(path))?;
    while let Some(row) = rows.next().map_err(sql(path))? {
        let stand = behind(conn, path, row)?;
        let name = stand.head.path.to_string();
        if name < last || !stand.head.path.starts_with(prefix) {
            return Err(disagree(path, stand.head.id));
        }
        last = name;
        give(stand)?;
    }
    agree(conn, path, &last)?;
    complete(conn, path, census(conn, path)?.namespaces)
}

/// Checks that the entries of the index around a key are those of their rows.
fn agree(conn: &Connection, path: &Path, key: &str) -> Result<()> {
    entry(conn, path, "SELECT id, path FROM ns WHERE path < ?1 ORDER BY path DESC LIMIT 1", key)?;
    entry(conn, path, "SELECT id, path FROM ns WHERE path > ?1 ORDER BY path LIMIT 1", key)?;
    Ok(())
}

fn entry(conn: &Connection, path: &Path, query: &str, key: &str) -> Result<Option<Stand>> {
    let mut query = conn.prepare_cached(query).map_err(sql(path))?;
    let mut rows = query.query([key]).map_err(sql(path))?;
    rows.next().map_err(sql(path))?.map(|row| behind(conn, path, row)).transpose()
}

/// The row behind an entry of the index; an entry that is not the one of its row is damage.
fn behind(conn: &Connection, path: &Path, row: &Row<'_>) -> Result<Stand> {
    let id: i64 = row.get(0).map_err(sql(path))?;
    let id = NamespaceId::try_from(id).map_err(|_| disagree(path, id))?;
    let key = row.get_ref(1).ok().and_then(|key| key.as_str().ok());
    match by_id(conn, path, id)? {
        Some(stand) if key == Some(stand.head.path.to_string().as_str()) => Ok(stand),
        _ => Err(disagree(path, id)),
    }
}

fn disagree(path: &Path, id: impl ToString) -> crate::error::Error {
    damage(path, "ns", id, "the index of the paths does not agree with the rows")
}

/// The numbers of all namespaces, in order.
pub(crate) fn ids(conn: &Connection, path: &Path) -> Result<Vec<NamespaceId>> {
    let mut query = conn.prepare("SELECT id FROM ns WHERE id > 0 ORDER BY id").map_err(sql(path))?;
    query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(sql(path))
}

fn stand(path: &Path, row: &Row<'_>) -> Result<Stand> {
    let id: i64 = row.get(0).map_err(sql(path))?;
    decode(row).ok_or_else(|| damage(path, "ns", id, "the row is not as it was written"))
}

fn decode(row: &Row<'_>) -> Option<Stand> {
    let id = row.get(0).ok()?;
    let (name, config) = (row.get_ref(1).ok()?.as_str().ok()?, row.get_ref(2).ok()?.as_str().ok()?);
    let (seq, hash) = (row.get::<_, i64>(3).ok()?.cast_unsigned(), row.get(4).ok()?);
    let (rows, sum) = (row.get::<_, i64>(5).ok()?.cast_unsigned(), u128::from_le_bytes(row.get(6).ok()?));
    let h = u128::from_le_bytes(row.get(7).ok()?);
    if own_hash(id, Some(name), config, seq, &hash, rows, sum) != h {
        return None;
    }
    let head = Head { id, path: name.parse().ok()?, seq, hash, rows, config: json_from(config)? };
    Some(Stand { head, sum })
}

fn own_hash(
    id: NamespaceId,
    name: Option<&str>,
    config: &str,
    seq: Seq,
    hash: &[u8; 32],
    rows: u64,
    sum: u128,
) -> u128 {
    short(&digest(b"recollect/ns/1", |bytes| {
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.push(name.is_some().into());
        field(bytes, name.unwrap_or_default().as_bytes());
        field(bytes, config.as_bytes());
        bytes.extend_from_slice(&seq.to_le_bytes());
        bytes.extend_from_slice(hash);
        bytes.extend_from_slice(&rows.to_le_bytes());
        bytes.extend_from_slice(&sum.to_le_bytes());
    }))
}
