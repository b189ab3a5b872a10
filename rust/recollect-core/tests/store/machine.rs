//! A store and its model side by side, step by step.

use proptest::prelude::*;
use proptest::sample::Index;
use recollect_core::cancel::Cancel;
use recollect_core::error::Error;
use recollect_core::id::Uid;
use recollect_core::journal::event::Op;
use recollect_core::store::{Draft, Held, Memory, Order, Selection, Store};
use recollect_core::time::Timestamp;
use recollect_core::vector::{Keep, Metric};

use crate::cases::MONDAY;
use crate::conditions::Choice;
use crate::home::{Home, call, path, space};
use crate::life::Life;
use crate::model::{Book, NOBODY, held};
use crate::plan::{NAMESPACES, Step, step};
use crate::sight::{Sight, look};

fn never() -> Cancel<'static> {
    Cancel::never()
}

pub(crate) struct Machine {
    home: Home,
    keep: Keep,
    pub(crate) store: Store,
    pub(crate) books: Vec<Book>,
    pub(crate) now: i64,
    calls: u64,
}

impl Machine {
    pub(crate) fn new(home: Home, keep: Keep) -> Self {
        let book = Book { keep, ..Book::default() };
        let (store, books) = (home.open_keeping(keep), vec![book; NAMESPACES.len()]);
        Self { home, keep, store, books, now: MONDAY, calls: 0 }
    }

