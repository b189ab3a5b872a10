//! Random steps.

use proptest::prelude::*;
use proptest::sample::Index;
use recollect_core::recall::Fusion;
use recollect_core::store::{Draft, Edit, Order};

use crate::cases::{DAY, HOUR, draft, event, importance, kind, metadata, tags, text, vector};
use crate::conditions::{Choice, choice};

pub(crate) const NAMESPACES: [&str; 3] = ["a", "a/b", ""];

#[derive(Debug, Clone)]
pub(crate) struct Recalling {
    pub(crate) namespaces: Vec<usize>,
    pub(crate) text: Option<String>,
    pub(crate) vector: Option<Vec<f32>>,
    pub(crate) fusion: Fusion,
    pub(crate) choice: Choice,
    pub(crate) k: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Add { at: usize, drafts: Vec<Draft>, keep: bool, parent: Option<Index>, again: bool },
    Update { at: usize, pick: Index, edit: Edit },
    Delete { at: usize, picks: Vec<Index> },
    Erase { at: usize, picks: Vec<Index> },
    Noop { at: usize, pick: Option<Index> },
    Get { at: usize, pick: Index, version: Option<u32> },
    List { at: usize, choice: Choice, order: Order, offset: usize, limit: Option<usize> },
    Around { at: usize, pick: Index, when: i64, k: usize, choice: Choice },
    Recall(Recalling),
    Wait(i64),
    Unload,
    Checkpoint,
    Reopen { snapshots: bool },
}

prop_compose! {
    fn edit()(
        text in prop::option::of(text()), kind in prop::option::of(kind()), metadata in prop::option::of(metadata()),
        tags in prop::option::of(tags()), event in event(), importance in prop::option::of(importance()),
        vectors in prop::option::weighted(0.3, prop::collection::vec(vector(), 0..3)),
        expect_version in prop::option::weighted(0.2, 1..3_u32),
        key in prop::option::weighted(0.2, prop::sample::select(vec!["k1", "k3", "k4"])),
    ) -> Edit {
        let key = key.map(Into::into);
        let confidence = None;
        Edit { text, kind, metadata, tags, event, importance, confidence, vectors, expect_version, key, reason: "why".into(), beside: None }
    }
}

prop_compose! {
    fn recalling()(
        namespaces in prop_oneof![
            (0..NAMESPACES.len()).prop_map(|at| vec![at]),
            prop::collection::vec(0..NAMESPACES.len(), 2..4),
        ],
        text in prop::option::weighted(0.8, text()), vector in prop::option::weighted(0.6, vector()),
        fusion in prop_oneof![
            Just(Fusion::Adaptive), Just(Fusion::ReciprocalRank),
            prop::sample::select(vec![0.0_f32, 0.3, 1.0]).prop_map(|weight| Fusion::Convex { weight }),
        ],
        choice in prop_oneof![Just(Choice::default()), choice()], k in 1..6_usize,
    ) -> Recalling {
        let text = if vector.is_none() { text.or(Some("apple".into())) } else { text };
        Recalling { namespaces, text, vector, fusion, choice, k }
    }
}

pub(crate) fn writing() -> impl Strategy<Value = Step> {
    let at = || 0..NAMESPACES.len();
    let pick = any::<Index>;
    let picks = || prop::collection::vec(any::<Index>(), 1..3);
    prop_oneof![
        8 => (at(), prop::collection::vec(draft(), 0..4), any::<bool>(), prop::option::weighted(0.2, pick()), any::<bool>())
            .prop_map(|(at, drafts, keep, parent, again)| Step::Add { at, drafts, keep, parent, again }),
        3 => (at(), pick(), edit()).prop_map(|(at, pick, edit)| Step::Update { at, pick, edit }),
        1 => (at(), picks()).prop_map(|(at, picks)| Step::Delete { at, picks }),
        1 => (at(), picks()).prop_map(|(at, picks)| Step::Erase { at, picks }),
        1 => (at(), prop::option::of(pick())).prop_map(|(at, pick)| Step::Noop { at, pick }),
    ]
}

fn reading() -> impl Strategy<Value = Step> {
    let at = || 0..NAMESPACES.len();
    let order = prop::sample::select(vec![
        Order::Time,
        Order::TimeDescending,
        Order::Ingested,
        Order::IngestedDescending,
    ]);
    prop_oneof![
        1 => (at(), any::<Index>(), prop::option::of(1..4_u32))
            .prop_map(|(at, pick, version)| Step::Get { at, pick, version }),
        2 => (at(), choice(), order, 0..4_usize, prop::option::of(0..5_usize))
            .prop_map(|(at, choice, order, offset, limit)| Step::List { at, choice, order, offset, limit }),
        1 => (at(), any::<Index>(), 0..7 * DAY, 1..5_usize, choice())
            .prop_map(|(at, pick, when, k, choice)| Step::Around { at, pick, when, k, choice }),
        5 => recalling().prop_map(Step::Recall),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => writing(),
        8 => reading(),
        // Mostly forward; a clock may also be set back.
        2 => prop_oneof![Just(1), 1..3 * HOUR, -HOUR..0].prop_map(Step::Wait),
        1 => Just(Step::Unload),
        1 => Just(Step::Checkpoint),
        2 => any::<bool>().prop_map(|snapshots| Step::Reopen { snapshots }),
    ]
}
