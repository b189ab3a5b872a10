//! The index with cells against the exact one, through inserts, updates, deletes and snapshots.

use super::calibration::AMPLE;
use super::{Cells, Reach};
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::scored::Scored;
use crate::seed::Seed;
use crate::simd::{Kernels, Tier};
use crate::vector::{FlatIndex, Keep, Metric, Plan, VectorIndex, Way};

/// Vectors around some centres, as texts about some topics are.
pub(super) fn clustered(seed: &mut Seed, centres: &[Vec<f32>], noise: f32) -> Vec<f32> {
    let centre = &centres[seed.below(centres.len())];
    centre.iter().map(|x| x + noise * seed.normal() as f32).collect()
}

pub(super) fn centres(seed: &mut Seed, count: usize, dim: usize) -> Vec<Vec<f32>> {
    (0..count).map(|_| (0..dim).map(|_| seed.normal() as f32).collect()).collect()
}

/// A life of an index: inserts, updates and deletes, as the model has it by slot.
fn life(
    index: &mut VectorIndex,
    seed: &mut Seed,
    centres: &[Vec<f32>],
    steps: usize,
    model: &mut Vec<Option<Vec<f32>>>,
) {
    for _ in 0..steps {
        let vector = clustered(seed, centres, 0.6);
        match seed.below(10) {
            0..7 => {
                index.insert(model.len() as u32, &vector).unwrap();
                model.push(Some(vector));
            }
            7 if !model.is_empty() => {
                let slot = seed.below(model.len());
                index.remove(slot as u32);
                index.insert(slot as u32, &vector).unwrap();
                model[slot] = Some(vector);
            }
            _ if !model.is_empty() => {
                let slot = seed.below(model.len());
                assert_eq!(index.remove(slot as u32), usize::from(model[slot].is_some()));
                model[slot] = None;
            }
            _ => {}
        }
    }
}

pub(super) fn all(index: &VectorIndex) -> Plan {
    let exact = index.plan(10, 1.0, None);
    Plan { way: Way::Sketch, cells: exact.of, slack: AMPLE, ..exact }
}

pub(super) fn slots(found: &[Scored]) -> Vec<u32> {
    found.iter().map(|scored| scored.slot).collect()
}

#[test]
fn a_life_of_the_index_agrees_with_the_exact_search() {
    for (dim, steps) in [(1, 3_000), (3, 3_000), (64, 3_000), (100, 6_000), (385, 3_000), (4097, 1_300)] {
        for &metric in Metric::ALL {
            let mut seed = Seed::new(dim as u64);
            let topics = centres(&mut seed, 20, dim);
            let mut model = Vec::new();
            let mut index = VectorIndex::new(dim, metric).unwrap();
            let (mut wanted, mut found) = (0, 0);
            for _ in 0..4 {
                life(&mut index, &mut seed, &topics, steps / 4, &mut model);
                let live = model.iter().flatten().count();
                assert_eq!(index.slots(), live);
                for _ in 0..10 {
                    let query = clustered(&mut seed, &topics, 0.8);
                    let exact = index.plan(10, 1.0, None);
                    let best = index.search(&query, 10, None, &exact, Cancel::never()).unwrap();
                    let near = index.search(&query, 10, None, &all(&index), Cancel::never()).unwrap();
                    assert!(near.iter().all(|x| model[x.slot as usize].is_some()), "a deleted slot");
                    let mut scores = Vec::new();
                    index.score_slots(&query, &slots(&near), &mut scores).unwrap();
                    let bits = |x: f32| x.to_bits();
                    assert!(near.iter().zip(&scores).all(|(x, &y)| bits(x.score) == bits(y)));
                    wanted += best.len();
                    // An equal score is as good: duplicates are common in one dimension.
                    found += near.iter().zip(&best).filter(|(x, y)| x.score >= y.score).count();
                }
            }
            assert!(found as f64 >= 0.995 * f64::from(wanted as u32), "{dim} {metric} {found} of {wanted}");
        }
    }
}

