//! What was known at earlier times.

use proptest::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::id::Uid;
use recollect_core::recall::Fusion;
use recollect_core::record::Kind;
use recollect_core::store::{Draft, Order, Recall, Selection, Store};
use recollect_core::time::{Interval, Timestamp};
use recollect_core::vector::Keep;

use crate::home::{Home, call, path, request, space};
use crate::machine::Machine;
use crate::plan::{NAMESPACES, Step, writing};

fn known(at: i64) -> Selection {
    Selection { known: Some(Timestamp(at)), ..Selection::default() }
}

/// What recalls and a list say at a time: identities, versions and scores to the bit.
fn answers(store: &Store, selection: &Selection, now: i64) -> Vec<Vec<(Uid, u32, u32)>> {
    let (now, never) = (Timestamp(now), Cancel::never());
    let asked = [
        (Some("apple Tuesday"), None),
        (Some("river home"), Some(vec![1.0, 0.0, 0.0, 0.0])),
        (None, Some(vec![0.1, 0.2, 0.3, 0.9])),
    ];
    let told = |recall: Recall| {
        recall
            .found
            .iter()
            .map(|x| (x.hit.uid, x.held.record.version, x.hit.score.to_bits()))
            .collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for (text, vector) in asked {
        let request = request(text, vector, Fusion::Adaptive);
        for one in NAMESPACES {
            let memory = store.namespace(&path(one)).unwrap();
            all.push(told(memory.recall(&request, Some(&space()), selection, now, never).unwrap()));
        }
        let paths: Vec<_> = NAMESPACES.iter().map(|x| path(x)).collect();
        all.push(told(store.recall(&paths, &request, Some(&space()), selection, now, never).unwrap()));
    }
    for one in NAMESPACES {
        let memory = store.namespace(&path(one)).unwrap();
        let list = memory.list(selection, Order::Ingested, 0, None, now, never).unwrap();
        assert_eq!(memory.count(selection, now, never).unwrap(), list.len());
        all.push(list.iter().map(|x| (x.record.uid, x.record.version, x.mentions)).collect());
    }
    all
}

/// Times to live that reads renew are journalled with the next write: the journal does not tell when.
fn steady(step: Step) -> Step {
    match step {
        Step::Add { at, mut drafts, keep, parent, again } => {
            let fixed = |draft: &mut Draft| {
                draft.ttl = draft.ttl.map(|ttl| recollect_core::record::Ttl { sliding: false, ..ttl })
            };
            drafts.iter_mut().for_each(fixed);
            Step::Add { at, drafts, keep, parent, again }
        }
        step => step,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_past_answers_as_it_did(
        steps in prop::collection::vec((writing().prop_filter("kept", |x| !matches!(x, Step::Erase { .. })), 1..9_i64), 1..20),
        reopened in any::<bool>(),
    ) {
        let home = if reopened { Home::file() } else { Home::memory() };
        let mut machine = Machine::new(home, Keep::F32);
        let mut then = Vec::new();
        for (step, wait) in steps {
            machine.now += wait;
            machine.run(steady(step));
            then.push((machine.now, answers(&machine.store, &Selection::default(), machine.now)));
        }
        if reopened {
            machine.run(Step::Checkpoint);
            machine.run(Step::Reopen { snapshots: true });
        }
        for (at, expected) in then.iter().rev().chain(&then) {
            prop_assert_eq!(&answers(&machine.store, &known(*at), *at), expected);
        }
    }

    #[test]
    fn what_is_erased_is_gone_from_the_past(
        before in prop::collection::vec((writing(), 1..9_i64), 1..16),
        after in prop::collection::vec((writing(), 1..9_i64), 1..8),
    ) {
        let mut machine = Machine::new(Home::memory(), Keep::F32);
        let mut times = Vec::new();
        for (step, wait) in before.into_iter().chain(after) {
            machine.now += wait;
            machine.run(steady(step));
            times.push(machine.now);
            // The states of earlier times are read on while the journal grows.
            times.iter().rev().take(2).for_each(|&at| { answers(&machine.store, &known(at), at); });
        }
        let asked = times.iter().rev().map(|&at| answers(&machine.store, &known(at), at)).collect::<Vec<_>>();
        for found in asked.iter().flatten().flatten() {
            prop_assert!(machine.books.iter().flat_map(|x| &x.lives).any(|life| life.uid == found.0 && !life.versions.is_empty()));
        }
        machine.store.unload().unwrap();
        let again = times.iter().rev().map(|&at| answers(&machine.store, &known(at), at)).collect::<Vec<_>>();
        prop_assert_eq!(asked, again);
    }
}

#[test]
fn a_fact_holds_from_its_event_on_and_an_episode_stays_happened() {
    let store = Home::memory().open();
    let memory = store.namespace(&path("a")).unwrap();
    let draft = |text: &str, kind: Kind, event: Option<(i64, i64)>| Draft {
        event: event.and_then(|x| Interval::new(Timestamp(x.0), Timestamp(x.1))),
        ..Draft::new(kind, text)
    };
    let drafts = vec![
        draft("paris", Kind::Semantic, Some((100, 200))),
        draft("berlin", Kind::Semantic, Some((200, 201))),
        draft("always", Kind::Semantic, None),
        draft("lunch", Kind::Episodic, Some((150, 160))),
        draft("undated", Kind::Episodic, None),
    ];
    memory.add(drafts, None, false, &mut call(500, 1)).unwrap();
    let at = |time: i64| {
        let selection = Selection { valid: Some(Timestamp(time)), ..Selection::default() };
        let list = memory.list(&selection, Order::Time, 0, None, Timestamp(900), Cancel::never()).unwrap();
        let mut texts: Vec<_> = list.into_iter().map(|x| x.record.text).collect();
        texts.sort();
        texts.join(" ")
    };
    assert_eq!(at(99), "always");
    assert_eq!(at(100), "always paris");
    assert_eq!(at(199), "always lunch paris");
    assert_eq!(at(200), "always berlin lunch");
    assert_eq!(at(499), "always berlin lunch");
    assert_eq!(at(1 << 60), "always berlin lunch undated");
}

#[test]
fn before_its_first_event_a_namespace_was_empty() {
    let store = Home::memory().open();
    let memory = store.namespace(&path("a")).unwrap();
    assert_eq!(answers(&store, &known(5), 5).concat(), []);
    memory.add(vec![Draft::new(Kind::Episodic, "river home")], None, false, &mut call(500, 1)).unwrap();
    assert_eq!(answers(&store, &known(499), 499).concat(), []);
    assert_eq!(answers(&store, &known(500), 500).concat().len(), 3);
}
