//! What links add: activation spreads from the best candidates and from the memories that the query names.
//!
//! The ten best by all other signals are seeds, each with the square of its lead over the eleventh as a share of that of
//! the first; a memory whose title stands in the query is one with a weight of 1, or its share of the title. The
//! personalised PageRank of the seeds (restart 0.5, links followed both ways) adds, to the memory it is greatest at,
//! twice the lead of the first candidate over the 200th, and to others in proportion.

use super::adaptive;
use super::pool::Pool;
use super::positions::Positions;
use super::request::Request;
use super::view::View;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;

/// Candidates that are seeds.
const SEEDS: usize = 10;
/// The candidate whose score stands for those of no interest.
const FLOOR: usize = 200;
/// What the most activated memory gains, in leads of the first candidate over the floor.
const GAIN: f32 = 2.0;
/// Activated memories that gain something.
const REACH: usize = 256;

/// Adds what links lead to: to the candidates, and as further candidates. Gives those, ascending.
pub(super) fn spread(
    view: &View<'_>,
    request: &Request,
    pool: &mut Pool,
    cancel: Cancel<'_>,
) -> Result<Vec<Slot>> {
    let (Some(links), Some(text)) = (view.links, request.text.as_deref()) else { return Ok(Vec::new()) };
    let parts = adaptive::parts(std::slice::from_ref(pool));
    let scores = parts[0].sum(pool.slots.len());
    let best = leading(pool, &scores);
    let Some(&first) = best.first() else { return Ok(Vec::new()) };
    let at = |place: usize| scores[best[place.min(best.len() - 1)]];
    let (top, end, floor) = (scores[first], at(SEEDS), at(FLOOR));
    let mut seeds: Vec<(Slot, f64)> = Vec::new();
    for &candidate in best.iter().take(SEEDS) {
        let lead = if top > end { (scores[candidate] - end) / (top - end) } else { 1.0 };
        seeds.push((pool.slots[candidate], f64::from(lead * lead)));
    }
    let named = links.named(text);
    pool.links.named = named.len();
    seeds.extend(named);
    seeds.retain(|seed| seed.1 > 0.0 && links.has_links(seed.0));
    if seeds.is_empty() || top <= floor {
        return Ok(Vec::new());
    }
    let (found, followed) = links.activate(&seeds, REACH, cancel)?;
    let greatest = found.first().map_or(0.0, |x| x.score);
    let positions = Positions::of(&pool.slots, view.uids.len());
    let mut more = Vec::new();
    let mut gains = vec![0.0; pool.slots.len()];
    for activated in found.iter().filter(|x| view.admitted().contains(x.slot)) {
        match positions.get(activated.slot) {
            Some(at) => gains[at] = GAIN * (top - floor) * activated.score / greatest,
            None => more.push(activated.slot),
        }
    }
    (pool.links.parts, pool.links.followed, pool.links.reached) = (gains, followed, found.len());
    pool.links.seeds = seeds.iter().map(|seed| seed.0).collect();
    more.sort_unstable();
    Ok(more)
}

/// Positions of the best candidates, best first, ties by identity.
fn leading(pool: &Pool, scores: &[f32]) -> Vec<usize> {
    let order = |a: &usize, b: &usize| {
        scores[*b].total_cmp(&scores[*a]).then_with(|| pool.uids[*a].cmp(&pool.uids[*b]))
    };
    let mut all: Vec<usize> = (0..scores.len()).collect();
    if all.len() > FLOOR + 1 {
        all.select_nth_unstable_by(FLOOR, order);
        all.truncate(FLOOR + 1);
    }
    all.sort_unstable_by(order);
    all
}
