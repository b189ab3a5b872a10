//! Vectors in every form: scored as they are kept, the same after every way to open, and small in the file.

use std::sync::atomic::{AtomicU64, Ordering};

use recollect_core::cancel::Cancel;
use recollect_core::error::{Error, Result};
use recollect_core::id::Uid;
use recollect_core::journal::ledger::Space;
use recollect_core::recall::Fusion;
use recollect_core::record::Kind;
use recollect_core::store::{Draft, Edit, Memory, Selection, Store};
use recollect_core::time::Timestamp;
use recollect_core::vector::{Keep, Metric};

use crate::cases::MONDAY;
use crate::home::{Home, call, path, request};

const WIDE: usize = 96;

fn wide(metric: Metric) -> Space {
    Space { name: "wide".into(), dim: WIDE as u32, metric: metric.word().into() }
}

fn vector(number: usize) -> Vec<f32> {
    (0..WIDE).map(|i| ((number * 31 + i * 7) as f32 * 0.61).sin() * (1.0 + number as f32 % 5.0)).collect()
}

fn drafts(numbers: std::ops::Range<usize>) -> Vec<Draft> {
    let draft =
        |n: usize| Draft { vectors: vec![vector(n)], ..Draft::new(Kind::Semantic, format!("number {n}")) };
    numbers.map(draft).collect()
}

fn add(memory: &Memory, drafts: Vec<Draft>, metric: Metric) -> Result<Vec<Uid>> {
    static CALLS: AtomicU64 = AtomicU64::new(1);
    let mut call = call(MONDAY, CALLS.fetch_add(1, Ordering::Relaxed));
    let outcomes = memory.add(drafts, Some(&wide(metric)), false, &mut call)?;
    Ok(outcomes.iter().map(|x| x.uid).collect())
}

/// Identities with the bits of their scores under a query, best first.
fn found(memory: &Memory, metric: Metric, query: &[f32]) -> Vec<(Uid, u32)> {
    let request = request(None, Some(query.to_vec()), Fusion::Convex { weight: 1.0 });
    let now = Timestamp(MONDAY);
    let recall =
        memory.recall(&request, Some(&wide(metric)), &Selection::default(), now, Cancel::never()).unwrap();
    let signal = |x: &recollect_core::store::Found| {
        let raw = x.hit.signals.iter().find(|x| x.name == "vectors").unwrap();
        (x.hit.uid, raw.score.to_bits())
    };
    recall.found.iter().map(signal).collect()
}

fn kept(memory: &Memory, uids: &[Uid]) -> Vec<Vec<f32>> {
    let (vectors, _) = memory.vectors(uids, Timestamp(MONDAY), Cancel::never()).unwrap();
    vectors.into_iter().flatten().collect()
}

fn form(store: &Store, name: &str) -> Option<Keep> {
    store.stats(&path(name), Cancel::never()).unwrap().keep
}

#[test]
fn scores_are_those_of_what_is_kept_after_every_opening() {
    for (&keep, &metric) in
        Keep::ALL.iter().flat_map(|keep| Metric::ALL.iter().map(move |metric| (keep, metric)))
    {
        let home = Home::file();
        let mut store = home.open_keeping(keep);
        let memory = store.namespace(&path("a")).unwrap();
        let uids = add(&memory, drafts(0..60), metric).unwrap();
        let values = kept(&memory, &uids);
        for (n, values) in values.iter().enumerate() {
            let mut rounded = vector(n);
            keep.round("vector", &mut rounded, metric).unwrap();
            assert_eq!(*values, rounded, "{keep} {metric}");
        }
        let query = vector(1_000);
        let before = found(&memory, metric, &query);
        assert_eq!(before.len(), 60);
        for (uid, score) in &before {
            let (mut query, at) = (query.clone(), uids.iter().position(|x| x == uid).unwrap());
            metric.prepare(&mut query);
            let mut scored = values[at].clone();
            keep.prepare(metric, &mut scored);
            assert_eq!(metric.score(&query, &scored).to_bits(), *score, "{keep} {metric}");
        }
        // From the snapshot, from the whole journal, and with another wish for new namespaces.
        store.checkpoint(Cancel::never()).unwrap();
        for whole in [false, true] {
            store.close().unwrap();
            if whole {
                home.forget_snapshots();
            }
            store = home.open_keeping(if keep == Keep::F16 { Keep::Int8 } else { Keep::F16 });
            let memory = store.namespace(&path("a")).unwrap();
            assert_eq!(found(&memory, metric, &query), before, "{keep} {metric} {whole}");
            assert_eq!((kept(&memory, &uids), form(&store, "a")), (values.clone(), Some(keep)));
            assert_eq!(store.verify(Cancel::never()).unwrap().damage, Vec::<String>::new());
        }
        // Another version without other vectors has the same ones.
        let memory = store.namespace(&path("a")).unwrap();
        let edit = Edit { importance: Some(0.9), ..Edit::default() };
        memory.update(uids[0], edit, None, &mut call(MONDAY, 0)).unwrap();
        assert_eq!(kept(&memory, &uids), values);
        store.close().unwrap();
    }
}

