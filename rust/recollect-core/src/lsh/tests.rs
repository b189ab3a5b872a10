//! The index against plain models.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::seed::Seed;
use crate::vector::Metric;

/// Vectors around a few centres, every seventh one a copy and every eleventh zero.
fn clustered(count: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut seed = Seed::new(seed);
    let mut draw = |scale: f64| -> Vec<f32> { (0..dim).map(|_| (scale * seed.normal()) as f32).collect() };
    let centres: Vec<Vec<f32>> = (0..4).map(|_| draw(1.0)).collect();
    let mut out: Vec<Vec<f32>> = Vec::new();
    for at in 0..count {
        let noise = draw([0.05, 0.3, 1.0][at % 3]);
        out.push(match at {
            _ if at % 11 == 5 => vec![0.0; dim],
            _ if at % 7 == 6 => out[at / 2].clone(),
            _ => centres[at % 4].iter().zip(noise).map(|(x, y)| x + y).collect(),
        });
    }
    out
}

fn settings(dim: usize, family: Kind) -> Settings {
    let bits = if family == Kind::Fly { 60 } else { 4 };
    Settings { bits, active: 5, tables: 5, seed: 3, ..Settings::new(dim, family) }
}

fn prepared(metric: Metric, vector: &[f32]) -> Vec<f32> {
    let mut vector = vector.to_vec();
    metric.prepare(&mut vector);
    vector
}

/// What the buckets of each vector alone say about candidates.
fn sharing(index: &LshIndex, held: &BTreeMap<i64, Vec<f32>>, query: &[f32], probes: usize) -> Vec<i64> {
    let metric = index.settings().metric;
    let (mut of_query, mut own) = (Hashed::default(), Hashed::default());
    index.family().hash(&prepared(metric, query), probes, &mut of_query);
    let asked: BTreeSet<Bucket> = of_query.buckets.iter().copied().collect();
    assert_eq!(asked.len(), of_query.buckets.len(), "no bucket twice");
    let shares = |vector: &[f32], own: &mut Hashed| {
        index.family().hash(&prepared(metric, vector), 0, own);
        own.buckets.iter().any(|bucket| asked.contains(bucket))
    };
    held.iter().filter(|(_, vector)| shares(vector, &mut own)).map(|(&id, _)| id).collect()
}

fn exact(metric: Metric, held: &BTreeMap<i64, Vec<f32>>, among: &[i64], query: &[f32]) -> Vec<Match> {
    let query = prepared(metric, query);
    let score = |id: &i64| Match { id: *id, score: metric.score(&query, &prepared(metric, &held[id])) };
    let mut found: Vec<Match> = among.iter().map(score).collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
    found
}

