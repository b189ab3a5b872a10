//! A namespace handle: the only way to its memories.

use std::sync::Arc;

use super::admission;
use super::batch::Call;
use super::cell::{Cell, Renewal, Seen};
use super::entry::NEVER;
use super::joining::{Brought, Wish};
use super::keys;
use super::selection::Selection;
use super::shared::Shared;
use super::state::State;
use crate::cancel::Cancel;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::id::{Slot, Uid};
use crate::journal::event::{Event, KeyVector, Seq};
use crate::journal::ledger::Space;
use crate::lexical::Language;
use crate::namespace::Namespace;
use crate::record::Record;
use crate::time::Timestamp;

/// A version of a memory as the store holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The version.
    pub record: Record,
    /// When it stops being recalled, if ever.
    pub expires: Option<Timestamp>,
    /// How often it was brought, itself included.
    pub mentions: u32,
}

/// One step in the life of a memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The event.
    pub event: Event,
    /// What it wrote, unless that was erased.
    pub record: Option<Record>,
}

/// How a list is ordered; ties by identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By time of the event.
    Time,
    /// By time of the event, latest first.
    TimeDescending,
    /// By time of the write.
    Ingested,
    /// By time of the write, latest first.
    IngestedDescending,
}

/// The vector keys of one memory.
pub type VectorKeys = Vec<Vec<f32>>;

/// The memories of one namespace. Cheap to clone; all clones share one state.
#[derive(Debug, Clone)]
pub struct Memory {
    pub(super) shared: Arc<Shared>,
    pub(super) cell: Arc<Cell>,
    pub(super) wish: Wish,
}

impl Memory {
    /// The namespace.
    pub fn path(&self) -> &Namespace {
        &self.cell.path
    }

