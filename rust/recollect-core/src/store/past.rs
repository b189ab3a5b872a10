//! A namespace as it was known at an earlier time: its journal, read without what was recorded later.
//!
//! Erasures count at all times, and so do moves to another embedding space: what was erased is gone from the past too, and
//! vectors are those of today's space. The first read of a time reads the whole journal; the last [`KEPT`] states stay.

use std::sync::Arc;

use parking_lot::RwLock;

use super::cell::{Cell, Loaded, Seen};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::event::{Event, Op};
use crate::journal::ledger::{Ledger, Reader};
use crate::time::Timestamp;

/// Earlier times of a namespace that stay in memory.
const KEPT: usize = 2;
/// How often a read starts over when what it was about to return was erased meanwhile.
const ATTEMPTS: usize = 8;

impl Cell {
    /// Runs a read on the state of now, or on that of an earlier time; `None` from `f` starts it over.
    pub(super) fn read_as_known<R>(
        &self,
        known: Option<Timestamp>,
        ledger: &dyn Ledger,
        cancel: Cancel<'_>,
        mut f: impl FnMut(Seen<'_>) -> Result<Option<R>>,
    ) -> Result<R> {
        let Some(known) = known else { return self.read(ledger, cancel, f) };
        for _ in 0..ATTEMPTS {
            let reader = ledger.read()?;
            let state = self.at_time(known);
            let version = reader.version()?;
            if state.read().as_ref().is_none_or(|loaded| loaded.version != version) {
                self.remember(&mut state.write(), known, &*reader, version, cancel)?;
            }
            let guard = state.read();
            if let Some(loaded) = guard.as_ref()
                && let Some(answer) = f(Seen { state: &loaded.state, id: loaded.id, reader: &*reader })?
            {
                return Ok(answer);
            }
            drop(guard);
            // An erasure may be in the file and its states not dropped yet.
            drop(self.committing.lock());
            self.past.lock().clear();
        }
        Err(Error::Storage(format!("namespace \"{}\" changed faster than its past could be read", self.path)))
    }

    fn at_time(&self, known: Timestamp) -> Arc<RwLock<Option<Loaded>>> {
        let mut past = self.past.lock();
        let found = past.iter().position(|x| x.0 == known);
        let state = found.map_or_else(Arc::default, |at| past.remove(at).1);
        past.push((known, Arc::clone(&state)));
        let over = past.len().saturating_sub(KEPT);
        past.drain(..over);
        state
    }

    /// Reads on from where the state stands.
    fn remember(
        &self,
        slot: &mut Option<Loaded>,
        known: Timestamp,
        reader: &dyn Reader,
        version: u64,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let mut loaded = match slot.take().filter(|loaded| loaded.id.is_some()) {
            Some(loaded) => loaded,
            None => self.beginning(reader, version)?,
        };
        loaded.read_on(reader, version, cancel, &|event| event.at <= known || of_all_times(event))?;
        *slot = Some(loaded);
        Ok(())
    }
}

fn of_all_times(event: &Event) -> bool {
    matches!(event.op, Op::Erased | Op::Configured | Op::Embedded)
}
