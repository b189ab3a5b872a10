//! A migration that ends at every place: what was acknowledged is there in both spaces, and it goes on from there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use recollect_core::cancel::Cancel;
use recollect_core::entropy::Entropy;
use recollect_core::error::Result;
use recollect_core::id::Uid;
use recollect_core::record::Kind;
use recollect_core::store::{Brought, Draft, Edit, Store};

use crate::cases::MONDAY;
use crate::faults::Fault;
use crate::home::{Home, call, open, path};
use crate::spaces::{Shown, advance, embed, show, space};
use crate::wrapped::At;

/// Number of steps.
pub(crate) const STEPS: u64 = 20;

/// The `nth` memory that a step wrote without keys in the next space before it.
fn uid(step: u64, nth: usize) -> Uid {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&step.to_le_bytes());
    let mut entropy = Entropy::new(seed);
    for _ in 0..nth {
        entropy.uid();
        entropy.bytes();
    }
    entropy.uid()
}

fn draft(text: &str, vectors: Option<usize>, beside: Option<usize>) -> Draft {
    let keys = |at: Option<usize>| at.map_or_else(Vec::new, |at| embed(at, text));
    Draft { vectors: keys(vectors), beside: keys(beside), ..Draft::new(Kind::Semantic, text) }
}

/// Does one step: from space 0 to 1 with everything meanwhile, a migration that is abandoned, and one to 2.
pub(crate) fn act(store: &Store, step: u64) -> Result<()> {
    let (memory, mut call) = (store.namespace(&path("a"))?, call(MONDAY, step));
    let [zero, one, two] = [space(0), space(1), space(2)];
    match step {
        0 => {
            let texts = ["apple", "river", "home", "bright cloud", "mute", "azalea"];
            let drafts = texts.map(|text| draft(text, Some(0), None)).to_vec();
            memory.add(drafts, Some(&zero), false, &mut call).map(drop)
        }
        1 => memory.start_migration(&one, &mut call).map(drop),
        2 | 5 | 9 | 10 => advance(&memory, 1, 2, &mut call).map(drop),
        3 => {
            let both = Brought { vectors: Some(&zero), beside: Some(&one) };
            memory.add(vec![draft("river home", Some(0), Some(1))], both, false, &mut call).map(drop)
        }
        4 => memory.delete(&[uid(0, 1)], "", &mut call).map(drop),
        6 => {
            let edit = Edit { text: Some("apple pie".into()), ..Edit::default() };
            memory.update(uid(0, 0), edit, None, &mut call).map(drop)
        }
        7 => memory.erase(&[uid(0, 2), uid(0, 1)], &mut call).map(drop),
        8 => store.checkpoint(Cancel::never()),
        11 => advance(&memory, 1, 9, &mut call).map(|far| assert_eq!(far, None)),
        12 => {
            memory.add(vec![draft("after the move", Some(1), None)], Some(&one), false, &mut call).map(drop)
        }
        13 => memory.start_migration(&zero, &mut call).map(drop),
        14 => advance(&memory, 0, 3, &mut call).map(drop),
        15 => memory.abandon_migration(&mut call).map(drop),
        16 => memory.start_migration(&two, &mut call).map(drop),
        17 => memory.erase(&[uid(0, 3)], &mut call).map(drop),
        18 => advance(&memory, 2, 3, &mut call).map(drop),
        _ => advance(&memory, 2, 9, &mut call).map(|far| assert_eq!(far, None)),
    }
}

/// What there is to see, in a store without damage.
pub(crate) fn shown(store: &Store) -> Shown {
    assert_eq!(store.verify(Cancel::never()).unwrap().damage, Vec::<String>::new());
    show(&store.namespace(&path("a")).unwrap(), MONDAY)
}

/// What a new opening shows before the first step and after each.
fn prefixes(home: &Home) -> Vec<Shown> {
    let store = home.open();
    let mut all = vec![shown(&store)];
    for step in 0..STEPS {
        act(&store, step).unwrap();
        let live = shown(&store);
        let again = shown(&home.open());
        assert_eq!(again, live, "read from the journal after step {step}");
        all.push(live);
    }
    all
}

#[test]
fn what_the_script_does_is_what_it_says() {
    let all = prefixes(&Home::memory());
    let own: Vec<u32> = all.iter().filter_map(|x| x.space.as_ref().map(|space| space.dim - 3)).collect();
    assert_eq!(own, [[0; 10].as_slice(), &[1; 9], &[2]].concat());
    let found = |at: usize, space: usize| all[at].found[space].as_ref().map(Vec::len);
    assert_eq!((found(3, 0), found(3, 1), found(3, 2)), (Some(5), Some(2), None));
    assert_eq!((found(12, 0), found(12, 1), found(12, 2)), (None, Some(4), None));
}

