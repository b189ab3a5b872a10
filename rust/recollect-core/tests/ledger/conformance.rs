//! Random commits against the model, for both ledgers.

use proptest::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::error::Error;
use recollect_core::id::Uid;
use recollect_core::journal::event::{KeyVector, Op, Written};
use recollect_core::journal::in_memory::InMemoryLedger;
use recollect_core::journal::ledger::{Commit, Ledger, Space, Target};
use recollect_core::journal::sqlite::{Options, SqliteLedger};
use recollect_core::record::{Kind, Metadata, Provenance, Record, Status, Ttl};
use recollect_core::time::{Interval, Timestamp};
use recollect_core::vector::{Keep, Metric};

use crate::model::{Model, entries};
use crate::story::Story;

fn metadata() -> impl Strategy<Value = Metadata> {
    let value = prop_oneof![
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        ".{0,8}".prop_map(serde_json::Value::from),
        Just(serde_json::json!([1, {"deep": null}])),
    ];
    prop::collection::vec(("[a-cé\0]{0,3}", value), 0..3).prop_map(|it| it.into_iter().collect())
}

prop_compose! {
    fn provenance()(
        source in ".{0,4}", principal in ".{0,4}", trust in 0.0_f32..=1.0,
        parents in prop::collection::vec(any::<[u8; 16]>().prop_map(Uid), 0..3),
    ) -> Provenance {
        Provenance { source, principal, trust, parents }
    }
}

