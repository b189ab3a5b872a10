//! One failure at every place of a script: what comes back is right, and what is left is the state before or after.

use std::mem::discriminant;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use recollect_core::cancel::Cancel;
use recollect_core::error::{Error, Result};
use recollect_core::store::{Change, Held, Order, Selection, Store};
use recollect_core::time::Timestamp;

use crate::home::{Home, path};
use crate::script::{KEYED, NAMES, STEPS, act, instant};
use crate::sight::{Sight, look};
use crate::wrapped::{At, Hook};

/// Fails the `nth` call of a kind, once or from then on; counts only while armed.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: At,
    pub(crate) after: bool,
    pub(crate) nth: usize,
    pub(crate) for_good: bool,
    pub(crate) armed: AtomicBool,
    pub(crate) calls: AtomicUsize,
}

impl Fault {
    fn due(&self, at: At, after: bool) -> bool {
        if !self.armed.load(Ordering::Relaxed) || after != self.after {
            return false;
        }
        if at != self.kind {
            return self.for_good && self.calls.load(Ordering::Relaxed) > self.nth;
        }
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        call == self.nth || self.for_good && call > self.nth
    }

    pub(crate) fn fired(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > self.nth
    }

    fn error(&self) -> Error {
        match (self.kind, self.after) {
            (At::Commit, true) => Error::CommitUnknown("as the test wants it".into()),
            (At::Read, _) => {
                Error::Io { path: "a".into(), source: std::io::Error::other("as the test wants it") }
            }
            _ => Error::DiskFull("a".into()),
        }
    }
}

impl Hook for Fault {
    fn before(&self, at: At) -> Result<()> {
        if self.due(at, false) { Err(self.error()) } else { Ok(()) }
    }

    fn after(&self, at: At) -> Result<()> {
        if self.due(at, true) { Err(self.error()) } else { Ok(()) }
    }
}

type Facts = Vec<(Vec<Held>, Vec<Vec<Change>>)>;

/// What a store shows without changing anything.
fn facts(store: &Store, now: i64) -> Facts {
    let (all, never) = (Selection::default(), Cancel::never());
    let of = |name: &&str| {
        let memory = store.namespace(&path(name)).unwrap();
        let list = memory.list(&all, Order::Time, 0, None, Timestamp(now), never).unwrap();
        let history = |held: &Held| memory.history(held.record.uid, never).unwrap();
        let histories = list.iter().map(history).collect();
        (list, histories)
    };
    NAMES.iter().map(of).collect()
}

/// What another opening of the same ledger shows; it goes without a trace.
pub(crate) fn reopened(home: &Home, now: i64) -> Vec<Sight> {
    let store = home.open();
    assert_eq!(store.verify(Cancel::never()).unwrap().damage, Vec::<String>::new());
    NAMES.iter().map(|name| look(&store, name, now)).collect()
}

/// The facts before and after each step, at its instant: live, and of the ledger. A fresh run loads anew each time.
fn references(fresh: bool) -> (Vec<[Facts; 2]>, Vec<[Vec<Sight>; 2]>) {
    let home = Home::memory();
    let store = home.open();
    let (mut live, mut kept) = (Vec::new(), Vec::new());
    for step in 0..STEPS {
        let now = instant(step);
        unload(&store, fresh);
        let (live_before, kept_before) = (facts(&store, now), reopened(&home, now));
        unload(&store, fresh);
        act(&store, step).unwrap();
        live.push([live_before, facts(&store, now)]);
        kept.push([kept_before, reopened(&home, now)]);
    }
    (live, kept)
}

fn unload(store: &Store, fresh: bool) {
    if fresh {
        store.unload().unwrap();
    }
}

/// Runs the script with one fault; says whether it came to it.
fn run(kind: At, after: bool, nth: usize, live: &[[Facts; 2]], kept: &[[Vec<Sight>; 2]]) -> bool {
    let home = Home::memory();
    let (armed, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let fault = Arc::new(Fault { kind, after, nth, for_good: false, armed, calls });
    let store = home.open_with(fault.clone());
    for step in 0..STEPS {
        let (now, at) = (instant(step), step as usize);
        unload(&store, kind == At::Read);
        fault.armed.store(true, Ordering::Relaxed);
        let done = act(&store, step);
        fault.armed.store(false, Ordering::Relaxed);
        if let Err(error) = done {
            assert_eq!(discriminant(&error), discriminant(&fault.error()), "{error}");
            let place = format!("{kind:?} {nth}, after: {after}, in step {step}");
            let (seen, there) = (facts(&store, now), reopened(&home, now));
            let took_place = match (kind, after) {
                (At::Commit, after) => after,
                _ => seen == live[at][1] && there == kept[at][1],
            };
            assert_eq!(seen, live[at][usize::from(took_place)], "{place}");
            assert_eq!(there, kept[at][usize::from(took_place)], "{place}");
            if !took_place || step == KEYED {
                act(&store, step).unwrap();
            }
        }
        assert_eq!(facts(&store, now), live[at][1], "{kind:?} {nth}, after: {after}, past step {step}");
    }
    store.close().unwrap();
    fault.fired()
}

#[test]
fn a_commit_that_fails_leaves_the_state_before_or_after() {
    let (live, kept) = references(false);
    for after in [false, true] {
        let places = (0..).take_while(|&nth| run(At::Commit, after, nth, &live, &kept)).count();
        assert!(places >= 10, "{places}");
    }
}

#[test]
fn a_snapshot_or_purge_that_fails_leaves_the_state_before_or_after() {
    let (live, kept) = references(false);
    for after in [false, true] {
        let places = (0..).take_while(|&nth| run(At::Side, after, nth, &live, &kept)).count();
        assert!(places >= 5, "{places}");
    }
}

#[test]
fn a_read_that_fails_changes_nothing() {
    let (live, kept) = references(true);
    let places = (0..).take_while(|&nth| run(At::Read, false, nth, &live, &kept)).count();
    assert!(places >= 30, "{places}");
}
