//! A fixed history that uses every verb, told step by step.

use recollect_core::cancel::Cancel;
use recollect_core::entropy::Entropy;
use recollect_core::error::Result;
use recollect_core::id::Uid;
use recollect_core::record::{Kind, Ttl};
use recollect_core::store::{Draft, Edit, Store};
use recollect_core::time::{Interval, Timestamp};
use serde_json::json;

use crate::cases::{DAY, HOUR, MONDAY};
use crate::home::{call, path, space};

/// The namespaces of the script.
pub(crate) const NAMES: [&str; 2] = ["user/42", "user/7"];
/// Number of steps.
pub(crate) const STEPS: u64 = 16;
/// The step that carries an idempotency key, so that it may be repeated.
pub(crate) const KEYED: u64 = 7;

/// The instant of a step.
pub(crate) fn instant(step: u64) -> i64 {
    MONDAY + 7 * DAY + step as i64 * HOUR / 4
}

/// The `nth` memory that a step wrote.
pub(crate) fn uid(step: u64, nth: usize) -> Uid {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&step.to_le_bytes());
    let mut entropy = Entropy::new(seed);
    for _ in 0..nth {
        entropy.uid();
        entropy.bytes();
    }
    entropy.uid()
}

fn drafts() -> Vec<Draft> {
    let event = |day: i64| Some(Interval::instant(Timestamp(MONDAY + day * DAY)));
    let session = || Some("first session".to_owned());
    vec![
        Draft {
            speaker: Some("Ana".into()),
            session: session(),
            event: event(0),
            vectors: vec![vec![1.0, 0.0, 0.0, 0.5], vec![0.0, 1.0, 0.0, 0.0]],
            ..Draft::new(Kind::Episodic, "The apple fell into the river")
        },
        Draft {
            session: session(),
            event: event(1),
            tags: vec!["fruit".into(), "été".into()],
            vectors: vec![vec![0.5, 0.5, 0.0, 0.0]],
            ..Draft::new(Kind::Episodic, "She walked home under a bright cloud")
        },
        Draft {
            ttl: Some(Ttl { micros: 8 * HOUR, sliding: true }),
            metadata: json!({"title": "apple", "n": 3}).as_object().unwrap().clone(),
            ..Draft::new(Kind::Working, "Buy apples on the way home")
        },
        Draft { session: session(), event: event(2), ..Draft::new(Kind::Episodic, "Erase this azalea") },
    ]
}

/// Does one step.
pub(crate) fn act(store: &Store, step: u64) -> Result<()> {
    let (ours, theirs) = (store.namespace(&path(NAMES[0]))?, store.namespace(&path(NAMES[1]))?);
    let (mut call, now, space) = (call(instant(step), step), Timestamp(instant(step)), Some(&space()));
    let draft = |text: &str| Draft::new(Kind::Semantic, text);
    match step {
        0 => ours.add(drafts(), space, false, &mut call).map(drop),
        1 => theirs.add(vec![draft("No vector yet"), draft("river")], None, false, &mut call).map(drop),
        2 => {
            let text = Some("The apple fell into the cold river".to_owned());
            ours.update(uid(0, 0), Edit { text, ..Edit::default() }, None, &mut call).map(drop)
        }
        3 => ours.get(uid(0, 2), None, now, Cancel::never()).map(drop),
        4 => {
            let with = |text: &str| Draft { vectors: vec![vec![0.0, 0.0, 1.0, 1.0]], ..draft(text) };
            let drafts = vec![with("A cloud of words"), draft("Ana knows Bob"), with("Bob's home")];
            theirs.add(drafts, space, false, &mut call).map(drop)
        }
        5 => ours.delete(&[uid(0, 1)], "asked to", &mut call).map(drop),
        6 => store.checkpoint(Cancel::never()),
        KEYED => {
            let keyed = Draft { key: Some("once".into()), ..draft("Only once, by its key") };
            ours.add(vec![keyed], None, false, &mut call).map(drop)
        }
        8 => ours
            .add(vec![draft("Only once, by its  key"), draft("Last of all")], None, false, &mut call)
            .map(drop),
        9 => ours.get(uid(0, 2), Some(1), now, Cancel::never()).map(drop),
        10 => ours.noop("nothing new", Some(uid(0, 0)), &mut call).map(drop),
        11 => ours.erase(&[uid(0, 3), uid(0, 1)], &mut call).map(drop),
        12 => ours.get(uid(0, 2), None, now, Cancel::never()).map(drop),
        13 => store.unload(),
        14 => {
            let edit = Edit { kind: Some(Kind::Core), tags: Some(vec!["kept".into()]), ..Edit::default() };
            theirs.update(uid(4, 0), Edit { reason: "better so".into(), ..edit }, None, &mut call).map(drop)
        }
        _ => theirs.add(vec![draft("After the snapshot")], None, false, &mut call).map(drop),
    }
}
