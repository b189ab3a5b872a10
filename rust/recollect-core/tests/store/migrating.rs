//! A namespace that moves between spaces against a plain model: every answer in every space, whatever happens meanwhile.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use recollect_core::cancel::Cancel;
use recollect_core::error::Error;
use recollect_core::id::Uid;
use recollect_core::journal::event::Op;
use recollect_core::record::Kind;
use recollect_core::store::{Brought, Draft, Edit, Memory, Store};

use crate::cases::MONDAY;
use crate::home::{Home, call, open, path};
use crate::spaces::{QUERY, SPACES, Shown, advance, embed, show, space};

#[derive(Debug, Clone)]
enum Step {
    /// Texts, and the spaces in which they are embedded.
    Add(Vec<String>, usize, Option<usize>),
    /// A new text or none, and the spaces in which it is embedded.
    Update(Index, Option<String>, Option<(usize, Option<usize>)>),
    Delete(Index),
    Erase(Index),
    Start(usize),
    Embed(usize),
    Abandon,
    Reopen {
        snapshots: bool,
        whole: bool,
    },
}

fn text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec!["apple", "river", "home", "cloud", "mute", "bright"]);
    prop::collection::vec(words, 1..4).prop_map(|words| words.join(" "))
}

fn step() -> impl Strategy<Value = Step> {
    let beside = || prop::option::of(0..SPACES);
    prop_oneof![
        6 => (prop::collection::vec(text(), 1..4), 0..SPACES, beside()).prop_map(|(a, b, c)| Step::Add(a, b, c)),
        3 => (any::<Index>(), prop::option::of(text()), prop::option::of((0..SPACES, beside())))
            .prop_map(|(at, text, spaces)| Step::Update(at, text, spaces)),
        1 => any::<Index>().prop_map(Step::Delete),
        1 => any::<Index>().prop_map(Step::Erase),
        3 => (0..SPACES).prop_map(Step::Start),
        5 => (0..4_usize).prop_map(Step::Embed),
        1 => Just(Step::Abandon),
        2 => any::<(bool, bool)>().prop_map(|(snapshots, whole)| Step::Reopen { snapshots, whole }),
    ]
}

type Keys = Vec<Vec<f32>>;

#[derive(Debug, Clone)]
struct Life {
    uid: Uid,
    text: String,
    version: u32,
    deleted: bool,
    own: Keys,
    /// What it got in the next space; none if it is still to be embedded.
    next: Option<Keys>,
}

#[derive(Debug, Default)]
struct Model {
    lives: Vec<Life>,
    made: bool,
    own: Option<usize>,
    next: Option<usize>,
}

/// Keys in the open spaces.
#[derive(Debug, Default)]
struct Split {
    own: Option<Keys>,
    next: Option<Keys>,
}

impl Model {
    fn live(&self) -> impl Iterator<Item = &Life> {
        self.lives.iter().filter(|life| !life.deleted)
    }

    /// Whether vectors in these spaces are taken; the first ones make the space.
    fn admits(&mut self, brought: &[usize]) -> bool {
        let open = [self.own, self.next];
        if brought.is_empty() || brought.iter().any(|at| open.contains(&Some(*at))) {
            return true;
        }
        if open == [None, None] {
            self.own = Some(brought[0]);
            return true;
        }
        false
    }

    fn split(&self, vectors: (usize, Keys), beside: Option<(usize, Keys)>) -> Split {
        let mut split = Split::default();
        for (at, keys) in beside.into_iter().chain([vectors]) {
            if Some(at) == self.own {
                split.own = Some(keys);
            } else if Some(at) == self.next {
                split.next = Some(keys);
            }
        }
        split
    }

    /// Cuts over if nobody is left.
    fn finish(&mut self) {
        if self.next.is_some() && self.live().all(|life| life.next.is_some()) {
            self.own = self.next.take();
            self.lives.iter_mut().for_each(|life| life.own = life.next.take().unwrap_or_default());
        }
    }

    fn close(&mut self) {
        self.next = None;
        self.lives.iter_mut().for_each(|life| life.next = None);
    }

