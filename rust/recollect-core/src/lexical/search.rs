//! Preparing a query and finding the best documents.

use std::borrow::Cow;

use super::exhaustive::{self, Weighted};
use super::index::LexicalIndex;
use super::max_score;
use super::query::{Query, QueryTerm};
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::scored::Scored;

impl LexicalIndex {
    /// Analyses a query and weighs its terms.
    pub fn prepare(&self, text: &str) -> Query {
        let (mut terms, mut places) = (Vec::<QueryTerm>::new(), rustc_hash::FxHashMap::default());
        for text in self.analyzer.terms(text) {
            match places.get(&text) {
                Some(&at) => {
                    let term: &mut QueryTerm = &mut terms[at];
                    term.multiplicity = term.multiplicity.saturating_add(1);
                }
                None => {
                    places.insert(text.clone(), terms.len());
                    terms.push(self.resolve(text, 1));
                }
            }
        }
        Query::weigh(terms, self.documents.collection(), self.bm25)
    }

    /// The same for the set of its terms: each counts once, however often it stands in the text.
    pub fn prepare_set(&self, text: &str) -> Query {
        let mut terms = Vec::<QueryTerm>::new();
        let mut known = rustc_hash::FxHashSet::default();
        for text in self.analyzer.terms(text) {
            if known.insert(text.clone()) {
                terms.push(self.resolve(text, 1));
            }
        }
        Query::weigh(terms, self.documents.collection(), self.bm25)
    }

    /// A term as the index knows it now.
    fn resolve(&self, text: String, multiplicity: u32) -> QueryTerm {
        let id = self.vocabulary.get(text.as_bytes());
        let documents = id.map_or(0, |id| self.postings[id as usize].documents());
        let id = id.filter(|_| documents > 0);
        QueryTerm { text, multiplicity, documents, id, idf: 0.0, weight: 0.0 }
    }

    /// The query as it is, or weighed anew where it was prepared for another state or index.
    pub(super) fn current<'q>(&self, query: &'q Query) -> Cow<'q, Query> {
        let collection = self.documents.collection();
        let resolved = query.terms().iter().map(|t| self.resolve(t.text.clone(), t.multiplicity));
        let resolved: Vec<_> = resolved.collect();
        let same = |(old, new): (&QueryTerm, &QueryTerm)| old.id == new.id && old.documents == new.documents;
        if query.collection == collection
            && query.norm == self.bm25.norm(collection)
            && query.terms().iter().zip(&resolved).all(same)
        {
            return Cow::Borrowed(query);
        }
        Cow::Owned(Query::weigh(resolved, collection, self.bm25))
    }

    /// The known terms with their postings.
    pub(super) fn weighted(&self, query: &Query) -> Vec<Weighted<'_>> {
        let known = query.terms().iter().filter_map(|term| term.id.map(|id| (id, term.weight)));
        known.map(|(id, weight)| Weighted { postings: &self.postings[id as usize], weight }).collect()
    }

    /// The best `k` documents that share a term with the query, of those in `allow` if given: by
    /// descending score, ties by ascending slot. Exact.
    ///
    /// # Errors
    /// [`crate::error::Error::Cancelled`] once the caller asked to stop.
    pub fn search(
        &self,
        query: &Query,
        k: usize,
        allow: Option<&Bitmap>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        let query = self.current(query);
        let terms = self.weighted(&query);
        let postings: usize = terms.iter().map(|term| term.postings.len()).sum();
        let k = k.min(self.len());
        if k == 0 || postings == 0 {
            return Ok(Vec::new());
        }
        let best = match allow {
            // A look-up costs about as much as scanning this many postings.
            Some(allow) if allow.len().saturating_mul(48 * terms.len()) < postings => {
                exhaustive::top_of(allow.iter(), &terms, &self.documents, query.norm, k, cancel)?
            }
            _ => max_score::top(&terms, &self.documents, query.norm, k, allow, cancel)?,
        };
        Ok(best.finish(query.step))
    }

    /// What [`Self::search`] answers, by scoring every document: the oracle of the tests.
    pub fn search_exhaustive(&self, query: &Query, k: usize, allow: Option<&Bitmap>) -> Vec<Scored> {
        let mut scores = vec![0.0; self.documents.lengths().len()];
        self.scores(query, &mut scores);
        let scored = (0..).zip(scores).map(|(slot, score)| Scored { slot, score });
        let matches = |found: &Scored| found.score > 0.0 && allow.is_none_or(|set| set.contains(found.slot));
        let mut found: Vec<_> = scored.filter(matches).collect();
        found.sort_unstable_by(Scored::order);
        found.truncate(k);
        found
    }
}
