//! Rows that a lookup by number does not find: erased, never written, or behind damage.

use std::path::Path;

use rusqlite::Connection;
use rustc_hash::FxHashSet;

use crate::error::Result;
use crate::id::Uid;
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

/// Checks that rows were erased, or never written by such an event; anything else is damage on the way to one, of which a
/// divider of the table or the number of the row itself may be the place.
pub(crate) fn missing(
    conn: &Connection,
    path: &Path,
    id: NamespaceId,
    seqs: &[Seq],
    table: &'static str,
    writes: fn(Op) -> bool,
) -> Result<()> {
    if seqs.is_empty() {
        return Ok(());
    }
    let Some(stand) = heads::by_id(conn, path, id)? else { return Ok(()) };
    let asked: FxHashSet<Seq> = seqs.iter().copied().collect();
    let mut written: Vec<(Uid, Seq)> = Vec::new();
    chain_only(conn, path, &stand, &mut |event| {
        if asked.contains(&event.seq) && writes(event.op) {
            written.push((event.uid, event.seq));
        }
        if event.op == Op::Erased {
            written.retain(|(uid, _)| *uid != event.uid);
        }
    })?;
    let left: FxHashSet<Seq> = written.into_iter().map(|(_, seq)| seq).collect();
    if left.is_empty() {
        return Ok(());
    }
    // The pass compares the rows with their count and sum: one that is nowhere in it was erased.
    let mut there = None;
    let each = &mut |event: Event, written: Option<Written>| {
        if written.is_some() && left.contains(&event.seq) {
            there = there.or(Some(event.seq));
        }
        Ok(())
    };
    scan(conn, path, &stand, 0, &mut Strict { path, each })?;
    match there {
        Some(seq) => Err(damage(path, table, seq, "the row cannot be found by its number")),
        None => Ok(()),
    }
}
