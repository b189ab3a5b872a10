//! Facts under two times, against the stand-alone ones.

use proptest::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::error::Error;
use recollect_core::facts::{self, Facts, Pattern, Verdict};
use recollect_core::graph::Direction;
use recollect_core::id::Uid;
use recollect_core::journal::event::Op;
use recollect_core::record::Kind;
use recollect_core::store::{CONTRADICTS, Claimed, Draft, Memory, Order, Policy, SUPPORTS, Selection};
use recollect_core::time::{Interval, Timestamp};

use crate::home::{Home, call, path, space};

const OBJECTS: [&str; 3] = ["Paris", "Berlin", "Rome"];

fn fact(object: &str, valid: (i64, i64), confidence: f32) -> Draft {
    let mut draft = Draft::new(Kind::Semantic, format!("Alice lives in {object}"));
    for (name, value) in [("subject", "Alice"), ("predicate", "lives in"), ("object", object)] {
        draft.metadata.insert(name.into(), value.into());
    }
    draft.confidence = confidence;
    draft.event = match valid {
        (i64::MIN, i64::MAX) => None,
        (from, i64::MAX) => Some(Interval::instant(Timestamp(from))),
        (from, until) => Interval::new(Timestamp(from), Timestamp(until)),
    };
    draft
}

fn about(valid: i64, known: Option<i64>) -> Selection {
    Selection {
        about: Some(("Alice".into(), Some("lives in".into()))),
        valid: Some(Timestamp(valid)),
        known: known.map(Timestamp),
        ..Selection::default()
    }
}

