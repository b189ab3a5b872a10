//! The words of a text as names are compared by: without case, accents, apostrophes and a possessive 's.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::lexical::stop_words::is_english;

/// A word in small letters that may stand inside a name, such as `of` or `the`, has so many letters at most.
const CONNECTOR: usize = 4;
/// So many of them may follow one another.
const CONNECTORS: usize = 2;

/// One word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// Of its letters; never 0, which parts runs.
    pub hash: u32,
    /// Whether it begins with anything but a small letter.
    pub capital: bool,
    /// Whether it says nothing by itself.
    pub empty: bool,
    /// Its letters.
    pub letters: usize,
}

/// The words of a text in order.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut capital = false;
    let mut rest = Folded::new(text).peekable();
    while let Some(letter) = rest.next() {
        if matches!(letter, '\'' | '\u{2019}') {
            // A possessive goes with its s, any other apostrophe alone.
            if rest.next_if(|&s| s == 's' || s == 'S').is_some()
                && rest.peek().is_some_and(|x| x.is_alphanumeric())
            {
                word.push('s');
            }
            continue;
        }
        if letter.is_alphanumeric() {
            if word.is_empty() {
                capital = !letter.is_lowercase();
            }
            word.extend(letter.to_lowercase());
        } else {
            finish(&mut word, capital, &mut out);
        }
    }
    finish(&mut word, capital, &mut out);
    out
}

fn finish(word: &mut String, capital: bool, out: &mut Vec<Token>) {
    if !word.is_empty() {
        let (hash, empty, letters) = (hash(word), is_english(word), word.chars().count());
        out.push(Token { hash, capital, empty, letters });
        word.clear();
    }
}

/// Letters without their accents.
struct Folded<'a>(Box<dyn Iterator<Item = char> + 'a>);

impl<'a> Folded<'a> {
    fn new(text: &'a str) -> Self {
        if text.is_ascii() {
            return Self(Box::new(text.chars()));
        }
        Self(Box::new(text.nfkd().filter(|x| !is_combining_mark(*x))))
    }
}

impl Iterator for Folded<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.0.next()
    }
}

/// FNV-1a: the same on every machine, since files hold it.
fn hash(word: &str) -> u32 {
    let hash =
        word.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.max(1)
}

/// The hash of a name: of its words in order.
pub(super) fn name_of(words: impl Iterator<Item = u32>) -> u64 {
    words.fold(0xcbf2_9ce4_8422_2325, extended)
}

/// The hash of a name with one word more.
pub(super) fn extended(name: u64, word: u32) -> u64 {
    (name ^ u64::from(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
}

/// The words of a text, and which of them begin with anything but a small letter.
pub(super) fn spoken(text: &str) -> (Vec<u32>, Vec<bool>) {
    tokens(text).into_iter().map(|token| (token.hash, token.capital)).unzip()
}

/// The runs of words among which names are looked for, with 0 after each: from a word with a capital to another, with no
/// more than two short ones between; and what stands in double brackets.
pub(super) fn runs(text: &str) -> Box<[u32]> {
    let all = tokens(text);
    let mut out = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if !all[at].capital {
            at += 1;
            continue;
        }
        let (mut end, mut small) = (at + 1, 0);
        for (place, token) in all.iter().enumerate().skip(at + 1) {
            if token.capital {
                (end, small) = (place + 1, 0);
            } else if token.letters <= CONNECTOR && small < CONNECTORS {
                small += 1;
            } else {
                break;
            }
        }
        if all[at..end].iter().any(|token| !token.empty) {
            out.extend(all[at..end].iter().map(|token| token.hash));
            out.push(0);
        }
        at = end;
    }
    for link in links(text) {
        out.extend(tokens(link).iter().map(|token| token.hash));
        out.push(0);
    }
    out.into()
}

/// What stands in double brackets, up to a bar: `[[the lake|there]]`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("[[").skip(1).filter_map(|rest| rest.split_once("]]")?.0.split('|').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[&str]) -> Vec<u32> {
        texts.iter().map(|x| hash(x)).collect()
    }

    #[test]
    fn words_lose_case_accents_and_possessives() {
        let found = |text: &str| tokens(text).iter().map(|x| x.hash).collect::<Vec<_>>();
        assert_eq!(found("Ana's café, O'Neill\u{2019}s DOG's!"), words(&["ana", "cafe", "oneill", "dog"]));
        assert!(found(" -- ").is_empty());
        assert_eq!(found("it's2 nice"), words(&["its2", "nice"]));
        let flags: Vec<_> = tokens("The 3 old\u{301} Éclairs").iter().map(|x| (x.capital, x.empty)).collect();
        assert_eq!(flags, [(true, true), (true, false), (false, false), (true, false)]);
    }

    #[test]
    fn runs_begin_and_end_with_a_capital() {
        let run = |texts: &[&str]| {
            let mut run = words(texts);
            run.push(0);
            run
        };
        let expected = [run(&["prince", "of", "the", "city"]), run(&["2001"])].concat();
        assert_eq!(
            runs("we saw the Prince of the City, which was shot before 2001 or so").as_ref(),
            expected
        );
        assert_eq!(runs("It is nice here. I do.").len(), 0);
        assert_eq!(runs("no names here").len(), 0);
        let linked = [run(&["old", "mill"]), run(&["lake"])].concat();
        assert_eq!(runs("by the [[old mill]] at the [[lake|water]], [[not").as_ref(), linked);
    }
}
