//! The index as bytes: little-endian, versioned, without anything of removed documents.
//!
//! ```text
//! "RLEX" version:u16 fingerprint:str language:str (empty: none) stop words dropped:u8
//! k1:f32 b:f32 logarithmic:u32 slots:u32 terms:u32 live:u64 x slots/64 lengths:u16 x slots
//! per term  text:str documents:u32 size:u32 postings
//! posting   [0 frequency:u8, where it is over 1] varint of slot - slot before (first: slot + 1)
//! str       size:u16 UTF-8
//! ```
//!
//! A pure cache: whatever does not decode is built again from the texts. Damage that yields another
//! valid index is for the caller's checksum to find.

use std::borrow::Cow;

use super::analyzer::Analyzer;
use super::bm25::Bm25;
use super::documents::Documents;
use super::index::LexicalIndex;
use super::postings::Postings;
use super::varint;
use super::vocabulary::Vocabulary;
use crate::error::{Error, Result};

const MAGIC: &[u8; 4] = b"RLEX";
const VERSION: u16 = 1;
/// Bytes of each chunk but the last.
const CHUNK: usize = 3 << 20;

impl LexicalIndex {
    /// The index as chunks of 3 MiB, to be decoded in the same order. Removed documents leave no
    /// trace, compacted or not; equal indexes give equal bytes.
    pub fn encode_chunks(&self) -> Vec<Vec<u8>> {
        let live = self.documents.live();
        let slots = live.iter().last().map_or(0, |last| last as usize + 1);
        let terms = self.postings.iter().filter(|postings| postings.documents() > 0).count();
        let mut out = Writer::default();
        out.put(MAGIC);
        out.put(&VERSION.to_le_bytes());
        out.text(Analyzer::fingerprint().as_bytes());
        out.text(self.analyzer.language().map_or("", |language| language.word()).as_bytes());
        out.put(&[u8::from(self.analyzer.drops_stop_words())]);
        out.put(&self.bm25.k1().to_le_bytes());
        out.put(&self.bm25.b().to_le_bytes());
        out.put(&u32::from(self.bm25.is_logarithmic()).to_le_bytes());
        out.put(&(slots as u32).to_le_bytes());
        out.put(&(terms as u32).to_le_bytes());
        live.words()[..slots.div_ceil(64)].iter().for_each(|word| out.put(&word.to_le_bytes()));
        for (slot, length) in (0..).zip(&self.documents.lengths()[..slots]) {
            out.put(&if live.contains(slot) { *length } else { 0 }.to_le_bytes());
        }
        let mut list = Vec::new();
        for (id, postings) in (0..).zip(&self.postings) {
            if postings.documents() > 0 {
                list.clear();
                let mut next = 0;
                for (slot, frequency) in postings.iter().filter(|&(slot, _)| live.contains(slot)) {
                    if frequency > 1 {
                        list.extend([0, frequency]);
                    }
                    varint::push(&mut list, slot + 1 - next);
                    next = slot + 1;
                }
                out.text(self.vocabulary.word(id));
                out.put(&postings.documents().to_le_bytes());
                out.put(&(list.len() as u32).to_le_bytes());
                out.put(&list);
            }
        }
        out.chunks
    }

    /// The index that [`Self::encode_chunks`] wrote.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the bytes are damaged, end early, or come from a version that
    /// splits or stems words in another way.
    pub fn decode_chunks<C: AsRef<[u8]>>(chunks: &[C]) -> Result<Self> {
        let mut from = Reader::new(chunks);
        require(*from.take(4)? == *MAGIC, "not a lexical segment")?;
        require(from.number::<2>().map(u16::from_le_bytes)? == VERSION, "unknown version")?;
        require(*from.text()? == *Analyzer::fingerprint(), "words were read by other rules")?;
        let language = match &*from.text()? {
            "" => None,
            word => Some(word.parse()?),
        };
        let [dropped] = from.number()?;
        require(dropped <= 1, "not a truth value")?;
        let analyzer = Analyzer::new(language).with_stop_words_dropped(dropped == 1);
        let (k1, b) = (f32::from_le_bytes(from.number()?), f32::from_le_bytes(from.number()?));
        let bm25 = match u32::from_le_bytes(from.number()?) {
            0 => Bm25::new(k1, b)?,
            _ => Bm25::new(k1, b)?.logarithmic(),
        };
        let slots = u32::from_le_bytes(from.number()?) as usize;
        let terms = u32::from_le_bytes(from.number()?) as usize;
        let documents = documents(&mut from, slots)?;
        require(terms <= from.left / 12, "more terms than bytes")?;
        let mut vocabulary = Vocabulary::with_capacity(terms);
        let mut postings = Vec::with_capacity(terms);
        for id in 0..terms {
            let word = from.text()?;
            require(!word.is_empty() && vocabulary.intern(word.as_bytes()) as usize == id, "a term twice")?;
            postings.push(list(&mut from, &documents)?);
        }
        require(from.left == 0, "bytes left over")?;
        Ok(Self::assemble(analyzer, bm25, documents, vocabulary, postings))
    }
}

