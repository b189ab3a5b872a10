//! A file that a format once wrote stays readable, word for word.
//!
//! To write the files of the latest format anew, which only a new one should need, as `format-4`:
//! `cargo test -p recollect-core --test store -- --ignored write_the_golden_file`.

use std::path::PathBuf;

use recollect_core::activation::BaseLevel;
use recollect_core::cancel::Cancel;
use recollect_core::recall::Fusion;
use recollect_core::record::Kind;
use recollect_core::store::{Draft, Link, Linkage, Order, Selection, Store, Used};
use recollect_core::time::Timestamp;

use crate::home::{Home, call, open, path, request, space};
use crate::moves;
use crate::script::{NAMES, STEPS, instant, uid};

/// Steps of a migration that the file of format 2 has seen.
const MIDST: u64 = 9;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Everything the journal holds of what is there, in words that outlive our types.
fn tell(store: &Store, names: &[&str]) -> String {
    let mut out = String::new();
    let (all, now, never) = (Selection::default(), Timestamp(instant(STEPS)), Cancel::never());
    for name in names {
        let memory = store.namespace(&path(name)).unwrap();
        out += &format!("namespace {name}\n");
        for held in memory.list(&all, Order::Ingested, 0, None, now, never).unwrap() {
            let r = &held.record;
            out += &format!("{} {} {} {} {:?}\n", r.uid, r.version, r.kind, r.status, r.text);
            let event = r.event.map(|x| (x.start.0, x.end.0));
            out += &format!("  {:?} {:?} {:?} {event:?}\n", r.speaker, r.session, r.tags);
            let ttl = r.ttl.map(|x| (x.micros, x.sliding));
            let expires = held.expires.map(|x| x.0);
            out += &format!("  {} {} {ttl:?} {expires:?} {}\n", r.ingested.0, r.turn, held.mentions);
            let weights = (r.importance, r.confidence, r.provenance.trust);
            out += &format!("  {weights:?} {}\n", serde_json::to_string(&r.metadata).unwrap());
            for change in memory.history(r.uid, never).unwrap() {
                let event = &change.event;
                let detail = serde_json::to_string(&event.detail).unwrap();
                let hash: String = event.hash.iter().map(|byte| format!("{byte:02x}")).collect();
                out += &format!("  {} {} {} {detail} {hash}\n", event.seq, event.op.word(), event.at.0);
            }
        }
    }
    out
}

/// Writes what only format 3 holds: links, and uses.
fn associate(store: &Store) {
    let memory = store.namespace(&path("a")).unwrap();
    let at = |step: u64| call(instant(step), step);
    let titled = |title: &str, text: &str| {
        let mut draft = Draft::new(Kind::Semantic, text);
        draft.metadata.insert("title".into(), title.into());
        draft
    };
    let drafts = vec![titled("Ana Lum", "She lives in Lindau."), titled("Lindau", "An island town.")];
    let added = memory.add(drafts, None, true, &mut at(1)).unwrap();
    let (ana, lindau) = (added[0].uid, added[1].uid);
    let link = |relation: &str, weight: f32, trust: f32| Link {
        src: lindau,
        dst: ana,
        relation: relation.into(),
        weight,
        time: None,
        source: "test".into(),
        trust,
    };
    memory.link(&[link("home of", 2.0, 1.0), link("rules", 0.5, 0.1)], &mut at(2)).unwrap();
    memory.strengthen(lindau, ana, "home of", 0.5, &mut at(3)).unwrap();
    memory.unlink(lindau, ana, Some("rules"), &mut at(4)).unwrap();
    memory.reinforce(&[ana, lindau], 0.25, &mut at(5)).unwrap();
    memory.feedback(&[ana], 1.0, &mut at(6)).unwrap();
    memory.pin(&[lindau], true, &mut at(7)).unwrap();
}

/// Links and uses.
fn associated(store: &Store) -> (Linkage, Vec<Used>) {
    let (now, all, never) = (Timestamp(instant(STEPS)), Selection::default(), Cancel::never());
    let memory = store.namespace(&path("a")).unwrap();
    let used = memory.uses_of(&all, &BaseLevel::default(), now, never).unwrap();
    (memory.linkage(now, never).unwrap(), used)
}

