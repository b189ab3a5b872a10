//! The index against a plain model, and its segment against damage.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::scored::Scored;

/// Vectors around a few centres, so that near ties are common; deterministic by seed.
fn clustered(n: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let centres: Vec<Vec<f32>> = (0..5).map(|_| (0..dim).map(|_| next()).collect()).collect();
    (0..n)
        .map(|i| {
            let spread = [0.3, 0.01, 0.0][i % 3];
            centres[i % 5].iter().map(|x| x + spread * next()).collect()
        })
        .collect()
}

fn model(
    vectors: &BTreeMap<u32, Vec<Vec<f32>>>,
    (metric, keep): (Metric, Keep),
    query: &[f32],
    k: usize,
    allow: Option<&Bitmap>,
) -> Vec<Scored> {
    let prepared = |vector: &[f32]| {
        let mut vector = vector.to_vec();
        keep.prepare(metric, &mut vector);
        vector
    };
    let mut query = query.to_vec();
    metric.prepare(&mut query);
    let mut all: Vec<_> = vectors
        .iter()
        .filter(|(slot, _)| allow.is_none_or(|allow| allow.contains(**slot)))
        .map(|(&slot, vectors)| {
            let scores = vectors.iter().map(|vector| metric.score(&query, &prepared(vector)));
            Scored { slot, score: scores.fold(f32::NEG_INFINITY, f32::max) }
        })
        .collect();
    all.sort_by(Scored::order);
    all.truncate(k);
    all
}

fn bits(hits: &[Scored]) -> Vec<(u32, u32)> {
    hits.iter().map(|hit| (hit.slot, hit.score.to_bits())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_path_gives_the_model_bit_for_bit(
        metric in prop::sample::select(Metric::ALL),
        keep in prop::sample::select(Keep::ALL),
        dim in prop::sample::select(vec![1usize, 3, 16, 33, 64, 100]),
        n in 0usize..900,
        k in prop::sample::select(vec![0usize, 1, 3, 10, 50, 2000]),
        per_slot in 1usize..4,
        removed in prop::collection::vec(0u32..300, 0..40),
        share in prop::sample::select(vec![1u32, 2, 7, 40]),
        seed: u64,
    ) {
        let mut index = FlatIndex::with_keep(dim, metric, keep).unwrap();
        let mut vectors = BTreeMap::<u32, Vec<Vec<f32>>>::new();
        let data = clustered(n + 8, dim, seed);
        for (i, vector) in data[..n].iter().enumerate() {
            if let Some(&slot) = removed.get(i % 41) && i > n / 2 {
                prop_assert_eq!(index.remove(slot), vectors.remove(&slot).map_or(0, |v| v.len()));
            }
            let slot = (i / per_slot) as u32;
            index.insert(slot, vector).unwrap();
            vectors.entry(slot).or_default().push(vector.clone());
        }
        prop_assert_eq!(index.len(), vectors.values().map(Vec::len).sum::<usize>());
        prop_assert_eq!(index.slots(), vectors.len());
        let again = FlatIndex::decode_chunks(index.encode_chunks().map(Ok)).unwrap();
        let allowed: Bitmap = (0..n as u32).filter(|slot| slot % share == 0).collect();
        for query in &data[n..] {
            for allow in [None, Some(&allowed)] {
                let wanted = bits(&model(&vectors, (metric, keep), query, k, allow));
                prop_assert_eq!(bits(&index.search_f32(query, k, allow, Cancel::never()).unwrap()), wanted.clone());
                prop_assert_eq!(bits(&index.search(query, k, allow, Cancel::never()).unwrap()), wanted.clone());
                prop_assert_eq!(bits(&again.search(query, k, allow, Cancel::never()).unwrap()), wanted);
            }
            let exact = model(&vectors, (metric, keep), query, usize::MAX, None);
            let mut near = vec![0.0; index.slots_end() + 3];
            index.scores(query, &mut near, Cancel::never()).unwrap();
            prop_assert_eq!(near.iter().filter(|score| score.is_finite()).count(), exact.len());
            let slots: Vec<u32> = exact.iter().map(|hit| hit.slot).collect();
            let mut scores = Vec::new();
            index.score_slots(query, &slots, &mut scores).unwrap();
            let size = 4.0 * dim as f32;
            for (hit, score) in exact.iter().zip(scores) {
                prop_assert_eq!(hit.score.to_bits(), score.to_bits());
                prop_assert!((near[hit.slot as usize] - score).abs() <= 0.02 * size, "{} {}", near[hit.slot as usize], score);
            }
        }
    }

    #[test]
    fn damage_is_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        metric in prop::sample::select(Metric::ALL),
        keep in prop::sample::select(Keep::ALL),
    ) {
        prop_assert!(FlatIndex::decode(&bytes).is_err());
        let mut index = FlatIndex::with_keep(5, metric, keep).unwrap();
        for (i, vector) in clustered(20, 5, 7).iter().enumerate() {
            index.insert(i as u32 / 2, vector).unwrap();
        }
        let mut sound = Vec::new();
        index.encode(&mut sound);
        prop_assert_eq!(FlatIndex::decode(&sound).unwrap().len(), 20);
        prop_assert!(FlatIndex::decode(&sound[..cut.index(sound.len())]).is_err());
        for (at, byte) in changes {
            let at = at.index(sound.len());
            sound[at] = byte;
        }
        if let Ok(index) = FlatIndex::decode(&sound) {
            let _ = index.search(&vec![0.5; index.dim()], 3, None, Cancel::never()).unwrap();
        }
    }
}

