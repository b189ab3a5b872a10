//! The first or the last of what leads.
//!
//! Of the ten best candidates each gains a share of its lead over the eleventh: half of it the first one in the order that is
//! asked for, nothing the last one, the others by their rank between. Those of one time share a rank.

use super::parts::Parts;
use super::pool::Pool;
use super::when::Order;

/// Candidates among which the order counts.
const LEADING: usize = 10;
/// Share of its lead that the first in order gains.
const SHARE: f32 = 0.5;

/// One of those that lead.
struct Leader {
    score: f32,
    pool: usize,
    at: usize,
    time: i64,
}

/// Adds to the candidates that lead by the `scores`, and there.
pub(super) fn prefer(order: Order, pools: &[Pool], parts: &mut [Parts], scores: &mut [Vec<f32>]) {
    let mut leaders: Vec<Leader> = Vec::new();
    for (number, (pool, scores)) in pools.iter().zip(&*scores).enumerate() {
        for at in pool.leading(scores, LEADING) {
            leaders.push(Leader { score: scores[at], pool: number, at, time: pool.times[at] });
        }
    }
    let uid = |x: &Leader| pools[x.pool].uids[x.at];
    leaders.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| uid(a).cmp(&uid(b))));
    leaders.truncate(LEADING + 1);
    let Some(floor) = leaders.last().map(|x| x.score) else { return };
    leaders.truncate(LEADING);
    let mut times: Vec<i64> = leaders.iter().map(|x| x.time).collect();
    times.sort_unstable();
    times.dedup();
    if times.len() < 2 {
        return;
    }
    let last = (times.len() - 1) as f32;
    for (parts, pool) in parts.iter_mut().zip(pools) {
        parts.order = vec![0.0; pool.slots.len()];
    }
    for Leader { score, pool, at, time } in leaders {
        let rank = times.partition_point(|&x| x < time) as f32 / last;
        let rank = if order == Order::Latest { rank } else { 1.0 - rank };
        let gain = SHARE * (score - floor) * rank;
        parts[pool].order[at] = gain;
        scores[pool][at] += gain;
    }
}