#[test]
#[ignore = "writes the golden files"]
fn write_the_golden_file() {
    let home = Home::file();
    let store = home.open();
    associate(&store);
    store.close().unwrap();
    std::fs::copy(home.path(), golden("format-3.rcl")).unwrap();
    std::fs::write(golden("format-3.txt"), tell(&home.open(), &["a"])).unwrap();
}

#[test]
fn a_file_of_format_3_has_its_links_and_uses() {
    let home = Home::file();
    std::fs::copy(golden("format-3.rcl"), home.path()).unwrap();
    let told = std::fs::read_to_string(golden("format-3.txt")).unwrap();
    let in_memory = Home::memory().open();
    associate(&in_memory);
    let expected = associated(&in_memory);
    assert_eq!((expected.0.ties.len(), expected.1.len()), (3, 2));
    for whole in [false, true] {
        if whole {
            home.forget_snapshots();
        }
        let reader = open(home.path(), true);
        assert_eq!(tell(&reader, &["a"]), told);
        assert_eq!(associated(&reader), expected);
        reader.close().unwrap();
    }
}

#[test]
fn a_file_of_format_2_is_read_in_the_midst_of_a_migration_and_goes_on() {
    let home = Home::file();
    std::fs::copy(golden("format-2.rcl"), home.path()).unwrap();
    let told = std::fs::read_to_string(golden("format-2.txt")).unwrap();
    let reader = open(home.path(), true);
    assert_eq!(tell(&reader, &["a"]), told);
    let in_memory = Home::memory().open();
    (0..MIDST).for_each(|step| moves::act(&in_memory, step).unwrap());
    assert_eq!(moves::shown(&reader), moves::shown(&in_memory));
    reader.close().unwrap();
    let store = home.open();
    for store in [&store, &in_memory] {
        (MIDST..moves::STEPS).for_each(|step| moves::act(store, step).unwrap());
    }
    assert_eq!(moves::shown(&store), moves::shown(&in_memory));
}

#[test]
fn a_file_of_format_1_is_read_found_in_and_erased_from() {
    let home = Home::file();
    std::fs::copy(golden("format-1.rcl"), home.path()).unwrap();
    let told = std::fs::read_to_string(golden("format-1.txt")).unwrap();
    assert!(std::fs::metadata(home.path()).unwrap().len() < 100 << 10);

    let (now, all, never) = (Timestamp(instant(STEPS)), Selection::default(), Cancel::never());
    let reader = open(home.path(), true);
    assert_eq!(tell(&reader, &NAMES), told);
    reader.close().unwrap();

    let store = home.open();
    let verified = store.verify(never).unwrap();
    assert_eq!(verified.damage, Vec::<String>::new());
    assert_eq!(verified.namespaces, 2);
    assert_eq!(tell(&store, &NAMES), told);
    for (name, text, vector, best) in [
        (NAMES[0], Some("cold river"), None, vec![uid(0, 0)]),
        (NAMES[0], Some("last"), Some(vec![0.0; 4]), vec![uid(8, 0)]),
        (NAMES[1], None, Some(vec![0.0, 0.1, 1.0, 1.0]), vec![uid(4, 0), uid(4, 2)]),
    ] {
        let memory = store.namespace(&path(name)).unwrap();
        let request = request(text, vector, Fusion::Adaptive);
        let recall = memory.recall(&request, Some(&space()), &all, now, never).unwrap();
        let mut found: Vec<_> = recall.found.iter().take(best.len()).map(|x| x.hit.uid).collect();
        found.sort_by_key(|uid| best.iter().position(|x| x == uid));
        assert_eq!(found, best, "{text:?}");
    }
    let memory = store.namespace(&path(NAMES[0])).unwrap();
    memory.erase(&[uid(0, 0)], &mut call(now.0, 99)).unwrap();
    store.checkpoint(never).unwrap();
    assert_eq!(store.verify(never).unwrap().damage, Vec::<String>::new());
    store.close().unwrap();
    let bytes = std::fs::read(home.path()).unwrap();
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|x| x.eq_ignore_ascii_case(what));
    assert!(holds(b"Last of all") && !holds(b"cold river") && !holds(b"first session"));
}
