//! The rows of `oplog`: the hash chain.

use std::path::Path;

use rusqlite::{Connection, Row, params};

use crate::error::Result;
use crate::journal::chain;
use crate::journal::event::{Event, NamespaceId};
use crate::journal::row::{hex, json_from, json_of};
use crate::journal::sqlite::errors::{Checked, sql};
use crate::journal::sqlite::schema::{row_id, seq_of};
use crate::time::Timestamp;

/// The columns in the order that [`decode`] reads them.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, at, op, uid, version, commitment, detail, hash FROM oplog", $rest)
    };
}

/// The rows of a range, in order.
pub(crate) const RANGE: &str = select!(" WHERE id BETWEEN ?1 AND ?2 ORDER BY id");

/// Inserts an event.
pub(crate) fn insert(conn: &Connection, path: &Path, namespace: NamespaceId, event: &Event) -> Result<()> {
    conn.prepare_cached("INSERT INTO oplog VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
        .and_then(|mut insert| {
            insert.execute(params![
                row_id(namespace, event.seq),
                event.at.0,
                event.op.word(),
                hex(event.uid),
                event.version,
                event.commitment,
                json_of(&event.detail),
                event.hash,
            ])
        })
        .map_err(sql(path))?;
    Ok(())
}

/// An event, and whether its hash follows from a hash before it.
#[derive(Debug)]
pub(crate) struct Found {
    /// The event.
    pub(crate) event: Event,
    detail: String,
}

impl Found {
    /// Whether the event follows one with the hash `prev`.
    pub(crate) fn follows(&self, prev: &[u8; 32]) -> bool {
        chain::link_stored(prev, &self.event, &self.detail) == self.event.hash
    }
}

/// Reads a row; only [`Found::follows`] says whether it is the one that was written.
pub(crate) fn decode(row: &Row<'_>) -> Checked<Found> {
    let read = || -> Option<Found> {
        let detail = row.get_ref(6).ok()?.as_str().ok()?;
        let event = Event {
            seq: seq_of(row.get(0).ok()?),
            at: Timestamp(row.get(1).ok()?),
            op: chain::op(row.get_ref(2).ok()?.as_str().ok()?)?,
            uid: row.get_ref(3).ok()?.as_str().ok()?.parse().ok()?,
            version: row.get(4).ok()?,
            commitment: row.get(5).ok()?,
            detail: json_from(detail)?,
            hash: row.get(7).ok()?,
        };
        Some(Found { event, detail: detail.to_owned() })
    };
    read().ok_or_else(|| "the row holds no such event".to_owned())
}
