//! The best of all pools, with the share of each signal.

use super::adaptive;
use super::classic;
use super::fusion::Fusion;
use super::parts::Parts;
use super::pool::Pool;
use crate::id::{Slot, Uid};

/// What one signal says of a hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// `words`, `vectors`, `neighbours`, `session` or `speaker`.
    pub name: &'static str,
    /// Rank of the hit by this signal alone, from 1.
    pub rank: usize,
    /// BM25, similarity, or what the neighbours or the session add.
    pub score: f32,
    /// What the signal adds to the fused score.
    pub share: f32,
}

/// One memory recalled.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Position of its pool among those given.
    pub pool: usize,
    /// Who.
    pub slot: Slot,
    /// Its identity.
    pub uid: Uid,
    /// Fused score; greater is better, comparable within one recall.
    pub score: f32,
    /// Why; empty unless explanations were asked.
    pub signals: Vec<Signal>,
}

/// The best `k` candidates of all pools, best first, ties by identity.
///
/// A candidate that no signal speaks for is no hit.
pub fn rank(pools: &[Pool], fusion: Fusion, k: usize, explain: bool) -> Vec<Hit> {
    let parts = match fusion {
        Fusion::Adaptive => adaptive::parts(pools),
        Fusion::ReciprocalRank => classic::reciprocal_rank(pools),
        Fusion::Convex { weight } => classic::convex(pools, weight),
    };
    let mut scores: Vec<Vec<f32>> = Vec::with_capacity(pools.len());
    for (pool, parts) in pools.iter().zip(&parts) {
        let mut sum = vec![0.0; pool.slots.len()];
        for list in [&parts.words, &parts.vectors, &parts.neighbours, &parts.session, &parts.speaker] {
            sum.iter_mut().zip(list).for_each(|(sum, part)| *sum += part);
        }
        scores.push(sum);
    }
    let mut best = select(pools, &parts, &scores, k);
    best.sort_unstable_by(|a, b| {
        let uid = |x: &Candidate| pools[x.pool].uids[x.at];
        b.score.total_cmp(&a.score).then_with(|| uid(a).cmp(&uid(b)))
    });
    best.truncate(k);
    let signals = |at: usize, i: usize| {
        if explain { signals(pools, &parts, at, i) } else { Vec::new() }
    };
    best.into_iter()
        .map(|Candidate { score, pool, at }| Hit {
            pool,
            slot: pools[pool].slots[at],
            uid: pools[pool].uids[at],
            score,
            signals: signals(pool, at),
        })
        .collect()
}

struct Candidate {
    score: f32,
    pool: usize,
    at: usize,
}

/// Every candidate that could be among the best `k`: those at or above the k-th score, ties included.
fn select(pools: &[Pool], parts: &[Parts], scores: &[Vec<f32>], k: usize) -> Vec<Candidate> {
    let mut floor = f32::NEG_INFINITY;
    let mut best: Vec<Candidate> = Vec::new();
    let mut full = 4 * k.max(16);
    for (pool, scores) in scores.iter().enumerate() {
        let (words, vectors, beside) = (&pools[pool].words, &pools[pool].vectors, &parts[pool].neighbours);
        for (at, &score) in scores.iter().enumerate() {
            if score < floor {
                continue;
            }
            let spoken = words.get(at).is_some_and(|&x| x > 0.0)
                || beside.get(at).is_some_and(|&x| x > 0.0)
                || vectors.get(at).is_some_and(|&x| x > f32::NEG_INFINITY);
            if !spoken {
                continue;
            }
            best.push(Candidate { score, pool, at });
            if best.len() >= full {
                floor = best.select_nth_unstable_by(k - 1, |a, b| b.score.total_cmp(&a.score)).1.score;
                best.retain(|x| x.score >= floor);
                // Where most scores tie, nothing is dropped: look again only once there are twice as many.
                full = full.max(2 * best.len());
            }
        }
    }
    best
}

/// Rank, score and share of each signal for one candidate.
fn signals(pools: &[Pool], parts: &[Parts], pool: usize, at: usize) -> Vec<Signal> {
    let own = |list: fn(&Pool) -> &[f32]| pools.iter().map(list).collect::<Vec<_>>();
    let given = |list: fn(&Parts) -> &[f32]| parts.iter().map(list).collect::<Vec<_>>();
    let lists = [
        ("words", own(|p| &p.words), &parts[pool].words),
        ("vectors", own(|p| &p.vectors), &parts[pool].vectors),
        ("neighbours", given(|p| &p.neighbours), &parts[pool].neighbours),
        ("session", given(|p| &p.session), &parts[pool].session),
        ("speaker", given(|p| &p.speaker), &parts[pool].speaker),
    ];
    let silent = |name: &str, score: f32| match name {
        "vectors" => score == f32::NEG_INFINITY,
        _ => score == 0.0,
    };
    let mut signals = Vec::with_capacity(lists.len());
    for (name, scores, shares) in lists {
        let Some(&score) = scores[pool].get(at) else { continue };
        if silent(name, score) {
            continue;
        }
        let better = |list: &&[f32]| list.iter().map(|&x| u32::from(x > score)).sum::<u32>() as usize;
        let rank = 1 + scores.iter().map(better).sum::<usize>();
        signals.push(Signal { name, rank, score, share: shares.get(at).copied().unwrap_or(0.0) });
    }
    signals
}