fn agrees(index: &LshIndex, held: &BTreeMap<i64, Vec<f32>>, query: &[f32]) {
    for probes in [0, 1, 3, 1000] {
        let among = sharing(index, held, query, probes);
        assert_eq!(index.candidates(query, probes, None).unwrap(), among);
        let found = index.search(query, 4, probes, None, Cancel::never()).unwrap();
        let mut all = exact(index.settings().metric, held, &among, query);
        all.truncate(4);
        assert_eq!(found, all);
        let few = index.candidates(query, probes, Some(3)).unwrap();
        assert!(few.len() == among.len().min(3) && few.iter().all(|id| among.contains(id)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn behaves_like_a_map(
        ops in prop::collection::vec((0u8..4, 0i64..30), 1..80),
        dim in 1usize..70,
        family in prop::sample::select(Kind::ALL),
        metric in prop::sample::select(Metric::ALL),
    ) {
        let mut index = LshIndex::new(Settings { metric, ..settings(dim, family) }).unwrap();
        let (mut held, vectors) = (BTreeMap::<i64, Vec<f32>>::new(), clustered(80, dim, 1));
        for (at, (op, id)) in ops.into_iter().enumerate() {
            let vector = &vectors[at];
            let known = held.contains_key(&id);
            match op {
                0 | 1 => {
                    let added = index.add(&[id], vector, Cancel::never());
                    prop_assert_eq!(added.is_ok(), !known);
                    held.entry(id).or_insert_with(|| vector.clone());
                }
                2 => {
                    let updated = index.update(&[id], vector, Cancel::never());
                    prop_assert_eq!(updated.is_ok(), known);
                    held.entry(id).and_modify(|x| x.clone_from(vector));
                }
                _ => {
                    prop_assert_eq!(index.remove(&[id]).is_ok(), known);
                    held.remove(&id);
                }
            }
            held.retain(|id, _| index.contains(*id));
        }
        prop_assert_eq!(index.len(), held.len());
        prop_assert_eq!(index.stats().entries, held.len() * index.family().choices());
        for query in &vectors[..6] {
            agrees(&index, &held, query);
        }
    }
}

#[test]
fn any_dimension_will_do() {
    for dim in [1, 2, 3, 64, 65, 127, 1000, 4097] {
        for &family in Kind::ALL {
            let mut index = LshIndex::new(Settings { tables: 3, ..Settings::new(dim, family) }).unwrap();
            let vectors = clustered(24, dim, 2);
            let held: BTreeMap<i64, Vec<f32>> = (0..).zip(vectors.iter().cloned()).collect();
            let ids: Vec<i64> = held.keys().copied().collect();
            index.add(&ids, &vectors.concat(), Cancel::never()).unwrap();
            for vector in &vectors {
                agrees(&index, &held, vector);
            }
            for (id, vector) in (0..).zip(&vectors) {
                let own = index.candidates(vector, 0, None).unwrap();
                assert!(own.contains(&id), "{dim} {family:?}: a vector shares its own buckets");
            }
            index.remove(&ids).unwrap();
            assert_eq!((index.len(), index.stats().entries, index.stats().filled), (0, 0, 0));
        }
    }
}

#[test]
fn the_nearest_by_signature_come_first() {
    let vectors = clustered(300, 64, 4);
    for &family in Kind::ALL {
        let mut index = LshIndex::new(Settings {
            tables: 40,
            bits: if family == Kind::Fly { 640 } else { 4 },
            ..settings(64, family)
        })
        .unwrap();
        index.add(&(0..300).collect::<Vec<i64>>(), &vectors.concat(), Cancel::never()).unwrap();
        for (id, vector) in (0..20).zip(&vectors).filter(|(_, vector)| vector[0] != 0.0) {
            let few = index.candidates(vector, 2, Some(12)).unwrap();
            assert!(few.len() <= 12 && few.contains(&id), "{family:?} {id}: {few:?}");
        }
    }
}

#[test]
fn what_is_taken_out_leaves_no_bits() {
    for &family in Kind::ALL {
        let mut index = LshIndex::new(settings(64, family)).unwrap();
        index.add(&[7, 8], &clustered(2, 64, 4).concat(), Cancel::never()).unwrap();
        let signed = |index: &LshIndex| index.signatures.of(1).iter().any(|&word| word != 0);
        assert_eq!(signed(&index), !index.signatures.absent(), "{family:?}");
        index.remove(&[8]).unwrap();
        assert!(!signed(&index) && index.rows.row(1).iter().all(|&x| x == 0.0), "{family:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_buckets_for_ever() {
    let vector: Vec<f32> = (0..100).map(|i| ((i * 37 % 101) as f32 - 50.0) / 25.0).collect();
    let golden = |family: Kind| {
        let family = Settings { tables: 6, ..Settings::new(100, family) }.family().unwrap();
        let mut hashed = Hashed::default();
        family.hash(&vector, 1, &mut hashed);
        hashed.buckets.iter().take(8).map(|bucket| bucket.key).collect::<Vec<_>>()
    };
    assert_eq!(golden(Kind::CrossPolytope), [212, 50, 10, 38, 220, 176, 137, 60]);
    assert_eq!(golden(Kind::Hyperplane), [138, 136, 40, 32, 120, 248, 22, 6]);
    assert_eq!(golden(Kind::Fly), [380, 280, 622, 49, 161, 297, 504, 324]);
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut index = LshIndex::new(settings(3, Kind::CrossPolytope)).unwrap();
    index.add(&[5, 6], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], Cancel::never()).unwrap();
    let refused = |answer: Result<(), Error>| answer.unwrap_err().to_string();
    let three = [0.5; 3];
    let never = Cancel::never();
    assert_eq!(refused(index.add(&[7, 5], &[0.5; 6], never)), "ids[1]: 5 is in the index already");
    assert_eq!(refused(index.add(&[7, 7], &[0.5; 6], never)), "ids[1]: 7 is given twice, first as ids[0]");
    assert_eq!(
        refused(index.add(&[7], &[0.5; 4], never)),
        "vectors: 4 numbers for 1 vectors of 3 dimensions"
    );
    assert_eq!(refused(index.add(&[7], &[0.5, f32::NAN, 0.0], never)), "vectors[0]: component 1 is NaN");
    assert_eq!(refused(index.update(&[5, 9], &[0.5; 6], never)), "ids[1]: no vector 9 in this index");
    assert_eq!(refused(index.remove(&[5, 9])), "ids[1]: no vector 9 in this index");
    assert_eq!(refused(index.remove(&[5, 5])), "ids[1]: 5 is given twice, first as ids[0]");
    let stop = || true;
    assert_eq!(refused(index.add(&[7], &three, Cancel::new(&stop))), "cancelled; nothing was written");
    assert_eq!(refused(index.update(&[5], &three, Cancel::new(&stop))), "cancelled; nothing was written");
    assert_eq!((index.len(), index.stats().entries, index.vector(5)), (2, 10, Some(&[1.0, 0.0, 0.0][..])));
    assert!(index.search(&three, 0, 0, None, never).is_err() && index.candidates(&[1.0], 0, None).is_err());
    for wrong in [
        Settings { dim: 0, ..settings(3, Kind::Fly) },
        Settings { dim: 8193, ..settings(3, Kind::Fly) },
        Settings { bits: 0, ..settings(3, Kind::Hyperplane) },
        Settings { bits: 21, ..settings(3, Kind::Hyperplane) },
        Settings { bits: 15, ..settings(3, Kind::CrossPolytope) },
        Settings { tables: 0, ..settings(3, Kind::CrossPolytope) },
        Settings { tables: 1025, ..settings(3, Kind::CrossPolytope) },
        Settings { active: 61, ..settings(3, Kind::Fly) },
    ] {
        assert!(LshIndex::new(wrong).is_err(), "{wrong:?}");
    }
}

fn all_pairs(held: &BTreeMap<i64, Vec<f32>>, threshold: f64) -> BTreeMap<(i64, i64), f32> {
    let rows: Vec<(i64, Vec<f32>)> = held.iter().map(|(&id, x)| (id, prepared(Metric::Cosine, x))).collect();
    let mut found = BTreeMap::new();
    for (at, (a, x)) in rows.iter().enumerate() {
        for (b, y) in &rows[at + 1..] {
            let similarity = if x == y { 1.0 } else { Metric::Cosine.score(x, y).min(1.0) };
            if f64::from(similarity) >= threshold && x.iter().any(|&x| x != 0.0) {
                found.insert((*a, *b), similarity);
            }
        }
    }
    found
}

#[test]
fn near_duplicates_are_those_of_all_pairs() {
    for (dim, count) in [(1, 40), (3, 300), (64, 300)] {
        let mut index = LshIndex::new(settings(dim, Kind::CrossPolytope)).unwrap();
        let held: BTreeMap<i64, Vec<f32>> = (100..).zip(clustered(count, dim, 6)).collect();
        let rows: Vec<f32> = held.values().flatten().copied().collect();
        index.add(&held.keys().copied().collect::<Vec<_>>(), &rows, Cancel::never()).unwrap();
        for threshold in [0.5, 0.9, 0.999, 1.0] {
            let found = index.near_duplicates(threshold, 0.01, 100_000, Cancel::never()).unwrap();
            let model = all_pairs(&held, threshold);
            let as_map: BTreeMap<(i64, i64), f32> =
                found.iter().map(|x| ((x.first, x.second), x.similarity)).collect();
            // So few vectors are compared all with all.
            assert_eq!((found.len(), &as_map), (model.len(), &model), "{dim} {threshold}");
        }
    }
}

/// Pairs at exactly the threshold, far from all others.
#[test]
fn no_more_pairs_are_missed_than_stated() {
    let (dim, count, threshold) = (64, 6_000, 0.9);
    let mut seed = Seed::new(8);
    let mut draw = || -> Vec<f64> { (0..dim).map(|_| seed.normal()).collect() };
    let mut rows = Vec::new();
    for _ in 0..count / 2 {
        let (a, b) = (draw(), draw());
        let product = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
        let along = product(&a, &b) / product(&a, &a);
        let across: Vec<f64> = b.iter().zip(&a).map(|(y, x)| y - along * x).collect();
        let stretch =
            (product(&a, &a) / product(&across, &across)).sqrt() * (1.0f64 - 0.9002 * 0.9002).sqrt();
        rows.extend(a.iter().map(|&x| x as f32));
        rows.extend(a.iter().zip(&across).map(|(x, y)| (0.9002 * x + stretch * y) as f32));
    }
    let mut index = LshIndex::new(Settings { tables: 1, ..settings(dim, Kind::Hyperplane) }).unwrap();
    index.add(&(0..count as i64).collect::<Vec<_>>(), &rows, Cancel::never()).unwrap();
    for (miss, most) in [(0.01, 0.02), (0.1, 0.13)] {
        let found = index.near_duplicates(threshold, miss, 100_000, Cancel::never()).unwrap();
        let planted = found.iter().filter(|x| x.first % 2 == 0 && x.second == x.first + 1).count();
        let missed = 1.0 - planted as f64 / (count / 2) as f64;
        assert!(missed <= most, "{missed} of {miss}");
        assert!(found.iter().all(|x| f64::from(x.similarity) >= threshold));
    }
}

#[test]
fn crowds_are_grouped_or_refused() {
    let mut index = LshIndex::new(settings(4, Kind::CrossPolytope)).unwrap();
    let ids: Vec<i64> = (0..3_000).collect();
    index.add(&ids, &[1.0, 2.0, 3.0, 4.0].repeat(3_000), Cancel::never()).unwrap();
    let pairs = |most| index.near_duplicates(0.9, 0.01, most, Cancel::never());
    assert_eq!(pairs(3_000 * 2_999 / 2).unwrap().len(), 3_000 * 2_999 / 2);
    assert!(matches!(pairs(3_000 * 2_999 / 2 - 1), Err(Error::Limit { .. })));
    for (threshold, miss) in
        [(0.0, 0.1), (1.1, 0.1), (f64::NAN, 0.1), (0.9, 0.0), (0.9, 1.0), (0.9, f64::NAN)]
    {
        assert!(index.near_duplicates(threshold, miss, 10, Cancel::never()).is_err());
    }
    let dot = LshIndex::new(Settings { metric: Metric::Dot, ..settings(4, Kind::Fly) }).unwrap();
    assert!(dot.near_duplicates(0.9, 0.01, 10, Cancel::never()).is_err());
}