fn documents(from: &mut Reader<'_>, slots: usize) -> Result<Documents> {
    require(slots.div_ceil(64) * 8 + slots * 2 <= from.left, "more slots than bytes")?;
    let live = from.take(slots.div_ceil(64) * 8)?;
    let lengths = from.take(slots * 2)?;
    let is_live = |slot: usize| live[slot / 8] >> (slot % 8) & 1 == 1;
    require((slots..live.len() * 8).all(|slot| !is_live(slot)), "a document past the end")?;
    require(slots == 0 || is_live(slots - 1), "free slots at the end")?;
    let mut documents = Documents::with_capacity(slots);
    for (slot, length) in lengths.chunks_exact(2).enumerate() {
        let length = u16::from_le_bytes([length[0], length[1]]);
        if is_live(slot) {
            documents.add(slot as u32, usize::from(length));
        } else {
            require(length == 0, "a length without a document")?;
        }
    }
    Ok(documents)
}

fn list(from: &mut Reader<'_>, documents: &Documents) -> Result<Postings> {
    let expected = u32::from_le_bytes(from.number()?) as usize;
    let size = u32::from_le_bytes(from.number()?) as usize;
    require(0 < expected && expected <= size, "more postings than bytes")?;
    let bytes = from.take(size)?;
    let (mut rest, mut next) = (&*bytes, 0u32);
    let mut postings = Postings::with_capacity(expected);
    for _ in 0..expected {
        let mut frequency = 1;
        if let [0, found, tail @ ..] = rest {
            (frequency, rest) = (*found, tail);
            require(frequency > 1, "a frequency that needs no place")?;
        }
        let slot = varint::pull(&mut rest)
            .filter(|&gap| gap > 0)
            .and_then(|gap| (gap - 1).checked_add(next))
            .filter(|&slot| documents.live().contains(slot))
            .ok_or_else(|| damaged("a posting without a document"))?;
        postings.append(slot, frequency, documents.lengths()[slot as usize]);
        next = slot + 1;
    }
    require(rest.is_empty(), "bytes left over in a list")?;
    Ok(postings)
}

fn damaged(reason: &str) -> Error {
    Error::invalid("lexical segment", reason)
}

fn require(holds: bool, otherwise: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(damaged(otherwise)) }
}

/// Cuts what is written into chunks.
#[derive(Default)]
struct Writer {
    chunks: Vec<Vec<u8>>,
}

impl Writer {
    fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.chunks.last_mut() {
                Some(chunk) if chunk.len() < CHUNK => {
                    let (now, later) = bytes.split_at(bytes.len().min(CHUNK - chunk.len()));
                    chunk.extend_from_slice(now);
                    bytes = later;
                }
                _ => self.chunks.push(Vec::new()),
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        // Terms are words of at most 128 bytes, give or take an ending.
        self.put(&(text.len() as u16).to_le_bytes());
        self.put(text);
    }
}

/// Reads across the borders of chunks.
struct Reader<'a> {
    chunks: Vec<&'a [u8]>,
    at: usize,
    /// Bytes not read yet, in all chunks.
    left: usize,
}

impl<'a> Reader<'a> {
    fn new<C: AsRef<[u8]>>(chunks: &'a [C]) -> Self {
        let chunks: Vec<_> = chunks.iter().map(AsRef::as_ref).collect();
        Self { left: chunks.iter().map(|chunk| chunk.len()).sum(), chunks, at: 0 }
    }

    /// The next `size` bytes; nothing is allocated before they are known to be there.
    fn take(&mut self, size: usize) -> Result<Cow<'a, [u8]>> {
        require(size <= self.left, "ends early")?;
        self.left -= size;
        let mut found = Cow::Borrowed(&[][..]);
        while found.len() < size {
            let chunk = &mut self.chunks[self.at];
            let (now, later) = chunk.split_at(chunk.len().min(size - found.len()));
            *chunk = later;
            if found.is_empty() {
                found = Cow::Borrowed(now);
            } else {
                found.to_mut().extend_from_slice(now);
            }
            self.at += usize::from(later.is_empty());
        }
        Ok(found)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N)?;
        <[u8; N]>::try_from(&*bytes).map_err(|_| damaged("ends early"))
    }

    fn text(&mut self) -> Result<Cow<'a, str>> {
        let size = u16::from_le_bytes(self.number()?);
        let utf8 = |_| damaged("not UTF-8");
        match self.take(usize::from(size))? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(utf8),
            Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| damaged("not UTF-8")),
        }
    }
}
