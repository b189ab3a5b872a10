//! One pass over a namespace: events, contents and vectors side by side, every hash checked.

use std::path::Path;

use rusqlite::{Connection, Row, Rows};

use crate::error::Result;
use crate::journal::chain;
use crate::journal::continuity::MAX_SEQ;
use crate::journal::event::{Event, KeyVector, NamespaceId, Seq, Written};
use crate::journal::sqlite::embedding_rows::Stored;
use crate::journal::sqlite::errors::{Checked, damage, sql};
use crate::journal::sqlite::heads::Stand;
use crate::journal::sqlite::schema::{row_id, seq_of};
use crate::journal::sqlite::{content_rows, embedding_rows, event_rows, vector_rows};

/// What takes the findings of a pass; an error ends it.
pub(crate) trait Sink {
    /// An event, with what it wrote unless that was erased.
    fn event(&mut self, event: Event, written: Option<Written>) -> Result<()>;
    /// A row that is not as it was written.
    fn damage(&mut self, table: &'static str, seq: Seq, reason: String) -> Result<()>;
}

type Decode<T> = fn(NamespaceId, &Row<'_>) -> Checked<T>;

/// The rows of one table in order, one read ahead.
struct Cursor<'a, T> {
    rows: Rows<'a>,
    decode: Decode<T>,
    namespace: NamespaceId,
    ahead: Option<(Seq, Checked<T>)>,
}

impl<'a, T> Cursor<'a, T> {
    fn new(rows: Rows<'a>, namespace: NamespaceId, decode: Decode<T>, path: &Path) -> Result<Self> {
        let mut cursor = Self { rows, decode, namespace, ahead: None };
        cursor.next(path)?;
        Ok(cursor)
    }

    /// The row read ahead; reads the one after it.
    fn next(&mut self, path: &Path) -> Result<Option<(Seq, Checked<T>)>> {
        let next = match self.rows.next().map_err(sql(path))? {
            Some(row) => Some((seq_of(row.get(0).map_err(sql(path))?), (self.decode)(self.namespace, row))),
            None => None,
        };
        Ok(std::mem::replace(&mut self.ahead, next))
    }

    fn at(&self) -> Option<Seq> {
        self.ahead.as_ref().map(|(seq, _)| *seq)
    }
}

/// Reads everything after an event, up to the head. From 0 on it also compares the contents with their count and sum.
pub(crate) fn scan(
    conn: &Connection,
    path: &Path,
    stand: &Stand,
    after: Seq,
    sink: &mut dyn Sink,
) -> Result<()> {
    let id = stand.head.id;
    let range = [row_id(id, after.min(MAX_SEQ - 1)) + 1, row_id(id, MAX_SEQ - 1)];
    let mut events = conn.prepare_cached(event_rows::RANGE).map_err(sql(path))?;
    let mut contents = conn.prepare_cached(content_rows::RANGE).map_err(sql(path))?;
    let mut vectors = conn.prepare_cached(vector_rows::RANGE).map_err(sql(path))?;
    let mut events =
        Cursor::new(events.query(range).map_err(sql(path))?, id, |_, row| event_rows::decode(row), path)?;
    let mut contents =
        Cursor::new(contents.query(range).map_err(sql(path))?, id, content_rows::decode, path)?;
    let mut vectors = Cursor::new(
        vectors.query(range).map_err(sql(path))?,
        id,
        |_, row| embedding_rows::decode(row),
        path,
    )?;
    let mut pass = Pass { path, id, sink, rows: 0, sum: 0 };

    // None once the chain is broken: the next event is then taken as it is, and the one after checked against it.
    let mut prev = hash_at(conn, path, stand, after, pass.sink)?;
    let mut last = after;
    while let Some((seq, found)) = events.next(path)? {
        if seq != last + 1 {
            pass.sink.damage(
                "oplog",
                last + 1,
                format!("events are missing up to {}", seq.saturating_sub(1)),
            )?;
            prev = None;
        }
        last = seq;
        let (written, commitment) = pass.written(seq, &mut contents, &mut vectors)?;
        let found = match found {
            Ok(found) => found,
            Err(reason) => {
                pass.sink.damage("oplog", seq, reason)?;
                prev = None;
                continue;
            }
        };
        if prev.is_some_and(|prev| !found.follows(&prev)) {
            pass.sink.damage(
                "oplog",
                seq,
                "the event does not follow on from the one before it".to_owned(),
            )?;
        }
        prev = Some(found.event.hash);
        let suits = written.as_ref().is_none_or(|written| written.suits(found.event.op));
        if !suits || commitment.is_some_and(|it| it != found.event.commitment) {
            let alone = written.as_ref().is_some_and(|written| written.keys().is_some());
            let table = if alone { "vec" } else { "rec" };
            pass.sink.damage(table, seq, "the row is not what the event committed to".to_owned())?;
        }
        pass.sink.event(found.event, written)?;
    }
    pass.written(MAX_SEQ, &mut contents, &mut vectors)?;
    pass.finish(stand, after, last, prev)
}

struct Pass<'a> {
    path: &'a Path,
    id: NamespaceId,
    sink: &'a mut dyn Sink,
    rows: u64,
    sum: u128,
}

