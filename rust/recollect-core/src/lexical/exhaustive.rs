//! Scoring without shortcuts: the oracle of the search, and the way for few documents.

use super::best::Best;
use super::bm25::Norm;
use super::documents::Documents;
use super::postings::Postings;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;

/// A known term of a query and where it occurs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighted<'a> {
    /// Where it occurs.
    pub(super) postings: &'a Postings,
    /// Greatest addition to a score, in steps.
    pub(super) weight: f32,
}

/// Looks documents up in the postings of one term; ascending slots are fastest.
#[derive(Debug)]
pub(super) struct Lookup<'a> {
    term: Weighted<'a>,
    block: usize,
    last: Slot,
}

impl<'a> Lookup<'a> {
    /// Starts before the first document.
    pub(super) fn new(term: Weighted<'a>) -> Self {
        Self { term, block: 0, last: 0 }
    }

    /// How often a document has the term.
    #[inline]
    pub(super) fn frequency(&mut self, slot: Slot) -> u8 {
        if slot < self.last {
            self.block = 0;
        }
        self.last = slot;
        if self.term.postings.len() == 0 {
            return 0;
        }
        self.block = self.term.postings.reach(self.block, slot);
        self.term.postings.frequency(self.block, slot)
    }

    /// What the term adds to the score of a document, in steps.
    #[inline]
    pub(super) fn steps(&mut self, norm: Norm, documents: &Documents, slot: Slot) -> u32 {
        match self.frequency(slot) {
            0 => 0,
            frequency => norm.steps(self.term.weight, frequency, documents.lengths()[slot as usize]),
        }
    }
}

/// Adds the steps of every document to `sums`; slots past its end are left out.
///
/// Sums stay below 2^24, so they are exact as `f32`.
pub(super) fn add_all(terms: &[Weighted<'_>], documents: &Documents, norm: Norm, sums: &mut [f32]) {
    for term in terms {
        for (slot, frequency) in term.postings.iter() {
            let Some(sum) = sums.get_mut(slot as usize) else { break };
            if documents.live().contains(slot) {
                *sum += norm.steps(term.weight, frequency, documents.lengths()[slot as usize]) as f32;
            }
        }
    }
}

/// The best `k` of the given slots, which ascend.
///
/// # Errors
/// [`crate::error::Error::Cancelled`] once the caller asked to stop.
pub(super) fn top_of(
    slots: impl Iterator<Item = Slot>,
    terms: &[Weighted<'_>],
    documents: &Documents,
    norm: Norm,
    k: usize,
    cancel: Cancel<'_>,
) -> Result<Best> {
    let mut best = Best::new(k);
    let mut lookups: Vec<_> = terms.iter().map(|&term| Lookup::new(term)).collect();
    for (at, slot) in slots.enumerate() {
        if at % 1024 == 0 {
            cancel.check()?;
        }
        if documents.live().contains(slot) {
            let sum = lookups.iter_mut().map(|lookup| lookup.steps(norm, documents, slot)).sum();
            if sum > best.threshold() {
                best.offer(slot, sum);
            }
        }
    }
    Ok(best)
}