fn objects(memory: &Memory, valid: i64, known: Option<i64>) -> Vec<String> {
    let list = memory.list(&about(valid, known), Order::Time, 0, None, Timestamp(9_999), Cancel::never());
    let mut all: Vec<String> =
        list.unwrap().iter().map(|x| x.record.metadata["object"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all.dedup();
    all
}

fn said(memory: &Memory, draft: Draft, policy: &Policy, now: i64) -> Claimed {
    memory.claim(draft, &[], policy, None, &mut call(now, now as u64)).unwrap()
}

fn home() -> Memory {
    Home::memory().open().namespace(&path("a")).unwrap()
}

#[test]
fn what_held_and_what_was_known() {
    let memory = home();
    said(&memory, fact("Paris", (2020, i64::MAX), 1.0), &Policy::Supersede, 2021);
    let done = said(&memory, fact("Berlin", (2300, i64::MAX), 1.0), &Policy::Supersede, 2310);
    assert_eq!(done.gave_way.iter().map(|x| (x.op, x.version)).collect::<Vec<_>>(), [(Op::Updated, 2)]);
    assert_eq!(objects(&memory, 2305, Some(2309)), ["Paris"]);
    assert_eq!(objects(&memory, 2305, Some(2310)), ["Berlin"]);
    assert_eq!(objects(&memory, 2305, None), ["Berlin"]);
    assert_eq!(objects(&memory, 2100, Some(2021)), ["Paris"]);
    assert_eq!(objects(&memory, 2100, Some(2020)), [""; 0]);
    // In the middle of the first: what comes after it is a memory of its own.
    let between = said(&memory, fact("Rome", (2100, 2200), 1.0), &Policy::Supersede, 2400);
    assert_eq!(between.gave_way.iter().map(|x| x.op).collect::<Vec<_>>(), [Op::Updated, Op::Added]);
    for (at, object) in [(2099, "Paris"), (2100, "Rome"), (2199, "Rome"), (2200, "Paris"), (2300, "Berlin")] {
        assert_eq!(objects(&memory, at, None), [object]);
    }
}

#[test]
fn a_hundred_overwrites_are_all_on_record() {
    let memory = home();
    for at in 0..100 {
        said(
            &memory,
            fact(&format!("city {at:02}"), (at * 10, i64::MAX), 1.0),
            &Policy::LatestWins,
            1000 + at,
        );
        assert_eq!(objects(&memory, 5_000, None), [format!("city {at:02}")]);
    }
    for at in 0..100 {
        assert_eq!(objects(&memory, 5_000, Some(1000 + at)), [format!("city {at:02}")]);
    }
    let ever = memory.ever_stated("Alice", Some("lives in"), Cancel::never()).unwrap();
    assert_eq!(ever.len(), 100);
    let first = memory.history(ever[0], Cancel::never()).unwrap();
    assert_eq!(first[0].record.as_ref().unwrap().text, "Alice lives in city 00");
    assert_eq!(first[1].event.op, Op::Deleted);
    assert_eq!(memory.ever_stated("Alice", Some("works at"), Cancel::never()).unwrap(), []);
    assert_eq!(memory.ever_stated("Alice", None, Cancel::never()).unwrap(), ever);
}

#[test]
fn what_is_less_sure_is_only_on_record() {
    let memory = home();
    said(&memory, fact("Paris", (0, i64::MAX), 0.9), &Policy::ByConfidence, 10);
    let done = said(&memory, fact("Rome", (50, i64::MAX), 0.5), &Policy::ByConfidence, 20);
    assert_eq!((done.outcome.op, done.gave_way.len()), (Op::Deleted, 0));
    assert_eq!(objects(&memory, 60, None), ["Paris"]);
    assert_eq!(memory.ever_stated("Alice", None, Cancel::never()).unwrap().len(), 2);
    said(&memory, fact("Rome", (50, i64::MAX), 0.9), &Policy::ByConfidence, 30);
    assert_eq!(objects(&memory, 60, None), ["Rome"]);
    assert_eq!(objects(&memory, 40, None), ["Paris"]);
}

#[test]
fn what_is_stated_before_is_a_mention() {
    let memory = home();
    let first = said(&memory, fact("Paris", (0, i64::MAX), 0.9), &Policy::Supersede, 10).outcome;
    let again = said(&memory, fact("Paris", (50, 80), 0.5), &Policy::Supersede, 20).outcome;
    assert_eq!((again.uid, again.op, again.mentions), (first.uid, Op::Noop, 2));
    let surer = said(&memory, fact("Paris", (50, 80), 1.0), &Policy::Supersede, 30).outcome;
    assert_eq!(surer.op, Op::Added);
}

#[test]
fn both_stand_with_a_link_where_both_are_kept() {
    let memory = home();
    let paris = said(&memory, fact("Paris", (0, i64::MAX), 1.0), &Policy::KeepBoth, 10).outcome.uid;
    let rome = said(&memory, fact("Rome", (5, i64::MAX), 1.0), &Policy::KeepBoth, 20).outcome.uid;
    assert_eq!(objects(&memory, 60, None), ["Paris", "Rome"]);
    let relations = [CONTRADICTS.to_owned()];
    let found = memory.neighbours(rome, Direction::Out, Some(&relations), Timestamp(30), Cancel::never());
    assert_eq!(
        found.unwrap().iter().map(|x| (x.uid, x.relation.as_str())).collect::<Vec<_>>(),
        [(paris, CONTRADICTS)]
    );
}

#[test]
fn verdicts_are_for_what_is_in_conflict_now() {
    let memory = home();
    let draft = |object: &str, from, until| fact(object, (from, until), 1.0);
    let paris = said(&memory, draft("Paris", 0, 100), &Policy::Supersede, 10).outcome.uid;
    let asked = draft("Rome", 50, 80);
    let conflicts = memory.conflicts(&asked.metadata, asked.event, Timestamp(20), Cancel::never()).unwrap();
    assert_eq!(conflicts.iter().map(|x| x.record.uid).collect::<Vec<_>>(), [paris]);
    let stale = Policy::Judged(vec![(paris, 2, Verdict::Extends)]);
    let refused = memory.claim(asked.clone(), &[], &stale, None, &mut call(20, 1));
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    assert_eq!(objects(&memory, 60, None), ["Paris"]);
    said(&memory, asked, &Policy::Judged(vec![(paris, 1, Verdict::Extends)]), 30);
    // It takes the place of the old one over the time of both.
    for (at, held) in [(0, vec!["Rome"]), (99, vec!["Rome"]), (100, vec![])] {
        assert_eq!(objects(&memory, at, None), held);
    }
}

#[test]
fn facts_know_what_supports_them() {
    let memory = home();
    let episodes = ["we moved", "new flat"].map(|text| Draft::new(Kind::Episodic, text)).to_vec();
    let told = memory.add(episodes, None, false, &mut call(5, 1)).unwrap();
    let (one, two) = (told[0].uid, told[1].uid);
    let claim = |draft, evidence: &[Uid], now| {
        memory
            .claim(draft, evidence, &Policy::Supersede, None, &mut call(now, now as u64))
            .unwrap()
            .outcome
            .uid
    };
    let paris = claim(fact("Paris", (0, i64::MAX), 1.0), &[one], 10);
    let only = |gone: &[Uid]| memory.supported_only_by(gone, Timestamp(50), Cancel::never()).unwrap();
    assert_eq!(only(&[one]), [paris]);
    // Stated again by another: the mention is one more support.
    assert_eq!(claim(fact("Paris", (0, i64::MAX), 1.0), &[two], 20), paris);
    assert_eq!(only(&[one]), []);
    assert_eq!(only(&[one, two]), [paris]);
    assert_eq!(only(&[one, two, paris]), []);
    claim(fact("Rome", (20, 30), 1.0), &[], 30);
    // What of it comes after Rome has the same supports.
    assert_eq!(only(&[one, two]).len(), 2);
    let supports = memory.neighbours(one, Direction::Out, None, Timestamp(40), Cancel::never()).unwrap();
    assert!(supports.iter().all(|x| x.relation == SUPPORTS) && supports.len() == 2);
    let unknown =
        memory.claim(fact("Oslo", (0, 9), 1.0), &[Uid([9; 16])], &Policy::Supersede, None, &mut call(40, 9));
    assert!(matches!(unknown, Err(Error::UnknownMemory(_))));
}

#[test]
fn half_a_fact_is_refused() {
    let memory = home();
    for name in ["subject", "predicate", "object"] {
        let mut draft = fact("Paris", (0, 9), 1.0);
        draft.metadata.remove(name);
        let refused = memory.claim(draft, &[], &Policy::Supersede, None, &mut call(10, 1));
        assert!(matches!(refused, Err(Error::Invalid { argument, .. }) if argument == name));
    }
    assert_eq!(memory.count(&Selection::default(), Timestamp(20), Cancel::never()).unwrap(), 0);
}

#[derive(Debug, Clone)]
struct Said {
    object: usize,
    valid: (i64, i64),
    confidence: f32,
    policy: usize,
}

prop_compose! {
    fn said_at_random()(
        object in 0..OBJECTS.len(), from in 0..10_i64, length in 1..8_i64, open in 0..6, policy in 0..3_usize,
        confidence in prop::sample::select(vec![0.5_f32, 0.75, 1.0]),
    ) -> Said {
        let valid = match open {
            0 => (i64::MIN, i64::MAX),
            1 => (from * 10, i64::MAX),
            _ => (from * 10, (from + length) * 10),
        };
        Said { object, valid, confidence, policy }
    }
}

// Which statements `LatestWins` takes back depends on how those of one object are cut up, so it is left out.
proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_store_holds_facts_as_the_stand_alone_ones_do(
        all in prop::collection::vec(said_at_random(), 1..12), reopened in any::<bool>(), embedded in any::<bool>(),
    ) {
        let home = if reopened { Home::file() } else { Home::memory() };
        let store = home.open();
        let memory = store.namespace(&path("a")).unwrap();
        let mut model = Facts::new();
        for (at, said) in all.iter().enumerate() {
            let now = 1_000 + at as i64;
            let mut draft = fact(OBJECTS[said.object], said.valid, said.confidence);
            draft.vectors = if embedded { vec![vec![1.0, 0.0, said.object as f32, 0.0]] } else { Vec::new() };
            let (ours, theirs) = match said.policy {
                0 => (Policy::Supersede, facts::Policy::Supersede),
                1 => (Policy::KeepBoth, facts::Policy::KeepBoth),
                _ => (Policy::ByConfidence, facts::Policy::ByConfidence),
            };
            memory.claim(draft, &[], &ours, Some(&space()), &mut call(now, at as u64)).unwrap();
            let claim = facts::Claim {
                subject: 0, predicate: 0, object: said.object as u32, valid: said.valid,
                confidence: said.confidence, source: None,
            };
            model.assert(claim, &theirs, now).unwrap();
        }
        let store = if reopened {
            store.checkpoint(Cancel::never()).unwrap();
            store.close().unwrap();
            home.open()
        } else {
            store
        };
        let memory = store.namespace(&path("a")).unwrap();
        for known in (999..1_000 + all.len() as i64).map(Some).chain([None]) {
            for valid in (-5..200).step_by(5) {
                let pattern = Pattern { subject: Some(0), predicate: Some(0), object: None };
                let rows = model.as_of(pattern, valid, known.unwrap_or(9_999));
                let mut expected: Vec<&str> =
                    rows.iter().map(|&row| OBJECTS[model.fact(row).unwrap().object as usize]).collect();
                expected.sort_unstable();
                expected.dedup();
                prop_assert_eq!(objects(&memory, valid, known), expected, "valid {} known {:?}", valid, known);
            }
        }
    }
}
