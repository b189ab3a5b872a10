//! The two fusions of the textbooks, over all pools together, so that several namespaces rank as one.

use super::parts::Parts;
use super::pool::Pool;

/// Constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009).
const RRF_K: f32 = 60.0;

/// The sum of `1 / (60 + rank)`.
pub(super) fn reciprocal_rank(pools: &[Pool]) -> Vec<Parts> {
    let words = reciprocal_ranks(pools, |pool| &pool.words, 0.0);
    let vectors = reciprocal_ranks(pools, |pool| &pool.vectors, f32::NEG_INFINITY);
    zip(words, vectors)
}

/// The weighted sum of the lists, each divided by its greatest score; halves where one list is silent on the whole scope.
pub(super) fn convex(pools: &[Pool], weight: f32) -> Vec<Parts> {
    let similar = |p: &Pool| p.vectors.iter().any(|&x| x > f32::NEG_INFINITY);
    let both = pools.iter().any(|p| !p.words.is_empty()) && pools.iter().any(similar);
    let weight = if both { weight } else { 0.5 };
    let words = normalised(pools, |pool| &pool.words, 1.0 - weight);
    let vectors = normalised(pools, |pool| &pool.vectors, weight);
    zip(words, vectors)
}

fn zip(words: Vec<Vec<f32>>, vectors: Vec<Vec<f32>>) -> Vec<Parts> {
    words
        .into_iter()
        .zip(vectors)
        .map(|(words, vectors)| Parts { words, vectors, ..Parts::default() })
        .collect()
}

/// `1 / (60 + rank)` for every score above the floor, best first, ties by identity; zero for the rest.
fn reciprocal_ranks(pools: &[Pool], list: impl Fn(&Pool) -> &Vec<f32>, floor: f32) -> Vec<Vec<f32>> {
    let mut out: Vec<Vec<f32>> = pools.iter().map(|pool| vec![0.0; list(pool).len()]).collect();
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (at, pool) in pools.iter().enumerate() {
        order.extend((0..list(pool).len()).filter(|&i| list(pool)[i] > floor).map(|i| (at, i)));
    }
    order.sort_unstable_by(|&(a, i), &(b, j)| {
        let (x, y) = (list(&pools[a])[i], list(&pools[b])[j]);
        y.total_cmp(&x).then_with(|| pools[a].uids[i].cmp(&pools[b].uids[j]))
    });
    for (rank, (at, i)) in order.into_iter().enumerate() {
        out[at][i] = 1.0 / (RRF_K + rank as f32 + 1.0);
    }
    out
}

fn normalised(pools: &[Pool], list: impl Fn(&Pool) -> &Vec<f32>, weight: f32) -> Vec<Vec<f32>> {
    let greatest = pools.iter().flat_map(|pool| list(pool).iter().copied()).fold(0.0, f32::max);
    let factor = if greatest > 0.0 { weight / greatest } else { 0.0 };
    let scaled = |score: &f32| if *score > f32::NEG_INFINITY { score * factor } else { 0.0 };
    pools.iter().map(|pool| list(pool).iter().map(scaled).collect()).collect()
}
