//! The index against a list of token lists.

use proptest::prelude::*;

use super::*;
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::id::Slot;
use crate::scored::Scored;

fn plain() -> Analyzer {
    Analyzer::new(None)
}

/// What the index should hold: the terms of each slot.
type Model = std::collections::BTreeMap<Slot, Vec<String>>;

/// BM25 as in the books, in `f64`.
fn textbook(model: &Model, query: &[String]) -> Vec<(Slot, f64)> {
    let n = model.len() as f64;
    let average = model.values().map(Vec::len).sum::<usize>() as f64 / n;
    let score = |terms: &Vec<String>| {
        let part = |word: &String| {
            let df = model.values().filter(|terms| terms.contains(word)).count() as f64;
            let f = terms.iter().filter(|term| *term == word).count().min(255) as f64;
            let idf = (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
            idf * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * terms.len() as f64 / average.max(1e-9)))
        };
        query.iter().map(part).sum()
    };
    model.iter().map(|(&slot, terms)| (slot, score(terms))).filter(|found| found.1 > 0.0).collect()
}

fn search(index: &LexicalIndex, query: &str, k: usize) -> Vec<Scored> {
    index.search(&index.prepare(query), k, None, Cancel::never()).unwrap()
}

fn slots(found: &[Scored]) -> Vec<Slot> {
    found.iter().map(|found| found.slot).collect()
}

/// Everything the index answers, by every way it has.
fn check(index: &LexicalIndex, model: &Model, query: &str, allow: Option<&Bitmap>) {
    let prepared = index.prepare(query);
    assert_eq!(index.len(), model.len());
    let all = index.search_exhaustive(&prepared, usize::MAX, None);
    let expected = textbook(model, &index.analyzer().terms(query));
    assert_eq!(all.len(), expected.len());
    let mut dense = vec![9.0; 8000];
    index.scores(&prepared, &mut dense);
    let mut few = Vec::new();
    let asked: Vec<Slot> = (0..8000).rev().step_by(3).collect();
    index.score_slots(&prepared, &asked, &mut few);
    for (slot, score) in expected {
        let found = all.iter().find(|found| found.slot == slot).unwrap().score;
        assert!((f64::from(found) - score).abs() <= 1e-4 * (1.0 + score), "{found} {score}");
        assert_eq!(dense[slot as usize], found);
        let parts = index.matched_terms(&prepared, slot);
        assert_eq!(parts.iter().map(|part| part.contribution).sum::<f32>(), found);
    }
    assert_eq!(dense.iter().filter(|score| **score > 0.0).count(), all.len());
    assert!(asked.iter().zip(few).all(|(&slot, score)| score == dense[slot as usize]));
    for k in [0, 1, 2, 3, 10, 5000] {
        for allow in [None, allow] {
            let found = index.search(&prepared, k, allow, Cancel::never()).unwrap();
            assert_eq!(found, index.search_exhaustive(&prepared, k, allow));
        }
    }
}

#[test]
fn finds_ranks_and_explains() {
    let mut index = LexicalIndex::new(Analyzer::default());
    for (slot, text) in ["The dog barks", "Dogs, dogs and a cat", "", "What is it?"].iter().enumerate() {
        index.insert(slot as Slot, text);
    }
    assert_eq!(slots(&search(&index, "the DOG'S barking", 9)), [0, 1]);
    assert_eq!(slots(&search(&index, "cats unicorns", 9)), [1]);
    assert_eq!(slots(&search(&index, "what is this", 9)), [3]);
    assert_eq!(search(&index, "", 9), []);
    assert_eq!(search(&index, "unicorns", 9), []);
    let query = index.prepare("dog unicorns dog cat");
    assert_eq!(query.unknown(), 1);
    assert!(query.idf_mass() > query.known_idf_mass());
    let about: Vec<_> = query.terms().iter().map(|t| (&*t.text, t.multiplicity, t.documents)).collect();
    assert_eq!(about, [("dog", 2, 2), ("unicorn", 1, 0), ("cat", 1, 1)]);
    assert_eq!(index.term_frequencies(&query, &[1, 0, 77]), [2, 0, 1, 1, 0, 0, 0, 0, 0]);
    assert_eq!(index.matched_terms(&query, 77), []);
    assert_eq!(
        [index.document_length(1), index.document_length(2), index.document_length(4)],
        [Some(3), Some(0), None]
    );
}

