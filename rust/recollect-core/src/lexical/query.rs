//! A text prepared for searching.

use super::bm25::{Bm25, Collection, Norm, step};

/// One distinct term of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryTerm {
    /// The term as the index knows it, stemmed.
    pub text: String,
    /// How often the query has it.
    pub multiplicity: u32,
    /// How many documents have it; zero where it is unknown.
    pub documents: u32,
    /// Inverse document frequency.
    pub idf: f32,
    /// Number in the vocabulary, of known terms.
    pub(super) id: Option<u32>,
    /// Greatest addition to a score, in steps.
    pub(super) weight: f32,
}

/// What one term of a query adds to the score of one document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermMatch {
    /// Place of the term in [`Query::terms`].
    pub term: usize,
    /// How often the document has it, at most 255.
    pub frequency: u8,
    /// Its part of the score; the parts of all terms sum up to the score exactly.
    pub contribution: f32,
}

/// Terms with their weights in one index at one time.
///
/// Searching an index that has changed since weighs the terms anew, so a query never goes stale.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    terms: Vec<QueryTerm>,
    pub(super) collection: Collection,
    pub(super) norm: Norm,
    pub(super) step: f32,
}

impl Query {
    /// Weighs terms that have everything but idf and weight.
    pub(super) fn weigh(mut terms: Vec<QueryTerm>, collection: Collection, bm25: Bm25) -> Self {
        let mut greatest = 0.0;
        for term in &mut terms {
            term.idf = collection.idf(term.documents);
            term.weight = 0.0;
            if term.documents > 0 {
                term.weight = term.multiplicity as f32 * term.idf * (bm25.k1() + 1.0);
            }
            greatest += term.weight;
        }
        let step = step(greatest, terms.len());
        terms.iter_mut().for_each(|term| term.weight /= step);
        Self { terms, collection, norm: bm25.norm(collection), step }
    }

    /// The distinct terms, in the order of their first appearance.
    pub fn terms(&self) -> &[QueryTerm] {
        &self.terms
    }

    /// Number of distinct terms that no document has.
    pub fn unknown(&self) -> usize {
        self.terms.iter().filter(|term| term.documents == 0).count()
    }

    /// Sum of idf times multiplicity over all terms; the unknown ones weigh as much as they can.
    pub fn idf_mass(&self) -> f32 {
        self.terms.iter().map(|term| term.idf * term.multiplicity as f32).sum()
    }

    /// The part of [`Self::idf_mass`] that known terms have.
    pub fn known_idf_mass(&self) -> f32 {
        let known = self.terms.iter().filter(|term| term.documents > 0);
        known.map(|term| term.idf * term.multiplicity as f32).sum()
    }
}
