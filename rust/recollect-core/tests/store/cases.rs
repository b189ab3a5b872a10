//! What random tests write: few words, names and times, so that everything meets everything.

use proptest::prelude::*;
use recollect_core::record::{Kind, Metadata, Provenance, Ttl};
use recollect_core::store::Draft;
use recollect_core::time::{Interval, Timestamp};

use crate::home::DIM;

pub(crate) const HOUR: i64 = 3_600_000_000;
pub(crate) const DAY: i64 = 24 * HOUR;
/// 8 May 2023, a Monday.
pub(crate) const MONDAY: i64 = 1_683_504_000_000_000;

const WORDS: [&str; 12] = [
    "apple", "river", "cloud", "walked", "walking", "home", "the", "Ana", "May", "tuesday", "bright", "Bob's",
];
const SPEAKERS: [&str; 4] = ["Ana", "Bob Stone", "user", "Assistant"];

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&WORDS[..]), 1..7).prop_map(|words| words.join(" "))
}

/// Small whole numbers: scores tie, and a zero vector is among them.
pub(crate) fn vector() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec((-3_i8..=3).prop_map(f32::from), DIM)
}

pub(crate) fn metadata() -> impl Strategy<Value = Metadata> {
    let number = (0..4_i64).prop_map(|n| ("n".to_owned(), n.into()));
    let list = prop::collection::vec(0..3_i64, 0..3).prop_map(|list| ("list".to_owned(), list.into()));
    let title = text().prop_map(|title| ("title".to_owned(), title.into()));
    let entry = prop_oneof![number, list, title];
    prop::collection::vec(entry, 0..3).prop_map(|entries| entries.into_iter().collect())
}

pub(crate) fn event() -> impl Strategy<Value = Option<Interval>> {
    let interval = (0..7 * 24_i64, prop::sample::select(vec![0, 1, 30])).prop_map(|(hour, hours)| {
        let start = MONDAY + hour * HOUR;
        Interval { start: Timestamp(start), end: Timestamp(start + 1 + hours * HOUR) }
    });
    prop::option::weighted(0.7, interval)
}

pub(crate) fn tags() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(vec!["x", "y", "z"]).prop_map(Into::into), 0..3)
}

pub(crate) fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Episodic, Kind::Semantic, Kind::Core])
}

pub(crate) fn importance() -> impl Strategy<Value = f32> {
    prop::sample::select(vec![0.0, 0.25, 0.5, 1.0])
}

fn name(names: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(names).prop_map(Into::into))
}

prop_compose! {
    pub(crate) fn draft()(
        kind in kind(), text in text(), metadata in metadata(), tags in tags(),
        speaker in name(&SPEAKERS), session in name(&["s", "t"]), event in event(),
        turn in prop::option::weighted(0.1, 0..9_u64), importance in importance(),
        ttl in prop::option::weighted(0.3, (1..6_i64, any::<bool>())),
        vectors in prop::collection::vec(vector(), 0..3),
        key in prop::option::weighted(0.2, prop::sample::select(vec!["k1", "k2", "k3"])),
        trust in prop::sample::select(vec![0.5_f32, 1.0]),
    ) -> Draft {
        Draft {
            metadata, tags, speaker, session, event, turn, importance, vectors,
            provenance: Provenance { trust, ..Provenance::default() },
            ttl: ttl.map(|(hours, sliding)| Ttl { micros: hours * HOUR, sliding }),
            key: key.map(Into::into),
            ..Draft::new(kind, text)
        }
    }
}
