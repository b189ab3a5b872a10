//! The adaptive fusion against the cases of `tests/golden/fusion.json`, computed in double precision by its reference.

use serde_json::Value;

use super::adaptive;
use super::context::Context;
use super::dates::Dated;
use super::parts::{Links, Parts};
use super::pool::{Mode, Pool};
use super::population::Population;
use super::request::Beside;
use super::view::{Role, Standing, View};
use crate::bitmap::Bitmap;
use crate::id::{Slot, Uid};
use crate::lexical::{Analyzer, LexicalIndex, Query};
use crate::session::{Place, SessionId, Sessions};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/fusion.json");

/// Where each slot stands.
struct Places(Vec<Option<(SessionId, Place)>>, Bitmap);

impl Standing for Places {
    fn place(&self, slot: Slot) -> Option<(SessionId, Place)> {
        self.0[slot as usize]
    }

    fn event(&self, _: Slot) -> (i64, i64) {
        (0, 1)
    }

    fn within(&self, _: i64, _: i64) -> Bitmap {
        Bitmap::new()
    }

    fn lasting(&self) -> (i64, i64) {
        (i64::MAX, i64::MIN)
    }

    fn base_level(&self, _: Slot) -> f32 {
        0.0
    }

    fn speaker(&self, _: Slot) -> Option<u32> {
        None
    }

    fn asks(&self, _: Slot) -> bool {
        false
    }

    fn role(&self, _: Role) -> &Bitmap {
        &self.1
    }

    fn spoken_by(&self, _: &str, _: &mut dyn FnMut(Slot)) {}
}

fn numbers(value: &Value, missing: f32) -> Vec<f32> {
    let number = |x: &Value| x.as_f64().map_or(missing, |x| x as f32);
    value.as_array().map_or_else(Vec::new, |list| list.iter().map(number).collect())
}

fn integers(value: &Value) -> Vec<i64> {
    value.as_array().into_iter().flatten().map(|x| x.as_i64().unwrap()).collect()
}

/// An index in which each term has the document frequency of the case, and the query of all terms.
fn query(case: &Value, memories: usize) -> Query {
    let frequencies: Vec<i64> =
        case["terms"].as_array().unwrap().iter().map(|x| x[1].as_i64().unwrap()).collect();
    let mut index = LexicalIndex::new(Analyzer::new(None));
    for slot in 0..memories {
        let terms = (0..frequencies.len()).filter(|&t| (slot as i64) < frequencies[t]);
        index.insert(slot as Slot, &terms.map(|t| format!("term{t} ")).collect::<String>());
    }
    let query = index.prepare_set(&(0..frequencies.len()).map(|t| format!("term{t} ")).collect::<String>());
    for (term, given) in query.terms().iter().zip(case["terms"].as_array().unwrap()) {
        assert!((f64::from(term.idf) - given[0].as_f64().unwrap()).abs() < 1e-5);
    }
    query
}

/// The context of a case, and whether a session has two memories.
fn context(case: &Value, slots: &[Slot], uids: &[Uid], words: &[f32]) -> (Context, bool) {
    let (of, places) = (integers(&case["session"]), integers(&case["pos"]));
    let mut sessions = Sessions::default();
    let mut standing = Places(vec![None; slots.len()], Bitmap::new());
    for &slot in slots {
        if let Ok(session) = SessionId::try_from(of[slot as usize]) {
            let place = Place { time: places[slot as usize], turn: 0, slot };
            sessions.insert(session, place);
            standing.0[slot as usize] = Some((session, place));
        }
    }
    let lexical = LexicalIndex::new(Analyzer::new(None));
    let live: Bitmap = slots.iter().copied().collect();
    let view = View {
        lexical: &lexical,
        vectors: None,
        sessions: &sessions,
        live: &live,
        allow: None,
        uids,
        standing: &standing,
        links: None,
    };
    (Context::of(&view, slots, words, false), sessions.iter().any(|members| members.len() > 1))
}

fn pool(case: &Value) -> Pool {
    let count = case["n"].as_u64().unwrap() as usize;
    let memories = case["n_stats"].as_u64().unwrap() as usize;
    let slots: Vec<Slot> = (0..count as Slot).collect();
    let uids: Vec<Uid> = slots.iter().map(|&slot| Uid(u128::from(slot).to_be_bytes())).collect();
    let words = numbers(&case["bm25"], 0.0);
    let vectors = numbers(&case["dense"], f32::NEG_INFINITY);
    let top = words.iter().copied().fold(0.0, f32::max);
    let spoken: Vec<bool> =
        case["spk"].as_array().into_iter().flatten().map(|x| x.as_bool().unwrap()).collect();
    let mut addressed: Vec<u32> = slots.clone();
    addressed.retain(|&at| spoken.get(at as usize) == Some(&true));
    if addressed.len() == count {
        addressed.clear();
    }
    let words = if top > 0.0 { words } else { Vec::new() };
    let (context, conversational) = context(case, &slots, &uids, &words);
    Pool {
        beside: Beside::ALL,
        brevity: 0.0,
        context,
        conversational,
        similarity: Population::of(&vectors),
        query: Some(query(case, memories)),
        words,
        slots,
        uids,
        vectors,
        addressed,
        base_levels: Vec::new(),
        given: Parts::default(),
        alone: None,
        links: Links::default(),
        dated: Dated::default(),
        times: Vec::new(),
        role: None,
        top,
        memories,
        scope: count,
        plan: None,
        mode: Mode::Exhaustive,
    }
}

#[test]
fn the_adaptive_fusion_is_that_of_its_reference() {
    let cases: Value = serde_json::from_str(&std::fs::read_to_string(CASES).unwrap()).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() >= 5);
    for case in cases {
        let pools = [pool(case)];
        let parts = &adaptive::parts(&pools)[0];
        let lists = [&parts.words, &parts.vectors, &parts.neighbours, &parts.session, &parts.speaker];
        for (at, expected) in numbers(&case["expected"], f32::NAN).into_iter().enumerate() {
            let sum: f32 = lists.iter().map(|list| list.get(at).copied().unwrap_or(0.0)).sum();
            assert!((sum - expected).abs() < 1e-4, "{}: {at}: {sum} is not {expected}", case["name"]);
        }
    }
}