prop_compose! {
    fn a_record()(
        uid in 0_u8..4, version in any::<u32>(), kind in prop::sample::select(Kind::ALL),
        text in prop_oneof![".{0,40}", "\\PC{0,3}", Just("long ".repeat(2000)), Just("a\0b".to_owned())],
        metadata in metadata(), tags in prop::collection::vec(".{0,6}", 0..3),
        names in (prop::option::of(".{0,6}"), prop::option::of(".{0,6}")),
        times in (prop::option::of((any::<i64>(), any::<i64>())), any::<i64>(), any::<u64>()),
        weights in (0.0_f32..=1.0, prop_oneof![Just(-0.0_f32), 0.0_f32..=1.0]),
        provenance in provenance(), ttl in prop::option::of((any::<i64>(), any::<bool>())),
    ) -> Record {
        let (event, ingested, turn) = times;
        Record {
            uid: Uid([uid; 16]), version, kind, status: Status::Active, text, metadata, tags,
            speaker: names.0, session: names.1,
            event: event.map(|(start, end)| Interval { start: Timestamp(start), end: Timestamp(end) }),
            ingested: Timestamp(ingested), turn, importance: weights.0, confidence: weights.1, provenance,
            ttl: ttl.map(|(micros, sliding)| Ttl { micros, sliding }),
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Write(Box<Record>, Vec<KeyVector>, Metadata),
    Note(Op),
    Embed(Vec<KeyVector>),
    Restate(prop::sample::Index, Status),
    Erase(prop::sample::Index),
    Configure(Metadata),
}

fn step() -> impl Strategy<Value = Step> {
    let component = prop_oneof![any::<f32>(), Just(f32::NEG_INFINITY), Just(-0.0)];
    let values = prop::collection::vec(component, 0..5);
    let keep = prop::sample::select(Keep::ALL);
    let key = (1_u32..3, keep, values).prop_map(|(space, keep, mut values)| {
        if keep != Keep::F32 {
            values.iter_mut().for_each(|x| *x = if x.is_finite() { x.fract() } else { 1.0 });
            keep.round("values", &mut values, Metric::Euclidean).unwrap();
        }
        let key = KeyVector::new(space, keep, &values);
        assert_eq!(KeyVector::of_data(space, keep, values.len(), key.data()).as_ref(), Some(&key));
        key
    });
    prop_oneof![
        2 => prop::collection::vec(key.clone(), 0..3).prop_map(Step::Embed),
        6 => (a_record(), prop::collection::vec(key, 0..3), metadata())
            .prop_map(|(record, keys, detail)| Step::Write(Box::new(record), keys, detail)),
        1 => prop::sample::select(vec![Op::Deleted, Op::Noop, Op::Touched, Op::Erased]).prop_map(Step::Note),
        2 => (any::<prop::sample::Index>(), prop::sample::select(Status::ALL))
            .prop_map(|(at, status)| Step::Restate(at, status)),
        1 => any::<prop::sample::Index>().prop_map(Step::Erase),
        1 => metadata().prop_map(Step::Configure),
    ]
}

type Batch = Vec<(usize, Vec<Step>)>;

const PATHS: [&str; 5] = ["", "a", "a/b", "a!", "b"];

/// Commits batches over several namespaces and compares after each.
fn run(batches: Vec<Batch>, ledger: &mut dyn FnMut() -> std::sync::Arc<dyn Ledger>) {
    let mut model = Model::default();
    let mut stories = PATHS.map(Story::new);
    for batch in batches {
        let ledger = ledger();
        let mut told = Vec::new();
        for (at, steps) in batch {
            let story = &mut stories[at];
            if told.iter().any(|(other, _): &(usize, _)| *other == at) {
                continue;
            }
            let held = |only: fn(&Written) -> bool| -> Vec<u64> {
                let entries = model.0.get(&story.path.to_string()).map(|told| &told.entries);
                let held = entries.into_iter().flatten().filter(|(_, it)| it.as_ref().is_some_and(only));
                held.map(|(event, _)| event.seq).collect()
            };
            let (contents, held) = (held(|it| it.content().is_some()), held(|_| true));
            let mut config = None;
            for step in steps {
                match step {
                    Step::Write(record, keys, detail) => {
                        let seq = story.event(Op::Added, record.uid, Some((*record, keys)));
                        let prev = match story.events.len() {
                            1 => None,
                            n => Some(story.events[n - 2].hash),
                        };
                        if let Some(prev) = prev {
                            // Once more, with a detail.
                            let mut event = story.events.pop().unwrap();
                            event.detail = detail;
                            let content = story.contents.last().filter(|content| content.seq == seq);
                            let event = recollect_core::journal::chain::seal(prev, event, content);
                            story.hash = event.hash;
                            story.events.push(event);
                        }
                    }
                    Step::Note(op) => {
                        story.event(op, Uid([1; 16]), None);
                    }
                    Step::Embed(keys) => {
                        story.embed(1, keys);
                    }
                    Step::Restate(at, status) if !contents.is_empty() => {
                        story.restated.push((*at.get(&contents), status));
                    }
                    Step::Erase(at) if !held.is_empty() => story.erased.push(*at.get(&held)),
                    Step::Configure(new) => config = Some(new),
                    _ => {}
                }
            }
            told.push((at, config));
        }
        let empty = Metadata::new();
        let commits: Vec<Commit<'_>> = told
            .iter()
            .map(|(at, config)| {
                let story = &stories[*at];
                let target = match story.id {
                    Some(id) => Target::Known(id),
                    None => Target::New { path: &story.path, config: &empty },
                };
                Commit {
                    target,
                    events: &story.events,
                    contents: &story.contents,
                    embeddings: &story.embeddings,
                    restated: &story.restated,
                    erased: &story.erased,
                    config: config.as_ref(),
                }
            })
            .collect();
        let ids = ledger.commit(&commits, Cancel::never()).unwrap();
        for ((commit, (at, _)), id) in commits.iter().zip(&told).zip(&ids) {
            model.take(&stories[*at].path, *id, &empty, commit);
        }
        for ((at, _), id) in told.into_iter().zip(ids) {
            let story = &mut stories[at];
            story.id = Some(id);
            story.events.clear();
            story.contents.clear();
            story.embeddings.clear();
            story.told = story.hash;
            story.restated.clear();
            story.erased.clear();
        }
        model.compare(&*ledger);
    }
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let part = (0..PATHS.len(), prop::collection::vec(step(), 0..5));
    prop::collection::vec(prop::collection::vec(part, 1..4), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_ledger_in_memory_is_the_model(batches in batches()) {
        let ledger = std::sync::Arc::new(InMemoryLedger::new());
        run(batches, &mut || ledger.clone());
    }

    #[test]
    fn the_ledger_of_a_file_is_the_model(batches in batches(), reopen in any::<u32>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let (mut ledger, mut round) = (None, 0);
        run(batches, &mut || {
            round += 1;
            if reopen >> round & 1 == 1 {
                ledger = None;
            }
            let open = || std::sync::Arc::new(SqliteLedger::open(&path, &Options::default()).unwrap());
            ledger.get_or_insert_with(open).clone()
        });
    }
}

fn both(test: impl Fn(&dyn Ledger)) {
    test(&InMemoryLedger::new());
    let folder = tempfile::tempdir().unwrap();
    test(&SqliteLedger::open(folder.path().join("a.rcl"), &Options::default()).unwrap());
}

#[test]
fn a_commit_that_does_not_follow_on_is_refused_and_leaves_no_trace() {
    both(|ledger| {
        let mut story = Story::new("a");
        story.add(1, "one", &[1.0]);
        let id = story.tell(ledger).unwrap();
        let before = entries(&*ledger.read().unwrap(), id, 0);
        type Bend = fn(&mut Story);
        let bends: [Bend; 7] = [
            |story| story.events[1].seq += 1,
            |story| story.events[1].hash[0] ^= 1,
            |story| story.events[0].at.0 += 1,
            |story| story.contents.swap(0, 1),
            |story| story.contents[1].seq = 40,
            |story| story.restated.push((9, Status::Deleted)),
            |story| story.contents[1].record.importance = f32::NAN,
        ];
        for bend in bends {
            let mut bent = story.clone();
            bent.add(2, "two", &[]);
            bent.add(3, "three", &[2.0]);
            bend(&mut bent);
            assert!(matches!(bent.tell(ledger), Err(Error::Invalid { .. })));
            assert_eq!(entries(&*ledger.read().unwrap(), id, 0), before);
        }
        assert!(matches!(Story::new("a").tell(ledger), Err(Error::Invalid { .. })), "it is there already");
        story.id = Some(77);
        assert!(matches!(story.tell(ledger), Err(Error::Invalid { .. })), "no such number");
        assert_eq!(ledger.read().unwrap().head(2).unwrap(), None, "all or nothing");
    });
}

#[test]
fn a_reader_stays_in_its_moment_and_the_version_moves() {
    both(|ledger| {
        let mut story = Story::new("a");
        story.add(1, "one", &[]);
        let id = story.tell(ledger).unwrap();
        let before = ledger.read().unwrap();
        let version = before.version().unwrap();
        story.add(2, "two", &[]);
        story.tell(ledger).unwrap();
        assert_eq!(before.version().unwrap(), version);
        assert_eq!(before.head(id).unwrap().unwrap().seq, 1);
        assert_eq!(entries(&*before, id, 0).len(), 1);
        drop(before);
        let after = ledger.read().unwrap();
        assert!(after.version().unwrap() > version);
        assert_eq!(entries(&*after, id, 1).len(), 1);
    });
}

#[test]
fn spaces_are_numbered_once() {
    both(|ledger| {
        let space = |name: &str, dim| Space { name: name.into(), dim, metric: "cosine".into() };
        assert_eq!(ledger.space(&space("a", 3)).unwrap(), 1);
        assert_eq!(ledger.space(&space("a", 4)).unwrap(), 2);
        assert_eq!(ledger.space(&space("a", 3)).unwrap(), 1);
        let all = ledger.read().unwrap().spaces().unwrap();
        assert_eq!(all, vec![(1, space("a", 3)), (2, space("a", 4))]);
    });
}

#[test]
fn a_closed_ledger_says_so() {
    both(|ledger| {
        ledger.close().unwrap();
        ledger.close().unwrap();
        assert!(matches!(ledger.read().err(), Some(Error::Closed)));
        assert!(matches!(ledger.commit(&[], Cancel::never()), Err(Error::Closed)));
        assert!(matches!(ledger.bytes(), Err(Error::Closed)));
    });
}
