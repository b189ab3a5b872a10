//! Strings and their dense numbers, in one arena.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// A set of strings numbered in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    arena: String,
    ends: Vec<usize>,
    /// Open addressing: upper half of the hash above number + 1, or zero.
    table: Vec<u64>,
}

impl Vocabulary {
    /// No strings, with room for some.
    pub(super) fn with_capacity(words: usize) -> Self {
        let mut vocabulary = Self::default();
        vocabulary.ends.reserve_exact(words);
        vocabulary.grow(words);
        vocabulary
    }

    /// Number of strings.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The string with this number.
    pub(super) fn word(&self, id: u32) -> &str {
        let id = id as usize;
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.arena[start..self.ends[id]]
    }

    /// The number of a string, if it is known.
    pub(super) fn get(&self, word: &str) -> Option<u32> {
        self.find(word, hash(word)).ok()
    }

    /// The number of a string, known from now on.
    pub(super) fn intern(&mut self, word: &str) -> u32 {
        if self.table.len() < 2 * (self.len() + 1) {
            self.grow(2 * self.len());
        }
        let hash = hash(word);
        match self.find(word, hash) {
            Ok(id) => id,
            Err(free) => {
                let id = self.len() as u32;
                self.arena.push_str(word);
                self.ends.push(self.arena.len());
                self.table[free] = entry(hash, id);
                id
            }
        }
    }

    /// The number, or the place in the table where it belongs.
    fn find(&self, word: &str, hash: u64) -> Result<u32, usize> {
        if self.table.is_empty() {
            return Err(0);
        }
        let mask = self.table.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let found = self.table[at];
            if found == 0 {
                return Err(at);
            }
            let id = found as u32 - 1;
            if found >> 32 == hash >> 32 && self.word(id) == word {
                return Ok(id);
            }
            at = (at + 1) & mask;
        }
    }

    /// Makes a table for so many strings.
    fn grow(&mut self, words: usize) {
        let size = (2 * (words + 1)).next_power_of_two().max(16);
        self.table = vec![0; size];
        for id in 0..self.len() as u32 {
            let hash = hash(self.word(id));
            let mut at = hash as usize & (size - 1);
            while self.table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            self.table[at] = entry(hash, id);
        }
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        self.arena.capacity() + 8 * (self.ends.capacity() + self.table.capacity())
    }
}

fn hash(word: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(word.as_bytes());
    hasher.finish()
}

fn entry(hash: u64, id: u32) -> u64 {
    (hash & !u64::from(u32::MAX)) | (u64::from(id) + 1)
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
                    prop_assert_eq!(vocabulary.get(word), None);
                    model.push(word.clone());
                }
                let id = vocabulary.intern(word);
                prop_assert_eq!(&model[id as usize], word);
                prop_assert_eq!(vocabulary.word(id), word);
                prop_assert_eq!(vocabulary.get(word), Some(id));
            }
            prop_assert_eq!(vocabulary.len(), model.len());
        }
    }
}
