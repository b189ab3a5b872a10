//! The index of the words of one namespace.

use super::analyzer::Analyzer;
use super::bm25::Bm25;
use super::documents::Documents;
use super::forward::{self, Forward};
use super::postings::Postings;
use super::surfaces::Surfaces;
use super::vocabulary::Vocabulary;
use super::words;
use crate::id::Slot;

/// Removals that cost about as much as building [`Forward`].
const SWEEPS: usize = if cfg!(test) { 4 } else { 256 };

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
    /// Terms of each document, once many were removed.
    forward: Option<Forward>,
    /// Removals since the last compaction that did without.
    sweeps: usize,
    /// Whether there is something to compact.
    dirty: bool,
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
            sweeps: 0,
            dirty: false,
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

    /// Mean length of the documents in terms; zero where there is none.
    pub fn mean_length(&self) -> f32 {
        let collection = self.documents.collection();
        collection.words as f32 / collection.documents.max(1) as f32
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
    /// Slots should be dense: each up to the last takes a few bytes.
    /// Ascending slots append; others are inserted into the block where they belong.
    pub fn insert(&mut self, slot: Slot, text: &str) {
        self.remove(slot);
        if self.documents.forget(slot) {
            self.purge(slot);
        }
        let (mut buffer, mut terms) = std::mem::take(&mut self.scratch);
        terms.clear();
        self.read(text, &mut buffer, &mut terms);
        // Known to be the last, it is appended without a look at what it is appended to.
        let last = slot as usize >= self.documents.lengths().len();
        let place = if last { Postings::append } else { Postings::insert };
        let length = self.documents.add(slot, terms.len());
        terms.sort_unstable();
        for run in terms.chunk_by(|a, b| a == b) {
            let frequency = u8::try_from(run.len()).unwrap_or(u8::MAX);
            place(&mut self.postings[run[0] as usize], slot, frequency, length);
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
            let id = vocabulary.intern(term.as_bytes());
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
    /// The first few removals ask every term; one of the later ones reads all postings once to make
    /// the rest fast.
    pub fn remove(&mut self, slot: Slot) -> bool {
        if !self.contains(slot) {
            return false;
        }
        for term in self.terms_of(slot) {
            self.postings[term as usize].dead += 1;
            self.dead += 1;
        }
        self.dirty = true;
        self.documents.remove(slot)
    }

    /// Takes out what is left of a removed document whose slot is used again.
    fn purge(&mut self, slot: Slot) {
        for term in self.terms_of(slot) {
            let postings = &mut self.postings[term as usize];
            postings.erase(slot);
            postings.dead -= 1;
            self.dead -= 1;
            self.entries -= 1;
        }
    }

    /// The numbers of the terms that a slot has postings of.
    fn terms_of(&mut self, slot: Slot) -> Vec<u32> {
        if self.forward.is_none() && self.sweeps < SWEEPS {
            self.sweeps += 1;
            return forward::sweep(&self.postings, slot).collect();
        }
        let slots = self.documents.lengths().len();
        let forward = self.forward.get_or_insert_with(|| Forward::build(&self.postings, slots));
        forward.terms(slot).collect()
    }

    /// Whether over a quarter of the postings belong to removed documents.
    pub fn wants_compaction(&self) -> bool {
        self.dead * 4 > self.entries
    }

    /// Drops all that is left of removed and replaced documents, their words too. Slots keep their
    /// numbers.
    ///
    /// Reads and writes all postings once; nothing if no document was removed.
    pub fn compact(&mut self) {
        if !self.dirty {
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
}
