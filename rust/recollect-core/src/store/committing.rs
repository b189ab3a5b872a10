//! How a write becomes true: planned on the state, committed to the ledger, applied to the state.

use serde_json::Value;

use super::batch::{Batch, Call};
use super::config::Config;
use super::joining::{Brought, Forms, join};
use super::memory::Memory;
use super::state::State;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::event::{Event, Op, Written};
use crate::journal::ledger::{Commit, Space, Target};
use crate::record::Metadata;

impl Memory {
    /// Plans events on the state, commits them, applies them. One writer at a time.
    pub(super) fn write<R>(
        &self,
        brought: Brought<'_>,
        call: &mut Call<'_>,
        plan: impl FnOnce(&State, &mut Batch, &mut Call<'_>, &Forms) -> Result<R>,
    ) -> Result<R> {
        self.shared.check()?;
        let ledger = &*self.shared.ledger;
        if !ledger.writable() {
            return Err(Error::ReadOnly);
        }
        let _writer = self.shared.writer.lock();
        let (id, mut batch, answer, joined) = {
            let guard = {
                let reader = ledger.read()?;
                self.cell.level(ledger, &*reader, call.cancel)?
            };
            let Some(loaded) = guard.as_ref() else { return Err(Error::Closed) };
            let state = &loaded.state;
            let joined = join(state, brought, self.wish, ledger)?;
            let mut batch = Batch::after(state, call.now);
            if let Some((config, space)) = &joined {
                if loaded.id.is_some() {
                    batch.configure(config);
                }
                batch.opened.extend(config.space.map(|id| (id, space.clone())));
            }
            let forms = Forms::of(state, joined.as_ref(), brought)?;
            let answer = plan(state, &mut batch, call, &forms)?;
            (loaded.id, batch, answer, joined)
        };
        let renewals = self.note_renewals(&mut batch);
        if batch.is_empty() {
            return Ok(answer);
        }
        call.cancel.check()?;
        self.commit(id, batch, joined, call.cancel)?;
        // Only now: what could not be journalled waits for the next write.
        let mut touched = self.cell.touched.lock();
        let journalled = renewals.min(touched.len());
        touched.drain(..journalled);
        drop(touched);
        Ok(answer)
    }

    /// Records the pending renewals and says how many; reads may add more meanwhile.
    fn note_renewals(&self, batch: &mut Batch) -> usize {
        let touched = self.cell.touched.lock();
        for renewal in touched.iter() {
            let mut detail = Metadata::new();
            detail.insert("expires".into(), Value::from(renewal.expires));
            batch.note(Op::Touched, renewal.uid, 0, detail);
        }
        touched.len()
    }

    fn commit(
        &self,
        id: Option<u32>,
        batch: Batch,
        joined: Option<(Config, Space)>,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let ledger = &*self.shared.ledger;
        let fresh = joined.as_ref().map_or_else(|| self.cell.language.write(), |x| x.0.write());
        let target = match id {
            Some(id) => Target::Known(id),
            None => Target::New { path: &self.cell.path, config: &fresh },
        };
        let commit = Commit {
            target,
            events: &batch.events,
            contents: &batch.contents,
            embeddings: &batch.embeddings,
            restated: &batch.restated,
            erased: &batch.erased,
            config: batch.config.as_ref(),
        };
        let _committing = self.cell.committing.lock();
        let committed = ledger.commit(&[commit], cancel);
        let mut guard = self.cell.state.write();
        let ids = match committed {
            Ok(ids) => ids,
            Err(error) => {
                // What is in the file is not known; the next read loads it again.
                *guard = None;
                return Err(error);
            }
        };
        let Some(loaded) = guard.as_mut() else { return Ok(()) };
        loaded.id = ids.first().copied();
        if batch.config.is_some() {
            // The snapshot went with the configuration.
            loaded.stored = 0;
        }
        if let (None, Some((config, space))) = (id, &joined) {
            loaded.state.configure(config.clone(), space.clone())?;
        }
        let named = |id| {
            let opened = batch.opened.iter().find(|x| x.0 == id);
            opened.map(|x| x.1.clone()).ok_or(Error::Closed)
        };
        let mut contents = batch.contents.into_iter();
        let mut embeddings = batch.embeddings.into_iter().peekable();
        let mut apply = |at: usize, event: &Event| {
            if at % 1024 == 1023 {
                cancel.check()?;
            }
            let content = event.op.writes().then(|| contents.next()).flatten().map(Written::Content);
            let keys = embeddings.next_if(|keys| keys.seq == event.seq).map(Written::Keys);
            loaded.state.apply(event, content.or(keys).as_ref(), &named)
        };
        let applied = batch.events.iter().enumerate().try_for_each(|(at, event)| apply(at, event));
        if applied.is_err() {
            // Committed but not applied, as when stopped here: the next use loads the namespace again.
            *guard = None;
        }
        // Who asks to stop now is too late: "cancelled" would say that nothing was written.
        applied.or_else(|error| if matches!(error, Error::Cancelled) { Ok(()) } else { Err(error) })
    }
}