    /// What the store keeps of vectors.
    fn round<'a>(&self, vectors: impl IntoIterator<Item = &'a mut Vec<f32>>) {
        vectors.into_iter().for_each(|x| self.keep.round("vector", x, Metric::Cosine).unwrap());
    }

    pub(crate) fn memory(&self, at: usize) -> Memory {
        self.store.namespace(&path(NAMESPACES[at])).unwrap()
    }

    /// Some memory, known, deleted or erased.
    fn pick(&self, at: usize, pick: &Index) -> Uid {
        let lives = &self.books[at].lives;
        if lives.is_empty() { Uid([9; 16]) } else { pick.get(lives).uid }
    }

    pub(crate) fn run(&mut self, step: Step) {
        let (now, instant) = (self.now, Timestamp(self.now));
        self.calls += 1;
        let mut call = call(now, self.calls);
        match step {
            Step::Add { at, mut drafts, keep, parent, again } => {
                if let (Some(pick), Some(draft)) = (&parent, drafts.first_mut()) {
                    draft.provenance.parents = vec![self.pick(at, pick)];
                }
                if again {
                    drafts.extend(drafts.first().cloned());
                    drafts.extend(self.books[at].lives.iter().rfind(|x| x.live()).map(redraft));
                }
                let outcomes = self.memory(at).add(drafts.clone(), Some(&space()), keep, &mut call).unwrap();
                self.round(drafts.iter_mut().flat_map(|draft| &mut draft.vectors));
                self.books[at].add(&drafts, keep, now, &outcomes);
            }
            Step::Update { at, pick, mut edit } => {
                let uid = self.pick(at, &pick);
                let outcome = self.memory(at).update(uid, edit.clone(), Some(&space()), &mut call);
                self.round(edit.vectors.iter_mut().flatten());
                refused_or_same(outcome, self.books[at].update(uid, &edit, now));
            }
            Step::Delete { at, picks } => {
                let uids: Vec<Uid> = picks.iter().map(|x| self.pick(at, x)).collect();
                let outcomes = self.memory(at).delete(&uids, "gone", &mut call);
                refused_or_same(outcomes, self.books[at].delete(&uids, "gone", now));
            }
            Step::Erase { at, picks } => {
                let uids: Vec<Uid> = picks.iter().map(|x| self.pick(at, x)).collect();
                let taken = self.books[at].erase(&uids, now);
                assert_eq!(self.memory(at).erase(&uids, &mut call).is_ok(), taken);
            }
            Step::Noop { at, pick } => {
                let uid = pick.map(|x| self.pick(at, &x));
                let outcome = self.memory(at).noop("because", uid, &mut call);
                let answer = outcome.map(|x| (x.version, x.mentions));
                refused_or_same(answer, self.books[at].noop(uid, now));
            }
            Step::Get { at, pick, version } => self.get(at, self.pick(at, &pick), version),
            Step::List { at, choice, order, offset, limit } => {
                let found = self.memory(at).list(&choice.selection(), order, offset, limit, instant, never());
                let expected = ordered(self.books[at].chosen(&choice, now), order);
                let page = expected.into_iter().skip(offset).take(limit.unwrap_or(usize::MAX));
                assert_eq!(found.unwrap(), page.collect::<Vec<_>>());
            }
            Step::Around { at, pick, when, k, choice } => {
                self.around(at, MONDAY + when, k, &choice);
                self.beside(at, self.pick(at, &pick), k, &choice);
            }
            Step::Recall(recalling) => self.recall(&recalling),
            Step::Wait(micros) => self.now += micros,
            Step::Unload => {
                self.store.unload().unwrap();
                self.books.iter_mut().for_each(Book::flush);
            }
            Step::Checkpoint => {
                self.store.checkpoint(never()).unwrap();
                self.books.iter_mut().for_each(Book::flush);
            }
            Step::Reopen { snapshots } => self.reopen(snapshots),
        }
    }

    fn get(&mut self, at: usize, uid: Uid, version: Option<u32>) {
        let found = self.memory(at).get(uid, version, Timestamp(self.now), never());
        let life = self.books[at].life(uid);
        let expected = match version {
            None => life.filter(|x| x.seen(self.now)).map(held),
            Some(version) => life.and_then(|life| {
                let found = life.versions.iter().find(|x| x.record.version == version)?;
                let current = life.live() && found.seq == life.last().seq;
                let mentions = if current { life.mentions } else { 1 };
                Some(Held { record: found.record.clone(), expires: None, mentions })
            }),
        };
        let there = expected.is_some();
        refused_or_same(found, expected);
        self.books[at].renew(there.then_some(uid).into_iter(), self.now);
    }

    fn around(&self, at: usize, when: i64, k: usize, choice: &Choice) {
        let now = Timestamp(self.now);
        let found = self.memory(at).around(Timestamp(when), k, &choice.selection(), now, never());
        let mut near = self.books[at].chosen(choice, self.now);
        near.sort_by_key(|life| (life.time().abs_diff(when), life.uid));
        near.truncate(k);
        assert_eq!(found.unwrap(), ordered(near, Order::Time));
    }

    fn beside(&self, at: usize, uid: Uid, k: usize, choice: &Choice) {
        let book = &self.books[at];
        let found = self.memory(at).beside(uid, k, &choice.selection(), Timestamp(self.now), never());
        let Some(life) = book.life(uid).filter(|x| x.seen(self.now)) else {
            assert!(matches!(found, Err(Error::UnknownMemory(_))));
            return;
        };
        if life.record().session.is_none() {
            return self.around(at, life.time(), k, choice);
        }
        let of = |x: &&Life| x.live() && x.record().session == life.record().session;
        let mut members: Vec<&Life> = book.lives.iter().filter(of).collect();
        members.sort_by_key(|x| x.place());
        let here = members.iter().position(|x| x.uid == uid).unwrap();
        let mut near: Vec<(usize, u64, &Life)> =
            members.iter().enumerate().map(|(i, x)| (i.abs_diff(here), x.last().seq, *x)).collect();
        near.retain(|x| x.2.seen(self.now) && choice.admits(x.2.record()));
        near.sort_by_key(|x| (x.0, x.1));
        near.truncate(k);
        near.sort_by_key(|x| x.2.place());
        assert_eq!(found.unwrap(), near.into_iter().map(|x| held(x.2)).collect::<Vec<_>>());
    }

    /// Everything there is to see, with the model told what was renewed.
    fn look(&mut self) -> Vec<Sight> {
        let mut sights = Vec::new();
        for (at, name) in NAMESPACES.iter().enumerate() {
            let sight = look(&self.store, name, self.now);
            for recall in &sight.recalls {
                self.books[at].renew(recall.iter().map(|line| line.uid), self.now);
            }
            sights.push(sight);
        }
        sights
    }

    /// The same answers after unloading, after reopening, and after reading the whole journal again.
    fn reopen(&mut self, snapshots: bool) {
        self.look();
        let before = self.look();
        if snapshots {
            self.store.checkpoint(never()).unwrap();
        } else {
            self.store.unload().unwrap();
        }
        self.books.iter_mut().for_each(Book::flush);
        assert_eq!(self.look(), before);
        for whole in [false, true] {
            assert_eq!(self.store.verify(never()).unwrap().damage, Vec::<String>::new());
            self.store.close().unwrap();
            self.books.iter_mut().for_each(Book::flush);
            if whole {
                self.home.forget_snapshots();
            }
            // What is in the file names its form itself.
            self.store = self.home.open_keeping(if whole { self.keep } else { Keep::F32 });
            assert_eq!(self.look(), before, "whole journal: {whole}");
        }
    }

    /// Lists, counts and histories.
    pub(crate) fn check(&self) {
        let (now, all) = (Timestamp(self.now), Selection::default());
        for (at, book) in self.books.iter().enumerate() {
            let memory = self.memory(at);
            let expected = ordered(book.chosen(&Choice::default(), self.now), Order::Ingested);
            assert_eq!(memory.count(&all, now, never()).unwrap(), expected.len());
            assert_eq!(memory.list(&all, Order::Ingested, 0, None, now, never()).unwrap(), expected);
            for uid in book.lives.iter().map(|life| life.uid).chain([NOBODY]) {
                check_history(&memory, book, uid);
            }
            let seen: Vec<&Life> = book.lives.iter().filter(|life| life.seen(self.now)).collect();
            let uids: Vec<Uid> = seen.iter().map(|life| life.uid).collect();
            let (vectors, _) = memory.vectors(&uids, now, never()).unwrap();
            assert!(vectors.iter().eq(seen.iter().map(|life| &life.last().vectors)));
        }
        let mut told: Vec<&str> =
            NAMESPACES.into_iter().zip(&self.books).filter(|x| !x.1.told.is_empty()).map(|x| x.0).collect();
        told.sort_unstable();
        let found = self.store.namespaces(&path("")).unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), told);
    }
}

