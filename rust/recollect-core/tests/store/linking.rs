//! Links, mentions and uses against a plain model, step by step, through unloading and reopening.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;
use recollect_core::activation::BaseLevel;
use recollect_core::cancel::Cancel;
use recollect_core::error::Error;
use recollect_core::graph::Direction;
use recollect_core::id::Uid;
use recollect_core::record::{Kind, Metadata};
use recollect_core::store::{Draft, Edit, Link, Memory, Selection, Store, Use};
use recollect_core::time::Timestamp;
use serde_json::json;

use crate::cases::MONDAY;
use crate::home::{Home, call, path};

/// Titles, one the beginning of another, and one that says nothing.
const TITLES: [&str; 5] = ["Ana Lum", "Bob", "Ana Lum Institute", "Harbour Lane (street)", "The"];
const RELATIONS: [&str; 2] = ["knows", "causes"];

#[derive(Debug, Clone)]
enum Step {
    Add { title: Option<usize>, names: Vec<usize>, facts: Vec<(usize, usize)>, trusted: bool },
    Rewrite { pick: Index, title: Option<usize>, names: Vec<usize>, facts: Vec<(usize, usize)> },
    Delete { pick: Index },
    Erase { pick: Index },
    Link { ends: (Index, Index), relation: usize, weight: f32, trusted: bool },
    Unlink { ends: (Index, Index), relation: Option<usize> },
    Strengthen { ends: (Index, Index), relation: usize, by: f32 },
    Reinforce { picks: Vec<Index>, together: bool },
    Feedback { pick: Index, reward: f32 },
    Pin { pick: Index, pinned: bool },
    Unload,
    Reopen { whole: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let title = || prop::option::weighted(0.6, 0..TITLES.len());
    let names = || prop::collection::vec(0..TITLES.len(), 0..3);
    let facts = || prop::collection::vec((0..TITLES.len(), 0..TITLES.len()), 0..3);
    let ends = || (any::<Index>(), any::<Index>());
    let (relation, weight) = (|| 0..RELATIONS.len(), prop::sample::select(vec![0.5_f32, 1.0, 2.0]));
    prop_oneof![
        9 => (title(), names(), facts(), prop::bool::weighted(0.8))
            .prop_map(|(title, names, facts, trusted)| Step::Add { title, names, facts, trusted }),
        2 => (any::<Index>(), title(), names(), facts())
            .prop_map(|(pick, title, names, facts)| Step::Rewrite { pick, title, names, facts }),
        1 => any::<Index>().prop_map(|pick| Step::Delete { pick }),
        1 => any::<Index>().prop_map(|pick| Step::Erase { pick }),
        3 => (ends(), relation(), weight, any::<bool>())
            .prop_map(|(ends, relation, weight, trusted)| Step::Link { ends, relation, weight, trusted }),
        1 => (ends(), prop::option::of(relation())).prop_map(|(ends, relation)| Step::Unlink { ends, relation }),
        1 => (ends(), relation(), prop::sample::select(vec![1.0_f32, -0.75]))
            .prop_map(|(ends, relation, by)| Step::Strengthen { ends, relation, by }),
        1 => (prop::collection::vec(any::<Index>(), 1..4), any::<bool>())
            .prop_map(|(picks, together)| Step::Reinforce { picks, together }),
        1 => (any::<Index>(), prop::sample::select(vec![1.0_f32, -1.0, 0.25]))
            .prop_map(|(pick, reward)| Step::Feedback { pick, reward }),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(pick, pinned)| Step::Pin { pick, pinned }),
        1 => Just(Step::Unload),
        1 => any::<bool>().prop_map(|whole| Step::Reopen { whole }),
    ]
}

/// A memory as it should be.
#[derive(Debug, Clone)]
struct One {
    uid: Uid,
    title: Option<usize>,
    names: Vec<usize>,
    facts: Vec<(usize, usize)>,
    trusted: bool,
    uses: u32,
    judged: (u32, u32),
    value: f32,
    pinned: bool,
}

#[derive(Debug, Default)]
struct Model {
    all: Vec<One>,
    /// By ends and relation: weight, and whether it is believed.
    links: BTreeMap<(Uid, Uid, String), (f32, bool)>,
}

fn text(at: usize, names: &[usize]) -> String {
    let mut text = format!("number {at} met");
    names.iter().for_each(|&name| text += &format!(" {}, then", TITLES[name].replace(" (street)", "")));
    text
}

fn metadata(title: Option<usize>, facts: &[(usize, usize)]) -> Metadata {
    let facts: Vec<_> = facts.iter().map(|&(a, b)| json!([TITLES[a], "is with", TITLES[b]])).collect();
    let mut metadata = Metadata::from_iter([("facts".to_owned(), facts.into())]);
    metadata.extend(title.map(|title| ("title".to_owned(), TITLES[title].into())));
    metadata
}

impl Model {
    fn find(&mut self, uid: Uid) -> Option<&mut One> {
        self.all.iter_mut().find(|one| one.uid == uid)
    }

