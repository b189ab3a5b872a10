//! Facts under two times: a statement of a subject holds from and until the time of its event, and stands from the write
//! of a version to the next one.
//!
//! | policy | what becomes of statements of the same subject and predicate, another object, and a time in common |
//! |---|---|
//! | [`Policy::Supersede`] | a new version holds before the new statement, another memory after it |
//! | [`Policy::LatestWins`] | they are deleted |
//! | [`Policy::KeepBoth`] | they stand, linked by `contradicts` |
//! | [`Policy::ByConfidence`] | as superseded, unless one is surer: then the new statement is added and deleted |
//! | [`Policy::Judged`] | each as its verdict has it |
//!
//! Snodgrass, "Developing Time-Oriented Database Applications in SQL" (1999), for the two times.

use super::admission::Draft;
use super::batch::Call;
use super::joining::{Brought, check_vectors};
use super::memory::{Held, Memory, held};
use super::statement::{CONTRADICTS, Claimed, Fact, Policy, SUPPORTS, others, span};
use super::superseding::Plan;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::{Slot, Uid};
use crate::record::Metadata;
use crate::time::{Interval, Timestamp};

impl Memory {
    /// States a fact, whose `subject`, `predicate` and `object` stand in the metadata of the draft; the memories of
    /// `evidence` are linked to it as what supports it.
    ///
    /// One that a surer or equal statement of the same object already holds is noted as a mention of that.
    ///
    /// # Errors
    /// [`Error::Invalid`] where one of the three is missing, or the memories that were judged are no longer those in
    /// conflict; [`Error::UnknownMemory`] for evidence that is not there; and as [`Memory::add`].
    pub fn claim<'s>(
        &self,
        draft: Draft,
        evidence: &[Uid],
        policy: &Policy,
        spaces: impl Into<Brought<'s>>,
        call: &mut Call<'_>,
    ) -> Result<Claimed> {
        draft.check(0)?;
        let brought = spaces.into();
        check_vectors(std::iter::once(&draft.vectors), brought.vectors)?;
        check_vectors(std::iter::once(&draft.beside), brought.beside)?;
        let brought = brought.only(!draft.vectors.is_empty(), !draft.beside.is_empty());
        let fact = Fact::of(&draft.metadata)?;
        let id = self.read(call.cancel, |seen| Ok(Some(seen.id)))?;
        self.write(brought, call, |state, batch, call, forms| {
            evidence.iter().try_for_each(|&uid| state.slot(uid, call.now).map(drop))?;
            state.associations.admit_relation(SUPPORTS)?;
            state.associations.admit_relation(CONTRADICTS)?;
            let mut plan = Plan { memory: self, id, state, batch, call, forms };
            plan.claim(draft, &fact, evidence, policy)
        })
    }

    /// The statements that a new one would contradict, in the order of the writes.
    ///
    /// # Errors
    /// As [`Memory::claim`].
    pub fn conflicts(
        &self,
        metadata: &Metadata,
        event: Option<Interval>,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Held>> {
        let fact = Fact::of(metadata)?;
        self.read(cancel, |seen| {
            let slots: Vec<Slot> = others(seen.state, &fact, span(event), now).collect();
            held(&seen, &slots)
        })
    }
}
