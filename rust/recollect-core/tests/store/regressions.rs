//! What once went wrong.

use recollect_core::cancel::Cancel;
use recollect_core::error::{Error, Result};
use recollect_core::journal::event::Op;
use recollect_core::journal::ledger::Space;
use recollect_core::recall::Fusion;
use recollect_core::record::{Kind, Ttl};
use recollect_core::store::{Draft, Edit, Memory, Selection, Store};
use recollect_core::time::Timestamp;

use crate::conditions::Choice;
use crate::home::{Home, call, path, request, space};
use crate::wrapped::{At, Hook};

fn memory(store: &Store) -> Memory {
    store.namespace(&path("a")).unwrap()
}

fn draft(text: &str) -> Draft {
    Draft::new(Kind::Episodic, text)
}

fn vectorless() -> Choice {
    Choice { kinds: Some(vec![Kind::Episodic]), ..Choice::default() }
}

#[test]
fn a_convex_sum_goes_by_words_where_nothing_in_scope_has_a_vector() {
    let store = Home::memory().open();
    let memory = memory(&store);
    let with_vector = Draft { vectors: vec![vec![1.0; 4]], ..Draft::new(Kind::Core, "far") };
    let drafts = vec![draft("apple and much else here"), draft("apple apple"), with_vector];
    let added = memory.add(drafts, Some(&space()), false, &mut call(1, 1)).unwrap();
    let request = request(Some("apple"), Some(vec![1.0; 4]), Fusion::Convex { weight: 1.0 });
    let (selection, never) = (vectorless().selection(), Cancel::never());
    let recall = memory.recall(&request, Some(&space()), &selection, Timestamp(1), never).unwrap();
    assert_eq!(recall.found[0].hit.uid, added[1].uid);
    assert!(recall.found[0].hit.score > recall.found[1].hit.score);
}

#[test]
fn a_copy_is_known_though_the_first_expired_or_went() {
    let home = Home::memory();
    let store = home.open();
    let add = |store: &Store, draft: &Draft, keep, now| {
        memory(store).add(vec![draft.clone()], None, keep, &mut call(now, now as u64)).unwrap().remove(0)
    };
    let mortal = Draft { ttl: Some(Ttl { micros: 10, sliding: false }), ..draft("one") };
    add(&store, &mortal, false, 1);
    assert_eq!(add(&store, &draft("one"), false, 20).op, Op::Added, "the first is over");
    let copy = add(&store, &draft("one"), false, 21);
    assert_eq!((copy.op, copy.mentions), (Op::Noop, 2));

    let first = add(&store, &draft("two"), false, 30);
    let second = add(&store, &draft("two"), true, 31);
    memory(&store).delete(&[first.uid], "", &mut call(32, 32)).unwrap();
    assert_eq!(add(&store, &draft("two"), false, 33).uid, second.uid);
}

#[test]
fn memories_that_differ_only_in_where_a_text_stands_are_no_copies() {
    let store = Home::memory().open();
    let metadata = serde_json::json!({"a": 1}).as_object().unwrap().clone();
    let tagged = Draft { tags: vec!["{\"a\":1}".into()], ..draft("one") };
    let drafts = vec![tagged, Draft { metadata, ..draft("one") }];
    let added = memory(&store).add(drafts, None, false, &mut call(1, 1)).unwrap();
    assert_eq!(added[1].op, Op::Added);
}

#[test]
fn an_erased_memory_leaves_no_trace_in_the_next_snapshot_or_turn() {
    let home = Home::file();
    let store = home.open();
    let secret = Draft {
        speaker: Some("Zebulon".into()),
        session: Some("quarrel".into()),
        tags: vec!["wormwood".into()],
        metadata: serde_json::json!({"title": "xylophone"}).as_object().unwrap().clone(),
        vectors: vec![vec![0.1234, 0.4321, 0.9876, 0.6789]],
        ..draft("jackdaws love quartz")
    };
    let mut deleted = secret.clone();
    deleted.text = "nightingales love basalt".into();
    let drafts = vec![draft("kept"), secret, deleted];
    let added = memory(&store).add(drafts, Some(&space()), false, &mut call(1, 1)).unwrap();
    let text = Some("jackdaws love granite".to_owned());
    memory(&store).update(added[1].uid, Edit { text, ..Edit::default() }, None, &mut call(2, 2)).unwrap();
    memory(&store).delete(&[added[2].uid], "", &mut call(3, 3)).unwrap();
    store.checkpoint(Cancel::never()).unwrap();
    memory(&store).erase(&[added[1].uid, added[2].uid], &mut call(4, 4)).unwrap();
    // Not only what the erasure leaves, but also what is written after it.
    store.checkpoint(Cancel::never()).unwrap();
    let next = memory(&store).add(vec![draft("next")], None, false, &mut call(5, 5)).unwrap();
    let held = memory(&store).get(next[0].uid, None, Timestamp(5), Cancel::never()).unwrap();
    assert_eq!(held.record.turn, 2, "as if the erased had never been");
    store.checkpoint(Cancel::never()).unwrap();

    let mut bytes = Vec::new();
    for ending in ["", "-wal", "-shm", "-lock"] {
        bytes.extend(std::fs::read(home.path().with_file_name(format!("a.rcl{ending}"))).unwrap_or_default());
    }
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|x| x.eq_ignore_ascii_case(what));
    assert!(holds(b"kept"));
    let words =
        ["zebulon", "quarrel", "wormwood", "xylophon", "jackdaw", "quartz", "granit", "nightingal", "basalt"];
    assert_eq!(words.into_iter().filter(|x| holds(x.as_bytes())).collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(!holds(&0.4321_f32.to_le_bytes()));
}

