//! Words into terms: stop words are dropped, the rest are stemmed.

use std::borrow::Cow;

use super::language::Language;
use super::{stop_words, words};

/// Raised when a change here alters the terms of a text; segments of another revision are rebuilt.
const REVISION: u8 = 1;
/// Date of the Snowball definitions in use, from the version of `frostem`.
const STEMS: &str = "20261016";

/// How texts and queries become terms; fixed for the life of an index.
///
/// Stop words are left out of both, except where a text (or a query) has nothing else: then all
/// of it is kept, so that "who are you" finds a memory that says just that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Analyzer {
    language: Option<Language>,
    stop_words: bool,
}

impl Default for Analyzer {
    /// English with stop words left out.
    fn default() -> Self {
        Self::new(Some(Language::English))
    }
}

impl Analyzer {
    /// Stems by the language, or not at all; English stop words are left out of English.
    pub fn new(language: Option<Language>) -> Self {
        Self { language, stop_words: language == Some(Language::English) }
    }

    /// Sets whether English stop words are left out, whatever the language.
    #[must_use]
    pub fn with_stop_words_dropped(self, dropped: bool) -> Self {
        Self { stop_words: dropped, ..self }
    }

    /// The language that chooses the stemmer.
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// Whether English stop words are left out.
    pub fn drops_stop_words(&self) -> bool {
        self.stop_words
    }

    /// Whether a word is left out of texts that have others.
    pub fn is_stop_word(&self, word: &str) -> bool {
        self.stop_words && stop_words::is_english(word)
    }

    /// The term of a word; words with digits stand for themselves.
    pub fn term<'a>(&self, word: &'a str) -> Cow<'a, str> {
        let Some(language) = self.language else { return Cow::Borrowed(word) };
        if word.bytes().any(|byte| byte.is_ascii_digit()) {
            return Cow::Borrowed(word);
        }
        let stem = language.stemmer().stem(word);
        if stem.is_empty() { Cow::Borrowed(word) } else { stem }
    }

    /// Whether terms can differ from words, so that remembering them saves work.
    pub(super) fn rewrites(&self) -> bool {
        self.language.is_some() || self.stop_words
    }

    /// All terms of a text, in order and with repetitions.
    pub fn terms(&self, text: &str) -> Vec<String> {
        let (mut content, mut stop) = (Vec::new(), Vec::new());
        words::for_each(text, &mut String::new(), |word| {
            let side = if self.is_stop_word(word) { &mut stop } else { &mut content };
            side.push(self.term(word).into_owned());
        });
        if content.is_empty() { stop } else { content }
    }

    /// Names everything that decides the terms of a text, for segments.
    pub(super) fn fingerprint() -> String {
        let segmentation = unicode_segmentation::UNICODE_VERSION;
        let normalization = unicode_normalization::UNICODE_VERSION;
        let casing = char::UNICODE_VERSION;
        format!("{REVISION} {STEMS} {segmentation:?} {normalization:?} {casing:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_drops_stop_words_unless_there_is_nothing_else() {
        let english = Analyzer::default();
        assert_eq!(english.terms("The dogs were running"), ["dog", "run"]);
        assert_eq!(english.terms("Who are you?"), ["who", "are", "you"]);
        assert_eq!(english.with_stop_words_dropped(false).terms("the dogs"), ["the", "dog"]);
    }

    #[test]
    fn other_languages_and_none() {
        assert_eq!(Analyzer::new(Some(Language::German)).terms("Die Häuser"), ["die", "haus"]);
        assert_eq!(Analyzer::new(None).terms("The Dogs' 2nd 1990s"), ["the", "dogs", "2nd", "1990s"]);
        assert_eq!(Analyzer::default().terms("in the 1990s"), ["1990s"]);
    }
}
