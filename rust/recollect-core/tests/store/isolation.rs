//! A namespace is its own world: what happens elsewhere does not change a bit of its answers.

use proptest::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::store::{Draft, Store};

use crate::cases::{HOUR, MONDAY, draft};
use crate::home::{Home, call, path, space};
use crate::sight::{Sight, look};

const OURS: &str = "a/b";
/// Siblings, a prefix, a child, names that begin alike, and the root.
const THEIRS: [&str; 6] = ["a/c", "a", "a/b/c", "a/bb", "A/b", ""];

/// A batch, and how many of the memories so far go again.
type Deed = (Vec<Draft>, Vec<prop::sample::Index>, bool);

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let picks = prop::collection::vec(any::<prop::sample::Index>(), 0..2);
    prop::collection::vec((prop::collection::vec(draft(), 0..6), picks, any::<bool>()), 1..6)
}

/// Does a deed in a namespace; deeds with one number bring the same randomness.
fn act(store: &Store, name: &str, deed: &Deed, number: u64) {
    let memory = store.namespace(&path(name)).unwrap();
    let now = MONDAY + number as i64 * HOUR / 2;
    let added = memory.add(deed.0.clone(), Some(&space()), deed.2, &mut call(now, 2 * number)).unwrap();
    for pick in deed.1.iter().filter(|_| !added.is_empty()) {
        let (uid, mut call) = (pick.get(&added).uid, call(now, 2 * number + 1));
        // A pick may be gone already.
        let _ = if deed.2 {
            memory.delete(&[uid], "", &mut call).map(drop)
        } else {
            memory.erase(&[uid], &mut call).map(drop)
        };
    }
}

/// Looks at our namespace, and at what it takes in memory.
fn see(store: &Store, now: i64) -> (Sight, recollect_core::store::Stats) {
    let sight = look(store, OURS, now);
    (sight, store.stats(&path(OURS), Cancel::never()).unwrap())
}

fn compare(home: Home, other: Home, ours: &[Deed], theirs: &[Deed], reopen: bool) {
    let (mut alone, mut beside) = (home.open(), other.open());
    for (at, deed) in ours.iter().enumerate() {
        let number = at as u64;
        for (name, deed) in THEIRS.iter().cycle().skip(at).zip(theirs) {
            act(&beside, name, deed, 100 + number);
            look(&beside, name, MONDAY);
        }
        act(&alone, OURS, deed, number);
        act(&beside, OURS, deed, number);
        let now = MONDAY + at as i64 * HOUR;
        assert_eq!(see(&alone, now), see(&beside, now));
        if reopen {
            for (home, store) in [(&home, &mut alone), (&other, &mut beside)] {
                store.checkpoint(Cancel::never()).unwrap();
                store.close().unwrap();
                *store = home.open();
            }
            assert_eq!(see(&alone, now), see(&beside, now));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn in_memory(ours in deeds(), theirs in deeds(), reopen in any::<bool>()) {
        compare(Home::memory(), Home::memory(), &ours, &theirs, reopen);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn in_a_file(ours in deeds(), theirs in deeds()) {
        compare(Home::file(), Home::file(), &ours, &theirs, true);
    }
}