#[test]
fn nothing_but_the_acknowledged_outlives_the_nth_commit_of_a_migration() {
    let prefixes = prefixes(&Home::memory());
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
        let store = home.open();
        let there = acknowledged + usize::from(after);
        assert_eq!(shown(&store), prefixes[there], "{nth}");
        // What an erasure still had to do beside its commit, such as the purge, is no memory.
        (there as u64..STEPS).for_each(|step| act(&store, step).unwrap());
        assert_eq!(shown(&store), prefixes[STEPS as usize], "it goes on from there");
    }
}

/// Runs the script with one fault; says whether it came to it.
fn run(kind: At, after: bool, nth: usize, prefixes: &[Shown]) -> bool {
    let home = Home::memory();
    let (armed, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let fault = Arc::new(Fault { kind, after, nth, for_good: false, armed, calls });
    let store = home.open_with(fault.clone());
    for step in 0..STEPS {
        let at = step as usize;
        if kind == At::Read {
            store.unload().unwrap();
        }
        fault.armed.store(true, Ordering::Relaxed);
        let done = act(&store, step);
        fault.armed.store(false, Ordering::Relaxed);
        if done.is_err() {
            let there = shown(&home.open());
            assert_eq!(shown(&store), there, "{kind:?} {nth}, after: {after}, in step {step}");
            if there == prefixes[at] {
                act(&store, step).unwrap();
            }
        }
        assert_eq!(shown(&store), prefixes[at + 1], "{kind:?} {nth}, after: {after}, past step {step}");
    }
    fault.fired()
}

#[test]
fn a_call_that_fails_in_a_migration_leaves_the_state_before_or_after() {
    let prefixes = prefixes(&Home::memory());
    for (kind, after, least) in
        [(At::Commit, false, 15), (At::Commit, true, 15), (At::Side, false, 5), (At::Read, false, 30)]
    {
        let places = (0..).take_while(|&nth| run(kind, after, nth, &prefixes)).count();
        assert!(places >= least, "{kind:?}: {places}");
    }
}

#[test]
fn a_copy_of_the_files_at_any_moment_of_a_migration_is_the_acknowledged_prefix() {
    let prefixes = prefixes(&Home::memory());
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
        assert_eq!(shown(&copy), prefixes[step as usize + 1], "{step}");
        copy.checkpoint(Cancel::never()).unwrap();
        drop(copy);
        assert_eq!(shown(&open(folder.path().join("a.rcl"), true)), prefixes[step as usize + 1], "{step}");
    }
}

/// Whether a file holds the bytes of a vector.
fn holds(bytes: &[u8], vector: &[f32]) -> bool {
    let needle: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn erasure_reaches_the_keys_of_every_space_before_during_and_after() {
    for moment in [1, 2, 3, 12, 15, 16, 17, STEPS] {
        let home = Home::file();
        let store = home.open();
        let memory = store.namespace(&path("a")).unwrap();
        let secret = "secret zinnia";
        act(&store, 0).unwrap();
        let mut opening = call(MONDAY, 100);
        memory.add(vec![draft(secret, Some(0), None)], Some(&space(0)), false, &mut opening).unwrap();
        for step in 1..moment {
            act(&store, step).unwrap();
        }
        let to = memory.spaces(Cancel::never()).unwrap().1.map(|far| far.to.dim as usize - 3);
        if let Some(to) = to {
            advance(&memory, to, 9, &mut call(MONDAY, 101)).unwrap();
        }
        store.checkpoint(Cancel::never()).unwrap();
        let every: Vec<Vec<f32>> = (0..3).flat_map(|at| embed(at, secret)).collect();
        let bytes = |_: &Store| std::fs::read(home.path()).unwrap();
        store.close().unwrap();
        let store = home.open();
        let memory = store.namespace(&path("a")).unwrap();
        assert!(holds(&bytes(&store), &every[0]), "the search must be able to find");
        assert!(to.is_none_or(|to| holds(&bytes(&store), &every[to])), "in the next space as well");
        memory.erase(&[uid(100, 0)], &mut call(MONDAY, 102)).unwrap();
        store.checkpoint(Cancel::never()).unwrap();
        assert_eq!(store.verify(Cancel::never()).unwrap().damage, Vec::<String>::new());
        store.close().unwrap();
        for vector in &every {
            assert!(!holds(&bytes(&store), vector), "after step {moment}");
        }
    }
}
