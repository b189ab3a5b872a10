//! Everything a caller can see of a namespace, to be compared with what was seen before.

use recollect_core::cancel::Cancel;
use recollect_core::id::Uid;
use recollect_core::journal::event::Op;
use recollect_core::recall::Fusion;
use recollect_core::store::{Change, Found, Held, Order, Selection, Store};
use recollect_core::time::Timestamp;

use crate::home::{path, request, space};

/// A hit without its row in the index, which a full replay may number anew, and without its expiry, which the recall
/// before it started anew.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) namespace: String,
    pub(crate) uid: Uid,
    pub(crate) score: u32,
    pub(crate) signals: Vec<(&'static str, usize, u32, u32)>,
    pub(crate) held: Held,
}

pub(crate) fn line(found: &Found) -> Line {
    let bits = |x: &recollect_core::recall::Signal| (x.name, x.rank, x.score.to_bits(), x.share.to_bits());
    Line {
        namespace: found.namespace.to_string(),
        uid: found.hit.uid,
        score: found.hit.score.to_bits(),
        signals: found.hit.signals.iter().map(bits).collect(),
        held: Held { expires: None, ..found.held.clone() },
    }
}

/// What is there, and what happened to it but for renewals, which looking itself makes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sight {
    pub(crate) list: Vec<Held>,
    pub(crate) histories: Vec<(Uid, Vec<Change>)>,
    pub(crate) recalls: Vec<Vec<Line>>,
    pub(crate) numbers: [u64; 3],
}

pub(crate) const QUERIES: [&str; 4] = ["apple river", "Ana walked home", "8 May cloud", "nothing known"];

/// Looks at a namespace. Recalls start sliding times to live anew, so of two looks at one instant only the second is
/// sure to see what a third would.
pub(crate) fn look(store: &Store, name: &str, now: i64) -> Sight {
    let memory = store.namespace(&path(name)).unwrap();
    let (now, never, all) = (Timestamp(now), Cancel::never(), Selection::default());
    let list = memory.list(&all, Order::Ingested, 0, None, now, never).unwrap();
    let mut recalls = Vec::new();
    for (at, text) in QUERIES.into_iter().enumerate() {
        let vector = (at % 2 == 0).then(|| vec![1.0, at as f32, -0.5, 0.25]);
        for fusion in [Fusion::Adaptive, Fusion::ReciprocalRank, Fusion::Convex { weight: 0.4 }] {
            let request = request(Some(text), vector.clone(), fusion);
            let recall = memory.recall(&request, Some(&space()), &all, now, never).unwrap();
            recalls.push(recall.found.iter().map(line).collect());
        }
    }
    let uids = list.iter().map(|held| held.record.uid);
    let lasting = |change: &Change| change.event.op != Op::Touched;
    let history = |uid| memory.history(uid, never).unwrap().into_iter().filter(lasting).collect();
    let histories = uids.map(|uid| (uid, history(uid))).collect();
    let stats = store.stats(memory.path(), never).unwrap();
    Sight { list, histories, recalls, numbers: [stats.memories, stats.vectors, stats.sessions] }
}