#[test]
fn ties_go_to_the_lower_slot_in_every_window() {
    let mut index = LexicalIndex::new(plain());
    (0..20_000).for_each(|slot| index.insert(slot, "same words"));
    assert_eq!(slots(&search(&index, "same", 5)), [0, 1, 2, 3, 4]);
    let odd: Bitmap = (0..20_000).filter(|slot| slot % 2 == 1).collect();
    let found = index.search(&index.prepare("words same"), 3, Some(&odd), Cancel::never()).unwrap();
    assert_eq!(slots(&found), [1, 3, 5]);
}

#[test]
fn a_query_follows_the_index() {
    let mut index = LexicalIndex::new(plain());
    (0..9).for_each(|slot| index.insert(slot, &format!("word{slot} shared")));
    let query = index.prepare("word1 shared word8 later");
    index.remove(0);
    index.compact();
    index.insert(20, "later shared");
    let fresh = index.prepare("word1 shared word8 later");
    let found = |query| index.search(query, 9, None, Cancel::never()).unwrap();
    assert_eq!(found(&query), found(&fresh));
    assert_eq!(index.matched_terms(&query, 20), index.matched_terms(&fresh, 20));
}

#[test]
fn readers_run_side_by_side() {
    let mut index = LexicalIndex::new(plain());
    (0..500).for_each(|slot| index.insert(slot, &format!("shared word{}", slot % 7)));
    let expected = search(&index, "word3 shared", 9);
    std::thread::scope(|scope| {
        let readers = [(); 4].map(|()| scope.spawn(|| search(&index, "word3 shared", 9)));
        readers.into_iter().for_each(|reader| assert_eq!(reader.join().unwrap(), expected));
    });
}

#[test]
fn a_call_can_be_cancelled() {
    let mut index = LexicalIndex::new(plain());
    index.insert(0, "word");
    let query = index.prepare("word");
    let answer = index.search(&query, 1, None, Cancel::new(&|| true));
    assert!(matches!(answer, Err(Error::Cancelled)));
}

#[test]
fn erased_words_leave_no_byte() {
    let mut index = LexicalIndex::new(Analyzer::default());
    index.insert(0, "common zyxwvuts");
    index.insert(1, "common words");
    index.remove(0);
    let holds = |index: &LexicalIndex| index.encode_chunks().concat().windows(5).any(|at| at == b"zyxwv");
    assert!(!holds(&index));
    index.compact();
    assert!(!holds(&index) && index.terms() == 2);
}

#[test]
fn saturates() {
    let mut index = LexicalIndex::new(plain());
    index.insert(0, &"often ".repeat(70_000));
    index.insert(1, "often");
    assert_eq!(index.document_length(0), Some(65_535));
    assert_eq!(index.term_frequencies(&index.prepare("often"), &[0]), [255]);
    index.insert(0, "seldom");
    assert_eq!(slots(&search(&index, "often", 5)), [1]);
}

#[derive(Debug, Clone)]
enum Op {
    Insert(Slot, String),
    Remove(Slot),
    Compact,
    Reload,
}

