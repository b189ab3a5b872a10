//! Calls are all or nothing, and a file holds what it was given.

use super::*;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::vector::{Keep, Metric};

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

const DIM: usize = 7;

fn vectors(seed: usize, count: usize) -> Vec<f32> {
    (0..count * DIM).map(|i| ((seed * 7919 + i * i + i) as f32 * 0.37).sin() * 3.0).collect()
}

fn add(to: &mut Collection, ids: &[i64], seed: usize) -> crate::error::Result<Vec<i64>> {
    let rows = vectors(seed, ids.len());
    let mut source = |range: std::ops::Range<usize>, out: &mut Vec<f32>| {
        out.extend_from_slice(&rows[range.start * DIM..range.end * DIM]);
        Ok(())
    };
    to.add(Some(ids.to_vec()), ids.len(), &mut source, Cancel::never())
}

fn state(of: &Collection) -> (Vec<i64>, Vec<u32>, Option<i64>) {
    let ids = of.ids();
    let bits = of.vectors(&ids).unwrap().iter().map(|x| x.to_bits()).collect();
    (ids, bits, of.ids.next())
}

/// Answers no, until it was asked so often.
fn patience(asked: &AtomicUsize, most: usize) -> impl Fn() -> bool + Sync + '_ {
    move || asked.fetch_add(1, Ordering::Relaxed) >= most
}

#[test]
fn what_is_stopped_leaves_every_bit() {
    for &keep in Keep::ALL {
        for &metric in Metric::ALL {
            for held in [0, 900, 1500] {
                let mut collection = Collection::new(DIM, metric, keep).unwrap();
                let first: Vec<i64> = (0..held).map(|i| i * 3 - 40).collect();
                add(&mut collection, &first, 1).unwrap();
                let before = state(&collection);
                let rows = vectors(5, 1000);
                for most in [0, 1, 33, 50, 60] {
                    let asked = AtomicUsize::new(0);
                    let stop = patience(&asked, most);
                    let mut source = |range: std::ops::Range<usize>, out: &mut Vec<f32>| {
                        out.extend_from_slice(&rows[range.start * DIM..range.end * DIM]);
                        Ok(())
                    };
                    let stopped = collection.add(None, 1000, &mut source, Cancel::new(&stop));
                    assert!(matches!(stopped, Err(Error::Cancelled)), "{most}");
                    assert_eq!(state(&collection), before);
                    asked.store(0, Ordering::Relaxed);
                    let update = &first[..first.len().min(1000)];
                    let stopped = collection.update(update, &mut source, Cancel::new(&stop));
                    assert!(stopped.is_err() == (2 * update.len().div_ceil(32) > most), "{most}");
                    if stopped.is_err() {
                        assert_eq!(state(&collection), before);
                    }
                }
            }
        }
    }
}

#[test]
fn a_source_that_changes_its_mind_changes_nothing() {
    let mut collection = Collection::new(DIM, Metric::Cosine, Keep::F32).unwrap();
    add(&mut collection, &[5, 6], 1).unwrap();
    let before = state(&collection);
    let calls = Cell::new(0);
    let mut source = |range: std::ops::Range<usize>, out: &mut Vec<f32>| {
        calls.set(calls.get() + 1);
        out.resize(range.len() * DIM, 1.0);
        if calls.get() % 2 == 0 {
            out[DIM + 2] = f32::NAN;
        }
        Ok(())
    };
    assert!(collection.add(None, 2, &mut source, Cancel::never()).is_err());
    assert!(collection.update(&[6, 5], &mut source, Cancel::never()).is_err());
    assert_eq!((calls.get(), state(&collection)), (4, before));
    let mut short = |_: std::ops::Range<usize>, out: &mut Vec<f32>| {
        out.push(1.0);
        Ok(())
    };
    assert!(collection.add(None, 2, &mut short, Cancel::never()).is_err());
}

#[test]
fn a_file_gives_back_slots_and_every_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    for &keep in Keep::ALL {
        for (metric, count) in [(Metric::Cosine, 0), (Metric::Dot, 50), (Metric::Euclidean, 3000)] {
            let mut collection = Collection::new(DIM, metric, keep).unwrap();
            let ids: Vec<i64> = (0..count).collect();
            add(&mut collection, &ids, 1).unwrap();
            if count > 10 {
                collection.remove(&[3, 7, count - 1]).unwrap();
                add(&mut collection, &[-1, i64::MAX], 2).unwrap();
                collection.remove(&[i64::MAX]).unwrap();
            }
            collection.save(&path, Cancel::never()).unwrap();
            let mut again = Collection::load(&path, Cancel::never()).unwrap();
            assert_eq!(state(&again), state(&collection));
            assert!(again.ids.iter().eq(collection.ids.iter()));
            for query in vectors(9, 20).chunks_exact(DIM) {
                let found = |of: &Collection, recall| of.search(query, 10, recall, None, Cancel::never());
                assert_eq!(found(&again, 1.0).unwrap(), found(&collection, 1.0).unwrap());
            }
            add(&mut again, &[i64::MAX - 5, 1 << 40], 3).unwrap();
            assert_eq!(again.len(), collection.len() + 2);
        }
    }
    let stopped = Collection::load(&path, Cancel::new(&|| true));
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let collection = Collection::new(DIM, Metric::Dot, Keep::F32).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(matches!(collection.save(&path, Cancel::new(&|| true)), Err(Error::Cancelled)));
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}
