//! What frequency and recency of use add: the base-level activation of ACT-R, as a standard score.

use super::parts::Parts;
use super::pool::Pool;
use super::population::Population;

/// Least spread of activations that tells memories apart.
const SPREAD: f32 = 1e-6;

/// Adds its part to those of each pool: `weight` for each standard deviation above the mean of all candidates.
pub(super) fn add(parts: &mut [Parts], pools: &[Pool], weight: f32) {
    let all = Population::joined(pools.iter().map(|pool| Population::of(&pool.base_levels)));
    if weight <= 0.0 || all.deviation <= SPREAD {
        return;
    }
    for (parts, pool) in parts.iter_mut().zip(pools) {
        let part = |level: &f32| weight * (level - all.mean) / all.deviation;
        parts.base_level = pool.base_levels.iter().map(part).collect();
    }
}
