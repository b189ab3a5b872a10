//! Many vectors at once: the same answers on any number of threads, at the recall that was foretold, and live afterwards.

use super::tests::{all, cells_plan, centres, clustered, slots};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::seed::Seed;
use crate::vector::{Keep, Metric, VectorIndex, Way};

const DIM: usize = 48;

fn vectors(count: usize) -> Vec<Vec<f32>> {
    let mut seed = Seed::new(12);
    let topics = centres(&mut seed, 300, DIM);
    (0..count).map(|_| clustered(&mut seed, &topics, 1.0)).collect()
}

fn add(
    index: &mut VectorIndex,
    first: usize,
    vectors: &[Vec<f32>],
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<()> {
    let slots: Vec<u32> = (0..vectors.len()).map(|at| (first + at) as u32).collect();
    index.insert_many(&slots, threads, cancel, |insert| {
        vectors.iter().enumerate().try_for_each(|(at, vector)| insert(at, vector))
    })
}

fn chunks(index: &VectorIndex) -> Vec<Vec<u8>> {
    index.encode_chunks().collect()
}

#[test]
fn the_threads_do_not_show() {
    let vectors = vectors(12_000);
    for (metric, keep) in
        [(Metric::Cosine, Keep::F32), (Metric::Euclidean, Keep::F16), (Metric::Dot, Keep::Int8)]
    {
        let made = [1, 2, 3].map(|threads| {
            let mut index = VectorIndex::with_keep(DIM, metric, keep).unwrap();
            add(&mut index, 0, &vectors[..9_000], threads, Cancel::never()).unwrap();
            // The rest is no majority, and finds its place among what is there.
            add(&mut index, 9_000, &vectors[9_000..], threads, Cancel::never()).unwrap();
            index
        });
        let [one, two, three] = &made;
        assert!(one.cells() > 20);
        assert!(chunks(one) == chunks(two) && chunks(two) == chunks(three), "{metric:?} {keep:?}");
        for query in vectors.iter().step_by(997) {
            let exact = one.search(query, 10, None, &one.plan(10, 1.0, None), Cancel::never()).unwrap();
            assert_eq!(one.search(query, 10, None, &all(one), Cancel::never()).unwrap(), exact);
        }
    }
}

#[test]
fn what_is_built_at_once_keeps_its_recall_through_a_life() {
    let vectors = vectors(24_000);
    let mut index = VectorIndex::new(DIM, Metric::Cosine).unwrap();
    add(&mut index, 0, &vectors[..16_000], 2, Cancel::never()).unwrap();
    let mut measured = Vec::new();
    for life in 0..2 {
        let plan = cells_plan(&index, 0.9).unwrap();
        assert!(plan.way == Way::Cells && plan.cells < index.cells() / 3, "{plan:?}");
        let mut found = 0;
        for query in vectors.iter().skip(life).step_by(97) {
            let best = index.search(query, 10, None, &index.plan(10, 1.0, None), Cancel::never()).unwrap();
            let near = slots(&index.search(query, 10, None, &plan, Cancel::never()).unwrap());
            found += best.iter().filter(|x| near.contains(&x.slot)).count();
        }
        measured.push(found as f64 / (vectors.iter().skip(life).step_by(97).count() * 10) as f64);
        for slot in 0..8_000 {
            if life == 0 {
                assert_eq!(index.remove(slot as u32), 1);
                index.insert((16_000 + slot) as u32, &vectors[16_000 + slot]).unwrap();
            }
        }
    }
    assert!(measured.iter().all(|&recall| recall > 0.86), "{measured:?}");
}

#[test]
fn equal_vectors_are_shared_out() {
    let mut index = VectorIndex::new(8, Metric::Cosine).unwrap();
    add(&mut index, 0, &vec![vec![1.0; 8]; 5_000], 2, Cancel::never()).unwrap();
    assert_eq!(index.len(), 5_000);
    let found = index.search(&[1.0; 8], 3, None, &all(&index), Cancel::never()).unwrap();
    assert_eq!(slots(&found), [0, 1, 2]);
}

#[test]
fn a_call_that_is_stopped_leaves_the_cells_of_the_others() {
    let vectors = vectors(9_000);
    let mut index = VectorIndex::new(DIM, Metric::Cosine).unwrap();
    add(&mut index, 0, &vectors[..4_000], 2, Cancel::never()).unwrap();
    let plan = cells_plan(&index, 0.9).unwrap();
    let answers = |index: &VectorIndex| -> Vec<Vec<u32>> {
        let found =
            vectors.iter().step_by(101).map(|query| index.search(query, 10, None, &plan, Cancel::never()));
        found.map(|found| slots(&found.unwrap())).collect()
    };
    let before = answers(&index);
    let stop = || true;
    let stopped = add(&mut index, 4_000, &vectors[4_000..], 2, Cancel::new(&stop));
    assert!(matches!(stopped, Err(Error::Cancelled)));
    for slot in 4_000..9_000 {
        index.remove(slot);
    }
    let after = answers(&index);
    let differ = after.iter().zip(&before).filter(|x| x.0 != x.1).count();
    assert_eq!(differ, 0, "{} of {}", differ, before.len());
}
