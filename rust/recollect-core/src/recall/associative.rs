//! What links add: activation spreads from the best candidates and from the memories that the query names.
//!
//! The five best by all other signals are seeds, each with the square of its lead over the sixth as a share of that of the
//! first; a memory whose title stands in the query is one with a weight of 1, or its share of the title; and so are those
//! whose facts the query speaks of, with a half of the weight of all others. The personalised PageRank `p` of the seeds
//! (restart 0.5) adds to a memory three times the score of the first candidate, times the root of its share of the greatest
//! `p`.

use super::pool::Pool;
use super::positions::Positions;
use super::view::{Linked, View};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;

/// Candidates that are seeds.
const SEEDS: usize = 5;
/// What all facts of which the query speaks weigh, where all other seeds weigh 1.
const FACTS: f64 = 0.5;
/// What the most activated memory gains, in scores of the first candidate.
const GAIN: f32 = 3.0;
/// Activated memories that gain something.
const REACH: usize = 256;

/// Adds what links lead to, by the `scores` so far: to the candidates, and as further candidates. Gives those, ascending.
pub(super) fn spread(
    view: &View<'_>,
    links: &dyn Linked,
    text: &str,
    pool: &mut Pool,
    scores: &[f32],
    cancel: Cancel<'_>,
) -> Result<Vec<Slot>> {
    let best = pool.leading(scores, SEEDS);
    let (Some(&first), Some(&last)) = (best.first(), best.last()) else { return Ok(Vec::new()) };
    let (top, floor) = (scores[first], scores[last]);
    let mut seeds: Vec<(Slot, f64)> = Vec::new();
    for &candidate in best.iter().take(SEEDS) {
        let lead = if top > floor { f64::from((scores[candidate] - floor) / (top - floor)) } else { 0.0 };
        seeds.push((pool.slots[candidate], lead * lead));
    }
    let named = links.named(text).into_iter().filter(|x| view.admitted().contains(x.0));
    let named: Vec<(Slot, f64)> = named.collect();
    pool.links.named = named.len();
    seeds.extend(named);
    seeds.retain(|seed| seed.1 > 0.0 && links.believes(seed.0));
    let whole: f64 = seeds.iter().map(|seed| seed.1).sum();
    seeds.iter_mut().for_each(|seed| seed.1 /= whole);
    let asked = links.asked(text).into_iter().filter(|x| view.admitted().contains(x.0));
    let asked: Vec<(Slot, f64)> = asked.map(|(slot, weight)| (slot, FACTS * weight)).collect();
    // Activation that stays where it is would only confirm the order there is.
    let moves = pool.links.named + asked.len() > 0 || seeds.iter().any(|seed| links.leads_on(seed.0));
    seeds.extend(asked);
    if !moves || seeds.is_empty() || top <= 0.0 {
        return Ok(Vec::new());
    }
    let (found, followed) = links.activate(&seeds, REACH, cancel)?;
    let mut found = found.into_iter().filter(|x| view.admitted().contains(x.slot)).peekable();
    let greatest = found.peek().map_or(0.0, |x| x.score);
    let positions = Positions::of(&pool.slots, view.uids.len());
    let (mut more, mut reached) = (Vec::new(), 0);
    let mut gains = vec![0.0; pool.slots.len()];
    for activated in found {
        reached += 1;
        match positions.get(activated.slot) {
            Some(at) => gains[at] = GAIN * top * (activated.score / greatest).sqrt(),
            None => more.push(activated.slot),
        }
    }
    pool.given.links = gains;
    (pool.links.followed, pool.links.reached) = (followed, reached);
    pool.links.seeds = seeds.iter().map(|seed| seed.0).collect();
    more.sort_unstable();
    Ok(more)
}