    pub(super) fn read<R>(
        &self,
        cancel: Cancel<'_>,
        f: impl FnMut(Seen<'_>) -> Result<Option<R>>,
    ) -> Result<R> {
        self.shared.check()?;
        self.cell.read(&*self.shared.ledger, cancel, f)
    }

    /// A read of the namespace as it was known at a time.
    pub(super) fn read_as_known<R>(
        &self,
        known: Option<Timestamp>,
        cancel: Cancel<'_>,
        f: impl FnMut(Seen<'_>) -> Result<Option<R>>,
    ) -> Result<R> {
        self.shared.check()?;
        self.cell.read_as_known(known, &*self.shared.ledger, cancel, f)
    }

    /// The memory of an identity, or an earlier version of it.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`] where there is none, it was deleted, or its time to live ran out.
    pub fn get(&self, uid: Uid, version: Option<u32>, now: Timestamp, cancel: Cancel<'_>) -> Result<Held> {
        let unknown = || Error::UnknownMemory(uid.to_string());
        let held = self.read(cancel, |seen| match version {
            None => {
                let slot = seen.state.slot(uid, now)?;
                Ok(held(&seen, &[slot])?.and_then(|mut list| list.pop()))
            }
            Some(version) => {
                let current = seen.state.uids.get(&uid).map(|&slot| seen.state.entries[slot as usize].seq);
                let mut seqs: Vec<Seq> = seen.state.past.get(&uid).cloned().unwrap_or_default();
                seqs.extend(current);
                let id = seen.id.ok_or_else(unknown)?;
                let contents = seen.reader.contents(id, &seqs, false)?;
                let found = contents.into_iter().flatten().find(|c| c.record.version == version);
                let mentions =
                    if found.as_ref().map(|c| c.seq) == current { mentions(seen.state, uid) } else { 1 };
                let content = found.ok_or_else(unknown)?;
                Ok(Some(Held { record: content.record, expires: None, mentions }))
            }
        })?;
        self.renew([(uid, held.record.ttl)].into_iter(), now);
        Ok(held)
    }

    /// The vector keys of memories as they are kept, which for f32 is as they were given, and the space they lie in.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`], and as any read.
    pub fn vectors(
        &self,
        uids: &[Uid],
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<(Vec<VectorKeys>, Option<Space>)> {
        self.read(cancel, |seen| {
            let Some(id) = seen.id else { return Ok(Some((vec![Vec::new(); uids.len()], None))) };
            let slots = uids.iter().map(|uid| seen.state.slot(*uid, now)).collect::<Result<Vec<Slot>>>()?;
            let keys = keys::own(seen.reader, id, seen.state, &slots)?;
            let values = |keys: Vec<Vec<KeyVector>>| {
                keys.iter().map(|keys| keys.iter().map(KeyVector::values).collect()).collect()
            };
            Ok(keys.map(|keys| (values(keys), seen.state.space.clone())))
        })
    }

    /// Every event of a memory, with what it wrote.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`] where nothing ever happened to it here.
    pub fn history(&self, uid: Uid, cancel: Cancel<'_>) -> Result<Vec<Change>> {
        self.read(cancel, |seen| {
            let id = seen.id.ok_or_else(|| Error::UnknownMemory(uid.to_string()))?;
            let events = seen.reader.history(id, uid)?;
            if events.is_empty() {
                return Err(Error::UnknownMemory(uid.to_string()));
            }
            let seqs: Vec<Seq> = events.iter().filter(|e| e.op.writes()).map(|e| e.seq).collect();
            let mut contents = seen.reader.contents(id, &seqs, false)?.into_iter();
            let change = |event: Event| {
                let record = event.op.writes().then(|| contents.next()).flatten().flatten().map(|c| c.record);
                Change { event, record }
            };
            Ok(Some(events.into_iter().map(change).collect()))
        })
    }

    /// The memories of a selection in order, `limit` of them from the `offset`-th on.
    ///
    /// # Errors
    /// As any read.
    pub fn list(
        &self,
        selection: &Selection,
        order: Order,
        offset: usize,
        limit: Option<usize>,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Held>> {
        self.read_as_known(selection.known, cancel, |seen| {
            let mut slots = seen.state.selected(selection, now);
            sort(seen.state, &mut slots, order);
            let page: Vec<Slot> = slots.into_iter().skip(offset).take(limit.unwrap_or(usize::MAX)).collect();
            cancel.check()?;
            held(&seen, &page)
        })
    }

    /// The language of the namespace; none where words are taken as they stand.
    ///
    /// # Errors
    /// As any read.
    pub fn language(&self, cancel: Cancel<'_>) -> Result<Option<Language>> {
        // It never changes: a state that may be behind the ledger tells as well.
        if let Some(loaded) = self.cell.state.read().as_ref().filter(|loaded| loaded.id.is_some()) {
            return Ok(loaded.state.config.language);
        }
        self.read(cancel, |seen| Ok(Some(seen.state.config.language)))
    }

    /// How many memories a selection holds.
    ///
    /// # Errors
    /// As any read.
    pub fn count(&self, selection: &Selection, now: Timestamp, cancel: Cancel<'_>) -> Result<usize> {
        self.read_as_known(selection.known, cancel, |seen| {
            let admitted = seen.state.admitted(selection, now);
            Ok(Some(admitted.map_or(seen.state.live.len(), |x| x.len())))
        })
    }

    /// The identities of a selection, in ascending order.
    ///
    /// # Errors
    /// As any read.
    pub fn identities(&self, selection: &Selection, now: Timestamp, cancel: Cancel<'_>) -> Result<Vec<Uid>> {
        self.read_as_known(selection.known, cancel, |seen| {
            let slots = seen.state.selected(selection, now);
            let mut uids: Vec<Uid> = slots.iter().map(|&x| seen.state.entries[x as usize].uid).collect();
            uids.sort_unstable();
            Ok(Some(uids))
        })
    }

    /// The `k` memories whose events lie nearest an instant, in order of time.
    ///
    /// # Errors
    /// As any read.
    pub fn around(
        &self,
        at: Timestamp,
        k: usize,
        selection: &Selection,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Held>> {
        admission::results(k)?;
        self.read_as_known(selection.known, cancel, |seen| {
            let mut slots = seen.state.nearest(at, k, selection, now);
            sort(seen.state, &mut slots, Order::Time);
            held(&seen, &slots)
        })
    }

    /// The `k` memories nearest one of them: its neighbours in the session, or in time where it has no session.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`], and as any read.
    pub fn beside(
        &self,
        uid: Uid,
        k: usize,
        selection: &Selection,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Held>> {
        admission::results(k)?;
        let (time, session) = self.read(cancel, |seen| {
            let entry = &seen.state.entries[seen.state.slot(uid, now)? as usize];
            Ok(Some((entry.time(), entry.session.is_some())))
        })?;
        if !session {
            return self.around(Timestamp(time), k, selection, now, cancel);
        }
        self.read(cancel, |seen| {
            let state = seen.state;
            let slot = state.slot(uid, now)?;
            let entry = &state.entries[slot as usize];
            let Some((members, at)) = entry.session.and_then(|s| state.sessions.around(s, entry.place(slot)))
            else {
                return Ok(None);
            };
            let sets = selection.needs_sets().then(|| state.admitted(selection, now));
            let seen_by = |slot: &Slot| match &sets {
                Some(set) => set.as_ref().is_none_or(|x| x.contains(*slot)),
                None => state.admits(*slot, selection, now),
            };
            let mut near: Vec<(usize, Slot)> =
                members.iter().enumerate().map(|(i, x)| (i.abs_diff(at), x.slot)).collect();
            near.sort_unstable();
            let mut slots: Vec<Slot> = near.into_iter().map(|x| x.1).filter(seen_by).take(k).collect();
            slots.sort_unstable_by_key(|&x| state.entries[x as usize].place(x));
            held(&seen, &slots)
        })
    }

    /// Starts sliding times to live anew: at once in memory, in the journal with the next write.
    pub(super) fn renew(
        &self,
        recalled: impl Iterator<Item = (Uid, Option<crate::record::Ttl>)>,
        now: Timestamp,
    ) {
        let sliding = recalled.filter_map(|(uid, ttl)| {
            let expires = ttl.filter(|x| x.sliding).map(|x| now.0.saturating_add(x.micros))?;
            Some(Renewal { uid, expires, at: now.0 })
        });
        let mut touched: Vec<Renewal> = sliding.collect();
        if touched.is_empty() || !self.shared.ledger.writable() {
            return;
        }
        if let Some(loaded) = self.cell.state.write().as_mut() {
            // An earlier version of what is over brings nothing back to life.
            touched.retain(|renewal| loaded.state.slot(renewal.uid, now).is_ok());
            touched.iter().for_each(|renewal| {
                loaded.state.renew(renewal.uid, renewal.expires);
            });
        }
        self.cell.touched.lock().extend(touched);
    }
}

impl Memory {
    /// Journals pending renewals on their own.
    pub(super) fn flush(&self, now: i64) -> Result<()> {
        let mut call = Call { now: Timestamp(now), entropy: Entropy::new([0; 32]), cancel: Cancel::never() };
        self.write(Brought::default(), &mut call, |_, _, _, _| Ok(()))
    }
}

fn mentions(state: &State, uid: Uid) -> u32 {
    state.uids.get(&uid).map_or(1, |&slot| state.entries[slot as usize].mentions)
}

fn sort(state: &State, slots: &mut [Slot], order: Order) {
    let entry = |slot: &Slot| &state.entries[*slot as usize];
    match order {
        Order::Time => slots.sort_unstable_by_key(|x| (entry(x).time(), entry(x).turn, entry(x).uid)),
        Order::TimeDescending => {
            slots.sort_unstable_by(|a, b| {
                let key = |x| (entry(x).time(), entry(x).turn);
                key(b).cmp(&key(a)).then(entry(a).uid.cmp(&entry(b).uid))
            });
        }
        Order::Ingested => slots.sort_unstable_by_key(|x| (entry(x).ingested, entry(x).seq)),
        Order::IngestedDescending => {
            slots.sort_unstable_by_key(|x| std::cmp::Reverse((entry(x).ingested, entry(x).seq)));
        }
    }
}

/// The contents of slots, hash checked; none if one of them was erased since the state was read.
pub(super) fn held(seen: &Seen<'_>, slots: &[Slot]) -> Result<Option<Vec<Held>>> {
    let Some(id) = seen.id else { return Ok(Some(Vec::new())) };
    let entries: Vec<_> = slots.iter().map(|&slot| &seen.state.entries[slot as usize]).collect();
    let seqs: Vec<Seq> = entries.iter().map(|e| e.seq).collect();
    let contents = seen.reader.contents(id, &seqs, false)?;
    let held = contents.into_iter().zip(entries).map(|(content, entry)| {
        content.map(|content| Held {
            record: content.record,
            expires: (entry.expires != NEVER).then_some(Timestamp(entry.expires)),
            mentions: entry.mentions,
        })
    });
    Ok(held.collect())
}