    fn compare(&self, shown: &Shown) {
        let live: BTreeMap<Uid, &Life> = self.live().map(|life| (life.uid, life)).collect();
        let texts = |text: &str, uid, version| (uid, text.to_owned(), version);
        let mut listed: Vec<_> = shown.list.iter().map(|r| texts(&r.text, r.uid, r.version)).collect();
        listed.sort_unstable();
        assert_eq!(listed, live.values().map(|x| texts(&x.text, x.uid, x.version)).collect::<Vec<_>>());
        for (record, vectors) in shown.list.iter().zip(&shown.vectors) {
            assert_eq!(*vectors, live[&record.uid].own);
        }
        assert_eq!(shown.space, self.own.map(space));
        let far = shown.migration.as_ref().map(|x| (x.from.clone(), x.to.clone(), x.done, x.total));
        let done = live.values().filter(|life| life.next.is_some()).count() as u64;
        assert_eq!(far, self.next.map(|at| (self.own.map(space), space(at), done, live.len() as u64)));
        for at in 0..SPACES {
            let keys = |life: &Life| match at {
                at if Some(at) == self.next => life.next.clone().unwrap_or_default(),
                at if Some(at) == self.own => life.own.clone(),
                _ => Vec::new(),
            };
            let query = embed(at, QUERY).pop().unwrap();
            let mut expected: Vec<(Uid, f64)> = Vec::new();
            for life in live.values() {
                let best = keys(life).iter().map(|key| cosine(&query, key)).reduce(f64::max);
                expected.extend(best.map(|best| (life.uid, best)));
            }
            let refused = self.own.is_some() && ![self.own, self.next].contains(&Some(at));
            let Some(found) = &shown.found[at] else {
                assert!(refused);
                continue;
            };
            assert!(!refused);
            let uids = |list: &[(Uid, f64)]| list.iter().map(|x| x.0).collect::<Vec<_>>();
            assert_eq!(found.iter().map(|x| x.0).collect::<Vec<_>>(), uids(&expected));
            for ((_, score), (_, exact)) in found.iter().zip(expected) {
                assert!((f64::from(f32::from_bits(*score)) - exact).abs() < 1e-5);
            }
        }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms > 0.0 { dot(a, b) / norms } else { 0.0 }
}

struct Machine {
    home: Home,
    store: Store,
    model: Model,
    calls: u64,
}

impl Machine {
    fn memory(&self) -> Memory {
        self.store.namespace(&path("a")).unwrap()
    }

    fn pick(&self, at: &Index) -> Option<Life> {
        (!self.model.lives.is_empty()).then(|| at.get(&self.model.lives).clone())
    }

