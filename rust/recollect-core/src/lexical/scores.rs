//! Scores of given documents, and what they are made of.

use super::exhaustive::{self, Lookup, Weighted};
use super::index::LexicalIndex;
use super::query::{Query, QueryTerm, TermMatch};
use crate::id::Slot;

impl LexicalIndex {
    /// Writes the score of every slot, zero where there is none; slots past the end are left out.
    pub fn scores(&self, query: &Query, out: &mut [f32]) {
        let query = self.current(query);
        out.fill(0.0);
        exhaustive::add_all(&self.weighted(&query), &self.documents, query.norm, out);
        out.iter_mut().for_each(|sum| *sum *= query.step);
    }

    /// Replaces `out` by the scores of the given slots, zero where there is none. Ascending slots
    /// are fastest.
    pub fn score_slots(&self, query: &Query, slots: &[Slot], out: &mut Vec<f32>) {
        let query = self.current(query);
        out.clear();
        out.resize(slots.len(), 0.0);
        for term in self.weighted(&query) {
            let mut lookup = Lookup::new(term);
            for (sum, &slot) in out.iter_mut().zip(slots) {
                if self.contains(slot) {
                    *sum += lookup.steps(query.norm, &self.documents, slot) as f32;
                }
            }
        }
        out.iter_mut().for_each(|sum| *sum *= query.step);
    }

    /// Which terms of the query a document has, and what each adds to its score.
    pub fn matched_terms(&self, query: &Query, slot: Slot) -> Vec<TermMatch> {
        let query = self.current(query);
        let frequencies = self.term_frequencies(&query, &[slot]);
        let length = self.document_length(slot).unwrap_or(0) as u16;
        let matches = frequencies.into_iter().zip(query.terms()).enumerate();
        let matches = matches.filter(|(_, (frequency, _))| *frequency > 0);
        matches
            .map(|(term, (frequency, QueryTerm { weight, .. }))| {
                let contribution = query.norm.steps(*weight, frequency, length) as f32 * query.step;
                TermMatch { term, frequency, contribution }
            })
            .collect()
    }

    /// How often each slot has each term of the query, at most 255: one row of
    /// `query.terms().len()` per slot, in order.
    pub fn term_frequencies(&self, query: &Query, slots: &[Slot]) -> Vec<u8> {
        let query = self.current(query);
        let width = query.terms().len();
        let mut out = vec![0; width * slots.len()];
        for (at, term) in query.terms().iter().enumerate() {
            let Some(id) = term.id else { continue };
            let mut lookup = Lookup::new(Weighted { postings: &self.postings[id as usize], weight: 0.0 });
            for (row, &slot) in out.chunks_exact_mut(width).zip(slots) {
                if self.contains(slot) {
                    row[at] = lookup.frequency(slot);
                }
            }
        }
        out
    }
}
