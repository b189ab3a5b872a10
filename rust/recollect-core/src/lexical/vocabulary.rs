//! Strings and their dense numbers, in one arena.
//!
//! The number stands beside the string, so that a look-up touches two places of memory: a cell of
//! the table and the string.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// Low bits of a cell that hold the place in the arena plus one; the others are from the hash.
const PLACE: u64 = (1 << 40) - 1;

/// A set of strings numbered in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    arena: Vec<u8>,
    starts: Vec<usize>,
    /// Open addressing; zero is free.
    cells: Vec<u64>,
}

impl Vocabulary {
    /// No strings, with room for some.
    pub(super) fn with_capacity(words: usize) -> Self {
        let mut vocabulary = Self::default();
        vocabulary.starts.reserve_exact(words);
        vocabulary.grow(words);
        vocabulary
    }

    /// Number of strings.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The string with this number.
    pub(super) fn word(&self, id: u32) -> &[u8] {
        self.record(self.starts[id as usize]).1
    }

    /// Number and string at a place of the arena.
    #[inline]
    fn record(&self, start: usize) -> (u32, &[u8]) {
        let [a, b, c, d, e, f, rest @ ..] = &self.arena[start..] else { return (0, &[]) };
        let length = u16::from_le_bytes([*e, *f]);
        (u32::from_le_bytes([*a, *b, *c, *d]), &rest[..usize::from(length)])
    }

    /// The number of a string, if it is known.
    #[inline]
    pub(super) fn get(&self, word: &[u8]) -> Option<u32> {
        self.find(word, hash(word)).ok()
    }

    /// The number of a string of at most 65,535 bytes, known from now on.
    #[inline]
    pub(super) fn intern(&mut self, word: &[u8]) -> u32 {
        let hash = hash(word);
        self.find(word, hash).unwrap_or_else(|free| self.add(word, hash, free))
    }

    /// The number, or the free cell where it belongs.
    #[inline]
    fn find(&self, word: &[u8], hash: u64) -> Result<u32, usize> {
        let mask = self.cells.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        while let Some(&cell) = self.cells.get(at) {
            if cell == 0 {
                break;
            }
            if (cell ^ hash) & !PLACE == 0 {
                let (id, found) = self.record((cell & PLACE) as usize - 1);
                if found == word {
                    return Ok(id);
                }
            }
            at = (at + 1) & mask;
        }
        Err(at)
    }

    #[cold]
    fn add(&mut self, word: &[u8], hash: u64, mut free: usize) -> u32 {
        let (id, start) = (self.len(), self.arena.len());
        if self.cells.len() < 2 * (id + 1) {
            self.grow(2 * id);
            free = self.free(hash);
        }
        self.arena.extend((id as u32).to_le_bytes());
        self.arena.extend((word.len() as u16).to_le_bytes());
        self.arena.extend(word);
        self.starts.push(start);
        self.cells[free] = cell(hash, start);
        id as u32
    }

    /// The first free cell for a hash.
    fn free(&self, hash: u64) -> usize {
        let mask = self.cells.len() - 1;
        let mut at = hash as usize & mask;
        while self.cells[at] != 0 {
            at = (at + 1) & mask;
        }
        at
    }

    /// Makes cells for so many strings.
    fn grow(&mut self, words: usize) {
        let size = (2 * (words + 1)).next_power_of_two().max(16);
        self.cells = vec![0; size];
        for id in 0..self.len() {
            let start = self.starts[id];
            let hash = hash(self.record(start).1);
            let free = self.free(hash);
            self.cells[free] = cell(hash, start);
        }
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        self.arena.capacity() + 8 * (self.starts.capacity() + self.cells.capacity())
    }
}

fn hash(word: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(word);
    hasher.finish()
}

fn cell(hash: u64, start: usize) -> u64 {
    (hash & !PLACE) | (start as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_dense_and_stable(words in prop::collection::vec("[ab]{0,6}", 0..200)) {
            let (mut vocabulary, mut model) = (Vocabulary::default(), Vec::new());
            for word in &words {
                if !model.contains(word) {
                    prop_assert_eq!(vocabulary.get(word.as_bytes()), None);
                    model.push(word.clone());
                }
                let id = vocabulary.intern(word.as_bytes());
                prop_assert_eq!(&model[id as usize], word);
                prop_assert_eq!(vocabulary.word(id), word.as_bytes());
                prop_assert_eq!(vocabulary.get(word.as_bytes()), Some(id));
            }
            prop_assert_eq!(vocabulary.len(), model.len());
        }
    }
}