fn check_history(memory: &Memory, book: &Book, uid: Uid) {
    let told: Vec<_> = book.told.iter().zip(1_u64..).filter(|x| x.0.uid == uid).collect();
    let Ok(found) = memory.history(uid, never()) else {
        assert!(told.is_empty());
        return;
    };
    assert_eq!(found.len(), told.len());
    for (change, (told, seq)) in found.iter().zip(told) {
        let event = &change.event;
        let key = event.detail.get("key").and_then(|x| x.as_str());
        assert_eq!((event.op, event.version, event.at.0, event.seq), (told.op, told.version, told.at, seq));
        assert_eq!(key, told.key.as_deref());
        let versions = book.life(uid).map_or(&[][..], |life| &life.versions);
        let version = versions.iter().find(|x| x.seq == seq).map(|x| &x.record);
        assert_eq!(change.record.as_ref(), version);
        assert!(version.is_none() || matches!(told.op, Op::Added | Op::Updated));
    }
}

/// The draft of a memory that is there.
fn redraft(life: &Life) -> Draft {
    let record = life.record().clone();
    Draft {
        metadata: record.metadata,
        tags: record.tags,
        speaker: record.speaker,
        session: record.session,
        event: record.event,
        ..Draft::new(record.kind, format!(" {}  ", record.text))
    }
}

fn ordered(mut lives: Vec<&Life>, order: Order) -> Vec<Held> {
    let time = |x: &Life| (x.time(), x.record().turn);
    let ingested = |x: &Life| (x.record().ingested, x.last().seq);
    lives.sort_by(|a, b| match order {
        Order::Time => time(a).cmp(&time(b)).then(a.uid.cmp(&b.uid)),
        Order::TimeDescending => time(b).cmp(&time(a)).then(a.uid.cmp(&b.uid)),
        Order::Ingested => ingested(a).cmp(&ingested(b)),
        Order::IngestedDescending => ingested(b).cmp(&ingested(a)),
    });
    lives.into_iter().map(held).collect()
}

/// The answer of the model, or a refusal where it has none.
fn refused_or_same<T: PartialEq + std::fmt::Debug>(found: Result<T, Error>, expected: Option<T>) {
    match (found, expected) {
        (Ok(found), Some(expected)) => assert_eq!(found, expected),
        (Err(Error::UnknownMemory(_) | Error::Invalid { .. }), None) => {}
        (found, expected) => panic!("{found:?} in place of {expected:?}"),
    }
}

fn run(home: Home, keep: Keep, steps: Vec<Step>) {
    let mut machine = Machine::new(home, keep);
    for step in steps {
        machine.run(step);
        machine.check();
    }
    machine.run(Step::Reopen { snapshots: true });
    machine.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_store_in_memory_is_the_model(
        steps in prop::collection::vec(step(), 1..40),
        keep in prop::sample::select(Keep::ALL),
    ) {
        run(Home::memory(), keep, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_store_in_a_file_is_the_model(
        steps in prop::collection::vec(step(), 1..30),
        keep in prop::sample::select(Keep::ALL),
    ) {
        run(Home::file(), keep, steps);
    }
}
