//! Facts about things by their texts, in memory or in a file.
//!
//! | piece of the file | bytes |
//! |---|---|
//! | first | how many pieces follow for names u64 |
//! | names | things, predicates and sources u64 each, then each text |
//! | others | the pieces of [`Facts::encode_chunks`] |

use std::path::Path;

use super::facts::Facts;
use super::row::Pattern;
use crate::bytes::{Reader, Writer};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::interner::Interner;
use crate::pieces::{Header, Pieces, damage, save};

const HEADER: Header = Header { magic: *b"RCLFACTS", version: 1 };

/// Bytes from which a piece is full.
const PIECE: usize = 3 << 20;

/// Facts, and what their numbers are called.
#[derive(Debug, Clone)]
pub struct NamedFacts {
    /// The facts.
    pub facts: Facts,
    /// Subjects and objects.
    things: Interner,
    predicates: Interner,
    sources: Interner,
}

impl Default for NamedFacts {
    fn default() -> Self {
        let (things, predicates, sources) = Default::default();
        Self { facts: Facts::new(), things, predicates, sources }
    }
}

impl NamedFacts {
    /// The number of a subject or an object, a new one if it has none.
    pub fn take_thing(&mut self, name: &str) -> u32 {
        self.things.intern(name)
    }

    /// The number of a predicate, a new one if it has none.
    pub fn take_predicate(&mut self, name: &str) -> u32 {
        self.predicates.intern(name)
    }

    /// The number of a source, a new one if it has none.
    pub fn take_source(&mut self, name: &str) -> u32 {
        self.sources.intern(name)
    }

    /// The number of a source that has one.
    pub fn source(&self, name: &str) -> Option<u32> {
        self.sources.number(name)
    }

    /// The numbers of names; none where one of them was never told.
    pub fn pattern(
        &self,
        subject: Option<&str>,
        predicate: Option<&str>,
        object: Option<&str>,
    ) -> Option<Pattern> {
        let known = |names: &Interner, name: Option<&str>| match name {
            Some(name) => names.number(name).map(Some),
            None => Some(None),
        };
        Some(Pattern {
            subject: known(&self.things, subject)?,
            predicate: known(&self.predicates, predicate)?,
            object: known(&self.things, object)?,
        })
    }

    /// The text of a subject or an object.
    pub fn thing(&self, number: u32) -> &str {
        self.things.text(number).unwrap_or("")
    }

    /// The text of a predicate.
    pub fn predicate(&self, number: u32) -> &str {
        self.predicates.text(number).unwrap_or("")
    }

    /// The text of a source.
    pub fn source_name(&self, number: u32) -> &str {
        self.sources.text(number).unwrap_or("")
    }

    /// Writes a file, in the place of one that is there, and makes it durable.
    ///
    /// # Errors
    /// As [`crate::pieces::save`].
    pub fn save(&self, path: &Path, cancel: Cancel<'_>) -> Result<()> {
        let mut names = Writer::default();
        let all = [&self.things, &self.predicates, &self.sources];
        all.iter().for_each(|texts| names.u64(texts.len() as u64));
        all[..2].iter().flat_map(|texts| texts.texts()).for_each(|text| names.text(text));
        // A source that was withdrawn leaves no word behind.
        (0..).zip(self.sources.texts()).for_each(|(number, text)| {
            names.text(if self.facts.by_source.contains_key(&number) { text } else { "" });
        });
        let names: Vec<Vec<u8>> = names.0.chunks(PIECE).map(<[u8]>::to_vec).collect();
        let count = (names.len() as u64).to_le_bytes().to_vec();
        save(path, HEADER, std::iter::once(count).chain(names).chain(self.facts.encode_chunks()), cancel)
    }

    /// Reads what [`NamedFacts::save`] wrote.
    ///
    /// # Errors
    /// [`Error::NotAnIndex`], [`Error::CorruptIndex`] and [`Error::FormatTooNew`] for another file; [`Error::Io`];
    /// [`Error::Cancelled`].
    pub fn load(path: &Path, cancel: Cancel<'_>) -> Result<Self> {
        let mut pieces = Pieces::open(path, HEADER, cancel)?;
        Self::read(&mut pieces, cancel).map_err(|error| damage(path, error))
    }

    fn read(pieces: &mut Pieces<'_>, cancel: Cancel<'_>) -> Result<Self> {
        let count = pieces.need()?;
        let count = Reader::new(&count).u64()?;
        let mut names = Vec::new();
        for _ in 0..count {
            names.extend(pieces.need()?);
        }
        let mut from = Reader::new(&names);
        let counts = [from.u64()?, from.u64()?, from.u64()?];
        let mut all = [Interner::default(), Interner::default(), Interner::default()];
        for (known, count) in all.iter_mut().zip(counts) {
            for number in 0..count {
                // In the place of a source that was withdrawn: a name that nothing refers to.
                let text = match from.text()? {
                    "" => format!("\u{0}{number}"),
                    text => text.to_owned(),
                };
                if u64::from(known.intern(&text)) != number {
                    return Err(Error::Storage("a name twice".into()));
                }
            }
        }
        let facts = Facts::decode_chunks(pieces, cancel)?;
        let [things, predicates, sources] = all;
        let most = |rows: &mut dyn Iterator<Item = u32>| rows.max().map_or(0, |x| x as usize + 1);
        let rows = || facts.rows.iter();
        let sound = most(&mut rows().flat_map(|x| [x.subject, x.object])) <= things.len()
            && most(&mut rows().map(|x| x.predicate)) <= predicates.len()
            && most(&mut facts.many_predicates().into_iter()) <= predicates.len()
            && most(&mut facts.by_source.keys().copied()) <= sources.len();
        match sound && from.is_empty() {
            true => Ok(Self { facts, things, predicates, sources }),
            false => Err(Error::Storage("names and facts do not go together".into())),
        }
    }
}
