//! The rows of `rec`: what a memory says, without its vectors.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::{Error, Result};
use crate::journal::chain;
use crate::journal::continuity::MAX_SEQ;
use crate::journal::event::{Content, NamespaceId, Seq};
use crate::journal::row::Columns;
use crate::journal::sqlite::embedding_rows;
use crate::journal::sqlite::errors::{Checked, damage, sql};
use crate::journal::sqlite::schema::{row_id, seq_of};
use crate::record::Status;

/// The columns in the order that [`decode`] reads them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, uid, version, kind, status, text, metadata, tags, speaker, session, \
     event_start, event_end, ingested, turn, importance, confidence, source, principal, trust, parents, ttl, sliding, \
     salt, keys, h FROM rec",
            $rest
        )
    };
}

/// One row by its number.
const ONE: &str = select!(" WHERE id = ?1");
/// The rows of a range, in order.
pub(crate) const RANGE: &str = select!(" WHERE id BETWEEN ?1 AND ?2 ORDER BY id");

/// A row whose hash was checked.
#[derive(Debug)]
pub(crate) struct Found {
    /// The content, still without vectors.
    pub(crate) content: Content,
    /// Digest of its vectors; zeros where it has none.
    pub(crate) keys: [u8; 32],
    /// What its event committed to.
    pub(crate) commitment: [u8; 32],
    /// Its row hash.
    pub(crate) hash: u128,
}

/// Inserts a content; gives its row hash. The commitment is the one its event carries.
pub(crate) fn insert(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    content: &Content,
    commitment: &[u8; 32],
) -> Result<u128> {
    let record = &content.record;
    let (c, keys) = (Columns::of(record), chain::keys(&content.vectors));
    if chain::commit_to(&c, &content.salt, &keys) != *commitment {
        return Err(Error::invalid("contents", format!("{} is not what its event commits to", content.seq)));
    }
    let hash = chain::row(namespace, content.seq, record.status, commitment);
    conn.prepare_cached(
        "INSERT INTO rec VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
         ?19, ?20, ?21, ?22, ?23, ?24, ?25)",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            row_id(namespace, content.seq),
            c.uid,
            c.version,
            c.kind,
            record.status.word(),
            c.text,
            c.metadata,
            c.tags,
            c.speaker,
            c.session,
            c.event_start,
            c.event_end,
            c.ingested,
            c.turn,
            c.importance,
            c.confidence,
            c.source,
            c.principal,
            c.trust,
            c.parents,
            c.ttl,
            c.sliding,
            content.salt,
            keys,
            hash.to_le_bytes(),
        ])
    })
    .map_err(sql(path))?;
    Ok(hash)
}

/// Changes the status of a content that is there; gives the row hash before and after.
pub(crate) fn restate(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    seq: Seq,
    status: Status,
) -> Result<(u128, u128)> {
    let found = one(conn, path, namespace, seq)?
        .ok_or_else(|| Error::invalid("restated", format!("there is no content {seq}")))?;
    let hash = chain::row(namespace, seq, status, &found.commitment);
    conn.prepare_cached("UPDATE rec SET status = ?2, h = ?3 WHERE id = ?1")
        .and_then(|mut update| {
            update.execute(params![row_id(namespace, seq), status.word(), hash.to_le_bytes()])
        })
        .map_err(sql(path))?;
    Ok((found.hash, hash))
}

/// Deletes a content with its vectors, or keys alone; gives the row hash it had. A row that is damaged goes as well: what is to be
/// erased must not stay because it is unreadable.
pub(crate) fn erase(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    seq: Seq,
) -> Result<Option<u128>> {
    let id = row_id(namespace, seq);
    let hash = conn
        .prepare_cached("SELECT h FROM rec WHERE id = ?1")
        .and_then(|mut query| query.query_row([id], |row| row.get::<_, [u8; 16]>(0)).optional())
        .map_err(sql(path))?;
    let hash = match hash {
        Some(hash) => Some(u128::from_le_bytes(hash)),
        None => embedding_rows::hash_of(conn, path, namespace, seq)?,
    };
    for table in ["DELETE FROM rec WHERE id = ?1", "DELETE FROM vec WHERE id = ?1"] {
        conn.prepare_cached(table).and_then(|mut delete| delete.execute([id])).map_err(sql(path))?;
    }
    Ok(hash)
}

/// The row with this number.
pub(crate) fn one(conn: &Connection, path: &Path, namespace: NamespaceId, seq: Seq) -> Result<Option<Found>> {
    Ok(many(conn, path, namespace, &[seq])?.pop().flatten())
}

/// The rows with these numbers, in the order asked.
pub(crate) fn many(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    seqs: &[Seq],
) -> Result<Vec<Option<Found>>> {
    let mut query = conn.prepare_cached(ONE).map_err(sql(path))?;
    let mut read = |seq: Seq| -> Result<Option<Found>> {
        let mut rows = query.query([row_id(namespace, seq)]).map_err(sql(path))?;
        let Some(row) = rows.next().map_err(sql(path))? else { return Ok(None) };
        decode(namespace, row).map(Some).map_err(|reason| damage(path, "rec", seq, reason))
    };
    seqs.iter().map(|seq| if *seq < MAX_SEQ { read(*seq) } else { Ok(None) }).collect()
}

/// Reads a row and checks its hash.
pub(crate) fn decode(namespace: NamespaceId, row: &Row<'_>) -> Checked<Found> {
    columns(namespace, row).unwrap_or_else(|_| Err("a column is not of its type".to_owned()))
}

fn columns(namespace: NamespaceId, row: &Row<'_>) -> rusqlite::Result<Checked<Found>> {
    let text = |at: usize| -> rusqlite::Result<&str> { Ok(row.get_ref(at)?.as_str()?) };
    let maybe = |at: usize| -> rusqlite::Result<Option<&str>> { Ok(row.get_ref(at)?.as_str_or_null()?) };
    let columns = Columns {
        uid: text(1)?.into(),
        version: row.get(2)?,
        kind: text(3)?,
        text: text(5)?,
        metadata: text(6)?.into(),
        tags: text(7)?.into(),
        speaker: maybe(8)?,
        session: maybe(9)?,
        event_start: row.get(10)?,
        event_end: row.get(11)?,
        ingested: row.get(12)?,
        turn: row.get(13)?,
        importance: row.get(14)?,
        confidence: row.get(15)?,
        source: text(16)?,
        principal: text(17)?,
        trust: row.get(18)?,
        parents: text(19)?.into(),
        ttl: row.get(20)?,
        sliding: row.get(21)?,
    };
    let (seq, salt, keys) = (seq_of(row.get(0)?), row.get(22)?, row.get(23)?);
    let (status, stored) = (text(4)?.parse::<Status>(), u128::from_le_bytes(row.get(24)?));
    Ok(check(namespace, seq, &columns, status.ok(), salt, keys, stored))
}

fn check(
    namespace: NamespaceId,
    seq: Seq,
    columns: &Columns<'_>,
    status: Option<Status>,
    salt: [u8; 16],
    keys: [u8; 32],
    stored: u128,
) -> Checked<Found> {
    let status = status.ok_or("the status is no known word")?;
    let commitment = chain::commit_to(columns, &salt, &keys);
    let hash = chain::row(namespace, seq, status, &commitment);
    if hash != stored {
        return Err("the row does not match its hash".to_owned());
    }
    let record = columns.record(status).map_err(|column| format!("column {column} holds no such value"))?;
    Ok(Found { content: Content { seq, salt, record, vectors: Vec::new() }, keys, commitment, hash })
}
