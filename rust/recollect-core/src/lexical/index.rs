//! The index of the words of one namespace.

use std::borrow::Cow;

use super::analyzer::Analyzer;
use super::bm25::Bm25;
use super::documents::Documents;
use super::exhaustive::{self, Lookup, Weighted};
use super::forward::Forward;
use super::max_score;
use super::postings::Postings;
use super::query::{Query, QueryTerm, TermMatch};
use super::surfaces::Surfaces;
use super::vocabulary::Vocabulary;
use super::words;
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;
use crate::scored::Scored;

/// An inverted index with BM25: exact answers, readers run side by side.
///
/// Statistics count the documents that are there and no others, so answers after a removal are
/// those of an index that never had the document.
#[derive(Debug, Clone)]
pub struct LexicalIndex {
    pub(super) analyzer: Analyzer,
    pub(super) bm25: Bm25,
    pub(super) documents: Documents,
    pub(super) vocabulary: Vocabulary,
    /// By term number.
    pub(super) postings: Vec<Postings>,
    surfaces: Surfaces,
    /// There as long as postings of removed documents are.
    forward: Option<Forward>,
    entries: usize,
    dead: usize,
    scratch: (String, Vec<u32>),
}

impl LexicalIndex {
    /// An empty index with the default parameters of BM25.
    pub fn new(analyzer: Analyzer) -> Self {
        Self::with_parameters(analyzer, Bm25::default())
    }

    /// An empty index.
    pub fn with_parameters(analyzer: Analyzer, bm25: Bm25) -> Self {
        Self::assemble(analyzer, bm25, Documents::default(), Vocabulary::default(), Vec::new())
    }

    /// An index of parts that fit each other and hold nothing of removed documents.
    pub(super) fn assemble(
        analyzer: Analyzer,
        bm25: Bm25,
        documents: Documents,
        vocabulary: Vocabulary,
        postings: Vec<Postings>,
    ) -> Self {
        Self {
            analyzer,
            bm25,
            documents,
            vocabulary,
            entries: postings.iter().map(Postings::len).sum(),
            postings,
            surfaces: Surfaces::default(),
            forward: None,
            dead: 0,
            scratch: Default::default(),
        }
    }

    /// How texts become terms.
    pub fn analyzer(&self) -> Analyzer {
        self.analyzer
    }