    fn remove(&mut self, uid: Uid) {
        self.all.retain(|one| one.uid != uid);
        self.links.retain(|link, _| link.0 != uid && link.1 != uid);
    }

    /// Every edge: ends, relation, weight.
    fn edges(&self) -> BTreeSet<(Uid, Uid, String, u32)> {
        let named = |(link, made): (&(Uid, Uid, String), &(f32, bool))| {
            (link.0, link.1, link.2.clone(), made.0.to_bits())
        };
        let mut edges: BTreeSet<_> = self.links.iter().map(named).collect();
        let bears = |one: &&One, name: usize| one.trusted && one.title == Some(name) && TITLES[name] != "The";
        let there = |name: usize| self.all.iter().any(|one| bears(&one, name));
        for one in self.all.iter().filter(|one| one.trusted) {
            for &name in &one.names {
                // What is called the institute is read so where somebody bears that title, else as the shorter one.
                let read = if TITLES[name] == "Ana Lum Institute" && !there(name) { 0 } else { name };
                let bearers: Vec<_> = self.all.iter().filter(|one| bears(one, read)).collect();
                let weight = (1.0 / bearers.len() as f32).to_bits();
                let others = bearers.iter().filter(|bearer| bearer.uid != one.uid);
                edges.extend(others.map(|bearer| (one.uid, bearer.uid, "mentions".into(), weight)));
            }
        }
        let stated = |one: &One| -> BTreeSet<usize> {
            let all = one.facts.iter().flat_map(|&(a, b)| [a, b]);
            all.filter(|&name| TITLES[name] != "The").collect()
        };
        let all: Vec<_> =
            self.all.iter().filter(|one| one.trusted).map(|one| (one.uid, stated(one))).collect();
        for (one, own) in &all {
            for (other, theirs) in all.iter().filter(|other| other.0 != *one) {
                let weight: f32 = own
                    .intersection(theirs)
                    .map(|name| all.iter().filter(|x| x.1.contains(name)).count())
                    .map(|count| if count > 16 { 0.0 } else { 0.5_f32.powi(count.ilog2() as i32) })
                    .sum();
                if weight > 0.0 {
                    edges.insert((*one, *other, "shares".into(), weight.to_bits()));
                }
            }
        }
        edges
    }
}

fn never() -> Cancel<'static> {
    Cancel::never()
}

struct Machine {
    home: Home,
    store: Store,
    model: Model,
    now: i64,
}

impl Machine {
    fn memory(&self) -> Memory {
        self.store.namespace(&path("a")).unwrap()
    }

    fn pick(&self, pick: &Index) -> Uid {
        if self.model.all.is_empty() { Uid([9; 16]) } else { pick.get(&self.model.all).uid }
    }