#[test]
fn a_namespace_stays_with_the_form_of_its_first_vectors() {
    for home in [Home::memory(), Home::file()] {
        let store = home.open_keeping(Keep::F16);
        let memory = store.namespace(&path("a")).unwrap();
        add(&memory, vec![Draft::new(Kind::Semantic, "no vector")], Metric::Cosine).unwrap();
        assert_eq!(form(&store, "a"), None);
        // What has no vectors yet may still be asked for in any form, and the first to write decides.
        let firm = store.namespace_keeping(&path("a"), Keep::Int8).unwrap();
        let late = store.namespace_keeping(&path("a"), Keep::F16).unwrap();
        add(&firm, drafts(0..3), Metric::Cosine).unwrap();
        assert_eq!(form(&store, "a"), Some(Keep::Int8));
        let words = |error: Error| error.to_string();
        let way_out = "keep: the vectors of this namespace are kept as int8; leave keep out, or export the namespace \
                       and import it into a new one that keeps f16";
        assert_eq!(words(add(&late, drafts(3..4), Metric::Cosine).unwrap_err()), way_out);
        assert_eq!(words(store.namespace_keeping(&path("a"), Keep::F16).unwrap_err()), way_out);
        add(&memory, drafts(3..5), Metric::Cosine).unwrap();
        add(&store.namespace(&path("b")).unwrap(), drafts(0..1), Metric::Cosine).unwrap();
        assert_eq!((form(&store, "a"), form(&store, "b")), (Some(Keep::Int8), Some(Keep::F16)));
        assert_eq!(store.stats(&path("a"), Cancel::never()).unwrap().vectors, 5);
    }
}

#[test]
fn what_a_form_cannot_hold_is_refused_before_anything_is_written() {
    let store = Home::memory().open_keeping(Keep::F16);
    let memory = store.namespace(&path("a")).unwrap();
    let mut all = drafts(0..3);
    all[2].vectors[0][7] = 70_000.0;
    let message = add(&memory, all.clone(), Metric::Dot).unwrap_err().to_string();
    assert_eq!(message, "vectors[2]: component 7 is beyond 65504, the most that f16 holds; keep f32 or int8");
    assert!(store.namespaces(&path("")).unwrap().is_empty());
    assert_eq!(add(&memory, all, Metric::Cosine).unwrap().len(), 3);
}

#[test]
fn the_file_shrinks_with_the_form() {
    let bytes = Keep::ALL.iter().map(|&keep| {
        let home = Home::file();
        let store = home.open_keeping(keep);
        add(&store.namespace(&path("a")).unwrap(), drafts(0..2_000), Metric::Cosine).unwrap();
        store.checkpoint(Cancel::never()).unwrap();
        store.close().unwrap();
        std::fs::metadata(home.path()).unwrap().len() / 2_000
    });
    let [f32, f16, int8] = bytes.collect::<Vec<_>>()[..] else { unreachable!() };
    // Twice, in the journal and in the snapshot.
    let saved = WIDE as u64 * 2;
    assert!(f32 - f16 > 2 * saved * 9 / 10 && f16 - int8 > (saved - 8) * 9 / 10, "{f32} {f16} {int8}");
}