impl Pass<'_> {
    /// What an event wrote, with its commitment; rows before it that belong to no event are damage.
    fn written(
        &mut self,
        seq: Seq,
        contents: &mut Cursor<'_, content_rows::Found>,
        vectors: &mut Cursor<'_, Stored>,
    ) -> Result<(Option<Written>, Option<[u8; 32]>)> {
        while let Some(at) = contents.at().filter(|at| *at < seq) {
            self.sink.damage("rec", at, "no event wrote this row".to_owned())?;
            contents.next(self.path)?;
        }
        let found = if contents.at() == Some(seq) { contents.next(self.path)? } else { None };
        while let Some(at) = vectors.at().filter(|at| *at < seq) {
            self.sink.damage("vec", at, "the row belongs to no content".to_owned())?;
            vectors.next(self.path)?;
        }
        let keys = if vectors.at() == Some(seq) { vectors.next(self.path)? } else { None };
        let keys = keys.map(|(_, keys)| keys);
        let mut found = match found {
            Some((_, Ok(found))) => found,
            Some((_, Err(reason))) => {
                self.rows += 1;
                self.sink.damage("rec", seq, reason)?;
                return Ok((None, None));
            }
            None => return self.alone(seq, keys),
        };
        self.rows += 1;
        self.sum = self.sum.wrapping_add(found.hash);
        match (keys, found.keys != [0; 32]) {
            (None, false) => {}
            (None, true) => self.sink.damage("vec", seq, "the row is missing".to_owned())?,
            (Some(keys), _) => match keys.and_then(|keys| beside(keys, &found.keys)) {
                Ok(keys) => found.content.vectors = keys,
                Err(reason) => self.sink.damage("vec", seq, reason)?,
            },
        }
        Ok((Some(Written::Content(found.content)), Some(found.commitment)))
    }

    /// What an event without a content wrote: vector keys alone, or nothing.
    fn alone(
        &mut self,
        seq: Seq,
        stored: Option<Checked<Stored>>,
    ) -> Result<(Option<Written>, Option<[u8; 32]>)> {
        match stored {
            None => Ok((None, None)),
            Some(Ok(Stored::Alone(embedding))) => {
                let commitment = chain::keys_commitment(&embedding);
                self.rows += 1;
                self.sum = self.sum.wrapping_add(embedding_rows::hash(self.id, seq, &commitment));
                Ok((Some(Written::Keys(embedding)), Some(commitment)))
            }
            Some(Ok(Stored::Beside(_))) => {
                self.sink.damage("vec", seq, "the row belongs to no content".to_owned())?;
                Ok((None, None))
            }
            Some(Err(reason)) => {
                self.sink.damage("vec", seq, reason)?;
                Ok((None, None))
            }
        }
    }

    fn finish(self, stand: &Stand, after: Seq, last: Seq, hash: Option<[u8; 32]>) -> Result<()> {
        let head = &stand.head;
        if last != head.seq {
            let reason = format!("the journal ends at {last}, the namespace at {}", head.seq);
            self.sink.damage("oplog", last, reason)?;
        } else if hash.is_some_and(|hash| hash != head.hash) {
            self.sink.damage("oplog", last, "the last hash is not the one of the namespace".to_owned())?;
        }
        if after == 0 && (self.rows, self.sum) != (head.rows, stand.sum) {
            let reason =
                format!("{} rows are there, {} are counted, or their hashes differ", self.rows, head.rows);
            self.sink.damage("rec", head.seq, reason)?;
        }
        Ok(())
    }
}

/// The keys of a content whose row carries this digest.
fn beside(stored: Stored, digest: &[u8; 32]) -> Checked<Vec<KeyVector>> {
    match stored {
        Stored::Beside(keys) => vector_rows::check(keys, digest),
        Stored::Alone(_) => Err("the row does not match its hash".to_owned()),
    }
}

/// The hash that the first event of the pass must follow.
fn hash_at(
    conn: &Connection,
    path: &Path,
    stand: &Stand,
    seq: Seq,
    sink: &mut dyn Sink,
) -> Result<Option<[u8; 32]>> {
    if seq == 0 {
        return Ok(Some(chain::genesis(&stand.head.path)));
    }
    let mut query = conn.prepare_cached("SELECT hash FROM oplog WHERE id = ?1").map_err(sql(path))?;
    let mut rows = query.query([row_id(stand.head.id, seq.min(MAX_SEQ - 1))]).map_err(sql(path))?;
    match rows.next().map_err(sql(path))?.map(|row| row.get(0)) {
        Some(Ok(hash)) => Ok(Some(hash)),
        _ => {
            sink.damage("oplog", seq, "the event to go on from is missing".to_owned())?;
            Ok(None)
        }
    }
}

/// Reads the events alone, chain checked, without contents.
pub(crate) fn chain_only(
    conn: &Connection,
    path: &Path,
    stand: &Stand,
    each: &mut dyn FnMut(Event),
) -> Result<()> {
    let head = &stand.head;
    let range = [row_id(head.id, 0), row_id(head.id, MAX_SEQ - 1)];
    let mut query = conn.prepare_cached(event_rows::RANGE).map_err(sql(path))?;
    let mut rows = query.query(range).map_err(sql(path))?;
    let (mut seq, mut hash) = (0, chain::genesis(&head.path));
    let broken = |seq: Seq| damage(path, "oplog", seq, "the event does not follow on from the one before it");
    while let Some(row) = rows.next().map_err(sql(path))? {
        let found = event_rows::decode(row).map_err(|reason| damage(path, "oplog", seq + 1, reason))?;
        if found.event.seq != seq + 1 || !found.follows(&hash) {
            return Err(broken(seq + 1));
        }
        (seq, hash) = (found.event.seq, found.event.hash);
        each(found.event);
    }
    if (seq, hash) == (head.seq, head.hash) { Ok(()) } else { Err(broken(seq)) }
}