    fn run(&mut self, step: Step) {
        self.calls += 1;
        let (memory, mut call) = (self.memory(), call(MONDAY, self.calls));
        let model = &mut self.model;
        match step {
            Step::Add(texts, vectors, beside) => {
                let draft = |text: &String| Draft {
                    vectors: embed(vectors, text),
                    beside: beside.map_or_else(Vec::new, |at| embed(at, text)),
                    ..Draft::new(Kind::Semantic, text.clone())
                };
                let drafts: Vec<Draft> = texts.iter().map(draft).collect();
                let some = |keys: fn(&Draft) -> &Keys| drafts.iter().any(|x| !keys(x).is_empty());
                let mut brought: Vec<usize> = Vec::new();
                brought.extend(some(|x| &x.vectors).then_some(vectors));
                brought.extend(beside.filter(|_| some(|x| &x.beside)));
                let admitted = model.admits(&brought);
                let (first, second) = (space(vectors), beside.map(space));
                let spaces = Brought { vectors: Some(&first), beside: second.as_ref() };
                let outcomes = memory.add(drafts, spaces, true, &mut call);
                if !admitted {
                    assert!(matches!(outcomes, Err(Error::SpaceMismatch { .. })));
                    return;
                }
                model.made = true;
                for (outcome, text) in outcomes.unwrap().into_iter().zip(texts) {
                    let beside = beside.map(|at| (at, embed(at, &text)));
                    let split = model.split((vectors, embed(vectors, &text)), beside);
                    let (own, next) = (split.own.unwrap_or_default(), split.next.filter(|x| !x.is_empty()));
                    let uid = outcome.uid;
                    model.lives.push(Life { uid, text, version: 1, deleted: false, own, next });
                }
            }
            Step::Update(at, text, spaces) => {
                let Some(life) = self.pick(&at) else { return };
                let said = text.clone().unwrap_or_else(|| life.text.clone());
                let keys = |at: usize| Some(embed(at, &said)).filter(|x| !x.is_empty());
                let edit = Edit {
                    text: text.clone(),
                    vectors: spaces.and_then(|x| keys(x.0)),
                    beside: spaces.and_then(|x| x.1).and_then(keys),
                    ..Edit::default()
                };
                let model = &mut self.model;
                let mut brought: Vec<usize> = Vec::new();
                brought.extend(spaces.map(|x| x.0).filter(|_| edit.vectors.is_some()));
                brought.extend(spaces.and_then(|x| x.1).filter(|_| edit.beside.is_some()));
                let named = |at: Option<usize>| at.map(space);
                let (first, second) = (named(spaces.map(|x| x.0)), named(spaces.and_then(|x| x.1)));
                let both = Brought { vectors: first.as_ref(), beside: second.as_ref() };
                let admitted = life.deleted || model.admits(&brought);
                let outcome = memory.update(life.uid, edit.clone(), both, &mut call);
                if life.deleted || !admitted {
                    assert!(outcome.is_err());
                    return;
                }
                assert_eq!(outcome.unwrap().version, life.version + 1);
                let mut split = Split::default();
                if let Some((vectors, beside)) = spaces {
                    let beside = beside.and_then(|at| Some((at, edit.beside.clone()?)));
                    split = match edit.vectors.clone() {
                        Some(keys) => model.split((vectors, keys), beside),
                        None => model.split(beside.unwrap_or((SPACES, Vec::new())), None),
                    };
                }
                let kept = text.is_none_or(|text| text == life.text);
                let changed = model.lives.iter_mut().find(|x| x.uid == life.uid).unwrap();
                if !kept {
                    (changed.own, changed.next) = (Vec::new(), None);
                }
                // That nothing was found in a version does not carry over.
                let next = changed.next.take().filter(|keys| !keys.is_empty());
                changed.own = split.own.unwrap_or_else(|| std::mem::take(&mut changed.own));
                changed.next = split.next.or(next);
                (changed.text, changed.version) = (said, life.version + 1);
            }
            Step::Delete(at) => {
                let Some(life) = self.pick(&at) else { return };
                assert_eq!(memory.delete(&[life.uid], "", &mut call).is_ok(), !life.deleted);
                self.model.lives.iter_mut().filter(|x| x.uid == life.uid).for_each(|x| x.deleted = true);
            }
            Step::Erase(at) => {
                let Some(life) = self.pick(&at) else { return };
                memory.erase(&[life.uid], &mut call).unwrap();
                self.model.lives.retain(|x| x.uid != life.uid);
                assert!(matches!(memory.erase(&[life.uid], &mut call), Err(Error::UnknownMemory(_))));
            }
            Step::Start(to) => {
                let started = memory.start_migration(&space(to), &mut call);
                match (model.next, model.own) {
                    _ if !model.made => assert_eq!(started.unwrap(), None),
                    (Some(next), _) if next != to => {
                        assert!(matches!(started, Err(Error::SpaceMismatch { .. })))
                    }
                    (None, Some(own)) if own == to => assert_eq!(started.unwrap(), None),
                    _ => {
                        assert!(started.unwrap().is_some());
                        model.next = Some(to);
                    }
                }
            }
            Step::Embed(batch) => {
                let Some(next) = model.next else { return };
                let pending = memory.pending(&space(next), batch, Cancel::never()).unwrap();
                let uids: Vec<Uid> = pending.iter().map(|record| record.uid).collect();
                let left = model.live().filter(|life| life.next.is_none()).count();
                assert_eq!(uids.len(), batch.min(left));
                advance(&memory, next, batch, &mut call).unwrap();
                for life in model.lives.iter_mut().filter(|x| uids.contains(&x.uid)) {
                    assert!(!life.deleted && life.next.is_none());
                    life.next = Some(embed(next, &life.text));
                }
                model.finish();
            }
            Step::Abandon => {
                let open = model.next.is_some();
                assert_eq!(memory.abandon_migration(&mut call).unwrap(), open);
                model.close();
            }
            Step::Reopen { snapshots, whole } => {
                if snapshots {
                    self.store.checkpoint(Cancel::never()).unwrap();
                }
                assert_eq!(self.store.verify(Cancel::never()).unwrap().damage, Vec::<String>::new());
                self.store.close().unwrap();
                if whole {
                    self.home.forget_snapshots();
                }
                self.store = self.home.open();
            }
        }
    }
}

fn run(home: Home, steps: Vec<Step>, followed: bool) {
    let follows = home.path();
    let mut machine = Machine { store: home.open(), home, model: Model::default(), calls: 0 };
    let follower = followed.then(|| open(follows, true));
    for step in steps {
        machine.run(step);
        let shown = show(&machine.memory(), MONDAY);
        machine.model.compare(&shown);
        if let Some(follower) = &follower {
            assert_eq!(show(&follower.namespace(&path("a")).unwrap(), MONDAY), shown);
        }
    }
    for whole in [false, true] {
        let before = show(&machine.memory(), MONDAY);
        machine.run(Step::Reopen { snapshots: !whole, whole });
        assert_eq!(show(&machine.memory(), MONDAY), before);
    }
    let added = |ops: &Vec<(Op, u32, _)>| ops.first().is_some_and(|x| x.0 == Op::Added);
    assert!(show(&machine.memory(), MONDAY).histories.iter().all(added));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_namespace_in_memory_moves_as_the_model(steps in prop::collection::vec(step(), 1..40)) {
        run(Home::memory(), steps, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_namespace_in_a_file_moves_as_the_model(
        steps in prop::collection::vec(step(), 1..30),
        followed in any::<bool>(),
    ) {
        run(Home::file(), steps, followed);
    }
}