#[test]
fn reading_an_old_version_brings_nothing_back_to_life() {
    let store = Home::memory().open();
    let mortal = Draft { ttl: Some(Ttl { micros: 10, sliding: true }), ..draft("one") };
    let uid = memory(&store).add(vec![mortal], None, false, &mut call(1, 1)).unwrap()[0].uid;
    let get = |version, now| memory(&store).get(uid, version, Timestamp(now), Cancel::never());
    assert!(get(Some(1), 20).is_ok());
    assert!(matches!(get(None, 21), Err(Error::UnknownMemory(_))));
}

#[test]
fn a_space_that_no_index_can_hold_is_refused_before_anything_is_written() {
    for dim in [0, 9000] {
        let home = Home::memory();
        let store = home.open();
        let odd = Space { dim, ..space() };
        let draft = Draft { vectors: vec![vec![0.5; dim as usize]], ..draft("one") };
        assert!(memory(&store).add(vec![draft], Some(&odd), false, &mut call(1, 1)).is_err());
        assert_eq!(store.namespaces(&path("")).unwrap(), []);
        memory(&store).add(vec![self::draft("two")], None, false, &mut call(2, 2)).unwrap();
        let count = |store: &Store| {
            memory(store).count(&Selection::default(), Timestamp(3), Cancel::never()).unwrap()
        };
        assert_eq!((count(&store), count(&home.open())), (1, 1));
    }
}

/// A commit that takes its time to return.
#[derive(Debug)]
struct Slow;

impl Hook for Slow {
    fn after(&self, at: At) -> Result<()> {
        if at == At::Commit {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Ok(())
    }
}

#[test]
fn a_recall_waits_for_an_erasure_that_is_being_committed() {
    let store = Home::memory().open_with(std::sync::Arc::new(Slow));
    let added =
        memory(&store).add(vec![draft("one"), draft("one two")], None, false, &mut call(1, 1)).unwrap();
    let other = store.namespace(&path("b")).unwrap();
    other.add(vec![draft("one")], None, false, &mut call(1, 2)).unwrap();
    let request = request(Some("one"), None, Fusion::Adaptive);
    let (all, now, never) = (Selection::default(), Timestamp(2), Cancel::never());
    std::thread::scope(|scope| {
        let eraser = scope.spawn(|| memory(&store).erase(&[added[0].uid], &mut call(2, 3)).unwrap());
        while !eraser.is_finished() {
            let own = memory(&store).recall(&request, None, &all, now, never).unwrap();
            assert!((1..=2).contains(&own.found.len()));
            let both = store.recall(&[path("a"), path("b")], &request, None, &all, now, never).unwrap();
            assert!((2..=3).contains(&both.found.len()));
        }
    });
}

/// Asks to stop as soon as something is committed.
#[derive(Debug, Default)]
struct Late(std::sync::atomic::AtomicBool);

impl Hook for Late {
    fn after(&self, at: At) -> Result<()> {
        self.0.fetch_or(at == At::Commit, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn who_asks_to_stop_after_the_commit_is_told_that_it_took_place() {
    let late = std::sync::Arc::new(Late::default());
    let store = Home::memory().open_with(late.clone());
    let drafts: Vec<Draft> = (0..3000).map(|n| draft(&format!("number {n}"))).collect();
    let stop = || late.0.load(std::sync::atomic::Ordering::Relaxed);
    let mut call = recollect_core::store::Call { cancel: Cancel::new(&stop), ..call(1, 1) };
    assert_eq!(memory(&store).add(drafts, None, false, &mut call).unwrap().len(), 3000);
    let count = memory(&store).count(&Selection::default(), Timestamp(2), Cancel::never());
    assert_eq!(count.unwrap(), 3000);
}
