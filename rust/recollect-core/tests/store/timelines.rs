//! A tree that follows a namespace, after any writes, is the one made anew; and the files of both agree with a list.

use proptest::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::segmentation::Rules;
use recollect_core::store::{Follower, Following, Order, Selection, Store};
use recollect_core::time::Timestamp;
use recollect_core::timeline::{NamedTimeline, Settings};
use recollect_core::vector::Keep;

use crate::cases::HOUR;
use crate::home::{Home, path};
use crate::machine::Machine;
use crate::plan::{NAMESPACES, Step, writing};

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => writing(),
        2 => (1..3 * HOUR).prop_map(Step::Wait),
        1 => Just(Step::Unload),
        1 => Just(Step::Checkpoint),
    ]
}

fn made() -> (NamedTimeline, Follower) {
    let settings = Settings { terms: 8, ..Settings::default() };
    let rules = Rules { most: 3, ..Rules::default() };
    let wish = Following { settings: settings.clone(), vectors: true, rules, kinds: None };
    (NamedTimeline::by_slot(settings).unwrap(), Follower::new(wish).unwrap())
}

fn follow(store: &Store, name: &str, tree: &mut (NamedTimeline, Follower), now: i64) {
    let memory = store.namespace(&path(name)).unwrap();
    memory.follow(&mut tree.0, &mut tree.1, Timestamp(now), Cancel::never()).unwrap();
}

/// What a tree says, in words that mean the same in every tree; those that start together in any order.
fn told(tree: &NamedTimeline) -> Vec<String> {
    let levels = tree.timeline.settings().levels.len() as u8;
    let nodes = (0..levels).flat_map(|level| tree.timeline.nodes(level, i64::MIN, i64::MAX));
    let mut all: Vec<String> = nodes
        .map(|view| {
            let mut words: Vec<_> = tree.timeline.terms(view.id).unwrap();
            words.sort_by_key(|x| tree.word_text(x.0).to_owned());
            let words: Vec<_> = words.into_iter().map(|x| (tree.word_text(x.0), x.1)).collect();
            let mean = tree.timeline.mean(view.id).unwrap();
            let slots = tree.timeline.events_of(view.id, usize::MAX).unwrap();
            let facts = (view.id.level, view.start, view.end, view.events, view.salience, slots);
            // Of equally frequent words the first that came stay, where a node has more than it keeps.
            if words.len() < 8 {
                format!("{facts:?} {mean:?} {words:?}")
            } else {
                format!("{facts:?} {mean:?}")
            }
        })
        .collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_followed_tree_is_one_made_anew(steps in prop::collection::vec(step(), 1..30)) {
        let mut machine = Machine::new(Home::file(), Keep::F32);
        let mut trees: Vec<_> = NAMESPACES.iter().map(|_| made()).collect();
        for (at, step) in steps.into_iter().enumerate() {
            machine.run(step);
            // Not after each, so that it has several to catch up with.
            if at % 3 == 1 {
                continue;
            }
            for (name, tree) in NAMESPACES.iter().zip(&mut trees) {
                follow(&machine.store, name, tree, machine.now);
                let mut anew = made();
                follow(&machine.store, name, &mut anew, machine.now);
                prop_assert_eq!(told(&tree.0), told(&anew.0));
                let memory = machine.store.namespace(&path(name)).unwrap();
                let now = Timestamp(machine.now);
                let listed = memory.list(&Selection::default(), Order::Time, 0, None, now, Cancel::never()).unwrap();
                let order: Vec<_> = tree.0.timeline.order().collect();
                let held = memory.held_of(&tree.1, &order, Cancel::never()).unwrap();
                let time = |x: &recollect_core::record::Record| x.event.map_or(x.ingested.0, |e| e.start.0);
                let times = |all: &mut dyn Iterator<Item = &recollect_core::store::Held>| {
                    all.map(|x| time(&x.record)).collect::<Vec<_>>()
                };
                prop_assert_eq!(times(&mut held.iter().map(|x| &x.1)), times(&mut listed.iter()));
            }
        }
        machine.check();
    }
}
