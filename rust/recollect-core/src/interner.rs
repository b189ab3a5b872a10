//! Words that repeat, once each, by number.

use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Gives each distinct text a number; numbers never change.
#[derive(Debug, Default, Clone)]
pub struct Interner {
    texts: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, u32>,
}

impl Interner {
    /// The number of a text, new if it has none.
    pub fn intern(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let (shared, number) = (Arc::<str>::from(text), self.texts.len() as u32);
        self.texts.push(Arc::clone(&shared));
        self.numbers.insert(shared, number);
        number
    }

    /// The number of a text that has one.
    pub fn number(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// The text of a number.
    pub fn text(&self, number: u32) -> Option<&str> {
        self.texts.get(number as usize).map(|x| &**x)
    }

    /// All texts in the order of their numbers.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|x| &**x)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_once() {
        let mut interner = Interner::default();
        assert_eq!((interner.intern("a"), interner.intern("b"), interner.intern("a")), (0, 1, 0));
        assert_eq!(interner.texts().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((interner.text(1), interner.text(2), interner.number("c")), (Some("b"), None, None));
    }
}