#[test]
fn a_large_index_narrows_to_the_same_answer() {
    for (&metric, &keep) in
        Metric::ALL.iter().flat_map(|metric| Keep::ALL.iter().map(move |keep| (metric, keep)))
    {
        let mut index = FlatIndex::with_keep(48, metric, keep).unwrap();
        let data = clustered(9_000, 48, 11);
        for (i, vector) in data.iter().enumerate() {
            index.insert(i as u32, vector).unwrap();
        }
        for query in clustered(40, 48, 12).iter().chain(&data[..5]) {
            let plain = index.search_f32(query, 10, None, Cancel::never()).unwrap();
            assert_eq!(
                bits(&index.search(query, 10, None, Cancel::never()).unwrap()),
                bits(&plain),
                "{metric} {keep}"
            );
        }
    }
}

#[test]
fn removed_rows_are_wiped_and_reused() {
    Keep::ALL.iter().for_each(|&keep| wipe_and_reuse(keep));
}

fn wipe_and_reuse(keep: Keep) {
    let mut index = FlatIndex::with_keep(4, Metric::Dot, keep).unwrap();
    for slot in 0..10 {
        index.insert(slot, &[slot as f32; 4]).unwrap();
        index.insert(slot, &[1.0; 4]).unwrap();
    }
    let bytes = index.bytes();
    assert_eq!((index.remove(9), index.remove(9), index.remove(77)), (2, 0, 0));
    assert!(index.search(&[1.0; 4], 20, None, Cancel::never()).unwrap().iter().all(|hit| hit.slot != 9));
    for row in 18..20 {
        let mut vector = [1.0; 4];
        index.decode_row(row, &mut vector);
        assert_eq!(vector, [0.0; 4]);
        let codes = index.rows.codes();
        assert!(codes.matrix().row(row).iter().all(|&x| x == 0) && codes.norm(row) == 0.0);
    }
    index.insert(3, &[100.0; 4]).unwrap();
    index.insert(4, &[-1.0; 4]).unwrap();
    assert_eq!((index.len(), index.slots(), index.bytes()), (20, 9, bytes));
    assert_eq!(
        index.search(&[1.0; 4], 1, None, Cancel::never()).unwrap()[0],
        Scored { slot: 3, score: index.vectors(3).map(|x| x.iter().sum::<f32>()).fold(0.0, f32::max) }
    );
}

#[test]
fn bad_calls_are_refused_and_change_nothing() {
    let mut index = FlatIndex::new(2, Metric::Cosine).unwrap();
    assert!(matches!(index.insert(0, &[1.0]), Err(Error::DimensionMismatch { .. })));
    assert!(matches!(index.insert(0, &[1.0, f32::NAN]), Err(Error::Invalid { .. })));
    assert!(matches!(index.insert(u32::MAX, &[1.0, 0.0]), Err(Error::Limit { .. })));
    assert_eq!((index.len(), index.slots_end()), (0, 0));
    index.insert(6, &[0.0, 0.0]).unwrap();
    assert!(index.search(&[f32::INFINITY, 0.0], 1, None, Cancel::never()).is_err());
    assert!(index.scores(&[1.0, 0.0], &mut [0.0; 6], Cancel::never()).is_err());
    assert!(matches!(index.search_f32(&[1.0, 0.0], 1, None, Cancel::new(&|| true)), Err(Error::Cancelled)));
    assert_eq!(
        index.search(&[1.0, 0.0], 5, None, Cancel::never()).unwrap(),
        [Scored { slot: 6, score: 0.0 }]
    );
}

#[test]
fn the_kept_form_is_the_size_of_the_index() {
    let bytes = Keep::ALL.iter().map(|&keep| {
        let mut index = FlatIndex::with_keep(384, Metric::Cosine, keep).unwrap();
        assert_eq!(index.keep(), keep);
        for (slot, vector) in clustered(12_000, 384, 3).iter().enumerate() {
            index.insert(slot as u32, vector).unwrap();
        }
        index.bytes() / 12_000
    });
    let bytes: Vec<usize> = bytes.collect();
    assert!(bytes[0] > 5 * 384 && 4 * bytes[1] < 3 * bytes[0] && 3 * bytes[2] < bytes[0], "{bytes:?}");
}

#[test]
fn a_segment_of_version_1_is_read_as_f32() {
    let mut index = FlatIndex::new(5, Metric::Euclidean).unwrap();
    for (slot, vector) in clustered(20, 5, 7).iter().enumerate() {
        index.insert(slot as u32, vector).unwrap();
    }
    let mut bytes = Vec::new();
    index.encode(&mut bytes);
    assert_eq!(bytes[4..8], [2, 0, Metric::Euclidean as u8, 0]);
    bytes[4] = 1;
    let old = FlatIndex::decode(&bytes).unwrap();
    assert!((0..20).all(|slot| old.vectors(slot).eq(index.vectors(slot))));
    bytes[7] = Keep::F16 as u8;
    assert!(FlatIndex::decode(&bytes).is_err());
    (bytes[4], bytes[7]) = (3, 0);
    assert!(FlatIndex::decode(&bytes).is_err());
}

#[test]
fn a_query_may_hold_what_half_precision_cannot() {
    let mut index = FlatIndex::with_keep(2, Metric::Dot, Keep::F16).unwrap();
    assert!(
        index.insert(0, &[1.0, 65_520.0]).unwrap_err().to_string().contains("component 1 is beyond 65504")
    );
    index.insert(0, &[1.0, 65_504.0]).unwrap();
    let found = index.search(&[1e9, 0.0], 1, None, Cancel::never()).unwrap();
    assert_eq!(found, [Scored { slot: 0, score: 1e9 }]);
}
