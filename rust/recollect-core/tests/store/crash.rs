//! The process ends at every place of a script: what was acknowledged is there, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use recollect_core::cancel::Cancel;

use crate::faults::{Fault, reopened};
use crate::home::{Home, open};
use crate::script::{NAMES, STEPS, act, instant};
use crate::sight::{Sight, look};
use crate::wrapped::At;

/// What a new opening shows after each number of steps, at the end of the script.
fn prefixes() -> Vec<Vec<Sight>> {
    let home = Home::memory();
    let store = home.open();
    let mut shown = vec![reopened(&home, instant(STEPS))];
    for step in 0..STEPS {
        act(&store, step).unwrap();
        shown.push(reopened(&home, instant(STEPS)));
    }
    shown
}

#[test]
fn nothing_but_the_acknowledged_outlives_the_nth_commit() {
    let prefixes = prefixes();
    for (nth, after) in (0..).flat_map(|nth| [(nth, false), (nth, true)]) {
        let home = Home::memory();
        let (armed, calls) = (AtomicBool::new(true), AtomicUsize::new(0));
        let end = Arc::new(Fault { kind: At::Commit, after, nth, for_good: true, armed, calls });
        let store = home.open_with(end.clone());
        let acknowledged = (0..STEPS).take_while(|&step| act(&store, step).is_ok()).count();
        if !end.fired() {
            assert_eq!(acknowledged, STEPS as usize);
            break;
        }
        drop(store);
        // A commit that took place without being acknowledged may be there as a whole.
        assert_eq!(reopened(&home, instant(STEPS)), prefixes[acknowledged + usize::from(after)], "{nth}");
    }
}

#[test]
fn a_copy_of_the_files_at_any_moment_is_the_acknowledged_prefix() {
    let prefixes = prefixes();
    let home = Home::file();
    let store = home.open();
    for step in 0..STEPS {
        act(&store, step).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for ending in ["", "-wal"] {
            let name = format!("a.rcl{ending}");
            std::fs::copy(home.path().with_file_name(&name), folder.path().join(&name)).unwrap();
        }
        let copy = open(folder.path().join("a.rcl"), false);
        assert_eq!(copy.verify(Cancel::never()).unwrap().damage, Vec::<String>::new());
        let shown: Vec<Sight> = NAMES.iter().map(|name| look(&copy, name, instant(STEPS))).collect();
        assert_eq!(shown, prefixes[step as usize + 1], "{step}");
    }
}
