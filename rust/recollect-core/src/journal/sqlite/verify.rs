//! The check of the whole file: every page, every chain, every row.

use std::path::Path;

use rusqlite::Connection;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::event::{Event, NamespaceId, Seq, Written};
use crate::journal::ledger::Verification;
use crate::journal::sqlite::errors::sql;
use crate::journal::sqlite::interruption::interruptible;
use crate::journal::sqlite::scan::{Sink, scan};
use crate::journal::sqlite::schema::{self, row_id};
use crate::journal::sqlite::{heads, segments, spaces};

/// Events between two questions whether to stop.
const STRIDE: u64 = 256;

/// Checks everything and never stops at the first damage.
pub(crate) fn verify(conn: &Connection, path: &Path, cancel: Cancel<'_>) -> Result<Verification> {
    interruptible(conn, cancel, || check(conn, path, cancel))
}

fn check(conn: &Connection, path: &Path, cancel: Cancel<'_>) -> Result<Verification> {
    let mut found = Verification::default();
    note(&mut found, schema::check(conn, path))?;
    pages(conn, path, cancel, &mut found)?;
    note(&mut found, spaces::spaces(conn, path).map(|_| ()))?;
    let ids = heads::ids(conn, path);
    if let Ok(ids) = &ids {
        census(conn, path, ids, &mut found)?;
        for id in ids {
            cancel.check()?;
            namespace(conn, path, *id, cancel, &mut found)?;
        }
    }
    note(&mut found, ids.map(|_| ()))?;
    Ok(found)
}

/// Damage is written down; anything else ends the check.
fn note(found: &mut Verification, outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(Error::Corrupt { table, id, reason, .. }) => {
            found.damage.push(format!("{table} {id}: {reason}"));
            Ok(())
        }
        Err(Error::NotAStore { reason, .. }) => {
            found.damage.push(format!("schema: {reason}"));
            Ok(())
        }
        other => other,
    }
}

/// What the engine itself can tell: trees, free pages, types, the index of the paths.
fn pages(conn: &Connection, path: &Path, cancel: Cancel<'_>, found: &mut Verification) -> Result<()> {
    for table in ["meta", "ns", "rec", "vec", "oplog", "seg", "space"] {
        cancel.check()?;
        let mut check = || -> rusqlite::Result<()> {
            let mut query = conn.prepare(&format!("PRAGMA integrity_check({table})"))?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let line: String = row.get(0)?;
                if line != "ok" {
                    found.damage.push(format!("{table}: {line}"));
                }
            }
            Ok(())
        };
        let outcome = check().map_err(sql(path));
        note(found, outcome)?;
    }
    Ok(())
}

/// Namespaces are numbered from 1 without a gap, and every row belongs to one.
fn census(conn: &Connection, path: &Path, ids: &[NamespaceId], found: &mut Verification) -> Result<()> {
    match heads::census(conn, path) {
        Ok(census) if census.namespaces != ids.len() as u64 => found.damage.push(format!(
            "ns 0: {} namespaces were made, {} are there",
            census.namespaces,
            ids.len()
        )),
        other => note(found, other.map(|_| ()))?,
    }
    let beyond = ids.last().map_or(0, |last| last + 1);
    for table in ["rec", "vec", "oplog", "seg"] {
        let count = conn.query_row(
            &format!("SELECT count(*) FROM {table} WHERE id < ?1 OR id >= ?2"),
            [row_id(1, 0), row_id(beyond, 0)],
            |row| row.get::<_, i64>(0),
        );
        let count = count.map_err(sql(path)).map(|count| {
            if count > 0 {
                found.damage.push(format!("{table}: {count} rows belong to no namespace"));
            }
        });
        note(found, count)?;
    }
    Ok(())
}

fn namespace(
    conn: &Connection,
    path: &Path,
    id: NamespaceId,
    cancel: Cancel<'_>,
    found: &mut Verification,
) -> Result<()> {
    found.namespaces += 1;
    let stand = match heads::by_id(conn, path, id) {
        Ok(Some(stand)) => stand,
        Ok(None) => return Ok(()),
        Err(error) => return note(found, Err(error)),
    };
    let outcome = scan(conn, path, &stand, 0, &mut Tally { id, cancel, found });
    note(found, outcome)?;
    let outcome = segments::check(conn, path, id).map(|damage| found.damage.extend(damage));
    note(found, outcome)
}

/// Counts what is sound and writes down what is not.
struct Tally<'a> {
    id: NamespaceId,
    cancel: Cancel<'a>,
    found: &'a mut Verification,
}

impl Sink for Tally<'_> {
    fn event(&mut self, _: Event, written: Option<Written>) -> Result<()> {
        self.found.events += 1;
        self.found.contents += u64::from(written.is_some_and(|it| it.content().is_some()));
        if self.found.events.is_multiple_of(STRIDE) { self.cancel.check() } else { Ok(()) }
    }

    fn damage(&mut self, table: &'static str, seq: Seq, reason: String) -> Result<()> {
        self.found.damage.push(format!("{table} {seq} of namespace {}: {reason}", self.id));
        Ok(())
    }
}
