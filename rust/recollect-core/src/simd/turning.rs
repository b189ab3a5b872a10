//! Rows turned by signs and a Hadamard matrix.
//!
//! Sums go neighbours first and are scaled last, unlike those of `hadamard`, which scales between: the codes of keys and
//! values are defined by this order.

use super::differences::sums_and_differences;
use super::levels::LEVELS;

/// Writes `(x - mean) * sign`, filled up with zeros, turned and scaled, to `out`, whose length is a power of two.
#[inline(always)]
pub(super) fn turn(x: &[f32], mean: &[f32], signs: &[f32], scale: f32, out: &mut [f32]) {
    assert!(out.len().is_power_of_two() && out.len() >= x.len(), "a power of two that holds the row");
    for ((out, x), (mean, sign)) in out.iter_mut().zip(x).zip(mean.iter().zip(signs)) {
        *out = (x - mean) * sign;
    }
    out[x.len()..].fill(0.0);
    sums_and_differences(out);
    out.iter_mut().for_each(|x| *x *= scale);
}

/// Writes the row that codes stand for to `out`: levels times `factor`, turned back, with signs and the mean, all in f64.
#[inline(always)]
pub(super) fn turn_back(
    codes: &[u8],
    levels: &[f64],
    factor: f64,
    [signs, mean]: [&[f32]; 2],
    space: &mut [f64],
    out: &mut [f32],
) {
    let mut both = [0.0; 2 * LEVELS];
    for (i, &level) in levels.iter().enumerate() {
        (both[levels.len() + i], both[levels.len() - 1 - i]) = (level, -level);
    }
    for (x, &code) in space.iter_mut().zip(codes) {
        *x = both[usize::from(code & 15)] * factor;
    }
    sums_and_differences(space);
    let scale = (space.len() as f64).powf(-0.5);
    for ((out, x), (sign, mean)) in out.iter_mut().zip(space).zip(signs.iter().zip(mean)) {
        *out = (f64::from(*mean) + *x * scale * f64::from(*sign)) as f32;
    }
}
