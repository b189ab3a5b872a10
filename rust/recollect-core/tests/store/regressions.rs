//! What once went wrong.

use recollect_core::cancel::Cancel;
use recollect_core::journal::event::Op;
use recollect_core::lexical::Language;
use recollect_core::recall::Fusion;
use recollect_core::record::{Kind, Ttl};
use recollect_core::store::{Draft, Memory, Selection, Store};
use recollect_core::time::Timestamp;

use crate::conditions::Choice;
use crate::home::{Home, call, path, request, space};

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
