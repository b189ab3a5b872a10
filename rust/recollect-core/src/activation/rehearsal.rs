//! Which records to rehearse, and which to let go.

use crate::seed::Seed;

/// A number of the extreme value distribution of Gumbel.
fn gumbel(seed: &mut Seed) -> f64 {
    // Never zero, whose logarithm has no end.
    let uniform = (seed.uniform() + f64::EPSILON / 4.0).min(1.0 - f64::EPSILON / 2.0);
    -libm::log(-libm::log(uniform))
}

/// Positions of `m` records drawn without replacement, each with a chance in proportion to `age^-exponent`; the first draw
/// first. Ages are in any unit, above zero; others are never drawn. (Gumbel top-m, Kool and others, 2019.)
pub fn rehearse(ages: &[f64], m: usize, exponent: f64, seed: u64) -> Vec<usize> {
    let mut seed = Seed::new(seed);
    let mut keys: Vec<(f64, usize)> = Vec::with_capacity(ages.len());
    for (at, &age) in ages.iter().enumerate() {
        let chance = gumbel(&mut seed);
        if age > 0.0 && age.is_finite() {
            keys.push((chance - exponent * libm::log(age), at));
        }
    }
    keys.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    keys.into_iter().take(m).map(|x| x.1).collect()
}

/// Positions of the lowest share of some activations, rounded down, lowest first; ties by position.
pub fn lowest(activations: &[f64], share: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..activations.len()).collect();
    order.sort_by(|&a, &b| activations[a].total_cmp(&activations[b]).then(a.cmp(&b)));
    order.truncate((activations.len() as f64 * share.clamp(0.0, 1.0)) as usize);
    order
}

/// Positions of records that are let go, each with the chance that it is not retained.
pub fn sampled_below(retentions: &[f64], seed: u64) -> Vec<usize> {
    let mut seed = Seed::new(seed);
    let drawn: Vec<f64> = retentions.iter().map(|_| seed.uniform()).collect();
    (0..retentions.len()).filter(|&at| drawn[at] >= retentions[at]).collect()
}
