//! The rows of `vec` that stand alone: vector keys that a memory got after its content was written.
//!
//! Such a row has the number of its own event. Its `spaces` carries the salt of the commitment beside the names of the
//! keys: `{"salt":"00..ff","keys":[[2,384]]}`.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::{Error, Result};
use crate::id::Uid;
use crate::journal::chain;
use crate::journal::continuity::MAX_SEQ;
use crate::journal::event::{Embedding, KeyVector, NamespaceId, Op, Seq};
use crate::journal::row::hex;
use crate::journal::sqlite::errors::{Checked, damage, sql};
use crate::journal::sqlite::schema::{row_id, seq_of};
use crate::journal::sqlite::vector_rows::{self, UNREADABLE};
use crate::record::Status;

const SALT: &str = "{\"salt\":\"";
const KEYS: &str = "\",\"keys\":";

/// What a row of `vec` may be.
#[derive(Debug)]
pub(crate) enum Stored {
    /// The keys of a content.
    Beside(Vec<KeyVector>),
    /// Keys alone.
    Alone(Embedding),
}

/// Inserts keys alone; gives the row hash. The commitment is the one its event carries.
pub(crate) fn insert(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    embedding: &Embedding,
    commitment: &[u8; 32],
) -> Result<u128> {
    let (seq, keys) = (embedding.seq, &embedding.vectors);
    if chain::keys_commitment(embedding) != *commitment {
        return Err(Error::invalid("embeddings", format!("{seq} is not what its event commits to")));
    }
    let names = format!("{SALT}{}{KEYS}{}}}", hex(Uid(embedding.salt)), vector_rows::names(keys));
    vector_rows::put(conn, path, namespace, seq, &names, &vector_rows::data(keys))?;
    Ok(hash(namespace, seq, commitment))
}

/// What such a row adds to the sum of its namespace.
pub(crate) fn hash(namespace: NamespaceId, seq: Seq, commitment: &[u8; 32]) -> u128 {
    chain::row(namespace, seq, Status::Active, commitment)
}

/// The hash of keys alone that are about to be deleted; none where no such row is there. Whether the row is sound does
/// not matter: what is to be erased must not stay because it is unreadable.
pub(crate) fn hash_of(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    seq: Seq,
) -> Result<Option<u128>> {
    let found = conn
        .prepare_cached("SELECT commitment FROM vec JOIN oplog USING (id) WHERE id = ?1 AND op = ?2")
        .and_then(|mut query| {
            query.query_row(params![row_id(namespace, seq), Op::Embedded.word()], |row| row.get(0)).optional()
        });
    Ok(found.map_err(sql(path))?.map(|commitment| hash(namespace, seq, &commitment)))
}

/// The keys alone with these numbers, in the order asked.
pub(crate) fn many(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    seqs: &[Seq],
) -> Result<Vec<Option<Embedding>>> {
    let mut query = conn.prepare_cached(vector_rows::ONE).map_err(sql(path))?;
    let mut read = |seq: Seq| -> Result<Option<Embedding>> {
        let mut rows = query.query([row_id(namespace, seq)]).map_err(sql(path))?;
        let Some(row) = rows.next().map_err(sql(path))? else { return Ok(None) };
        let embedding = match decode(row).map_err(|reason| damage(path, "vec", seq, reason))? {
            Stored::Alone(embedding) => embedding,
            Stored::Beside(_) => return Ok(None),
        };
        let committed = committed(conn, path, namespace, seq)?;
        if committed != Some(chain::keys_commitment(&embedding)) {
            return Err(damage(path, "vec", seq, "the row is not what its event committed to"));
        }
        Ok(Some(embedding))
    };
    seqs.iter().map(|seq| if *seq < MAX_SEQ { read(*seq) } else { Ok(None) }).collect()
}

fn committed(conn: &Connection, path: &Path, namespace: NamespaceId, seq: Seq) -> Result<Option<[u8; 32]>> {
    conn.prepare_cached("SELECT commitment FROM oplog WHERE id = ?1")
        .and_then(|mut query| query.query_row([row_id(namespace, seq)], |row| row.get(0)).optional())
        .map_err(sql(path))
}

/// Reads a row of `vec`; only its commitment says whether it is the one that was written.
pub(crate) fn decode(row: &Row<'_>) -> Checked<Stored> {
    let alone = vector_rows::columns(row).is_some_and(|(spaces, _)| spaces.starts_with(SALT));
    if !alone {
        return vector_rows::decode(row).map(Stored::Beside);
    }
    read(row).map(Stored::Alone).ok_or_else(|| UNREADABLE.to_owned())
}

fn read(row: &Row<'_>) -> Option<Embedding> {
    let (spaces, data) = vector_rows::columns(row)?;
    let (salt, names) = spaces.strip_prefix(SALT)?.strip_suffix('}')?.split_once(KEYS)?;
    let Uid(bytes) = salt.parse().ok()?;
    let seq = seq_of(row.get(0).ok()?);
    Some(Embedding { seq, salt: bytes, vectors: vector_rows::split(names, data)? })
}
