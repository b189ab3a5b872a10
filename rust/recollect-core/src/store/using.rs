//! The verbs that say how memories were used, and what they come to.

use serde_json::Value;

use super::batch::Call;
use super::joining::Brought;
use super::linking::hebbian;
use super::memory::Memory;
use super::selection::Selection;
use super::state::State;
use super::uses::Use;
use crate::activation::BaseLevel;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::{Slot, Uid};
use crate::journal::event::Op;
use crate::record::Metadata;
use crate::time::Timestamp;

/// What is known of the uses of one memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Used {
    /// Who.
    pub uid: Uid,
    /// Its uses; the first is that it came to be.
    pub uses: Use,
    /// Its base-level activation.
    pub base_level: f64,
    /// Whether it is pinned: never pruned, evicted or held back.
    pub pinned: bool,
    /// When the store learned it.
    pub ingested: Timestamp,
}

impl Memory {
    /// Notes that memories were of use, in one event: their base level rises. With `together` above zero each two of
    /// them are linked, or their link gets so much stronger (Hebbian learning).
    ///
    /// # Errors
    /// [`Error::UnknownMemory`], [`Error::Invalid`] and [`Error::Limit`] for `together`, and as any write.
    pub fn reinforce(&self, uids: &[Uid], together: f32, call: &mut Call<'_>) -> Result<()> {
        self.note_uses(Op::Recalled, uids, Metadata::new(), together, call)
    }

    /// Notes what came of using memories, in one event: their value moves by 0.3 of the way to the reward.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a reward outside `[-1, 1]`, [`Error::UnknownMemory`], and as any write.
    pub fn feedback(&self, uids: &[Uid], reward: f32, call: &mut Call<'_>) -> Result<()> {
        if !(-1.0..=1.0).contains(&reward) {
            return Err(Error::invalid("reward", format!("expected a number from -1 to 1, found {reward}")));
        }
        let mut detail = Metadata::new();
        detail.insert("reward".into(), f64::from(reward).into());
        self.note_uses(Op::Rewarded, uids, detail, 0.0, call)
    }

    /// Pins memories, or sets them free.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`], and as any write.
    pub fn pin(&self, uids: &[Uid], pinned: bool, call: &mut Call<'_>) -> Result<()> {
        let mut detail = Metadata::new();
        detail.insert("pinned".into(), pinned.into());
        self.note_uses(Op::Pinned, uids, detail, 0.0, call)
    }

    fn note_uses(
        &self,
        op: Op,
        uids: &[Uid],
        mut detail: Metadata,
        together: f32,
        call: &mut Call<'_>,
    ) -> Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        self.write(Brought::default(), call, |state, batch, call, _| {
            uids.iter().try_for_each(|&uid| state.slot(uid, call.now).map(|_| ()))?;
            let links = hebbian(state, uids, together, call.now)?;
            let list = uids.iter().map(|uid| Value::from(uid.to_string())).collect();
            detail.insert("uids".into(), Value::Array(list));
            batch.note(op, Uid([0; 16]), 0, detail);
            links.into_iter().for_each(|(src, link)| batch.note(Op::Linked, src, 0, link));
            Ok(())
        })
    }

    /// What is known of the uses of some memories, in their order.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`], and as any read.
    pub fn uses(
        &self,
        uids: &[Uid],
        level: &BaseLevel,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Used>> {
        self.read(cancel, |seen| {
            let used = |uid: &Uid| Ok(used(seen.state, seen.state.slot(*uid, now)?, level, now));
            uids.iter().map(used).collect::<Result<Vec<_>>>().map(Some)
        })
    }

    /// What is known of the uses of a selection, in the order in which the store learned them.
    ///
    /// # Errors
    /// As any read.
    pub fn uses_of(
        &self,
        selection: &Selection,
        level: &BaseLevel,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Used>> {
        self.read(cancel, |seen| {
            let admitted = seen.state.admitted(selection, now);
            let mut all = Vec::new();
            for slot in admitted.as_ref().unwrap_or(&seen.state.live).iter() {
                if all.len() % 4_096 == 4_095 {
                    cancel.check()?;
                }
                all.push(used(seen.state, slot, level, now));
            }
            Ok(Some(all))
        })
    }
}

fn used(state: &State, slot: Slot, level: &BaseLevel, now: Timestamp) -> Used {
    let entry = &state.entries[slot as usize];
    let uses = state.uses.get(entry.uid).cloned().unwrap_or_else(|| Use::new(entry.time(), entry.turn));
    let base_level = level.of(&uses.history, now.0);
    let (pinned, ingested) = (state.uses.is_pinned(entry.uid), Timestamp(entry.ingested));
    Used { uid: entry.uid, uses, base_level, pinned, ingested }
}
