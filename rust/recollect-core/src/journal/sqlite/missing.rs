//! Rows that a lookup by number does not find: erased, never written, or behind damage.

use std::path::Path;

use rusqlite::Connection;

use crate::error::Result;
use crate::journal::event::{Event, NamespaceId, Op, Seq, Written};
use crate::journal::sqlite::errors::damage;
use crate::journal::sqlite::heads;
use crate::journal::sqlite::scan::{Sink, chain_only, scan};

/// Ends the pass at the first damage.
pub(crate) struct Strict<'a> {
    pub(crate) path: &'a Path,
    pub(crate) each: &'a mut dyn FnMut(Event, Option<Written>) -> Result<()>,
}

impl Sink for Strict<'_> {
    fn event(&mut self, event: Event, written: Option<Written>) -> Result<()> {
        (self.each)(event, written)
    }

    fn damage(&mut self, table: &'static str, seq: Seq, reason: String) -> Result<()> {
        Err(damage(self.path, table, seq, reason))
    }
}

/// Checks that the row of a number was erased, or never written by such an event; anything else is damage on the way to
/// it, of which a divider of the table or the number of the row itself may be the place.
pub(crate) fn missing(
    conn: &Connection,
    path: &Path,
    id: NamespaceId,
    seq: Seq,
    table: &'static str,
    writes: fn(Op) -> bool,
) -> Result<()> {
    let Some(stand) = heads::by_id(conn, path, id)? else { return Ok(()) };
    let (mut written, mut erased) = (None, false);
    chain_only(conn, path, &stand, &mut |event| {
        if event.seq == seq && writes(event.op) {
            written = Some(event.uid);
        }
        erased |= event.op == Op::Erased && written == Some(event.uid);
    })?;
    if written.is_none() || erased {
        return Ok(());
    }
    // The pass compares the rows with their count and sum: one that is nowhere in it was erased.
    let mut there = false;
    let each = &mut |event: Event, written: Option<Written>| {
        there |= event.seq == seq && written.is_some();
        Ok(())
    };
    scan(conn, path, &stand, 0, &mut Strict { path, each })?;
    if there { Err(damage(path, table, seq, "the row cannot be found by its number")) } else { Ok(()) }
}