/// Few words, so that postings are long, and of every frequency.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(0u32..400, 0..12).prop_map(|words| {
        let word = |n: u32| format!("w{}", f64::from(n).sqrt() as u32);
        words.into_iter().map(word).collect::<Vec<_>>().join(" ")
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0u32..200, text()).prop_map(|(slot, text)| Op::Insert(slot * slot / 8, text)),
        3 => (0u32..200).prop_map(|slot| Op::Remove(slot * slot / 8)),
        1 => Just(Op::Compact),
        1 => Just(Op::Reload),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn behaves_like_the_textbook(
        texts in prop::collection::vec(text(), 0..400),
        ops in prop::collection::vec(op(), 0..60),
        query in text(),
        allow in prop::collection::vec(0u32..6000, 0..300),
    ) {
        let (mut index, mut model) = (LexicalIndex::new(plain()), Model::new());
        for (at, text) in texts.iter().enumerate() {
            index.insert(3 * at as Slot, text);
            model.insert(3 * at as Slot, plain().terms(text));
        }
        let allow: Bitmap = allow.into_iter().collect();
        for (at, op) in ops.into_iter().enumerate() {
            match op {
                Op::Insert(slot, text) => {
                    index.insert(slot, &text);
                    model.insert(slot, plain().terms(&text));
                }
                Op::Remove(slot) => {
                    let there = model.remove(&slot).is_some();
                    prop_assert_eq!(index.remove(slot), there);
                }
                Op::Compact => index.compact(),
                Op::Reload => index = LexicalIndex::decode_chunks(&index.encode_chunks()).unwrap(),
            }
            if at % 16 == 0 {
                check(&index, &model, &query, Some(&allow));
            }
        }
        check(&index, &model, &query, Some(&allow));

        // The bytes and the answers of an index that never saw what was removed.
        let mut fresh = LexicalIndex::new(plain());
        model.iter().for_each(|(&slot, terms)| fresh.insert(slot, &terms.join(" ")));
        let best = |index: &LexicalIndex| search(index, &query, 20);
        prop_assert_eq!(best(&index), best(&fresh));
        let again = LexicalIndex::decode_chunks(&index.encode_chunks()).unwrap();
        prop_assert_eq!(again.encode_chunks(), index.encode_chunks());
        index.compact();
        prop_assert_eq!(best(&index), best(&fresh));
        prop_assert_eq!(index.terms(), fresh.terms());
    }

    #[test]
    fn many_windows_are_exact(
        seed: u64,
        words in prop::collection::vec(0u32..60, 1..7),
        thin in 1u32..400,
        removed in prop::collection::vec(0u32..20_000, 0..40),
    ) {
        let mut state = seed;
        let mut next = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut index = LexicalIndex::new(plain());
        for slot in 0..20_000 {
            let length = 1 + next(9);
            let text: Vec<_> = (0..length).map(|_| format!("w{}", next(60) * next(60) / 60)).collect();
            index.insert(slot, &text.join(" "));
        }
        removed.into_iter().for_each(|slot| { index.remove(slot); });
        let query: Vec<_> = words.iter().map(|word| format!("w{word}")).collect();
        let query = index.prepare(&query.join(" "));
        let allow: Bitmap = (0..20_000).filter(|slot| slot % thin == 0).collect();
        for k in [1, 10, 300] {
            for allow in [None, Some(&allow)] {
                let found = index.search(&query, k, allow, Cancel::never()).unwrap();
                prop_assert_eq!(found, index.search_exhaustive(&query, k, allow));
            }
        }
    }

    #[test]
    fn terms_in_the_index_are_those_of_the_analyzer(texts in prop::collection::vec("([Tt]he|are|runs|running|Ran|no's|[a-z]{1,3}|é’s|3\\.5|[ ,:]){0,12}", 0..20)) {
        let mut index = LexicalIndex::new(Analyzer::default());
        for (slot, text) in texts.iter().enumerate() {
            index.insert(slot as Slot, text);
            let terms = index.analyzer().terms(text);
            prop_assert_eq!(index.document_length(slot as Slot), Some(terms.len() as u32));
            let query = index.prepare(text);
            for matched in index.matched_terms(&query, slot as Slot) {
                let text = &query.terms()[matched.term].text;
                prop_assert_eq!(terms.iter().filter(|term| *term == text).count(), usize::from(matched.frequency));
            }
        }
    }

    #[test]
    fn damaged_bytes_never_panic(
        texts in prop::collection::vec("[a-d]{1,2}( [a-d]{1,2}){0,4}", 0..30),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        split in any::<prop::sample::Index>(),
        garbage: Vec<u8>,
    ) {
        let mut index = LexicalIndex::new(Analyzer::default());
        (0..).zip(&texts).for_each(|(slot, text)| index.insert(slot, text));
        let bytes = index.encode_chunks().concat();
        let (left, right) = bytes.split_at(split.index(bytes.len()));
        let again = LexicalIndex::decode_chunks(&[left, &[], right]).unwrap();
        prop_assert_eq!(again.encode_chunks().concat(), bytes.clone());
        prop_assert!(LexicalIndex::decode_chunks(&[&bytes[..cut.index(bytes.len())]]).is_err());
        prop_assert!(LexicalIndex::decode_chunks(&[&bytes[..], &[0]]).is_err());
        prop_assert!(LexicalIndex::decode_chunks(&[&garbage]).is_err());
        let mut bent = bytes.clone();
        flips.into_iter().for_each(|(at, mask)| bent[at.index(bytes.len())] ^= mask);
        if let Ok(mut index) = LexicalIndex::decode_chunks(&[bent]) {
            let query = index.prepare("a b c d aa bb");
            prop_assert_eq!(index.search(&query, 3, None, Cancel::never()).unwrap(), index.search_exhaustive(&query, 3, None));
            (0..40).for_each(|slot| { index.remove(slot); });
            index.compact();
            prop_assert!(index.is_empty() && index.terms() == 0);
        }
    }
}
