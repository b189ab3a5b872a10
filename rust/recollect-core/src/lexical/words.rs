//! Text into words: Unicode word boundaries (UAX #29), NFKC, lower case.
//!
//! Departures from UAX #29: white space and a colon always separate (`speaker:text` is two words),
//! and the typographic apostrophe is read as the straight one. A trailing possessive `'s` is taken off.
//! Numbers are words (`3.14`, `1,000`); a date `2024-05-01` is its three numbers.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
use unicode_segmentation::UnicodeSegmentation;

/// Longest word in bytes; the rest of a longer one is cut off, so that no text bloats the index.
pub const LONGEST: usize = 128;

/// Hands the words of a text to `each`, in order. `buffer` is scratch space.
pub fn for_each(text: &str, buffer: &mut String, mut each: impl FnMut(&str)) {
    if text.is_ascii() {
        return ascii(text, buffer, &mut each);
    }
    // No word, composition or casing rule reaches across ASCII white space.
    for piece in text.split_ascii_whitespace() {
        if piece.is_ascii() {
            ascii(piece, buffer, &mut each);
        } else {
            unicode(piece, buffer, &mut each);
        }
    }
}

/// The general definition.
fn unicode(text: &str, buffer: &mut String, each: &mut impl FnMut(&str)) {
    let plain = |c| match c {
        '\u{2019}' => '\'',
        ':' => ' ',
        c => c,
    };
    buffer.clear();
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        buffer.extend(text.chars().map(plain));
    } else {
        buffer.extend(text.nfkc().map(plain));
    }
    let lower = buffer.to_lowercase();
    // White space first: a mark that stands behind a space would make one word with it.
    for word in lower.split_whitespace().flat_map(UnicodeSegmentation::unicode_words) {
        trimmed(word, each);
    }
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const JOIN: u8 = 4;
const BETWEEN_LETTERS: u8 = 8;
const BETWEEN_DIGITS: u8 = 16;

/// The word-break classes of ASCII after lower-casing.
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut c = 0;
    while c < 128 {
        class[c] = match c as u8 {
            b'a'..=b'z' => LETTER,
            b'0'..=b'9' => DIGIT,
            b'_' => JOIN,
            b'.' | b'\'' => BETWEEN_LETTERS | BETWEEN_DIGITS,
            b',' | b';' => BETWEEN_DIGITS,
            _ => 0,
        };
        c += 1;
    }
    class
};

/// The same as [`unicode`] for ASCII, without tables.
fn ascii(text: &str, buffer: &mut String, each: &mut impl FnMut(&str)) {
    buffer.clear();
    buffer.push_str(text);
    buffer.make_ascii_lowercase();
    let bytes = buffer.as_bytes();
    let class = |at: usize| bytes.get(at).map_or(0, |&byte| CLASS[byte as usize]);
    let mut at = 0;
    while at < bytes.len() {
        let (start, mut seen) = (at, 0);
        loop {
            let here = class(at);
            if here & (LETTER | DIGIT | JOIN) != 0 {
                seen |= here;
            } else {
                let around = class(at.wrapping_sub(1)) & class(at + 1);
                let joins = here & BETWEEN_LETTERS != 0 && around & LETTER != 0
                    || here & BETWEEN_DIGITS != 0 && around & DIGIT != 0;
                if at == start || !joins {
                    break;
                }
            }
            at += 1;
        }
        if seen & (LETTER | DIGIT) != 0 {
            trimmed(&buffer[start..at], each);
        }
        at += 1;
    }
}

/// Takes off the possessive and cuts what is too long.
fn trimmed(word: &str, each: &mut impl FnMut(&str)) {
    let word = word.strip_suffix("'s").unwrap_or(word);
    let mut end = word.len().min(LONGEST);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    each(&word[..end]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for_each(text, &mut String::new(), |word| found.push(word.to_owned()));
        found
    }

    fn general(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        unicode(text, &mut String::new(), &mut |word: &str| found.push(word.to_owned()));
        found
    }

    #[test]
    fn splits_as_documented() {
        let text = "Bob's dog—Zoë’s friend: met at 3.14pm, 1,000 times on 2024-05-01! user:x a_b";
        let expected = "bob dog zoë friend met at 3.14pm 1,000 times on 2024 05 01 user x a_b";
        assert_eq!(words(text), expected.split(' ').collect::<Vec<_>>());
        assert_eq!(words("ＦＵＬＬ ﬁne ΣΑΣ"), ["full", "fine", "σας"]);
        assert_eq!(words("_ ' ... \u{301}"), Vec::<String>::new());
        assert_eq!(words(&"é".repeat(200))[0].len(), LONGEST);
    }

    proptest! {
        #[test]
        fn ascii_equals_the_general_definition(text in "[a-cA-C0-2_.,;:'\" \\-\t\n]{0,40}|[\\x00-\\x7f]{0,40}") {
            prop_assert_eq!(words(&text), general(&text));
        }

        #[test]
        fn pieces_equal_the_whole(text in "([a-cA-C0-1_.,:' \n]|[’éΣİǅßﬁ①アか語אก\u{301}\u{200d}🇩🇪👍]|\\PC){0,30}") {
            prop_assert_eq!(words(&text), general(&text));
        }
    }
}
