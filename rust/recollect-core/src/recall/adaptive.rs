//! The default fusion, which weighs words by the query.

use super::fusion::Parts;
use super::pool::Pool;

/// The parts of each pool.
pub(super) fn parts(pools: &[Pool]) -> Vec<Parts> {
    pools
        .iter()
        .map(|pool| Parts {
            words: pool.words.clone(),
            vectors: pool.vectors.iter().map(|x| if *x > f32::NEG_INFINITY { 10.0 * x } else { 0.0 }).collect(),
            context: Vec::new(),
        })
        .collect()
}
