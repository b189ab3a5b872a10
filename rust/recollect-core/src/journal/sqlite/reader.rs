//! Reading: each reader is one transaction on a connection of its own.

use std::path::Path;

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::id::Uid;
use crate::journal::event::{Content, Embedding, Event, NamespaceId, Op, Seq, SpaceId, Written};
use crate::journal::ledger::{Head, Reader, SegmentHeader, Space};
use crate::journal::sqlite::errors::sql;
use crate::journal::sqlite::missing::{Strict, missing};
use crate::journal::sqlite::scan::{chain_only, scan};
use crate::journal::sqlite::{
    SqliteLedger, content_rows, embedding_rows, heads, segments, spaces, vector_rows,
};
use crate::namespace::Namespace;

/// A consistent view of the file.
pub(crate) struct SqliteReader<'a> {
    ledger: &'a SqliteLedger,
    // None only while it is being dropped.
    conn: Option<Connection>,
    generation: u64,
    // None where the row that counts commits is damaged: the rest may still be read.
    version: Option<u64>,
}

impl<'a> SqliteReader<'a> {
    pub(crate) fn new(ledger: &'a SqliteLedger, (conn, generation): (Connection, u64)) -> Result<Self> {
        let path = ledger.path();
        let begun = conn.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([]));
        if let Err(error) = begun {
            ledger.pool.give_back(None, generation);
            return Err(sql(path)(error));
        }
        // BEGIN alone takes no snapshot; the first read does.
        let census = heads::census(&conn, path);
        let mut reader = Self { ledger, conn: Some(conn), generation, version: None };
        match census {
            Ok(census) => reader.version = Some(census.commits),
            Err(Error::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(reader)
    }

    /// Reads within the transaction.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&Connection, &Path) -> Result<T>) -> Result<T> {
        let conn = self.conn.as_ref().ok_or(Error::Closed)?;
        read(conn, self.ledger.path())
    }
}

impl Drop for SqliteReader<'_> {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            let ended = conn.prepare_cached("ROLLBACK").and_then(|mut rollback| rollback.execute([])).is_ok();
            self.ledger.pool.give_back(ended.then_some(conn), self.generation);
        }
    }
}

/// The numbers without a row.
fn absent<T>(seqs: &[Seq], rows: &[Option<T>]) -> Vec<Seq> {
    seqs.iter().zip(rows).filter(|(_, row)| row.is_none()).map(|(&seq, _)| seq).collect()
}

impl Reader for SqliteReader<'_> {
    fn version(&self) -> Result<u64> {
        self.version.map_or_else(|| self.with(|conn, file| Ok(heads::census(conn, file)?.commits)), Ok)
    }

    fn resolve(&self, path: &Namespace) -> Result<Option<Head>> {
        self.with(|conn, file| {
            let found = heads::by_path(conn, file, path)?;
            if found.is_none() {
                heads::complete(conn, file, heads::census(conn, file)?.namespaces)?;
            }
            Ok(found.map(|stand| stand.head))
        })
    }

    fn head(&self, id: NamespaceId) -> Result<Option<Head>> {
        self.with(|conn, file| Ok(heads::by_id(conn, file, id)?.map(|stand| stand.head)))
    }

    fn list(&self, prefix: &Namespace, each: &mut dyn FnMut(Head) -> Result<()>) -> Result<()> {
        self.with(|conn, file| heads::list(conn, file, prefix, &mut |stand| each(stand.head)))
    }

    fn events(
        &self,
        id: NamespaceId,
        after: Seq,
        each: &mut dyn FnMut(Event, Option<Written>) -> Result<()>,
    ) -> Result<()> {
        self.with(|conn, path| {
            let Some(stand) = heads::by_id(conn, path, id)? else { return Ok(()) };
            if after > 0 && after >= stand.head.seq {
                return Ok(());
            }
            scan(conn, path, &stand, after, &mut Strict { path, each })
        })
    }

    fn contents(&self, id: NamespaceId, seqs: &[Seq], vectors: bool) -> Result<Vec<Option<Content>>> {
        self.with(|conn, file| {
            let rows = content_rows::many(conn, file, id, seqs)?;
            missing(conn, file, id, &absent(seqs, &rows), "rec", Op::writes)?;
            let mut found = Vec::with_capacity(seqs.len());
            for row in rows {
                let Some(row) = row else {
                    found.push(None);
                    continue;
                };
                let mut content = row.content;
                if vectors {
                    content.vectors = vector_rows::one(conn, file, id, content.seq, &row.keys)?;
                }
                found.push(Some(content));
            }
            Ok(found)
        })
    }

    fn embeddings(&self, id: NamespaceId, seqs: &[Seq]) -> Result<Vec<Option<Embedding>>> {
        self.with(|conn, path| {
            let found = embedding_rows::many(conn, path, id, seqs)?;
            missing(conn, path, id, &absent(seqs, &found), "vec", |op| op == Op::Embedded)?;
            Ok(found)
        })
    }

    fn history(&self, id: NamespaceId, uid: Uid) -> Result<Vec<Event>> {
        self.with(|conn, path| {
            let mut found = Vec::new();
            let stand = heads::by_id(conn, path, id)?;
            if let Some(stand) = stand {
                chain_only(conn, path, &stand, &mut |event| {
                    if event.uid == uid {
                        found.push(event);
                    }
                })?;
            }
            Ok(found)
        })
    }

    fn segments(&self, id: NamespaceId) -> Result<Option<SegmentHeader>> {
        self.with(|conn, file| segments::header(conn, file, id))
    }

    fn segment_part(&self, id: NamespaceId, kind: &str, part: u32) -> Result<Option<Vec<u8>>> {
        self.with(|conn, file| segments::part(conn, file, id, kind, part))
    }

    fn spaces(&self) -> Result<Vec<(SpaceId, Space)>> {
        self.with(spaces::spaces)
    }
}