#[test]
fn a_snapshot_gives_the_same_answers_then_and_after_more_writes() {
    for keep in [Keep::F32, Keep::Int8] {
        let mut seed = Seed::new(5);
        let topics = centres(&mut seed, 30, 48);
        let mut model = Vec::new();
        let mut index = VectorIndex::with_keep(48, Metric::Cosine, keep).unwrap();
        // Long enough for a round of samples to be on its way.
        life(&mut index, &mut seed, &topics, 7_200, &mut model);
        let mut again = VectorIndex::decode_chunks(index.encode_chunks().map(Ok)).unwrap();
        for round in 0..3 {
            for recall in [0.8, 0.95, 0.99] {
                let (plan, same) = (index.plan(10, recall, None), again.plan(10, recall, None));
                assert_eq!(plan, same, "{round} {recall}");
                for _ in 0..5 {
                    let query = clustered(&mut seed, &topics, 0.8);
                    let found = index.search(&query, 10, None, &plan, Cancel::never()).unwrap();
                    assert_eq!(found, again.search(&query, 10, None, &plan, Cancel::never()).unwrap());
                }
            }
            let (mut one, mut other) = (seed.clone(), seed.clone());
            let mut copy = model.clone();
            life(&mut index, &mut one, &topics, 700, &mut model);
            life(&mut again, &mut other, &topics, 700, &mut copy);
            seed = one;
        }
        let pieces: Vec<Vec<u8>> = index.encode_chunks().collect();
        for at in 0..pieces.len() {
            let cut = pieces.iter().enumerate().filter(|x| x.0 != at || at == 0).map(|x| Ok(x.1.clone()));
            let cut: Vec<_> = if at == 0 { cut.skip(1).collect() } else { cut.collect() };
            // Without the first piece of the cells there are none, and they are made anew.
            let sound = VectorIndex::decode_chunks(cut).is_ok_and(|index| index.plan(1, 1.0, None).of > 0);
            assert!(!sound || pieces[at].starts_with(b"RCVC") && at + 1 == pieces.len(), "{at}");
        }
    }
}

#[test]
fn the_samples_foretell_the_recall() {
    let mut seed = Seed::new(9);
    let topics = centres(&mut seed, 400, 96);
    let mut index = VectorIndex::new(96, Metric::Cosine).unwrap();
    for slot in 0..20_000 {
        index.insert(slot, &clustered(&mut seed, &topics, 1.0)).unwrap();
    }
    let mut visited = 0;
    for recall in [0.8, 0.9, 0.99] {
        let Some(plan) = cells_plan(&index, recall) else { panic!("no samples") };
        assert!(plan.cells >= visited, "more recall takes more cells");
        visited = plan.cells;
        let mut found = 0;
        for _ in 0..100 {
            let query = clustered(&mut seed, &topics, 1.2);
            let best = index.search(&query, 10, None, &index.plan(10, 1.0, None), Cancel::never()).unwrap();
            let near = slots(&index.search(&query, 10, None, &plan, Cancel::never()).unwrap());
            found += best.iter().filter(|x| near.contains(&x.slot)).count();
        }
        let measured = found as f64 / 1_000.0;
        assert!(measured > recall - 0.06, "{recall}: {measured} {plan:?}");
    }
}

/// The plan of cells for a recall, whatever this machine finds cheapest.
pub(super) fn cells_plan(index: &VectorIndex, recall: f64) -> Option<Plan> {
    let (reach, expected) = index.reach_for_tests(10.0, recall)?;
    let exact = index.plan(10, 1.0, None);
    Some(Plan { way: Way::Cells, cells: reach.cells, slack: reach.slack, expected, ..exact })
}

#[test]
fn filters_hold_on_every_way() {
    let mut seed = Seed::new(2);
    let topics = centres(&mut seed, 40, 32);
    let mut index = VectorIndex::new(32, Metric::Dot).unwrap();
    for slot in 0..6_000 {
        index.insert(slot, &clustered(&mut seed, &topics, 0.5)).unwrap();
    }
    for every in [2, 10, 400] {
        let allow: Bitmap = (0..6_000).filter(|slot| slot % every == 0).collect();
        let query = clustered(&mut seed, &topics, 0.5);
        let exact = Plan { way: Way::Exact, ..all(&index) };
        let best = index.search(&query, 10, Some(&allow), &exact, Cancel::never()).unwrap();
        for way in [Way::Listed, Way::Sketch, Way::Cells] {
            let plan = Plan { way, ..all(&index) };
            assert_eq!(index.search(&query, 10, Some(&allow), &plan, Cancel::never()).unwrap(), best);
        }
        let chosen = index.plan(10, 0.9, Some(&allow));
        let found = index.search(&query, 10, Some(&allow), &chosen, Cancel::never()).unwrap();
        assert!(found.iter().all(|x| allow.contains(x.slot)) && found.len() == 10);
    }
}

#[test]
fn many_queries_have_the_answers_of_each() {
    let mut seed = Seed::new(4);
    let topics = centres(&mut seed, 40, 40);
    let mut index = VectorIndex::new(40, Metric::Euclidean).unwrap();
    for slot in 0..5_000 {
        index.insert(slot, &clustered(&mut seed, &topics, 0.5)).unwrap();
    }
    let queries: Vec<f32> = (0..70).flat_map(|_| clustered(&mut seed, &topics, 0.7)).collect();
    for way in [Way::Exact, Way::Sketch, Way::Cells] {
        let plan = Plan { way, cells: 6, slack: 6.0, ..all(&index) };
        for threads in [1, 2, 5] {
            let many = index.search_many(&queries, 7, None, &plan, threads, Cancel::never()).unwrap();
            for (found, query) in many.iter().zip(queries.chunks(40)) {
                let plan = if way == Way::Sketch { Plan { cells: plan.of, ..plan } } else { plan };
                assert_eq!(*found, index.search(query, 7, None, &plan, Cancel::never()).unwrap());
            }
        }
    }
    let mut bad = queries.clone();
    bad[41] = f32::NAN;
    let refused = index.search_many(&bad, 7, None, &all(&index), 2, Cancel::never()).unwrap_err();
    assert_eq!(refused.to_string(), "queries[1]: component 1 is NaN");
    assert!(index.search_many(&queries, 7, None, &all(&index), 2, Cancel::new(&|| true)).is_err());
}

