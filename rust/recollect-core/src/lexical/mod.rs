//! Finding memories by their words: BM25 over an inverted index of one namespace.
//!
//! | file | what it is |
//! |---|---|
//! | `language` | the languages there is a stemmer for |
//! | `stop_words` | the English words that carry no subject |
//! | `words` | text into lower-case Unicode words |
//! | `analyzer` | words into terms: stop words, stems |
//! | `vocabulary` | strings and their dense numbers |
//! | `surfaces` | what each surface form has been resolved to |
//! | `postings` | who contains a term, how often, with bounds per block |
//! | `varint` | small numbers in few bytes |
//! | `documents` | which slots are taken, and how long their texts are |
//! | `forward` | which terms a document has, for removal |
//! | `bm25` | the score |
//! | `query` | a text prepared for searching |
//! | `best` | the best k so far |
//! | `max_score` | exact top k without reading everything |
//! | `exhaustive` | the same by reading everything; scores of given slots |
//! | `index` | the face: adding and removing |
//! | `search` | the face: the best documents |
//! | `scores` | the face: scores of given documents, explained |
//! | `segment` | the index as bytes |

pub mod analyzer;
pub mod bm25;
pub mod index;
pub mod language;
pub mod query;
pub mod stop_words;
pub mod words;

mod best;
mod documents;
mod exhaustive;
mod forward;
mod max_score;

mod postings;
mod scores;
mod search;
mod segment;
mod surfaces;
mod varint;
mod vocabulary;

pub use analyzer::Analyzer;
pub use bm25::Bm25;
pub use index::LexicalIndex;
pub use language::Language;
pub use query::{Query, QueryTerm, TermMatch};

#[cfg(test)]
mod tests;
