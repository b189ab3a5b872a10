//! The sentences of a text that speak of a query.
//!
//! A sentence is worth the idf mass of the words it shares with the query and half of its own, and half of that where it is
//! a question; those worth 0.4 of the best stay. Texts of two sentences or fewer stay whole.

use std::ops::Range;

use rustc_hash::FxHashSet;

use crate::lexical::LexicalIndex;

const OWN: f32 = 0.5;
const QUESTION: f32 = 0.5;
const LEAST: f32 = 0.4;
/// Most sentences of a text that stays whole.
const WHOLE: usize = 2;

/// Whether a sentence ends with this.
pub(super) fn ends(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '。' | '！' | '？')
}

/// Whether this stands behind the end of a sentence and belongs to it.
pub(super) fn closes(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '*' | '”' | '’')
}

/// The sentences of a text as ranges of bytes, ascending, without the white space around them.
fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut ended) = (0, false);
    for (at, c) in text.char_indices() {
        if c == '\n' || ended && c.is_whitespace() {
            found.extend(trimmed(text, start..at));
            start = at;
            ended = false;
            continue;
        }
        ended = ends(c) || ended && closes(c);
    }
    found.extend(trimmed(text, start..text.len()));
    found
}

fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    let end = start + part.trim().len();
    (start < end).then_some(start..end)
}

/// The sentences of a text that speak of a query, as ranges of bytes, ascending; never none of a text that has some.
pub fn nearest(lexical: &LexicalIndex, query: &str, text: &str) -> Vec<Range<usize>> {
    let all = sentences(text);
    if all.len() <= WHOLE {
        return all;
    }
    let asked = lexical.prepare_set(query);
    let asked: FxHashSet<&str> = asked.terms().iter().map(|term| term.text.as_str()).collect();
    let worth = |range: &Range<usize>| {
        let sentence = &text[range.clone()];
        let terms = lexical.prepare_set(sentence);
        // A sentence of stop words alone has terms that no memory has.
        let held = || terms.terms().iter().filter(|term| term.documents > 0);
        let own: f32 = held().map(|term| term.idf).sum();
        let shared = held().filter(|term| asked.contains(term.text.as_str()));
        let shared: f32 = shared.map(|term| term.idf).sum();
        let question = sentence.ends_with(['?', '？']);
        (shared + OWN * own) * if question { QUESTION } else { 1.0 }
    };
    let worths: Vec<f32> = all.iter().map(worth).collect();
    let least = LEAST * worths.iter().copied().fold(0.0, f32::max);
    all.into_iter().zip(worths).filter(|x| x.1 >= least).map(|x| x.0).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lexical::{Analyzer, Language};

    #[test]
    fn sentences_end_where_they_end() {
        let text = " It is 3.5 km. \"Really?\" he said!\nYes ";
        let parts: Vec<&str> = sentences(text).into_iter().map(|x| &text[x]).collect();
        assert_eq!(parts, ["It is 3.5 km.", "\"Really?\"", "he said!", "Yes"]);
        assert!(sentences(" \n ").is_empty());
    }

    #[test]
    fn what_speaks_of_the_query_stays() {
        let text = "Hi there! We adopted a grey cat from the shelter in Oslo. Nice. How are you?";
        let mut lexical = LexicalIndex::new(Analyzer::new(None));
        lexical.insert(0, text);
        let kept: Vec<&str> =
            nearest(&lexical, "grey cat from Oslo", text).into_iter().map(|x| &text[x]).collect();
        assert_eq!(kept, ["We adopted a grey cat from the shelter in Oslo."]);
        let text = "We adopted a cat in Oslo. How are you? It is she.";
        let mut english = LexicalIndex::new(Analyzer::new(Some(Language::English)));
        english.insert(0, text);
        assert_eq!(nearest(&english, "the cat", text), std::iter::once(0..25).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn every_letter_of_a_text_is_in_one_sentence(text in "[a-c.!? \n\"é]{0,60}") {
            let all = sentences(&text);
            prop_assert!(all.windows(2).all(|w| w[0].end <= w[1].start));
            let kept: String = all.iter().map(|x| &text[x.clone()]).collect();
            let strip = |x: &str| x.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(strip(&kept), strip(&text));
            let some = nearest(&LexicalIndex::new(Analyzer::new(None)), "a b", &text);
            prop_assert!(some.iter().all(|x| all.contains(x)));
            prop_assert_eq!(some.is_empty(), all.is_empty());
        }
    }
}
