//! Two normal deviates of mean 0 and variance 1 with a correlation, and the integrals of their density.
//!
//! The derivative of a probability of the pair by the correlation is the density at the corners (Plackett, "A reduction
//! formula for normal multivariate integrals", 1954), which leaves one smooth integral over an angle.

use std::f64::consts::{PI, SQRT_2};
use std::sync::LazyLock;

/// Nodes of the quadrature.
const NODES: usize = 48;

/// Nodes and weights of Gauss and Legendre on `[-1, 1]`.
static QUADRATURE: LazyLock<[(f64, f64); NODES]> = LazyLock::new(|| std::array::from_fn(node));

/// One node by Newton's method on the Legendre polynomial, from the usual first guess.
fn node(at: usize) -> (f64, f64) {
    let n = NODES as f64;
    let mut x = libm::cos(PI * (at as f64 + 0.75) / (n + 0.5));
    let mut slope = 1.0;
    for _ in 0..32 {
        let (mut before, mut value) = (1.0, x);
        for k in 2..=NODES {
            let k = k as f64;
            (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
        }
        slope = n * (x * value - before) / (x * x - 1.0);
        x -= value / slope;
    }
    (x, 2.0 / ((1.0 - x * x) * slope * slope))
}

/// The integral of a smooth function.
pub(super) fn integral(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
    QUADRATURE.iter().map(|&(x, weight)| weight * half * f(middle + half * x)).sum()
}

/// Density of one deviate.
pub(super) fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
}

/// Probability that a deviate exceeds `x`.
pub(super) fn above(x: f64) -> f64 {
    0.5 * libm::erfc(x / SQRT_2)
}

/// What a deviate exceeds with a probability in (0, 1).
pub(super) fn quantile_above(probability: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if above(middle) > probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Probability that both deviates exceed `x`.
pub(super) fn both_above(x: f64, correlation: f64) -> f64 {
    let alone = above(x);
    let along = |angle: f64| libm::exp(-x * x / (1.0 + libm::sin(angle)));
    alone * alone + integral(0.0, libm::asin(correlation), along) / (2.0 * PI)
}

/// Probability that the first deviate lies in `(-u, u)` and the second in `(-v, v)`.
pub(super) fn both_within(u: f64, v: f64, correlation: f64) -> f64 {
    let alone = (1.0 - 2.0 * above(u)) * (1.0 - 2.0 * above(v));
    let along = |angle: f64| {
        let sine = libm::sin(angle);
        let (same, opposite) = (1.0 - sine, 1.0 + sine);
        let scale = -0.5 / (same * opposite).max(f64::MIN_POSITIVE);
        let apart = (u - v) * (u - v);
        libm::exp(scale * (apart + 2.0 * u * v * same)) - libm::exp(scale * (apart + 2.0 * u * v * opposite))
    };
    alone + integral(0.0, libm::asin(correlation), along) / PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_integrals_come_out() {
        assert!((integral(-8.0, 8.0, density) - 1.0).abs() < 1e-12);
        assert!((integral(0.0, 2.0, |x| x * x) - 8.0 / 3.0).abs() < 1e-12);
        assert!(
            (above(quantile_above(0.05)) - 0.05).abs() < 1e-12
                && (quantile_above(0.025) - 1.959_964).abs() < 1e-6
        );
        for correlation in [-0.9, -0.3, 0.0, 0.5, 0.99] {
            let quadrant = 0.25 + libm::asin(correlation) / (2.0 * PI);
            assert!((both_above(0.0, correlation) - quadrant).abs() < 1e-12, "{correlation}");
            // Inclusion and exclusion of the corners.
            let corners = 1.0 - 4.0 * above(1.3)
                + 2.0 * both_above(1.3, correlation)
                + 2.0 * both_above(1.3, -correlation);
            assert!((both_within(1.3, 1.3, correlation) - corners).abs() < 1e-9, "{correlation}");
        }
        assert!((both_within(1.0, 2.0, 0.999_999) - (1.0 - 2.0 * above(1.0))).abs() < 1e-4);
    }
}
