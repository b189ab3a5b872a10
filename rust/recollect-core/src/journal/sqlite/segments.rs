//! The rows of `seg`: snapshots of the indexes, which are caches. Whatever is odd about one is the same as none.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Error, Result};
use crate::journal::continuity::tally;
use crate::journal::event::{NamespaceId, Seq};
use crate::journal::ledger::{SegmentHeader, SegmentPart};
use crate::journal::sqlite::errors::sql;
use crate::journal::sqlite::heads;
use crate::journal::sqlite::schema::row_id;

/// Most bytes of a part.
const MOST: usize = 64 << 20;

/// Replaces the snapshot of a namespace. Its row 0 is the header; the parts follow in order.
pub(crate) fn put(
    conn: &Connection,
    path: &Path,
    id: NamespaceId,
    watermark: Seq,
    format: u32,
    parts: &mut dyn Iterator<Item = SegmentPart>,
) -> Result<()> {
    if heads::by_id(conn, path, id)?.is_none() {
        return Err(Error::invalid("namespace", format!("there is no number {id}")));
    }
    delete(conn, path, id)?;
    let mut counts = Vec::new();
    let mut insert = conn.prepare_cached("INSERT INTO seg VALUES (?1, ?2, ?3, ?4, ?5)").map_err(sql(path))?;
    for (at, part) in (1..).zip(parts) {
        if part.data.len() > MOST {
            let (found, limit) = (part.data.len() as u64, MOST as u64);
            return Err(Error::Limit { argument: "parts".into(), found, limit });
        }
        tally(&mut counts, &part)?;
        let crc = checksum(watermark, format, &part.kind, part.part, &part.data);
        insert.execute(params![row_id(id, at), part.kind, part.part, crc, part.data]).map_err(sql(path))?;
    }
    let kinds: Vec<serde_json::Value> = counts.into_iter().map(|count| serde_json::json!(count)).collect();
    let header = serde_json::json!([watermark, format, kinds]).to_string().into_bytes();
    let crc = checksum(watermark, format, "", 0, &header);
    insert.execute(params![row_id(id, 0), "", 0, crc, header]).map_err(sql(path))?;
    Ok(())
}

/// Deletes the snapshot of a namespace.
pub(crate) fn delete(conn: &Connection, path: &Path, id: NamespaceId) -> Result<()> {
    conn.prepare_cached("DELETE FROM seg WHERE id BETWEEN ?1 AND ?2")
        .and_then(|mut delete| delete.execute([row_id(id, 0), row_id(id + 1, 0) - 1]))
        .map_err(sql(path))?;
    Ok(())
}

/// The header of a snapshot that is sound and not ahead of its namespace.
pub(crate) fn header(conn: &Connection, path: &Path, id: NamespaceId) -> Result<Option<SegmentHeader>> {
    let Some((crc, data)) = row(conn, path, row_id(id, 0), "", 0)? else { return Ok(None) };
    let Ok((watermark, format, parts)) = serde_json::from_slice(&data) else { return Ok(None) };
    let head = heads::by_id(conn, path, id)?;
    let sound = checksum(watermark, format, "", 0, &data) == crc;
    let behind = head.is_some_and(|stand| watermark <= stand.head.seq);
    Ok((sound && behind).then_some(SegmentHeader { watermark, format, parts }))
}

/// One part, if it is there and sound.
pub(crate) fn part(
    conn: &Connection,
    path: &Path,
    id: NamespaceId,
    kind: &str,
    part: u32,
) -> Result<Option<Vec<u8>>> {
    let Some(header) = header(conn, path, id)? else { return Ok(None) };
    let mut first = 1;
    for (other, count) in &header.parts {
        if other == kind && part < *count {
            let at = row_id(id, first + Seq::from(part));
            let found = row(conn, path, at, kind, part)?;
            let sound = |(crc, data): &(u32, Vec<u8>)| {
                checksum(header.watermark, header.format, kind, part, data) == *crc
            };
            return Ok(found.filter(sound).map(|(_, data)| data));
        }
        first += Seq::from(*count);
    }
    Ok(None)
}

/// What is odd about a snapshot, in words; a missing one is not.
pub(crate) fn check(conn: &Connection, path: &Path, id: NamespaceId) -> Result<Vec<String>> {
    let rows: Option<i64> = conn
        .prepare_cached("SELECT id FROM seg WHERE id BETWEEN ?1 AND ?2 LIMIT 1")
        .and_then(|mut query| {
            query.query_row([row_id(id, 0), row_id(id + 1, 0) - 1], |row| row.get(0)).optional()
        })
        .map_err(sql(path))?;
    let mut damage = Vec::new();
    let odd = |what: String| format!("seg of namespace {id}: {what}; it will be rebuilt");
    match (rows, header(conn, path, id)?) {
        (None, _) => {}
        (Some(_), None) => damage.push(odd("the header is not as it was written".to_owned())),
        (Some(_), Some(header)) => {
            for (kind, count) in &header.parts {
                for at in 0..*count {
                    if part(conn, path, id, kind, at)?.is_none() {
                        damage.push(odd(format!("part {at} of one kind is not as it was written")));
                    }
                }
            }
        }
    }
    Ok(damage)
}

type Stored = (u32, Vec<u8>);

/// A page that the engine finds damaged makes no snapshot either; the caller rebuilds.
fn row(conn: &Connection, path: &Path, at: i64, kind: &str, part: u32) -> Result<Option<Stored>> {
    let found = conn
        .prepare_cached("SELECT crc, data FROM seg WHERE id = ?1 AND kind = ?2 AND part = ?3")
        .and_then(|mut query| {
            query.query_row(params![at, kind, part], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        });
    match found.map_err(sql(path)) {
        Err(Error::Corrupt { .. }) => Ok(None),
        other => other,
    }
}

/// The watermark is part of it, so that a part of an older snapshot does not pass for one of this.
fn checksum(watermark: Seq, format: u32, kind: &str, part: u32, data: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&watermark.to_le_bytes());
    crc.update(&format.to_le_bytes());
    crc.update(&part.to_le_bytes());
    crc.update(kind.as_bytes());
    crc.update(data);
    crc.finalize()
}
