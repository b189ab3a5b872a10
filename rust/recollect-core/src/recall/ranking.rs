//! The best of all pools, with the share of each signal.

use super::adaptive;
use super::base_level;
use super::classic;
use super::fusion::Fusion;
use super::order;
use super::parts::Parts;
use super::pool::Pool;
use super::request::Request;
use crate::id::{Slot, Uid};

/// What one signal says of a hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// `words`, `vectors`, `neighbours`, `session`, `context`, `speaker`, `recency`, `replies`, `dates`, `links`, `order` or
    /// `base level`.
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

/// One of the best candidates, however few hits are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lead {
    /// Position of its pool among those given.
    pub pool: usize,
    /// Who.
    pub slot: Slot,
    /// Fused score.
    pub score: f32,
    /// Whether it was said by whom the query names, or the query names nobody.
    pub addressed: bool,
}

impl Lead {
    /// How many of the best lead.
    pub(super) const COUNT: usize = 10;
}

/// The hits, and the candidates that lead.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// The best `k`, best first.
    pub hits: Vec<Hit>,
    /// The best ten.
    pub leading: Vec<Lead>,
}

/// The best `k` candidates of all pools, best first, ties by identity.
///
/// A candidate that no signal speaks for is no hit.
pub fn rank(pools: &[Pool], request: &Request) -> Ranking {
    let Request { fusion, k, explain, .. } = *request;
    let mut parts = match fusion {
        Fusion::Adaptive => match pools {
            // What it was given since is all that has changed.
            [Pool { alone: Some(alone), given, .. }] => {
                let (replies, links) = (given.replies.clone(), given.links.clone());
                vec![Parts { replies, links, ..alone.clone() }]
            }
            pools => adaptive::parts(pools),
        },
        Fusion::ReciprocalRank => classic::reciprocal_rank(pools),
        Fusion::Convex { weight } => classic::convex(pools, weight),
    };
    base_level::add(&mut parts, pools, request.base_level);
    let mut scores: Vec<Vec<f32>> = Vec::with_capacity(pools.len());
    for (pool, parts) in pools.iter().zip(&parts) {
        scores.push(parts.sum(pool.slots.len()));
    }
    if let (Some(order), Fusion::Adaptive) = (request.when.order, fusion) {
        order::prefer(order, pools, &mut parts, &mut scores);
    }
    let mut best = select(pools, &parts, &scores, k.max(Lead::COUNT));
    best.sort_unstable_by(|a, b| {
        let uid = |x: &Candidate| pools[x.pool].uids[x.at];
        b.score.total_cmp(&a.score).then_with(|| uid(a).cmp(&uid(b)))
    });
    let leading = best.iter().take(Lead::COUNT).map(|x| lead(pools, x)).collect();
    best.truncate(k);
    let signals = if explain { signals(pools, &parts, &best) } else { vec![Vec::new(); best.len()] };
    let hits = best
        .into_iter()
        .zip(signals)
        .map(|(Candidate { score, pool, at }, signals)| Hit {
            pool,
            slot: pools[pool].slots[at],
            uid: pools[pool].uids[at],
            score,
            signals,
        })
        .collect();
    Ranking { hits, leading }
}

fn lead(pools: &[Pool], candidate: &Candidate) -> Lead {
    let Candidate { score, pool, at } = *candidate;
    let nobody = pools.iter().all(|pool| pool.addressed.is_empty());
    let addressed = nobody || pools[pool].addressed.binary_search(&(at as u32)).is_ok();
    Lead { pool, slot: pools[pool].slots[at], score, addressed }
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
                || vectors.get(at).is_some_and(|&x| x > f32::NEG_INFINITY)
                || parts[pool].replies.get(at).is_some_and(|&x| x > 0.0)
                || parts[pool].dates.get(at).is_some_and(|&x| x > 0.0)
                || parts[pool].links.get(at).is_some_and(|&x| x > 0.0);
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

/// Rank, score and share of each signal for each of the best.
fn signals(pools: &[Pool], parts: &[Parts], best: &[Candidate]) -> Vec<Vec<Signal>> {
    let mut out = vec![Vec::new(); best.len()];
    let own = |list: fn(&Pool) -> &[f32]| pools.iter().map(list).collect::<Vec<_>>();
    let given = |list: fn(&Parts) -> &[f32]| parts.iter().map(list).collect::<Vec<_>>();
    let neighbours = given(|p| &p.neighbours);
    let session = given(|p| &p.session);
    let context = given(|p| &p.context);
    let speaker = given(|p| &p.speaker);
    let (recency, replies) = (given(|p| &p.recency), given(|p| &p.replies));
    let (dates, order) = (given(|p| &p.dates), given(|p| &p.order));
    let links = given(|p| &p.links);
    let base_level = given(|p| &p.base_level);
    let lists = [
        ("words", 0.0, own(|p| &p.words), given(|p| &p.words)),
        ("vectors", f32::NEG_INFINITY, own(|p| &p.vectors), given(|p| &p.vectors)),
        ("neighbours", 0.0, neighbours.clone(), neighbours),
        ("session", 0.0, session.clone(), session),
        ("context", 0.0, context.clone(), context),
        ("speaker", 0.0, speaker.clone(), speaker),
        ("recency", 0.0, recency.clone(), recency),
        ("replies", 0.0, replies.clone(), replies),
        ("dates", 0.0, dates.clone(), dates),
        ("links", 0.0, links.clone(), links),
        ("order", 0.0, order.clone(), order),
        ("base level", f32::NEG_INFINITY, own(|p| &p.base_levels), base_level),
    ];
    for (name, silent, scores, shares) in lists {
        let of = |x: &Candidate| scores[x.pool].get(x.at).copied().filter(|&score| score != silent);
        let Some(least) = best.iter().filter_map(of).reduce(f32::min) else { continue };
        // Whatever beats one of the hits beats the least of them: one pass finds all that count.
        let better: Vec<f32> =
            scores.iter().flat_map(|list| list.iter().copied().filter(|&x| x > least)).collect();
        for (candidate, signals) in best.iter().zip(&mut out) {
            let Some(score) = of(candidate) else { continue };
            let rank = 1 + better.iter().map(|&x| u32::from(x > score)).sum::<u32>() as usize;
            let share = shares[candidate.pool].get(candidate.at).copied().unwrap_or(0.0);
            signals.push(Signal { name, rank, score, share });
        }
    }
    out
}