    /// The parameters of the score.
    pub fn parameters(&self) -> Bm25 {
        self.bm25
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.documents.live().len()
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is a document in this slot.
    pub fn contains(&self, slot: Slot) -> bool {
        self.documents.live().contains(slot)
    }

    /// Number of distinct terms, until the next compaction also those only removed documents had.
    pub fn terms(&self) -> usize {
        self.vocabulary.len()
    }

    /// Length of a document in terms, at most 65,535; none if there is no such document.
    pub fn document_length(&self, slot: Slot) -> Option<u32> {
        self.contains(slot).then(|| u32::from(self.documents.lengths()[slot as usize]))
    }

    /// Bytes of memory, as good as exact.
    pub fn bytes(&self) -> usize {
        let lists: usize = self.postings.iter().map(Postings::bytes).sum();
        lists
            + size_of::<Postings>() * self.postings.capacity()
            + self.documents.bytes()
            + self.vocabulary.bytes()
            + self.surfaces.bytes()
            + self.forward.as_ref().map_or(0, Forward::bytes)
    }

    /// Adds a text, in place of the one the slot had if it had one.
    ///
    /// Ascending slots append; others are inserted into the block where they belong.
    pub fn insert(&mut self, slot: Slot, text: &str) {
        self.remove(slot);
        if self.documents.forget(slot) {
            self.purge(slot);
        }
        let (mut buffer, mut terms) = std::mem::take(&mut self.scratch);
        terms.clear();
        self.read(text, &mut buffer, &mut terms);
        let length = self.documents.add(slot, terms.len());
        terms.sort_unstable();
        for run in terms.chunk_by(|a, b| a == b) {
            let frequency = u8::try_from(run.len()).unwrap_or(u8::MAX);
            self.postings[run[0] as usize].insert(slot, frequency, length);
        }
        terms.dedup();
        self.entries += terms.len();
        if let Some(forward) = &mut self.forward {
            forward.set(slot, terms.iter().copied());
        }
        self.scratch = (buffer, terms);
    }

    /// Appends the term numbers of a text, of new terms too.
    fn read(&mut self, text: &str, buffer: &mut String, terms: &mut Vec<u32>) {
        let Self { analyzer, vocabulary, postings, surfaces, .. } = self;
        let mut number = |term: &str| {
            let id = vocabulary.intern(term);
            if id as usize == postings.len() {
                postings.push(Postings::default());
            }
            id
        };
        let mut stop_words = false;
        words::for_each(text, buffer, |word| {
            if !analyzer.rewrites() {
                return terms.push(number(word));
            }
            let term = surfaces.get(word).unwrap_or_else(|| {
                let term = (!analyzer.is_stop_word(word)).then(|| number(&analyzer.term(word)));
                surfaces.remember(word, term);
                term
            });
            stop_words |= term.is_none();
            terms.extend(term);
        });
        if terms.is_empty() && stop_words {
            words::for_each(text, buffer, |word| terms.push(number(&analyzer.term(word))));
        }
    }

    /// Removes a document; true if there was one. Its postings stay until [`Self::compact`].
    ///
    /// The first removal after a compaction reads all postings once.
    pub fn remove(&mut self, slot: Slot) -> bool {
        if !self.contains(slot) {
            return false;
        }
        let slots = self.documents.lengths().len();
        let forward = self.forward.get_or_insert_with(|| Forward::build(&self.postings, slots));
        for term in forward.terms(slot) {
            self.postings[term as usize].dead += 1;
            self.dead += 1;
        }
        self.documents.remove(slot)
    }

    /// Takes out what is left of a removed document whose slot is used again.
    fn purge(&mut self, slot: Slot) {
        for term in self.forward.iter().flat_map(|forward| forward.terms(slot)) {
            let postings = &mut self.postings[term as usize];
            postings.erase(slot);
            postings.dead -= 1;
            self.dead -= 1;
            self.entries -= 1;
        }
    }

    /// Whether over a quarter of the postings belong to removed documents.
    pub fn wants_compaction(&self) -> bool {
        self.dead * 4 > self.entries
    }

    /// Drops all that is left of removed documents, their words too. Slots keep their numbers.
    ///
    /// Reads and writes all postings once; nothing if no document was removed.
    pub fn compact(&mut self) {
        // A purged document may have left words behind without leaving a mark of its own.
        if self.forward.take().is_none() {
            return;
        }
        self.documents.forget_all();
        let (mut vocabulary, mut kept) = (Vocabulary::default(), Vec::new());
        for (id, postings) in (0..).zip(std::mem::take(&mut self.postings)) {
            if postings.documents() > 0 {
                vocabulary.intern(self.vocabulary.word(id));
                let live = postings.iter().filter(|&(slot, _)| self.contains(slot));
                let lengths = self.documents.lengths();
                kept.push(Postings::collect(live.map(|(slot, f)| (slot, f, lengths[slot as usize]))));
            }
        }
        let documents = std::mem::take(&mut self.documents);
        *self = Self::assemble(self.analyzer, self.bm25, documents, vocabulary, kept);
    }

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

    fn resolve(&self, text: String, multiplicity: u32) -> QueryTerm {
        let id = self.vocabulary.get(&text);
        let documents = id.map_or(0, |id| self.postings[id as usize].documents());
        let id = id.filter(|_| documents > 0);
        QueryTerm { text, multiplicity, documents, id, idf: 0.0, weight: 0.0 }
    }

    /// The query as it is, or weighed anew where it was prepared for another state or index.
    fn current<'q>(&self, query: &'q Query) -> Cow<'q, Query> {
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

    fn weighted(&self, query: &Query) -> Vec<Weighted<'_>> {
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
            Some(allow) if allow.len().saturating_mul(16 * terms.len()) < postings => {
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