    fn run(&mut self, step: Step) {
        self.now += 1_000_000;
        let (memory, now) = (self.memory(), self.now);
        let mut call = call(now, now as u64);
        let there = |model: &Model, uid: Uid| model.all.iter().any(|one| one.uid == uid);
        match step {
            Step::Add { title, names, facts, trusted } => {
                let mut draft = Draft::new(Kind::Semantic, text(now as usize, &names));
                draft.metadata = metadata(title, &facts);
                draft.provenance.trust = if trusted { 1.0 } else { 0.2 };
                let uid = memory.add(vec![draft], None, true, &mut call).unwrap()[0].uid;
                let (judged, value, pinned) = ((0, 0), 0.0, false);
                self.model.all.push(One {
                    uid,
                    title,
                    names,
                    facts,
                    trusted,
                    uses: 1,
                    judged,
                    value,
                    pinned,
                });
            }
            Step::Rewrite { pick, title, names, facts } => {
                let uid = self.pick(&pick);
                let (text, metadata) = (Some(text(now as usize, &names)), Some(metadata(title, &facts)));
                let edit = Edit { text, metadata, ..Edit::default() };
                assert_eq!(memory.update(uid, edit, None, &mut call).is_ok(), there(&self.model, uid));
                if let Some(one) = self.model.find(uid) {
                    (one.title, one.names, one.facts) = (title, names, facts);
                }
            }
            Step::Delete { pick } => {
                let uid = self.pick(&pick);
                assert_eq!(memory.delete(&[uid], "", &mut call).is_ok(), there(&self.model, uid));
                self.model.remove(uid);
            }
            Step::Erase { pick } => {
                let uid = self.pick(&pick);
                assert_eq!(memory.erase(&[uid], &mut call).is_ok(), there(&self.model, uid));
                self.model.remove(uid);
            }
            Step::Link { ends, relation, weight, trusted } => {
                let (src, dst) = (self.pick(&ends.0), self.pick(&ends.1));
                let (relation, trust) = (RELATIONS[relation].to_owned(), if trusted { 1.0 } else { 0.0 });
                let key = (src, dst, relation.clone());
                let link = Link { src, dst, relation, weight, time: None, source: "test".into(), trust };
                let taken = memory.link(&[link], &mut call).is_ok();
                assert_eq!(taken, src != dst && there(&self.model, src));
                if taken {
                    self.model.links.insert(key, (weight, trusted));
                }
            }
            Step::Unlink { ends, relation } => {
                let (src, dst) = (self.pick(&ends.0), self.pick(&ends.1));
                let relation = relation.map(|at| RELATIONS[at]);
                let before = self.model.links.len();
                self.model.links.retain(|link, _| {
                    (link.0, link.1) != (src, dst) || relation.is_some_and(|x| x != link.2)
                });
                match memory.unlink(src, dst, relation, &mut call) {
                    Ok(count) => assert_eq!(count, before - self.model.links.len()),
                    Err(error) => assert!(matches!(error, Error::UnknownMemory(_))),
                }
            }
            Step::Strengthen { ends, relation, by } => {
                let (src, dst) = (self.pick(&ends.0), self.pick(&ends.1));
                let found = memory.strengthen(src, dst, RELATIONS[relation], by, &mut call);
                let link = self.model.links.get_mut(&(src, dst, RELATIONS[relation].into()));
                match link.filter(|link| link.0 + by > 0.0) {
                    Some(link) => {
                        link.0 += by;
                        assert_eq!(found.unwrap(), link.0);
                    }
                    None => assert!(found.is_err()),
                }
            }
            Step::Reinforce { picks, together } => {
                let mut uids: Vec<Uid> = picks.iter().map(|pick| self.pick(pick)).collect();
                uids.sort_unstable();
                uids.dedup();
                let by = if together { 0.5 } else { 0.0 };
                if memory.reinforce(&uids, by, &mut call).is_err() {
                    assert!(self.model.all.is_empty());
                    return;
                }
                for (at, &one) in uids.iter().enumerate() {
                    self.model.find(one).unwrap().uses += 1;
                    for &other in uids[at + 1..].iter().filter(|_| together) {
                        let link = self.model.links.entry((one, other, "used with".into()));
                        link.or_insert((0.0, true)).0 += by;
                    }
                }
            }
            Step::Feedback { pick, reward } => {
                let uid = self.pick(&pick);
                assert_eq!(memory.feedback(&[uid], reward, &mut call).is_ok(), there(&self.model, uid));
                if let Some(one) = self.model.find(uid) {
                    one.judged = (one.judged.0 + 1, one.judged.1 + u32::from(reward > 0.0));
                    one.value += 0.3 * (reward - one.value);
                }
            }
            Step::Pin { pick, pinned } => {
                let uid = self.pick(&pick);
                assert_eq!(memory.pin(&[uid], pinned, &mut call).is_ok(), there(&self.model, uid));
                if let Some(one) = self.model.find(uid) {
                    one.pinned = pinned;
                }
            }
            Step::Unload => self.store.unload().unwrap(),
            Step::Reopen { whole } => {
                self.store.close().unwrap();
                if whole {
                    self.home.forget_snapshots();
                }
                self.store = self.home.open();
            }
        }
    }

    fn check(&self) {
        let (memory, now) = (self.memory(), Timestamp(self.now));
        let found = memory.linkage(now, never()).unwrap();
        let uid = |at: u32| found.memories[at as usize].0;
        let edges: BTreeSet<_> = found
            .ties
            .iter()
            .map(|(src, dst, tie)| (uid(*src), uid(*dst), tie.relation.clone(), tie.weight.to_bits()))
            .collect();
        assert_eq!(edges.len(), found.ties.len());
        assert_eq!(edges, self.model.edges());
        for (src, dst, tie) in &found.ties {
            let made = self.model.links.get(&(uid(*src), uid(*dst), tie.relation.clone()));
            assert_eq!(tie.trusted, made.is_none_or(|made| made.1));
        }
        let used =
            memory.uses_of(&Selection::default(), &BaseLevel::default(), now, never()).unwrap().into_iter();
        let mut told: Vec<_> = used
            .map(|x| {
                let Use { judged, succeeded, value, history } = x.uses;
                (x.uid, history.count(), (judged, succeeded), value.to_bits(), x.pinned)
            })
            .collect();
        told.sort_unstable();
        let expected = self.model.all.iter();
        let mut expected: Vec<_> =
            expected.map(|x| (x.uid, x.uses, x.judged, x.value.to_bits(), x.pinned)).collect();
        expected.sort_unstable();
        assert_eq!(told, expected);
        for one in self.model.all.iter().take(3) {
            let near = memory.neighbours(one.uid, Direction::Both, None, now, never()).unwrap();
            let of = edges.iter().filter(|x| x.0 == one.uid || x.1 == one.uid).count();
            assert_eq!(near.len(), of);
        }
    }
}

fn run(home: Home, steps: Vec<Step>) {
    let store = home.open();
    let mut machine = Machine { home, store, model: Model::default(), now: MONDAY };
    for step in steps {
        machine.run(step);
        machine.check();
    }
    for whole in [false, true] {
        machine.run(Step::Reopen { whole });
        machine.check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn links_and_uses_in_memory_are_the_model(steps in prop::collection::vec(step(), 1..80)) {
        run(Home::memory(), steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn links_and_uses_in_a_file_are_the_model(steps in prop::collection::vec(step(), 1..40)) {
        run(Home::file(), steps);
    }
}