#[test]
fn cells_come_and_go_with_their_rows() {
    let mut seed = Seed::new(8);
    let mut flat = FlatIndex::new(16, Metric::Cosine).unwrap();
    let mut cells = Cells::new(16, Metric::Cosine).unwrap();
    let topics = centres(&mut seed, 10, 16);
    for slot in 0..4_000 {
        let row = flat.insert_row(slot, &clustered(&mut seed, &topics, 0.4)).unwrap();
        cells.insert(&flat, row).unwrap();
    }
    assert!(cells.cells() > 8 && cells.entries() > 7_000);
    let bytes = cells.bytes();
    for _ in 0..3 {
        for slot in 0..4_000 {
            let row = flat.owners.rows_of(slot).next().unwrap();
            cells.remove(&flat, row).unwrap();
            flat.remove(slot);
        }
        assert_eq!((cells.cells(), cells.entries()), (1, 0));
        for slot in 0..4_000 {
            let row = flat.insert_row(slot, &clustered(&mut seed, &topics, 0.4)).unwrap();
            cells.insert(&flat, row).unwrap();
        }
        assert!(cells.bytes() < bytes + bytes / 2, "memory of what is gone is used again");
    }
    let reach = Reach { cells: cells.cells(), slack: AMPLE };
    let query = flat.prepared(&clustered(&mut seed, &topics, 0.4)).unwrap();
    let found = cells.search(&flat, &query, 4_000, None, reach, Cancel::never()).unwrap();
    assert_eq!(found.len(), 4_000);
}

#[test]
fn equal_vectors_and_vectors_of_zeros_are_found() {
    for &metric in Metric::ALL {
        let mut index = VectorIndex::new(8, metric).unwrap();
        for slot in 0..3_000 {
            let x = if slot % 3 == 0 { 0.0 } else { 1.0 };
            index.insert(slot, &[x; 8]).unwrap();
        }
        let found = index.search(&[1.0; 8], 5, None, &all(&index), Cancel::never()).unwrap();
        assert_eq!(slots(&found), [1, 2, 4, 5, 7], "{metric}");
        let found = index.search(&[0.0; 8], 5, None, &all(&index), Cancel::never()).unwrap();
        let expected = if metric == Metric::Euclidean { [0, 3, 6, 9, 12] } else { [0, 1, 2, 3, 4] };
        assert_eq!(slots(&found), expected, "{metric}");
        (0..3_000).for_each(|slot| assert_eq!(index.remove(slot), 1));
        assert!(index.search(&[1.0; 8], 5, None, &all(&index), Cancel::never()).unwrap().is_empty());
    }
}

/// Slots and scores of a life with its searches, as one hash.
fn digest() -> String {
    let mut hasher = blake3::Hasher::new();
    for &metric in Metric::ALL {
        let mut seed = Seed::new(77);
        // Sums of uniform numbers, so that no logarithm of the platform is in the data.
        let mut vector = |spread: f32| -> Vec<f32> {
            (0..100).map(|_| spread * (seed.uniform() + seed.uniform() - 1.0) as f32).collect()
        };
        let mut index = VectorIndex::new(100, metric).unwrap();
        for slot in 0..5_000u32 {
            index.insert(slot, &vector(1.0)).unwrap();
            if slot % 5 == 4 {
                index.remove(slot / 2);
            }
        }
        for cells in [2, 5, 1_000] {
            let exact = index.plan(10, 1.0, None);
            let plan = Plan { way: Way::Cells, cells: cells.min(exact.of), slack: 1.5, ..exact };
            for _ in 0..20 {
                let found = index.search(&vector(1.0), 10, None, &plan, Cancel::never()).unwrap();
                for scored in found {
                    hasher.update(&scored.slot.to_le_bytes());
                    hasher.update(&scored.score.to_bits().to_le_bytes());
                }
            }
        }
    }
    hasher.finalize().to_hex()[..16].to_string()
}

#[test]
fn every_tier_ranks_alike_bit_for_bit() {
    const GOLDEN: &str = "dbe11cc7a7ffd738";
    for tier in Tier::available() {
        let kernels = Kernels::of(tier).unwrap();
        assert_eq!(kernels.with_tier(digest), GOLDEN, "{tier:?}");
    }
}
